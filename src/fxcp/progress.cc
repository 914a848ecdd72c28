// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/progress.h"

#include <system_error>

namespace foxing::fxcp {

Progress::Progress(Report& report, std::function<ProgressState()> state, std::function<void()> count)
    : report_(report), state_(std::move(state)) {
  if (!report.shows_progress()) return;
  try {
    shower_ = std::thread([this] { show(); });
    if (count) counter_ = std::thread(std::move(count));
  } catch (const std::system_error&) {
    // No thread to be had: the copy matters more than its progress, or than the totals.
  }
}

Progress::~Progress() {
  if (!shower_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  wake_.notify_all();
  shower_.join();
  if (counter_.joinable()) counter_.join();
}

void Progress::show() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, report_.progress_interval(), [&] { return done_; })) show_once();
  show_once();
}

void Progress::show_once() {
  ProgressState state = state_();
  state.elapsed = std::chrono::steady_clock::now() - begin_;
  report_.progress(state);
}

}  // namespace foxing::fxcp
