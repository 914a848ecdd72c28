// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/attributes.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>

#include "sys/call.h"

namespace foxing::sys {
namespace {

/// "/proc/self/fd/N".
class ProcPath {
 public:
  explicit ProcPath(FdView fd) { std::snprintf(text_, sizeof text_, "/proc/self/fd/%d", fd.number()); }
  const char* text() const { return text_; }

 private:
  char text_[32];
};

ssize_t list_into(Object object, char* buffer, std::size_t size) {
  if (object.handle == Handle::file) return ::flistxattr(object.fd.number(), buffer, size);
  return ::listxattr(ProcPath(object.fd).text(), buffer, size);
}

ssize_t get_into(Object object, CString name, char* buffer, std::size_t size) {
  if (object.handle == Handle::file) return ::fgetxattr(object.fd.number(), name.text(), buffer, size);
  return ::getxattr(ProcPath(object.fd).text(), name.text(), buffer, size);
}

}  // namespace

Result<> set_owner(Object object, uid_t owner, gid_t group) {
  return done_or_failed(Call::fchown, "fchown",
                        [&] { return ::fchownat(object.fd.number(), "", owner, group, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW); });
}

Result<> set_mode(Object object, mode_t mode) {
  return done_or_failed(Call::fchmod, "fchmod", [&] {
    if (object.handle == Handle::file) return ::fchmod(object.fd.number(), mode);
    return ::chmod(ProcPath(object.fd).text(), mode);
  });
}

Result<> set_times(Object object, const timespec& accessed, const timespec& modified) {
  const timespec times[2] = {accessed, modified};
  return done_or_failed(Call::utimensat, "utimensat", [&] {
    if (object.handle == Handle::file) return ::futimens(object.fd.number(), times);
    return ::utimensat(object.fd.number(), "", times, AT_EMPTY_PATH);
  });
}

bool inherits_project(FdView directory) {
  fsxattr attributes{};
  return ::ioctl(directory.number(), FS_IOC_FSGETXATTR, &attributes) == 0 && (attributes.fsx_xflags & FS_XFLAG_PROJINHERIT) != 0;
}

Result<std::uint32_t> generation_of(FdView file) {
  // Declared with a long, but the kernel writes 32 bits.
  std::uint32_t generation[2] = {0, 0};
  const auto call = [&] { return ::ioctl(file.number(), FS_IOC_GETVERSION, generation); };
  if (uninterrupted(Call::getversion, call) == 0) return generation[0];
  if (errno == ENOTTY || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) return 0u;
  return failed("ioctl(FS_IOC_GETVERSION)");
}

namespace {

/// Asks `list(buffer, size)` with as much room as it takes.
template <class List>
Result<std::vector<std::string>> list_all(List list) {
  std::vector<std::string> names;
  char small[512];
  std::string large;
  char* buffer = small;
  std::size_t size = sizeof small;
  while (true) {
    const ssize_t length = uninterrupted(Call::listxattr, [&] { return list(buffer, size); });
    if (length >= 0) {
      for (const char* name = buffer; name < buffer + length; name += names.back().size() + 1) names.emplace_back(name);
      return names;
    }
    if (errno == EOPNOTSUPP) return names;
    if (errno != ERANGE || size >= 1u << 20) return failed("listxattr");
    size = size * 16;  // XATTR_LIST_MAX is 64 KiB; some filesystems give more
    large.resize(size);
    buffer = large.data();
  }
}

constexpr long kListxattrat = 465;  // the same on x86_64 and aarch64; Debian 12's headers do not know it
std::atomic<bool> listxattrat_is_missing{false};

ssize_t list_at(FdView directory, CString name, char* buffer, std::size_t size) {
  if (!listxattrat_is_missing.load(std::memory_order_relaxed)) {
    const long length = ::syscall(kListxattrat, directory.number(), name.text(), AT_SYMLINK_NOFOLLOW, buffer, size);
    if (length >= 0 || (errno != ENOSYS && errno != EPERM)) return length;  // EPERM: a sandbox that knows less than the kernel
    listxattrat_is_missing.store(true, std::memory_order_relaxed);
  }
  std::string path = ProcPath(directory).text();
  path += '/';
  path += name.text();
  return ::llistxattr(path.c_str(), buffer, size);
}

}  // namespace

Result<std::vector<std::string>> list_attributes(Object object) {
  return list_all([&](char* buffer, std::size_t size) { return list_into(object, buffer, size); });
}

Result<std::vector<std::string>> list_attributes_at(FdView directory, CString name) {
  return list_all([&](char* buffer, std::size_t size) { return list_at(directory, name, buffer, size); });
}

Result<> get_attribute(Object object, CString name, std::string& value) {
  value.resize(512);
  while (true) {
    const auto call = [&] { return get_into(object, name, value.data(), value.size()); };
    const ssize_t length = uninterrupted(Call::getxattr, call);
    if (length >= 0) {
      value.resize(static_cast<std::size_t>(length));
      return {};
    }
    if (errno != ERANGE || value.size() >= 1u << 24) return failed("getxattr");
    value.resize(value.size() * 16);
  }
}

Result<> set_attribute(Object object, CString name, const std::string& value) {
  return done_or_failed(Call::setxattr, "setxattr", [&] {
    if (object.handle == Handle::file) return ::fsetxattr(object.fd.number(), name.text(), value.data(), value.size(), 0);
    return ::setxattr(ProcPath(object.fd).text(), name.text(), value.data(), value.size(), 0);
  });
}

Result<> remove_attribute(Object object, CString name) {
  return done_or_failed(Call::removexattr, "removexattr", [&] {
    if (object.handle == Handle::file) return ::fremovexattr(object.fd.number(), name.text());
    return ::removexattr(ProcPath(object.fd).text(), name.text());
  });
}

}  // namespace foxing::sys
