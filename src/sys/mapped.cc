// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/mapped.h"

#include <fcntl.h>
#include <time.h>

#include "sys/call.h"
#include "sys/status.h"

namespace foxing::sys {

Result<> watch_mapped(FdView file) {
  FOX_TRY(status_of(file));
  constexpr unsigned kAll = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  return done_or_failed(Call::fsync, "sync_file_range", [&] { return ::sync_file_range(file.number(), 0, 0, kAll); });
}

std::chrono::nanoseconds file_clock_tick() {
  timespec tick{};
  constexpr std::chrono::milliseconds kSlowest{10};  // CONFIG_HZ=100
  if (::clock_getres(CLOCK_REALTIME_COARSE, &tick) != 0) return kSlowest;
  return std::chrono::seconds(tick.tv_sec) + std::chrono::nanoseconds(tick.tv_nsec);
}

}  // namespace foxing::sys
