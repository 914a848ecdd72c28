// SPDX-License-Identifier: GPL-2.0-or-later
// --modify-window: how far two modification times may be apart and still be the same.
//
// Why.   FAT keeps times in steps of two seconds, ext3 and others in whole seconds: a copy there has another time than its source.
// Holds. As rsync's: NUM counts whole seconds, of which the fractions are not looked at (10.9 and 12.1 are two apart); negative means to the nanosecond.
#pragma once

#include <cstdint>
#include <ctime>

namespace foxing::meta {

/// In seconds; 0 compares whole seconds, negative compares nanoseconds as well.
struct ModifyWindow {
  std::int64_t seconds = -1;
};

constexpr bool same_within(const timespec& a, const timespec& b, ModifyWindow window) {
  if (window.seconds < 0) return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  // Unsigned, since times at both ends of the range are farther apart than the type reaches.
  const bool a_is_later = a.tv_sec > b.tv_sec;
  const auto later = static_cast<unsigned long>(a_is_later ? a.tv_sec : b.tv_sec);
  const auto earlier = static_cast<unsigned long>(a_is_later ? b.tv_sec : a.tv_sec);
  return later - earlier <= static_cast<unsigned long>(window.seconds);
}

}  // namespace foxing::meta
