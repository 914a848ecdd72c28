// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/names.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>

#include "base/assert.h"
#include "sys/call.h"

namespace foxing::sys {
namespace {

/// struct linux_dirent64 of getdents64(2), which the C library calls dirent64; only its fixed part may be read as a whole.
using KernelEntry = struct dirent64;

FileType file_type_of_entry(unsigned char type) { return type == DT_UNKNOWN ? FileType::unknown : file_type(DTTOIF(type)); }

/// Whether linkat(AT_EMPTY_PATH) has been refused once: then it will be every time.
std::atomic<bool> empty_path_is_refused{false};

}  // namespace

Result<> make_directory_at(FdView directory, CString name, mode_t mode) {
  return done_or_failed(Call::mkdirat, "mkdirat", [&] { return ::mkdirat(directory.number(), name.text(), mode); });
}

Result<> make_symlink_at(FdView directory, CString name, CString target) {
  return done_or_failed(Call::symlinkat, "symlinkat",
                        [&] { return ::symlinkat(target.text(), directory.number(), name.text()); });
}

Result<> make_node_at(FdView directory, CString name, mode_t mode_and_type, dev_t device) {
  return done_or_failed(Call::mknodat, "mknodat",
                        [&] { return ::mknodat(directory.number(), name.text(), mode_and_type, device); });
}

Result<> link_at(FdView old_directory, CString old_name, FdView directory, CString name) {
  return done_or_failed(Call::linkat, "linkat",
                        [&] { return ::linkat(old_directory.number(), old_name.text(), directory.number(), name.text(), 0); });
}

Result<> link_descriptor_at(FdView file, FdView directory, CString name) {
  if (!empty_path_is_refused.load(std::memory_order_relaxed)) {
    const auto direct = done_or_failed(
        Call::linkat, "linkat", [&] { return ::linkat(file.number(), "", directory.number(), name.text(), AT_EMPTY_PATH); });
    // Without the privilege the answer is ENOENT, also when the directory is gone; the second way tells the two apart.
    if (direct || direct.error().code != ENOENT) return direct;
  }
  char path[32];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", file.number());
  auto linked = done_or_failed(Call::linkat, "linkat",
                               [&] { return ::linkat(AT_FDCWD, path, directory.number(), name.text(), AT_SYMLINK_FOLLOW); });
  if (linked) empty_path_is_refused.store(true, std::memory_order_relaxed);
  return linked;
}

Result<> rename_at(FdView old_directory, CString old_name, FdView directory, CString name, Replace replace) {
  unsigned flags = 0;
  if (replace == Replace::nothing) flags = RENAME_NOREPLACE;
  if (replace == Replace::exchange) flags = RENAME_EXCHANGE;
  return done_or_failed(Call::renameat2, "renameat2", [&] {
    return ::renameat2(old_directory.number(), old_name.text(), directory.number(), name.text(), flags);
  });
}

Result<> unlink_at(FdView directory, CString name) {
  return done_or_failed(Call::unlinkat, "unlinkat", [&] { return ::unlinkat(directory.number(), name.text(), 0); });
}

Result<> remove_directory_at(FdView directory, CString name) {
  return done_or_failed(Call::unlinkat, "rmdir", [&] { return ::unlinkat(directory.number(), name.text(), AT_REMOVEDIR); });
}

Result<std::string> read_link_at(FdView directory, CString name) {
  std::string text(256, '\0');
  while (true) {
    const auto call = [&] { return ::readlinkat(directory.number(), name.text(), text.data(), text.size()); };
    const ssize_t length = uninterrupted(Call::readlinkat, call);
    if (length < 0) return failed("readlinkat");
    if (static_cast<std::size_t>(length) < text.size()) {
      text.resize(static_cast<std::size_t>(length));
      return text;
    }
    text.resize(text.size() * 2);
  }
}

Result<bool> DirectoryReader::fill(FdView directory) {
  const auto call = [&] { return ::syscall(SYS_getdents64, directory.number(), buffer_.get(), size_); };
  const long got = uninterrupted(Call::getdents64, call);
  if (got < 0) return failed("getdents64");
  used_ = static_cast<std::size_t>(got);
  at_ = 0;
  return got > 0;
}

std::optional<DirectoryEntry> DirectoryReader::next() {
  while (at_ < used_) {
    const auto* entry = reinterpret_cast<const KernelEntry*>(buffer_.get() + at_);
    FOX_ASSERT(entry->d_reclen > 0 && at_ + entry->d_reclen <= used_);
    at_ += entry->d_reclen;
    const char* name = entry->d_name;
    if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'))) continue;
    return DirectoryEntry{name, std::strlen(name), InodeNo(entry->d_ino), file_type_of_entry(entry->d_type)};
  }
  return std::nullopt;
}

}  // namespace foxing::sys
