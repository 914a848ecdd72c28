// SPDX-License-Identifier: GPL-2.0-or-later
// Coverage: which operations a source of events hears of, and what makes up for those that it does not.
//   from  an EventSource        to  `foxingd check`, the metrics, and the choice of sweeps (mirror/replica.h)
// Holds. The table of a source is what its own test has seen on this kernel (fanotify_test.cc does every operation and looks).
#pragma once

#include <bitset>
#include <cstdint>
#include <string>

namespace foxing::capture {

enum class Operation : std::uint8_t {
  create,
  make_directory,
  link,
  unlink,
  rename,
  exchange,
  write,
  ring_write,  // io_uring
  direct_write,
  truncate,
  allocate,  // fallocate, punch
  copy_range,
  clone,
  chmod,
  chown,
  utimes,
  xattr,
  acl,
  close_after_write,
  mapped_write,  // a store through mmap while the file stays open
  aio_write,     // libaio while the file stays open
  inode_flags,   // chattr, project ids
  count
};
inline constexpr std::size_t kOperations = static_cast<std::size_t>(Operation::count);
/// "mapped_write": the label in the metrics.
const char* name_of(Operation operation);

class Coverage {
 public:
  static Coverage all() {
    Coverage coverage;
    coverage.seen_.set();
    return coverage;
  }
  Coverage without(Operation operation) const {
    Coverage coverage = *this;
    coverage.seen_.reset(static_cast<std::size_t>(operation));
    return coverage;
  }
  bool sees(Operation operation) const { return seen_.test(static_cast<std::size_t>(operation)); }
  /// Changes of data that are seen only when the file is closed: a mirror has to look again from time to time.
  bool needs_sweep() const { return !sees(Operation::mapped_write) || !sees(Operation::aio_write); }

 private:
  std::bitset<kOperations> seen_;
};

/// What happens to changes of this kind, in words.
const char* answer_to(Operation operation, const Coverage& coverage);

}  // namespace foxing::capture
