// SPDX-License-Identifier: GPL-2.0-or-later
// How rsync writes permissions, times and numbers: for --out-format, --log-file and --list-only, whose readers are scripts that know it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <string>

namespace foxing::fxcp {

/// "drwxr-sr-t": type and permission bits, as ls(1) has them.
std::string mode_letters(mode_t mode);

/// Local time by strftime(3); the seconds since 1970 where the calendar has no such year.
std::string local_time(std::time_t seconds, const char* format);
inline constexpr const char* kDateTime = "%Y/%m/%d %H:%M:%S";

/// Level 0 "1234567", 1 "1,234,567", 2 "1.23M" (units of 1000), 3 "1.18M" (units of 1024).  Source: rsync(1), --human-readable.
std::string rsync_number(std::uint64_t number, unsigned level);

}  // namespace foxing::fxcp
