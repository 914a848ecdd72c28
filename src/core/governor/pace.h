// SPDX-License-Identifier: GPL-2.0-or-later
// --bwlimit: at most so many bytes, and so many files, per second.
//
// How.   A token bucket each for bytes and files, shared by all workers, without thread and clock: take() says how long to wait before the work is
//        begun.  Each taker gets the place behind the one before it, so that nobody is overtaken: of two workers with pieces of the same size each has half.
// Holds. What has been begun since the start is at most rate * (time + 100 ms), and in any stretch of time rate * stretch and 100 ms' worth or one piece,
//        whichever is more: a piece, however large, is paid for before it begins.
//        Debt is what is being waited for: one piece a worker.
// Cost.  A lock and two divisions for each piece; only where a limit is set.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"

namespace foxing::governor {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::steady_clock::time_point;

/// 0 is no limit.
struct Limits {
  Bytes bytes_per_second;
  std::uint64_t millifiles_per_second = 0;  // 1000 is one file a second
  bool any() const { return bytes_per_second.value != 0 || millifiles_per_second != 0; }
};

/// "RATE", "RATE,FILES/s" or "FILES/s".  RATE as rsync's: a number, also 1.5, with K, M, G, T, P (or KiB ...) by 1024, KB, MB ... by 1000, B for bytes;
/// without a unit KiB; +1 or -1 byte behind it; at least 512 bytes; 0 is no limit.  An error without errno says what is wrong.
Result<Limits> parse_limits(std::string_view text);

/// One thing that is limited.
class Bucket {
 public:
  static constexpr Duration kBurst = std::chrono::milliseconds(100);
  /// `rate` in units per second, not 0.
  explicit Bucket(std::uint64_t rate) : rate_(rate) {}
  /// How long after `now` these units may be begun.  `now` counts from any fixed point, and may lie a little before that of another caller.
  Duration take(std::uint64_t units, Duration now);

 private:
  std::uint64_t rate_;
  bool begun_ = false;
  Duration start_{};
  std::uint64_t taken_ = 0;  // units since start_, those that were left unused and expired counted as taken
};

class Pace {
 public:
  explicit Pace(Limits limits);
  bool limited() const { return limits_.any(); }
  Duration take(Bytes bytes, TimePoint now);
  Duration take_file(TimePoint now);
  /// The largest piece that is still begun several times a second; `wanted` where that is smaller or nothing is limited.  At least 64 KiB.
  Bytes piece(Bytes wanted) const;

 private:
  Limits limits_;
  std::mutex mutex_;
  Bucket bytes_;
  Bucket files_;
};

}  // namespace foxing::governor
