// SPDX-License-Identifier: GPL-2.0-or-later
// tree_make: extended attributes, ACLs, times.
#include <fmt/format.h>

#include "maker.h"

namespace foxing::test {
namespace {

/// ext4 keeps all xattrs of an inode in one block beside the inode: this much always fits.
constexpr std::size_t kPortableXattrBytes = 2500;

void need_xattr(int parent, const std::string& name, const std::string& xattr, const std::string& value) {
  if (!set_xattr(parent, name, xattr, value)) give_up("setxattr " + xattr, name);
}

/// As large a value as this filesystem takes.
void largest_xattr(Maker& make, const std::string& name, const std::string& xattr) {
  for (std::size_t size : {65536, 60000, 32768, 16384, 16000, 15000, 8192, 4000, 3900, 3500, 3000}) {
    if (set_xattr(make.directory, name, xattr, random_bytes(make, size))) return;
    if (errno != ENOSPC && errno != E2BIG && errno != ERANGE && errno != EDQUOT) give_up("setxattr " + xattr, name);
  }
  give_up("setxattr " + xattr, name);
}

struct AclEntry {
  std::uint16_t tag;
  std::uint16_t permissions;
  std::uint32_t id;
};
constexpr std::uint16_t kUserObj = 0x01, kUser = 0x02, kGroupObj = 0x04, kGroup = 0x08, kMask = 0x10, kOther = 0x20;
constexpr std::uint32_t kNoId = 0xffffffff;

/// The value of system.posix_acl_*: version 2, then the entries in this order, little endian.  Source: acl(5), linux/posix_acl_xattr.h.
std::string acl(const std::vector<AclEntry>& entries) {
  std::string bytes;
  const auto put = [&](std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i));
  };
  put(2, 4);
  for (const AclEntry& entry : entries) {
    put(entry.tag, 2);
    put(entry.permissions, 2);
    put(entry.id, 4);
  }
  return bytes;
}

std::string acl_of_users(std::uint32_t users, std::uint16_t permissions) {
  std::vector<AclEntry> entries = {{kUserObj, 7, kNoId}};  // an owner without it could not enter a directory
  for (std::uint32_t i = 0; i < users; ++i) entries.push_back({kUser, permissions, 1000 + i});
  entries.insert(entries.end(), {{kGroupObj, 4, kNoId}, {kGroup, 5, 2000}, {kMask, 7, kNoId}, {kOther, 0, kNoId}});
  return acl(entries);
}

const std::string kAccess = "system.posix_acl_access", kDefault = "system.posix_acl_default";

}  // namespace

void make_xattrs(Maker& make) {
  const int at = make.directory;
  const auto file = [&](const std::string& name) { make_file(make, at, name, make.random.below(100)); };
  for (int i = 0; i < make.scaled(200, 5); ++i) {
    const std::string name = fmt::format("some{}", i);
    if (i % 4 == 0)
      make_directory(at, name);
    else
      file(name);
    for (std::uint64_t left = 1 + make.random.below(5); left > 0; --left)
      need_xattr(at, name, fmt::format("user.x{}", make.random.below(50)), random_bytes(make, make.random.below(100)));
  }
  file("many");
  for (int i = 0; i < 40; ++i) need_xattr(at, "many", fmt::format("user.n{}", i), fmt::format("{}", i));
  file("empty value");
  need_xattr(at, "empty value", "user.empty", "");
  file("binary");
  need_xattr(at, "binary", "user.zero", std::string(1, '\0'));
  need_xattr(at, "binary", "user.bytes", std::string("\0\xff\n\0x", 5));
  file("strange names");
  for (const char* name :
       {"user.\xff\xfe", "user.new\nline", "user. ", "user.=", "user.user.user", "user.\x1b[31m", "user.foxings"})
    need_xattr(at, "strange names", name, "v");
  file("long name");
  need_xattr(at, "long name", "user." + std::string(250, 'n'), "v");
  file("large");
  need_xattr(at, "large", "user.large", random_bytes(make, kPortableXattrBytes));
  file("read only");
  need_xattr(at, "read only", "user.x", "on a file that nobody may write");
  set_mode(at, "read only", 0444);
  if (!make.portable) {
    file("largest");
    largest_xattr(make, "largest", "user.largest");
    file("larger");
    set_xattr(at, "larger", "user.larger", random_bytes(make, 10000));  // ext4 has no room for it
  }
  if (make.user) return;
  make_symlink(at, "symlink", "x");
  make_node(at, "fifo", S_IFIFO | 0600);
  make_node(at, "socket", S_IFSOCK | 0600);
  make_node(at, "device", S_IFCHR | 0600, 1, 3);
  make_directory(at, "directory");
  file("trusted");
  for (const char* name : {"symlink", "fifo", "socket", "device", "directory", "trusted"})
    need_xattr(at, name, "trusted.x", random_bytes(make, 30));
  // cap_net_raw+ep, version 2, as setcap writes it.  Owners and modes that take it away when they are set later.
  const std::string capability("\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  for (const uid_t owner : {0u, 1000u}) {
    const std::string name = fmt::format("capability.{}", owner);
    file(name);
    set_owner(at, name, owner, owner);
    set_mode(at, name, 04755);
    need_xattr(at, name, "security.capability", capability);
  }
}

