// SPDX-License-Identifier: GPL-2.0-or-later
// --stop-after and --stop-at: when a run ends although there is more to do.
#pragma once

#include <chrono>
#include <ctime>
#include <string_view>

#include "base/result.h"

namespace foxing::governor {

/// A whole number of minutes, at least 1.
Result<std::chrono::minutes> parse_stop_after(std::string_view text);

/// [[[YEAR-]MONTH-]DAY][T][[HOUR]:MINUTE] in local time, as rsync's: the next point in time at which what is given fits.  Slashes serve as well as
/// dashes, a year of two digits is one of this century, a date alone means midnight.  "14:00", "1-30", "31", ":59", "2026-12-31T23:59".
/// An error without errno where it cannot be read, where there is no such day, and where it is not after `now`.
Result<std::time_t> parse_stop_at(std::string_view text, std::time_t now);

}  // namespace foxing::governor
