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

void Retries::wait_until(const Item& item, Clock::time_point due) {
  Item kept = item;
  if (const auto known = place_.find(item.name); known != place_.end()) {
    const Item& before = known->second->second;
    if (before.oldest() < item.oldest()) kept = before;
    ages_.erase(ages_.find(before.oldest()));
    waiting_.erase(known->second);
    place_.erase(known);
  }
  ages_.insert(kept.oldest());
  place_.emplace(kept.name, waiting_.emplace(due, kept));
}

void Retries::all_are_due(Clock::time_point now) {
  for (const Item& item : due(Clock::time_point::max())) wait_until(item, now);
}

std::vector<Item> Retries::due(Clock::time_point now) {
  std::vector<Item> items;
  const auto end = waiting_.upper_bound(now);
  for (auto at = waiting_.begin(); at != end; ++at) {
    place_.erase(at->second.name);
    ages_.erase(ages_.find(at->second.oldest()));
    items.push_back(std::move(at->second));
  }
  waiting_.erase(waiting_.begin(), end);
  return items;
}

std::optional<Clock::time_point> Retries::next() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first;
}

std::optional<std::uint64_t> Retries::oldest() const {
  if (ages_.empty()) return std::nullopt;
  return *ages_.begin();
}

void Retries::clear() {
  waiting_.clear();
  place_.clear();
  ages_.clear();
  attempts_.clear();
}

}  // namespace foxing::pipeline
