// SPDX-License-Identifier: GPL-2.0-or-later
#include "maker.h"

#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <cstdlib>

#include "base/text.h"

namespace foxing::test {

void give_up(std::string_view what, std::string_view name) {
  fmt::print(stderr, "tree_make: {} {}: {}\n", what, printable(name), std::strerror(errno));
  std::exit(2);
}

Fd open_directory(int parent, const std::string& name) {
  Fd fd = open_quietly(parent, name.c_str(), O_DIRECTORY);
  if (!fd) give_up("open", name);
  return fd;
}

Fd make_directory(int parent, const std::string& name, mode_t mode) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0) give_up("mkdir", name);
  Fd fd = open_directory(parent, name);
  if (::fchmod(fd.get(), mode) != 0) give_up("fchmod", name);
  return fd;
}

std::string random_bytes(Maker& make, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t word = make.random.next();
    std::memcpy(bytes.data() + at, &word, std::min<std::size_t>(8, size - at));
  }
  return bytes;
}

void write_at(Maker& make, int fd, std::uint64_t offset, std::uint64_t size) {
  for (std::uint64_t done = 0; done < size;) {
    const std::string bytes = random_bytes(make, std::min<std::uint64_t>(size - done, 1 << 20));
    const ssize_t wrote = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset + done));
    if (wrote <= 0) give_up("write", "a file");
    done += static_cast<std::uint64_t>(wrote);
  }
}

Fd make_file(Maker& make, int parent, const std::string& name, std::uint64_t size) {
  Fd fd(::openat(parent, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd) give_up("create", name);
  write_at(make, fd.get(), 0, size);
  return fd;
}

void make_symlink(int parent, const std::string& name, const std::string& target) {
  if (::symlinkat(target.c_str(), parent, name.c_str()) != 0) give_up("symlink", name);
}

void make_node(int parent, const std::string& name, mode_t type_and_mode, unsigned major, unsigned minor) {
  if (::mknodat(parent, name.c_str(), type_and_mode, makedev(major, minor)) != 0) give_up("mknod", name);
}

void make_link(int parent, const std::string& name, int new_parent, const std::string& new_name) {
  if (::linkat(parent, name.c_str(), new_parent, new_name.c_str(), 0) != 0) give_up("link", new_name);
}

void set_mode(int parent, const std::string& name, mode_t mode) {
  if (::fchmodat(parent, name.c_str(), mode, 0) != 0) give_up("chmod", name);
}

void set_owner(int parent, const std::string& name, uid_t uid, gid_t gid) {
  if (::fchownat(parent, name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) != 0) give_up("chown", name);
}

void set_times(int parent, const std::string& name, timespec atime, timespec mtime) {
  const timespec both[2] = {atime, mtime};
  if (::utimensat(parent, name.c_str(), both, AT_SYMLINK_NOFOLLOW) != 0) give_up("utimensat", name);
}

bool set_xattr(int parent, const std::string& name, const std::string& xattr, const std::string& value) {
  const Fd fd(::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) give_up("open", name);
  const std::string path = fmt::format("/proc/self/fd/{}", fd.get());
  return ::setxattr(path.c_str(), xattr.c_str(), value.data(), value.size(), 0) == 0;
}

void settle_times(Maker& make, int directory) {
  // Opened anew: btrfs lists only what was there when the directory was opened.
  const auto names = names_in(open_directory(directory, ".").get());
  if (!names) give_up("readdir", ".");
  for (const std::string& name : *names) {
    struct stat status{};
    if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) give_up("stat", name);
    if (S_ISDIR(status.st_mode)) settle_times(make, open_directory(directory, name).get());
    const auto some = [&] {
      return timespec{static_cast<time_t>(make.random.below(2'000'000'000)), static_cast<long>(make.random.below(1'000'000'000))};
    };
    const timespec atime = some(), mtime = some();
    set_times(directory, name, atime, mtime);
  }
}

}  // namespace foxing::test
