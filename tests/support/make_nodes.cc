// SPDX-License-Identifier: GPL-2.0-or-later
// tree_make: types, names, modes, owners, links, directories, depth.
#include <fmt/format.h>
#include <sys/sysmacros.h>

#include "maker.h"

namespace foxing::test {
namespace {

/// The largest number that all filesystems hold: XFS takes 9 bits of major and 18 of minor.
constexpr unsigned kPortableMajor = (1 << 9) - 1, kPortableMinor = (1 << 18) - 1;
constexpr unsigned kLargestMajor = (1 << 12) - 1, kLargestMinor = (1 << 20) - 1;

std::string repeated(std::string_view piece, std::size_t length) {
  std::string text;
  while (text.size() < length) text += piece;
  text.resize(length);
  return text;
}

void make_symlinks(Maker& make, int at) {
  make_symlink(at, "link.dangling", "no/such/thing");
  make_symlink(at, "link.absolute", "/etc/passwd");
  make_symlink(at, "link.absolute_dangling", "/no/such/thing");
  make_symlink(at, "link.relative", "regular");
  make_symlink(at, "link.up", "../types/regular");
  make_symlink(at, "link.dot", ".");
  make_symlink(at, "link.dotdot", "..");
  make_symlink(at, "link.self", "link.self");
  make_symlink(at, "link.loop1", "link.loop2");
  make_symlink(at, "link.loop2", "link.loop1");
  make_symlink(at, "link.root", "/");
  make_symlink(at, "link.slashes", "//.//regular//");
  make_symlink(at, "link.newline", "a\nb\t\x1b[31m\x7f");
  make_symlink(at, "link.not_utf8", "\xff\xfe\x80\xc3");
  make_symlink(at, "link.space", " ");
  make_symlink(at, "link.long255", repeated("x", 255));
  // Around the sizes where filesystems change how they store a target (ext4 60, XFS inode size, pages).
  for (const std::size_t size : {1, 59, 60, 61, 255, 256, 511, 1000, 1023})
    make_symlink(at, fmt::format("link.size{}", size), repeated("d/", size - 1) + "e");
  if (make.portable) return;
  for (const std::size_t size : {1024, 2048, 4094, 4095}) {
    const std::string target = repeated("d/", size - 1) + "e";
    if (::symlinkat(target.c_str(), at, fmt::format("link.size{}", size).c_str()) != 0 && errno != ENAMETOOLONG)
      give_up("symlink", "long");
  }
}

void make_devices(Maker& make, int at) {
  const struct {
    unsigned major, minor;
  } numbers[] = {{1, 3},   {8, 0}, {7, 255}, {7, 256},   {255, 255},
                 {256, 0}, {0, 1}, {511, 0}, {0, 65536}, {kPortableMajor, kPortableMinor}};
  for (const auto& [major, minor] : numbers)
    for (const mode_t type : {S_IFCHR, S_IFBLK})
      make_node(at, fmt::format("{}.{}.{}", type == S_IFCHR ? "char" : "block", major, minor), type | 0640, major, minor);
  for (int i = 0; i < make.scaled(200, 4); ++i) {
    const auto major = static_cast<unsigned>(make.random.below(kPortableMajor + 1));
    const auto minor = static_cast<unsigned>(make.random.below(kPortableMinor) + 1);   // char 0:0 is overlayfs's whiteout
    make_node(at, fmt::format("random.{}", i), (i % 2 != 0 ? S_IFCHR : S_IFBLK) | 0600, major, minor);
  }
  if (make.portable) return;
  for (const auto& [major, minor] : {std::pair{kLargestMajor, kLargestMinor}, std::pair{512u, 1u}, std::pair{8u, 1u << 18}})
    for (const mode_t type : {S_IFCHR, S_IFBLK}) {
      const std::string name = fmt::format("large.{}.{}.{}", type == S_IFCHR ? "char" : "block", major, minor);
      if (::mknodat(at, name.c_str(), type | 0600, makedev(major, minor)) != 0 && errno != EINVAL) give_up("mknod", name);
    }
}

}  // namespace

void make_types(Maker& make) {
  const int at = make.directory;
  make_file(make, at, "regular", 1234);
  make_file(make, at, "empty", 0);
  make_directory(at, "directory");
  make_symlinks(make, at);
  make_node(at, "fifo", S_IFIFO | 0644);
  make_node(at, "fifo.private", S_IFIFO | 0600);
  make_node(at, "socket", S_IFSOCK | 0755);
  make_node(at, "socket.private", S_IFSOCK | 0600);
  if (!make.user) make_devices(make, at);
  for (int i = 0; i < make.scaled(300, 3); ++i) {
    const std::string name = fmt::format("mix{}", i);
    switch (make.random.below(4)) {
      case 0: make_file(make, at, name, make.random.below(10000)); break;
      case 1: make_symlink(at, name, fmt::format("mix{}", make.random.below(300))); break;
      case 2: make_node(at, name, S_IFIFO | 0644); break;
      default: make_file(make, make_directory(at, name).get(), "inside", make.random.below(100)); break;
    }
  }
}

void make_names(Maker& make) {
  std::vector<std::string> names = {"new\nline", "tab\ttab", "cr\rcr", " ", "  two  ", " leading", "trailing ", "-", "--", "-rf",
                                    "--help", "--target-directory=x", "...", "..a", ".hidden", ".a.", "*", "?", "[a-z]", "{a,b}",
                                    "~", "~root", "$HOME", "$(touch pwned)", "`id`", ";ls", "|cat", "&", "a>b", "<a", "\"", "'",
                                    "\\", "\\n", "a\\", "%s%n", "%", "#", "!x", "a:b", "host:path", "rsync::x",
                                    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x7f", "\x01\x02\x03", "\xff", "\xfe\xff",
                                    "\xc3\x28", "\xc0\xaf", "\xed\xa0\x80", "\xf0\x9f\xa6\x8a",
                                    "\xe2\x80\xae"
                                    "gpj.exe",
                                    "a\xcc\x8a", "\xc3\xa5", "CON", "aux.txt", "A", "a", "\xc2\x85next", std::string(255, 'a'),
                                    std::string(254, 'b') + "\n", repeated("\xe2\x82\xac", 255), std::string(128, '\xff'),
      // Names like those of staged files, ours and rsync's: they belong to the user.
                                    ".tmp", ".tmp.", ".tmp.x", ".tmp.notes", ".tmp.12345678-1234-1234-1234-123456789abc",
                                    ".tmp.00000000-0000-0000-0000-000000000000", ".tmp.0123456789abcdef0123456789abcdef",
                                    ".tmp.0123456789abcdef", ".~tmp~", ".foxing", ".foxing_metal", ".file.AbCdEf", "lost+found"};
  for (int byte = 1; byte < 256; ++byte)
    if (byte != '/') names.push_back(fmt::format("b{}{}", static_cast<char>(byte), byte));
  for (int i = 0; i < make.scaled(500, 5); ++i) {
    std::string name = fmt::format("{}", i);
    for (std::uint64_t left = make.random.below(200); left > 0; --left) {
      const char byte = static_cast<char>(make.random.below(255) + 1);
      name += byte == '/' ? '_' : byte;
    }
    names.push_back(name);
  }
  const Fd files = make_directory(make.directory, "files"), directories = make_directory(make.directory, "directories"),
           links = make_directory(make.directory, "symlinks"), hard = make_directory(make.directory, "hard links");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    make_file(make, files.get(), name, i % 7 == 0 ? 0 : make.random.below(3000));
    if (make.scale < 0.05 && i % 9 != 0 && !name.starts_with(".tmp")) continue;
    make_file(make, make_directory(directories.get(), name).get(), name, 10);
    make_symlink(links.get(), name, name);
    make_link(files.get(), name, hard.get(), name);
  }
}

