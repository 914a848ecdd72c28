// SPDX-License-Identifier: GPL-2.0-or-later
// Inode handles: what name_to_handle_at(2) answers for an inode of which only the number and the generation are known.
//   from  the kernel's programs, which see inodes        to  FileHandle, by which all else knows files
//
// Why.   A program in the kernel has an inode and no name.  Both are in the handle, but each filesystem writes them down in its own way.
// Holds. The ways of three filesystems are known: those whose ctime tells of every change.  Of a given filesystem the handle of its root is taken to pieces first;
//        where that does not come out as expected nothing is guessed.
//        A btrfs has several trees with the same numbers: the root's is meant.  What happens in a snapshot may be taken for something in the source, which
//        is then looked at for nothing.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/handle.h"

namespace foxing::capture {

class InodeHandles {
 public:
  /// EOPNOTSUPP: this is another filesystem, or has handles of another kind.
  static Result<InodeHandles> of(sys::FdView root);
  sys::FileHandle handle(std::uint64_t inode, std::uint32_t generation) const;

 private:
  enum class Form : unsigned char { narrow, wide, with_tree };
  Form form_ = Form::narrow;
  int type_ = 0;
  std::uint64_t tree_ = 0;
};

}  // namespace foxing::capture
