// SPDX-License-Identifier: GPL-2.0-or-later
// Pace: how soon a name may be copied again that takes long to copy.
//
// Why.   A log of a gigabyte that is written to ten times a second would be copied without a pause, and nothing else would be.
// How.   What took longer than kCheap rests for kRests times as long, at most kLongest.  What is cheap never rests.
// Holds. A name rests after it was copied, never before: the first change of a quiet file is copied at once.  Time is an argument.
#pragma once

#include <chrono>
#include <unordered_map>

#include "foxingd/pipeline/pending.h"
#include "foxingd/pipeline/retries.h"

namespace foxing::pipeline {

class Pace {
 public:
  static constexpr std::chrono::milliseconds kCheap{20};
  static constexpr int kRests = 3;
  static constexpr std::chrono::seconds kLongest{10};
  static constexpr std::size_t kMost = 4096;  // names that rest; beyond it they are forgotten

  void copied(const Name& name, Clock::time_point begin, Clock::time_point end) {
    if (end - begin <= kCheap) return;
    if (due_.size() >= kMost) due_.clear();
    due_[name] = end + std::min<Clock::duration>((end - begin) * kRests, kLongest);
  }
  /// When it may be copied; in the past where it may be now.
  Clock::time_point due(const Name& name) const {
    const auto at = due_.find(name);
    return at == due_.end() ? Clock::time_point::min() : at->second;
  }
  bool rests(const Name& name, Clock::time_point now) {
    const auto at = due_.find(name);
    if (at == due_.end()) return false;
    if (now < at->second) return true;
    due_.erase(at);
    return false;
  }
  /// Nobody rests any more: somebody waits.
  void hurry() { due_.clear(); }

 private:
  std::unordered_map<Name, Clock::time_point> due_;
};

}  // namespace foxing::pipeline
