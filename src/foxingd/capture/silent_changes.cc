// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/silent_changes.h"

#include <algorithm>

namespace foxing::capture {

namespace {

constexpr int kRests = 4;  // times as long as the look took

}  // namespace

void SilentChanges::changed(const File& file, Time last, bool mapped) {
  State& state = files_[file];
  state.last = std::max(state.last, last);
  state.mapped = mapped;
  state.silent |= mapped;
  const Duration settles = mapped ? settled_after_ : std::max<Duration>(settled_after_, kNameIsLate);
  // One that changes all the time is looked at all the same: what is due stays due.
  if (state.due && !state.once_more) return;
  state.once_more = false;
  set_due(file, state, std::max(last + settles, state.rests_until));
}

bool SilentChanges::told(const File& file, Time heard) {
  const auto at = files_.find(file);
  if (at == files_.end()) return false;
  State& state = at->second;
  if (state.silent) {
    // What follows a look at a file that has not changed since is the end of it.
    if (!state.due) erase(at);
    return true;
  }
  if (state.last <= heard) erase(at);
  return false;
}

std::vector<SilentChanges::Due> SilentChanges::due(Time now) {
  std::vector<Due> all;
  while (!by_time_.empty() && by_time_.begin()->first <= now) {
    const File file = by_time_.begin()->second;
    State& state = files_.at(file);
    state.silent = true;
    all.push_back({file, state.mapped});
    const bool once_more = !state.mapped && !state.once_more;
    state.once_more = once_more;
    if (once_more) {
      set_due(file, state, now + kOnceMore);
    } else {
      set_due(file, state, std::nullopt);
      suspect(file, state);
    }
  }
  return all;
}

void SilentChanges::hurry() {
  std::vector<File> waiting;
  for (const auto& [file, state] : files_)
    if (state.due && !state.once_more) waiting.push_back(file);
  for (const File& file : waiting) set_due(file, files_.at(file), Time::min());
}

std::optional<SilentChanges::Time> SilentChanges::next() const {
  if (by_time_.empty()) return std::nullopt;
  return by_time_.begin()->first;
}

void SilentChanges::forget(const File& file) {
  if (const auto at = files_.find(file); at != files_.end()) erase(at);
}

void SilentChanges::looked(const File& file, Time begin, Time end) {
  const auto at = files_.find(file);
  if (at == files_.end()) return;
  at->second.rests_until = end + std::max<Duration>(kBetweenLooks, (end - begin) * kRests);
}

void SilentChanges::set_due(const File& file, State& state, std::optional<Time> due) {
  if (state.due) by_time_.erase({*state.due, file});
  state.due = due;
  if (due) by_time_.emplace(*due, file);
}

void SilentChanges::erase(Files::iterator at) {
  const File file = at->first;
  set_due(file, at->second, std::nullopt);
  files_.erase(at);  // suspects_ may still list it: who is found there is asked for again
}

void SilentChanges::suspect(const File& file, State& state) {
  if (std::exchange(state.listed, true)) return;
  suspects_.push_back(file);
  if (suspects_.size() <= kMostSuspects) return;
  const File oldest = suspects_.front();
  suspects_.pop_front();
  const auto at = files_.find(oldest);
  if (at == files_.end()) return;
  at->second.listed = false;
  if (!at->second.due) erase(at);
}

}  // namespace foxing::capture
