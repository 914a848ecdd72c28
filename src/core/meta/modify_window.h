// SPDX-License-Identifier: GPL-2.0-or-later
// How far apart two modification times may be and still be the same: filesystems round them (FAT to 2 s).
#pragma once

#include <cstdint>
#include <ctime>

namespace foxing::meta {

/// Whole seconds, as rsync's --modify-window; exact (nanoseconds) by default.
struct ModifyWindow {
  std::int64_t seconds = -1;  // below 0: to the nanosecond
};

/// With a window of 0 only the seconds count, as with rsync.
constexpr bool same_within(const timespec& a, const timespec& b, ModifyWindow window) {
  if (window.seconds < 0) return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  const std::int64_t apart = a.tv_sec > b.tv_sec ? a.tv_sec - b.tv_sec : b.tv_sec - a.tv_sec;
  return apart <= window.seconds;
}

}  // namespace foxing::meta
