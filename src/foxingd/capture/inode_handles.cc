// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/inode_handles.h"

#include <linux/magic.h>

#include <cstring>

#include "sys/status.h"

namespace foxing::capture {
namespace {

#ifndef XFS_SUPER_MAGIC
constexpr long XFS_SUPER_MAGIC = 0x58465342;
#endif

template <class Number>
void append(std::string& bytes, Number number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

template <class Number>
Number number_at(const std::string& bytes, std::size_t at) {
  Number number{};
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

tl::unexpected<Error> refused(const char* why) {
  Error error{.code = EOPNOTSUPP, .operation = "name_to_handle_at"};
  error.detail = why;
  return tl::make_unexpected(std::move(error));
}

}  // namespace

// Types and layouts.  Source: include/linux/exportfs.h, enum fid_type; generic_encode_ino32_fh, xfs_fs_encode_fh, btrfs_encode_fh.
Result<InodeHandles> InodeHandles::of(sys::FdView root) {
  const auto magic = FOX_TRY(sys::filesystem_of(root)).f_type;
  if (magic != EXT4_SUPER_MAGIC && magic != XFS_SUPER_MAGIC && magic != BTRFS_SUPER_MAGIC)
    return refused("only ext4, XFS and btrfs move a file's ctime with every change");
  const sys::FileHandle handle = FOX_TRY(sys::handle_of(root));
  const std::uint64_t inode = FOX_TRY(sys::status_of(root)).inode().value;
  constexpr std::size_t kType = sizeof(int);
  constexpr const char* kUnknown = "this filesystem has file handles of an unknown kind";
  if (handle.bytes.size() < kType + 8) return refused(kUnknown);
  InodeHandles handles;
  handles.type_ = number_at<int>(handle.bytes, 0);
  const std::size_t length = handle.bytes.size() - kType;
  const bool is_wide = length >= 12 && number_at<std::uint64_t>(handle.bytes, kType) == inode;
  if (handles.type_ == 0x01 && length == 8 && number_at<std::uint32_t>(handle.bytes, kType) == inode) {
    handles.form_ = Form::narrow;
  } else if (handles.type_ == 0x81 && length == 12 && is_wide) {
    handles.form_ = Form::wide;
  } else if (handles.type_ == 0x4d && length == 20 && is_wide) {
    handles.form_ = Form::with_tree;
    handles.tree_ = number_at<std::uint64_t>(handle.bytes, kType + 8);
  } else {
    return refused(kUnknown);
  }
  return handles;
}

sys::FileHandle InodeHandles::handle(std::uint64_t inode, std::uint32_t generation) const {
  sys::FileHandle handle;
  append(handle.bytes, type_);
  if (form_ == Form::narrow) {
    append(handle.bytes, static_cast<std::uint32_t>(inode));
  } else {
    append(handle.bytes, inode);
  }
  if (form_ == Form::with_tree) append(handle.bytes, tree_);
  append(handle.bytes, generation);
  return handle;
}

}  // namespace foxing::capture
