// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/pipeline/retries.h"

#include <algorithm>

namespace foxing::pipeline {

void Retries::wait(const Item& item, Clock::time_point now) {
  const auto known = attempts_.find(item.name);
  const unsigned attempts = known == attempts_.end() ? 1 : known->second;
  const auto pause = std::min(kLongest, kFirst * (1u << std::min(attempts - 1, 12u)));
  wait_until(item, now + pause);
}

void Retries::wait_until(const Item& item, Clock::time_point due) { waiting_.emplace(due, item); }

void Retries::all_are_due(Clock::time_point now) {
  std::multimap<Clock::time_point, Item> waiting;
  for (auto& [due, item] : waiting_) waiting.emplace(std::min(due, now), std::move(item));
  waiting_ = std::move(waiting);
}

std::vector<Item> Retries::due(Clock::time_point now) {
  std::vector<Item> items;
  const auto end = waiting_.upper_bound(now);
  for (auto at = waiting_.begin(); at != end; ++at) items.push_back(std::move(at->second));
  waiting_.erase(waiting_.begin(), end);
  return items;
}

std::optional<Clock::time_point> Retries::next() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first;
}

std::optional<std::uint64_t> Retries::oldest() const {
  std::optional<std::uint64_t> oldest;
  for (const auto& [due, item] : waiting_) oldest = std::min(oldest.value_or(item.age()), item.age());
  return oldest;
}

void Retries::clear() {
  waiting_.clear();
  attempts_.clear();
}

}  // namespace foxing::pipeline