void make_modes(Maker& make) {
  std::vector<mode_t> modes = {0000,  0001,  0100,  0111,  0200,  0222,  0400,  0444,  0500,  0555,  0600,
                               0640,  0644,  0666,  0700,  0711,  0751,  0755,  0777,  01777, 02755, 02711,
                               02644, 04711, 04755, 04644, 06755, 07777, 07000, 01000, 02000, 04000};
  for (int i = 0; i < make.scaled(200, 4); ++i) modes.push_back(static_cast<mode_t>(make.random.below(010000)));
  for (std::size_t i = 0; i < modes.size(); ++i) {
    mode_t mode = modes[i];
    if (make.user) mode |= 0400;
    const std::string name = fmt::format("{:04o}.{}", mode, i);
    make_file(make, make.directory, "file." + name, i % 3 == 0 ? 0 : make.random.below(5000));
    set_mode(make.directory, "file." + name, mode);
    make_node(make.directory, "fifo." + name, S_IFIFO | 0600);
    set_mode(make.directory, "fifo." + name, mode);
    const mode_t of_directory = make.user ? mode | 0500 : mode;
    const Fd directory = make_directory(make.directory, "dir." + name);
    make_file(make, directory.get(), "inside", 10);
    make_directory(directory.get(), "below");
    set_mode(make.directory, "dir." + name, of_directory);
  }
}

void make_owners(Maker& make) {
  if (make.user) return;
  const uid_t ids[] = {0, 1, 65533, 65534, 65535, 65536, 100000, 0x7fffffff, 0x80000000, 0xfffffffe};
  for (const uid_t uid : ids)
    for (const uid_t gid : ids) {
      const std::string name = fmt::format("{}.{}", uid, gid);
      make_file(make, make.directory, name, 10);
      set_owner(make.directory, name, uid, gid);
      // chown takes setuid and setgid away: a copier that sets the mode first loses them.
      set_mode(make.directory, name, 06755);
      if ((uid ^ gid) % 3 != 0) continue;
      make_directory(make.directory, "dir." + name, 0700);
      set_owner(make.directory, "dir." + name, uid, gid);
      make_symlink(make.directory, "link." + name, name);
      set_owner(make.directory, "link." + name, uid, gid);
      make_node(make.directory, "fifo." + name, S_IFIFO | 0600);
      set_owner(make.directory, "fifo." + name, uid, gid);
    }
}

