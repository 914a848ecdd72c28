// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/coverage.h"

#include <array>

namespace foxing::capture {

const char* name_of(Operation operation) {
  static constexpr std::array<const char*, kOperations> kNames = {
      "create",       "mkdir",    "link",      "unlink",     "rename",    "exchange", "write", "io_uring_write",
      "direct_write", "truncate", "fallocate", "copy_range", "clone",     "chmod",    "chown", "utimes",
      "xattr",        "acl",      "close",     "mmap_write", "aio_write", "chattr"};
  return kNames[static_cast<std::size_t>(operation)];
}

const char* answer_to(Operation operation, const Coverage& coverage) {
  const bool heard = coverage.sees(operation);
  if (heard && operation != Operation::inode_flags) return "heard of";
  switch (operation) {
    case Operation::mapped_write:
    case Operation::aio_write: return "seen when the file is closed, and by the sweep";
    case Operation::close_after_write: return "by itself it changes nothing";
    case Operation::inode_flags: return heard ? "heard of, and not mirrored" : "not mirrored";
    default: return "seen by the sweep";
  }
}

}  // namespace foxing::capture
