// SPDX-License-Identifier: GPL-2.0-or-later
// This process's place in the queues for the processor and for the disk, and waiting.
// Linux keeps both priorities per thread, and a new thread begins with its maker's: set them before there are other threads.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/result.h"

namespace foxing::sys {

/// The nice value of the calling thread.  Source: getpriority(2).
int nice_value();
/// -20 to 19, and what lies beyond counts as that.  EACCES, EPERM: only CAP_SYS_NICE or RLIMIT_NICE lowers it.  Source: setpriority(2).
Result<> set_nice(int value);

/// idle: only when nobody else wants the disk.  Schedulers that know classes: bfq, mq-deadline, kyber knows none.
enum class IoClass : std::uint8_t { best_effort = 2, idle = 3 };
/// `level` 0 (first) to 7 (last), for best_effort.  Source: ioprio_set(2).
Result<> set_io_priority(IoClass io_class, int level);
/// Class and level of the calling thread as the kernel packs them: class << 13 | level.  Source: ioprio_get(2).
Result<int> io_priority();

/// Waits, at most about `duration`; less where a signal comes.  Source: clock_nanosleep(2), CLOCK_MONOTONIC.
void sleep_for(std::chrono::nanoseconds duration);

}  // namespace foxing::sys
