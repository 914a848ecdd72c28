// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/governor/throttle.h"

#include <algorithm>
#include <cmath>

namespace foxing::governor {
namespace {

constexpr double kRise = 0.05;
// PSI and our own clock are read one after the other.
constexpr double kUncertain = 0.05;

double share(std::chrono::nanoseconds part, std::chrono::nanoseconds whole) {
  return std::clamp(static_cast<double>(part.count()) / static_cast<double>(whole.count()), 0.0, 1.0);
}

}  // namespace

void Throttle::observe(const Pressures& pressures, Duration at_work, TimePoint now) {
  if (begun_ && now - last_ < kInterval) return;
  std::array<double, kResources> waited{};
  double worked = 0;
  double steps = 1;
  if (begun_) {
    worked = share(at_work - last_at_work_, now - last_);
    for (std::size_t i = 0; i < kResources; ++i) waited[i] = share(pressures[i].total - last_pressures_[i].total, now - last_);
    steps = std::min(2.0, static_cast<double>((now - last_).count()) / static_cast<double>(kInterval.count()));
  } else {
    // Before we began: all of it is others'.
    for (std::size_t i = 0; i < kResources; ++i) waited[i] = pressures[i].average_10s;
  }
  begun_ = true;
  last_ = now;
  last_at_work_ = at_work;
  last_pressures_ = pressures;

  std::size_t worst = 0;
  std::array<double, kResources> excess{};
  for (std::size_t i = 0; i < kResources; ++i) {
    excess[i] = (waited[i] - kThresholds[i]) / (1 - kThresholds[i]);
    if (excess[i] > excess[worst]) worst = i;
  }
  const bool may_be_ours = waited[worst] <= worked + kUncertain;
  if (excess[worst] > 0 && (!may_be_ours || factor_ > kAlone)) {
    fall(excess[worst], steps, may_be_ours, static_cast<Resource>(worst));
  } else if (excess[worst] <= 0 || factor_ < kAlone) {
    factor_ = std::min(1.0, factor_ + kRise * steps);
  }
}

void Throttle::fall(double excess, double steps, bool may_be_ours, Resource resource) {
  factor_ = std::max(factor_ * std::pow(1 - excess / 2, steps), may_be_ours ? kAlone : kFloor);
  if (factor_ >= lowest_) return;
  lowest_ = factor_;
  reason_ = resource;
}

Duration Throttle::delay_after(const Work& work) const {
  if (factor_ >= 1) return Duration(0);
  const double wanted = static_cast<double>(work.busy.count()) * (1 / factor_ - 1);
  const double grant = static_cast<double>(work.bytes.value) * (1e9 / (1 << 20)) + static_cast<double>(work.files) * 1e8;
  const double most = std::max(0.0, grant - static_cast<double>(work.busy.count()));
  return Duration(static_cast<std::int64_t>(std::min(wanted, most)));
}

}  // namespace foxing::governor
