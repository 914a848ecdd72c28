// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/scheduling.h"

#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "sys/call.h"

namespace foxing::sys {

int nice_value() { return ::getpriority(PRIO_PROCESS, 0); }

Result<> set_nice(int value) {
  return done_or_failed(Call::setpriority, "setpriority", [&] { return ::setpriority(PRIO_PROCESS, 0, value); });
}

Result<> set_io_priority(IoClass io_class, int level) {
  const int priority = IOPRIO_PRIO_VALUE(static_cast<int>(io_class), io_class == IoClass::idle ? 0 : level);
  return done_or_failed(Call::ioprio_set, "ioprio_set",
                        [&] { return ::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, priority); });
}

Result<int> io_priority() {
  const long priority = ::syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
  if (priority == -1) return failed("ioprio_get");
  return static_cast<int>(priority);
}

void sleep_for(std::chrono::nanoseconds duration) {
  if (duration.count() <= 0) return;
  const timespec time{.tv_sec = static_cast<time_t>(duration.count() / 1'000'000'000),
                      .tv_nsec = static_cast<long>(duration.count() % 1'000'000'000)};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

}  // namespace foxing::sys
