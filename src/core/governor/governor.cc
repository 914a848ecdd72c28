// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/governor/governor.h"

#include <algorithm>
#include <utility>

#include "sys/process.h"
#include "sys/scheduling.h"

namespace foxing::governor {
namespace {

constexpr Duration kSlice = std::chrono::milliseconds(50);
// Shorter rests are owed until they are worth a sleep: the kernel's timers are 50 us late on their own.
constexpr Duration kShortestSleep = std::chrono::milliseconds(1);
constexpr Bytes kThrottledPiece = 4_MiB;

class RealSurroundings final : public Surroundings {
 public:
  explicit RealSurroundings(std::optional<PressureFiles> files) : files_(std::move(files)) {}
  TimePoint now() override { return std::chrono::steady_clock::now(); }
  std::time_t wall_clock() override { return std::time(nullptr); }
  void sleep(Duration duration) override { sys::sleep_for(duration); }
  bool stop_requested() override { return sys::stop_requested(); }
  void request_stop() override { sys::request_stop(); }
  Result<Pressures> pressures() override {
    if (!files_) return fail(0, "pressure", {}, "was not asked for");
    return files_->read();
  }

 private:
  std::optional<PressureFiles> files_;
};

}  // namespace

Result<std::unique_ptr<Surroundings>> real_surroundings(bool throttle) {
  std::optional<PressureFiles> files;
  if (throttle) files = FOX_TRY(PressureFiles::open());
  return std::unique_ptr<Surroundings>(std::make_unique<RealSurroundings>(std::move(files)));
}

Governor::Governor(Options options, std::unique_ptr<Surroundings> surroundings)
    : options_(options),
      surroundings_(std::move(surroundings)),
      active_(options.limits.any() || options.throttle || options.stop_after || options.stop_at),
      has_deadline_(options.stop_after || options.stop_at),
      start_(surroundings_->now()),
      pace_(options.limits),
      next_look_(start_),
      work_counted_(start_) {
  if (options_.throttle) look_at_pressure(start_);
}

Bytes Governor::piece(Bytes wanted) const { return pace_.piece(options_.throttle ? std::min(wanted, kThrottledPiece) : wanted); }

void Governor::wait(Seat& seat, Work next) {
  if (deadline_passed()) return;
  const TimePoint start = surroundings_->now();
  if (options_.throttle) {
    const std::lock_guard lock(mutex_);
    end_work(seat, start);
  }
  const Duration for_limits = next.files != 0 ? pace_.take_file(start) : pace_.take(next.bytes, start);
  Duration waited{};
  bool owes = false;
  while (!surroundings_->stop_requested() && !deadline_passed()) {
    const TimePoint now = surroundings_->now();
    waited = now - start;
    Duration rest{};
    if (options_.throttle) {
      const std::lock_guard lock(mutex_);
      look_at_pressure(now);
      rest = throttle_.delay_after(seat.work);
    }
    const Duration left = std::max(for_limits, rest) - waited;
    if (left <= Duration(0)) break;
    if (left < kShortestSleep && waited == Duration(0)) {
      owes = rest > Duration(0);
      break;
    }
    surroundings_->sleep(std::min(left, kSlice));
  }
  const std::lock_guard lock(mutex_);
  const Duration limited = std::min(waited, for_limits);
  stats_.waited_for_limits += limited;
  stats_.waited_for_pressure += waited - limited;
  if (!options_.throttle) return;
  if (!owes) seat.work = {};
  seat.work.bytes += next.bytes;
  seat.work.files += next.files;
  begin_work(seat, surroundings_->now());
}

void Governor::rest(Seat& seat) {
  if (!options_.throttle) return;
  const std::lock_guard lock(mutex_);
  end_work(seat, surroundings_->now());
  seat.work = {};
}

void Governor::begin_work(Seat& seat, TimePoint now) {
  count_work(now);
  seat.at_work = true;
  seat.since = now;
  ++at_work_;
}

void Governor::end_work(Seat& seat, TimePoint now) {
  if (!seat.at_work) return;
  count_work(now);
  seat.at_work = false;
  seat.work.busy += now - seat.since;
  --at_work_;
}

void Governor::count_work(TimePoint now) {
  if (now <= work_counted_) return;  // another worker's clock was read a little later
  if (at_work_ > 0) worked_ += now - work_counted_;
  work_counted_ = now;
}

void Governor::look_at_pressure(TimePoint now) {
  if (now < next_look_) return;
  next_look_ = now + Throttle::kInterval;
  count_work(now);
  const auto pressures = surroundings_->pressures();
  if (pressures) {
    throttle_.observe(*pressures, worked_, now);
  } else {
    ++stats_.unreadable;
  }
}

bool Governor::deadline_passed() {
  if (!has_deadline_) return false;
  if (deadline_passed_.load(std::memory_order_relaxed)) return true;
  const bool after = options_.stop_after && surroundings_->now() - start_ >= *options_.stop_after;
  const bool at = options_.stop_at && surroundings_->wall_clock() >= *options_.stop_at;
  if (!after && !at) return false;
  if (!deadline_passed_.exchange(true)) surroundings_->request_stop();
  return true;
}

Stats Governor::stats() const {
  const std::lock_guard lock(mutex_);
  Stats stats = stats_;
  stats.lowest_factor = throttle_.lowest();
  stats.reason = throttle_.reason();
  return stats;
}

}  // namespace foxing::governor
