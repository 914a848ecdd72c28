// SPDX-License-Identifier: GPL-2.0-or-later
// Shows how far a run is, until it goes: a thread that asks and tells the report, and one for whoever counts what is to come.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "fxcp/report.h"

namespace foxing::fxcp {

class Progress {
 public:
  /// `state` is asked from another thread, at the report's intervals and once more at the end; its `elapsed` is filled in here.  `count` runs on a
  /// thread of its own and must end by itself.  Nothing happens where the report shows no progress.
  Progress(Report& report, std::function<ProgressState()> state, std::function<void()> count = {});
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void show();
  void show_once();

  Report& report_;
  const std::function<ProgressState()> state_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;  // guarded by mutex_
  std::thread counter_;
  std::thread shower_;
};

}  // namespace foxing::fxcp
