// SPDX-License-Identifier: GPL-2.0-or-later
// fanotify(7): what happened to names and files of a whole filesystem, told by handles and names.
//   FanotifyGroup   the queue in the kernel        FanotifyRecord   one record of it, read in place
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/handle.h"

namespace foxing::sys {

/// A name in a directory, as a record tells it; views into the buffer.  `name` is "." where the directory itself is meant.
struct RecordedName {
  FileHandle directory;  // empty: the record has none
  std::string_view name;
};

struct FanotifyRecord {
  std::uint64_t mask = 0;  // FAN_CREATE | ...: those of one object are merged by the kernel, and their order is lost
  pid_t pid = 0;
  RecordedName place;  // for a rename: the old one
  RecordedName moved_to;  // for renames
  FileHandle object;  // what the name stood for
};

class FanotifyGroup {
 public:
  enum class Queue { unlimited, limited };
  /// EPERM without CAP_SYS_ADMIN; EINVAL where the kernel is older than 5.17 (FAN_REPORT_TARGET_FID).  Source: fanotify_init(2).
  static Result<FanotifyGroup> create(Queue queue);
  /// All names and files of the filesystem that `root` lies on: creations, deletions, renames, changes of data and of attributes, last closes after writing.
  /// EXDEV, ENODEV, EOPNOTSUPP: this filesystem cannot be watched as a whole.  Source: fanotify_mark(2), FAN_MARK_FILESYSTEM.
  Result<> watch_filesystem(FdView root);

  FdView fd() const { return fd_; }
  /// What is there, at most one buffer full; 0 where there is nothing.
  Result<std::size_t> read(std::span<std::byte> buffer);
  /// Hands every record in `filled` to `each`.
  static void for_each(std::span<const std::byte> filled, const std::function<void(const FanotifyRecord&)>& each);

 private:
  explicit FanotifyGroup(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace foxing::sys
