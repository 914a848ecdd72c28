// SPDX-License-Identifier: GPL-2.0-or-later
// Governor: paces a run.  The door of this folder.
//
//   from  the copier, between two pieces of work        to  waiting, and a stop when the time is over
//
// How.   Every worker has a Seat and calls before_file() and before_piece() with it.  These wait as long as --bwlimit and --throttle say, the longer of the
//        two, in slices of at most 50 ms between which pressure is read again, stops are seen and the deadline is looked at.
//        A deadline that has passed asks for a stop (sys::request_stop), once; deadline_passed() tells the report why.
// Holds. Where nothing is configured a call costs one branch.  Waits end within 50 ms of a stop.  Pressure that cannot be read any more leaves the factor as it is
//        and is counted.
// Not here: what a piece is.  Bytes that are shared with the source (clones) are no load: a file for them, but no bytes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>

#include "base/result.h"
#include "base/strong.h"
#include "core/governor/pace.h"
#include "core/governor/throttle.h"

namespace foxing::governor {

/// The clock, the sleep and the machine; tests have their own.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  virtual TimePoint now() = 0;
  virtual std::time_t wall_clock() = 0;
  virtual void sleep(Duration duration) = 0;
  virtual bool stop_requested() = 0;
  virtual void request_stop() = 0;
  virtual Result<Pressures> pressures() = 0;
};
/// The real ones.  With `throttle` an error of PressureFiles::open where this kernel tells no pressure.
Result<std::unique_ptr<Surroundings>> real_surroundings(bool throttle);

struct Options {
  Limits limits;
  bool throttle = false;
  std::optional<std::chrono::minutes> stop_after;  // from the making of the Governor
  std::optional<std::time_t> stop_at;
};

struct Stats {
  Duration waited_for_limits{};  // sums over all workers
  Duration waited_for_pressure{};  // beyond what the limits asked for
  double lowest_factor = 1;
  std::optional<Resource> reason;
  std::uint64_t unreadable = 0;  // how often pressure could not be read
};

class Governor {
 public:
  /// What one worker did since it last asked.  For one thread at a time.
  class Seat {
    friend class Governor;
    bool at_work = false;
    TimePoint since;
    Work work;  // rest is still owed for it
  };

  Governor(Options options, std::unique_ptr<Surroundings> surroundings);

  bool active() const { return active_; }
  /// How large a piece should be for waits to stay short: at most `wanted`.
  Bytes piece(Bytes wanted) const;

  void before_file(Seat& seat) {
    if (active_) [[unlikely]]
      wait(seat, {.files = 1});
  }
  void before_piece(Seat& seat, Bytes bytes) {
    if (active_) [[unlikely]]
      wait(seat, {.bytes = bytes});
  }
  /// The worker has nothing to do; to be called where that is known.  Idle time is not work, and nothing is owed for it.
  void rest(Seat& seat);

  /// True once the deadline has passed; the stop has then been asked for.
  bool deadline_passed();
  Stats stats() const;

 private:
  void wait(Seat& seat, Work next);
  void begin_work(Seat& seat, TimePoint now);
  void end_work(Seat& seat, TimePoint now);
  void count_work(TimePoint now);
  void look_at_pressure(TimePoint now);

  const Options options_;
  const std::unique_ptr<Surroundings> surroundings_;
  const bool active_;
  const bool has_deadline_;
  const TimePoint start_;
  Pace pace_;
  std::atomic<bool> deadline_passed_{false};

  mutable std::mutex mutex_;  // all below
  Throttle throttle_;
  TimePoint next_look_;
  unsigned at_work_ = 0;  // workers
  TimePoint work_counted_;
  Duration worked_{};  // at least one of them
  Stats stats_;
};

}  // namespace foxing::governor
