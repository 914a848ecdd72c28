// SPDX-License-Identifier: GPL-2.0-or-later
// The one place where EINTR is handled and faults are planned.  For the .cc files of sys/ only.
#pragma once

#include <cerrno>

#include "base/result.h"
#include "sys/fault.h"

namespace foxing::sys {

/// So often in a row a plan may say EINTR before it counts as an answer: `read:1+:EINTR` must not hang a test.
inline constexpr int kMostPlannedFaults = 100;

/// Calls `work` (which answers -1 and errno, as system calls do) until it is not interrupted.
template <class Work>
auto uninterrupted(Call call, Work work) -> decltype(work()) {
  for (int planned = 0;;) {
    if (const int fault = planned_fault(call); fault > 0) {
      errno = fault;
      if (++planned > kMostPlannedFaults) return -1;
    } else if (const auto answer = work(); answer != -1) {
      return answer;
    }
    if (errno != EINTR) return -1;
  }
}

/// As `uninterrupted`, for calls that move bytes: `work(length)` is asked for less where a short transfer is planned.
template <class Work>
ssize_t transfer(Call call, std::size_t length, Work work) {
  for (int planned = 0;;) {
    const int fault = planned_fault(call);
    if (fault > 0) {
      errno = fault;
      if (++planned > kMostPlannedFaults) return -1;
    } else if (const ssize_t moved = work(cut_short(fault, length)); moved >= 0) {
      return moved;
    }
    if (errno != EINTR) return -1;
  }
}

/// errno as an Error of `operation`.
inline tl::unexpected<Error> failed(const char* operation) { return fail(errno, operation); }

/// For calls that answer 0 or -1.
template <class Work>
Result<> done_or_failed(Call call, const char* operation, Work work) {
  if (uninterrupted(call, work) == -1) return failed(operation);
  return {};
}

}  // namespace foxing::sys