void make_acls(Maker& make) {
  const int at = make.directory;
  make_file(make, at, "access", 100);
  need_xattr(at, "access", kAccess, acl_of_users(1, 6));
  make_file(make, at, "access none", 100);
  need_xattr(at, "access none", kAccess, acl_of_users(2, 0));
  make_file(make, at, "access many", 100);
  need_xattr(at, "access many", kAccess, acl_of_users(100, 4));
  if (!make.portable) {
    make_file(make, at, "access very many", 100);
    set_xattr(at, "access very many", kAccess, acl_of_users(700, 4));  // where it fits
  }
  // A mask that takes away: the group bits of the mode are the mask, not the group's own.
  make_file(make, at, "mask", 100);
  need_xattr(at, "mask", kAccess,
             acl({{kUserObj, 7, kNoId}, {kUser, 7, 1000}, {kGroupObj, 7, kNoId}, {kMask, 1, kNoId}, {kOther, 0, kNoId}}));
  make_node(at, "fifo", S_IFIFO | 0600);
  need_xattr(at, "fifo", kAccess, acl_of_users(1, 6));
  for (int i = 0; i < make.scaled(100, 3); ++i) {
    const std::string name = fmt::format("file{}", i);
    make_file(make, at, name, make.random.below(1000));
    if (i % 2 == 0)
      need_xattr(
          at, name, kAccess,
          acl_of_users(static_cast<std::uint32_t>(1 + make.random.below(9)), static_cast<std::uint16_t>(make.random.below(8))));
  }
  // Children first, then the default: they have none in the source, and must not inherit one in the target.
  for (const char* name : {"default", "both", "default setgid"}) {
    const Fd directory = make_directory(at, name);
    make_file(make, directory.get(), "plain child", 10);
    set_mode(directory.get(), "plain child", 0666);
    make_directory(directory.get(), "plain directory", 0777);
    make_node(directory.get(), "plain fifo", S_IFIFO | 0600);
    set_mode(directory.get(), "plain fifo", 0666);
    make_symlink(directory.get(), "symlink", "x");
    need_xattr(at, name, kDefault, acl_of_users(2, 7));
    make_file(make, directory.get(), "heir", 10);
    make_file(make, make_directory(directory.get(), "heir directory").get(), "heir", 10);
  }
  set_mode(at, "default setgid", 02770);
  need_xattr(at, "both", kAccess, acl_of_users(1, 5));
}

void make_times(Maker& make) {
  std::vector<std::int64_t> seconds = {0,
                                       1,
                                       -1,
                                       -2,
                                       1'000'000'000,
                                       1'700'000'000,
                                       -1'000'000'000,
                                       -2147483648,  // 1901-12-13 20:45:52, the earliest of ext4 and XFS
                                       -2147483647,
                                       2147483647,
                                       2147483648,
                                       2147483649,  // 2038-01-19
                                       4294967295,
                                       4294967296,
                                       4294967297,  // 2106-02-07
                                       8'000'000'000};
  if (!make.portable)
    for (const std::int64_t more :
         {15032385535LL /* 2446-05-10, the last of ext4 */, 15032385536LL, 16299260424LL, 16299260425LL /* 2486, XFS */,
          32'503'680'000LL, -2'208'988'800LL /* 1900 */, -62'135'596'800LL /* the year 1 */, 253402300800LL})
      seconds.push_back(more);
  const long parts[] = {0, 1, 999'999'999, 500'000'000, 123'456'789};
  for (std::size_t i = 0; i < seconds.size(); ++i)
    for (std::size_t k = 0; k < std::size(parts); ++k) {
      if (make.scale < 0.05 && k != i % std::size(parts)) continue;
      const std::string name = fmt::format("{}.{}", seconds[i], parts[k]);
      // Whole seconds at the ends of what a filesystem can tell: the kernel cuts the nanoseconds there.
      const auto whole_at_end = [](std::int64_t second, long part) {
        const bool at_end = second == -2147483648 || second == 15032385535LL || second == 16299260424LL;
        return timespec{second, at_end ? 0 : part};
      };
      const timespec mtime = whole_at_end(seconds[i], parts[k]),
                     atime = whole_at_end(seconds[(i + 3) % 16], 999'999'999 - parts[k]);
      make_file(make, make.directory, "file." + name, 10);
      set_times(make.directory, "file." + name, atime, mtime);
      const Fd directory = make_directory(make.directory, "dir." + name);
      make_file(make, directory.get(), "inside", 10);
      set_times(directory.get(), "inside", atime, mtime);
      set_times(make.directory, "dir." + name, atime, mtime);
      make_symlink(make.directory, "link." + name, name);
      set_times(make.directory, "link." + name, atime, mtime);
      make_node(make.directory, "fifo." + name, S_IFIFO | 0600);
      set_times(make.directory, "fifo." + name, atime, mtime);
    }
}

}  // namespace foxing::test
