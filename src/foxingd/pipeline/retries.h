// SPDX-License-Identifier: GPL-2.0-or-later
// Retries: names that failed, or must not be copied again so soon, until their time comes.
//
//   from  what disposition.h says is to be retried        to  Pending, when it is due
//
// Holds. A name waits once.  The pause doubles from 10 ms to 30 s.  An event for the name does not shorten it: a name that fails because it changes all the time
//        would be tried all the time.  Time is an argument.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "foxingd/pipeline/pending.h"

namespace foxing::pipeline {

using Clock = std::chrono::steady_clock;

class Retries {
 public:
  static constexpr std::chrono::milliseconds kFirst{10};
  static constexpr std::chrono::milliseconds kLongest{30'000};

  /// How often it has failed in a row, this time included.
  unsigned failed(const Item& item) { return ++attempts_[item.name]; }
  void succeeded(const Name& name) { attempts_.erase(name); }
  /// It is due after its pause.
  void wait(const Item& item, Clock::time_point now);
  void wait_until(const Item& item, Clock::time_point due);
  /// Nobody's pause lasts any longer.
  void all_are_due(Clock::time_point now);
  /// What is due.
  std::vector<Item> due(Clock::time_point now);
  std::optional<Clock::time_point> next() const;
  std::size_t waiting() const { return waiting_.size(); }
  /// It failed, and its pause is not over.
  bool rests(const Name& name) const { return attempts_.contains(name) && place_.contains(name); }
  std::optional<std::uint64_t> oldest() const;
  void clear();

 private:
  using Waiting = std::multimap<Clock::time_point, Item>;
  Waiting waiting_;
  std::unordered_map<Name, Waiting::iterator> place_;
  std::multiset<std::uint64_t> ages_;  // of those that wait
  std::unordered_map<Name, unsigned> attempts_;
};

}  // namespace foxing::pipeline
