// SPDX-License-Identifier: GPL-2.0-or-later
// Mirrors: the replicas that run now, and how they become others when the configuration is read again.
//
//   from  daemon.cc: what is wanted        to  mirror::Replica, one a pair of source and target
//
// How.   Who is wanted as he is goes on and notices nothing.  Who is not wanted any more is asked to end; his batch, or his scan, is finished meanwhile.  Who is
//        new is prepared before anything is stopped, and if that cannot be done nothing changes.  A target that changes hands (another source,
//        other rules) is given up by the old replica first: then the new one begins.
//        At the start one of several whose disk fails, or is read-only, does not keep the others from beginning: it is tried again, and said to be stalled.
// Holds. Of the daemon's main thread, but for reports() and are_healthy(), which the metrics server asks.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "foxingd/mirror/replica.h"
#include "foxingd/status.h"

namespace foxing::foxingd {

using Replicas = std::vector<std::unique_ptr<mirror::Replica>>;

class Mirrors {
 public:
  struct Change {
    std::size_t go_on = 0;
    std::size_t begin = 0;  // at once, or when their target is free
    std::size_t end = 0;
  };
  /// Prepares what is new, and begins when start() has been called.  After an error all is as it was; before start() an error of one of several disks is
  /// none: that mirror is absent.
  Result<Change> change_to(const std::vector<mirror::ReplicaOptions>& wanted);
  void start();
  void stop();

  /// Somebody is still ending, and somebody may wait for his target: tend() is to be called from time to time.
  bool is_changing() const { return !ending_.empty() || !waiting_.empty(); }
  /// When tend() is to be called for those who are absent.
  std::optional<std::chrono::milliseconds> patience() const;
  /// Why this target's mirror has not begun; of an empty target: the first of them.
  std::optional<std::string> absence_of(const std::string& target) const;
  void tend();
  /// A mirror that is wanted has not begun.
  bool someone_waits() const { return !waiting_.empty(); }

  const Replicas& all() const { return replicas_; }
  std::vector<Reported> reports() const;
  bool are_healthy() const;

 private:
  bool has_target(const std::string& target) const;
  void add(std::unique_ptr<mirror::Replica> replica);
  void try_absent();

  mutable std::mutex mutex_;  // of replicas_, which the main thread alone changes
  Replicas replicas_;
  Replicas ending_;
  std::vector<mirror::ReplicaOptions> waiting_;  // for a target that somebody in ending_ has
  struct Absent {
    mirror::ReplicaOptions options;
    std::string why;
  };
  std::vector<Absent> absent_;  // under mutex_, as replicas_
  std::chrono::steady_clock::time_point next_try_{};
  bool started_ = false;
};

}  // namespace foxing::foxingd
