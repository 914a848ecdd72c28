// SPDX-License-Identifier: GPL-2.0-or-later
// --throttle: gives way while others wait for disks, processors or memory.
//
//   from  Pressures, and how long this run was at work        to  a factor, and the rest that follows each piece of work
//
// How.   A worker that has worked for a time rests for (1/factor - 1) times as long; no rate has to be known.  Twice a second the share of time in which
//        tasks waited is compared with a threshold: above it the factor falls, by up to half at full pressure, below it rises by 0.05.
// Why it does not starve itself.  Our own reading and writing is pressure too, but we cannot wait longer than we are at work.  As long as the pressure
//        is not longer than that it may be all our own, and the factor stays at kAlone or above.  Only pressure that goes beyond is certainly somebody
//        else's, and takes the factor down to kFloor.
// Holds. kFloor <= factor <= 1.  A rest never makes a run slower than 1 MiB/s or 10 files/s: each piece has a grant of time, and rest ends with it.
// Not here: clocks, sleeping, reading (governor.h).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/strong.h"
#include "core/governor/pace.h"
#include "core/governor/pressure.h"

namespace foxing::governor {

struct Work {
  Duration busy{};
  Bytes bytes;
  std::uint64_t files = 0;
};

class Throttle {
 public:
  static constexpr double kFloor = 0.05;
  static constexpr double kAlone = 0.40;
  static constexpr Duration kInterval = std::chrono::milliseconds(500);
  /// In the order of Resource.  Waiting for memory is rare on a healthy machine; processors are shared without harm for longer than disks are.
  static constexpr std::array<double, kResources> kThresholds{0.40, 0.50, 0.10};

  /// `at_work`: how long in all at least one worker was busy.  Less than kInterval after the one before it nothing happens.
  void observe(const Pressures& pressures, Duration at_work, TimePoint now);
  /// How long to rest after `work`.
  Duration delay_after(const Work& work) const;

  double factor() const { return factor_; }
  double lowest() const { return lowest_; }
  /// Which pressure made the factor as low as it ever was; nothing where it never fell.
  std::optional<Resource> reason() const { return reason_; }

 private:
  void fall(double excess, double steps, bool may_be_ours, Resource resource);

  double factor_ = 1;
  double lowest_ = 1;
  std::optional<Resource> reason_;
  bool begun_ = false;
  TimePoint last_;
  Duration last_at_work_{};
  Pressures last_pressures_{};
};

}  // namespace foxing::governor