void make_links(Maker& make) {
  std::vector<Fd> directories;
  for (int i = 0; i < make.scaled(20, 4); ++i) directories.push_back(make_directory(make.directory, fmt::format("d{}", i)));
  const auto anywhere = [&] { return directories[make.random.below(directories.size())].get(); };
  int names = 0;
  const auto link_around = [&](int from, const std::string& name, std::uint64_t count) {
    for (; count > 0; --count) make_link(from, name, anywhere(), fmt::format("l{}", names++));
  };
  for (int i = 0; i < make.scaled(200, 6); ++i) {
    const int home = anywhere();
    const std::string name = fmt::format("group{}", i);
    make_file(make, home, name, i % 5 == 0 ? 0 : make.random.below(20000));
    link_around(home, name, 1 + make.random.below(6));
  }
  const int home = directories[0].get();
  make_file(make, home, "popular", 100);
  link_around(home, "popular", static_cast<std::uint64_t>(make.scaled(1000, 20)));
  // All that can have two names has them.
  make_symlink(home, "symlink", "popular");
  make_node(home, "fifo", S_IFIFO | 0640);
  make_node(home, "socket", S_IFSOCK | 0640);
  if (!make.user) make_node(home, "device", S_IFCHR | 0640, 1, 7);
  for (const char* name : {"symlink", "fifo", "socket", "device"})
    if (!make.user || std::string_view(name) != "device") link_around(home, name, 3);
  // A group with a name outside of the tree's own directories is as good as any, and so is one beside its own twin.
  make_file(make, home, "twin1", 5000);
  make_link(home, "twin1", home, "twin2");
  make_file(make, make.directory, "top", 4096);
  make_link(make.directory, "top", home, "from_top");
}

void make_dirs(Maker& make) {
  const Fd many = make_directory(make.directory, "many");
  for (int i = 0; i < make.scaled(20000, 50); ++i)
    make_file(make, many.get(), fmt::format("entry{:05}", i), i % 10 == 0 ? 10 : 0);
  const Fd wide = make_directory(make.directory, "wide");
  for (int i = 0; i < make.scaled(1000, 10); ++i) make_directory(wide.get(), fmt::format("empty{}", i));
  Fd at = make_directory(make.directory, "nested");
  for (int i = 0; i < 60; ++i) {
    make_file(make, at.get(), "here", 20);
    at = make_directory(at.get(), fmt::format("level{}", i));
  }
  const struct {
    const char* name;
    mode_t mode;
  } special[] = {{"read_only", 0555}, {"read_only_private", 0500}, {"setgid", 02775},
                 {"sticky", 01777},   {"setgid_sticky", 03777},    {"private", 0700}};
  for (const auto& [name, mode] : special) {
    const Fd directory = make_directory(make.directory, name);
    for (int i = 0; i < 5; ++i) make_file(make, directory.get(), fmt::format("file{}", i), 100);
    make_directory(directory.get(), "empty");
    make_file(make, make_directory(directory.get(), "below").get(), "file", 10);
    set_mode(directory.get(), "below", 0555);
    if (!make.user) set_owner(make.directory, name, 0, 1234);
    set_mode(make.directory, name, mode);
  }
}

namespace {
/// Times for what is not a directory.
void settle_level(int at, int level) {
  for (const char* name : {"file", "bottom", "bottom again", "symlink", "fifo"})
    if (::faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
      set_times(at, name, {5'000'000 + level, 5}, {6'000'000 + level, 6});
}
}  // namespace

void make_deep(Maker& make) {
  // Long names, so that few levels pass PATH_MAX; and many levels of short names.
  const struct {
    const char* name;
    std::string level;
    int levels;
  } shapes[] = {{"long", std::string(250, 'l'), make.scaled(60, 20)}, {"many", "m", make.scaled(1000, 60)}};
  for (const auto& [name, level, levels] : shapes) {
    Fd at = make_directory(make.directory, name);
    for (int i = 0; i < levels; ++i) {
      if (i % 10 == 0) make_file(make, at.get(), "file", 100);
      at = make_directory(at.get(), level);
    }
    make_file(make, at.get(), "bottom", 5000);
    make_link(at.get(), "bottom", at.get(), "bottom again");
    make_symlink(at.get(), "symlink", std::string(1000, 's'));
    make_node(at.get(), "fifo", S_IFIFO | 0600);
    for (int i = 0; i < levels; ++i) {
      const Fd up(::openat(at.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!up) give_up("open", "..");
      settle_level(at.get(), i);
      set_times(up.get(), level, {1'000'000 + i, i}, {2'000'000 + i, 999'999'999 - i});
      at = Fd(::fcntl(up.get(), F_DUPFD_CLOEXEC, 0));
    }
    settle_level(at.get(), levels);
    set_times(make.directory, name, {3'000'000, 1}, {4'000'000, 2});
  }
}

}  // namespace foxing::test
