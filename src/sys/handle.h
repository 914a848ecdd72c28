// SPDX-License-Identifier: GPL-2.0-or-later
// File handles: the identity of an inode that outlives its names, and tells it from a later inode of the same number.
// They are compared; what is opened is found by its path, and then asked for its handle.  Only to learn a name of an inode is a handle opened.
#pragma once

#include <compare>
#include <functional>
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace foxing::sys {

/// The kernel's bytes behind the type of the handle: equal where it is one inode of one filesystem.
struct FileHandle {
  std::string bytes;
  bool empty() const { return bytes.empty(); }
  friend auto operator<=>(const FileHandle&, const FileHandle&) = default;
};

/// Of what is open.  EOPNOTSUPP: this filesystem has none, not even for comparing.  Source: name_to_handle_at(2), AT_EMPTY_PATH, AT_HANDLE_FID.
Result<FileHandle> handle_of(FdView file);
/// Of a name below `directory`, a link itself.
Result<FileHandle> handle_at(FdView directory, CString name);

/// The inode itself: to look at (Access::path), or to read.  ESTALE: it is gone.  `filesystem`: anything open on it.
/// Source: open_by_handle_at(2) (CAP_DAC_READ_SEARCH).
enum class Opening : unsigned char { path, read };
Result<UniqueFd> open_handle(FdView filesystem, const FileHandle& handle, Opening how);

/// A path of what is open, absolute, as this process sees it: one of its names.  ESTALE: it has none any more.  Source: proc_pid_fd(5).
Result<std::string> path_of(FdView file);

/// A path of the inode, absolute, as this process sees it: one of its names.  ESTALE: it is gone, or has no name any more.
/// `filesystem`: anything open on it.  Source: open_by_handle_at(2) (CAP_DAC_READ_SEARCH), proc_pid_fd(5).
Result<std::string> path_of_handle(FdView filesystem, const FileHandle& handle);

}  // namespace foxing::sys

template <>
struct std::hash<foxing::sys::FileHandle> {
  std::size_t operator()(const foxing::sys::FileHandle& handle) const noexcept { return std::hash<std::string>{}(handle.bytes); }
};
