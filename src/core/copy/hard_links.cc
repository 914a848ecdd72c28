// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/hard_links.h"

#include <algorithm>

#include "base/assert.h"

namespace foxing::copy {

HardLinks::Role HardLinks::meet(const FileKey& key, std::uint64_t link_count, Name&& name, Place& place) {
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = groups_.try_emplace(key);
  Group& group = at->second;
  if (is_new) {
    group.names_to_come = link_count - 1;
    return Role::copy;
  }
  if (group.names_to_come > 0) --group.names_to_come;
  if (!group.place) {
    group.waiting.push_back(std::move(name));
    return Role::wait;
  }
  place = *group.place;
  if (is_over(group)) groups_.erase(at);
  return Role::link;
}

bool HardLinks::is_over(Group& group) {
  if (group.names_to_come > 0 || group.stays) return false;
  group.stays = complete_ < most_complete_;
  complete_ += group.stays;
  return !group.stays;
}

bool HardLinks::claim(const FileKey& key, const FileKey& place) {
  const std::lock_guard lock(mutex_);
  return claims_.try_emplace(place, key).first->second == key;
}

std::vector<HardLinks::Name> HardLinks::copied(const FileKey& key, Place place) {
  const std::lock_guard lock(mutex_);
  const auto at = groups_.find(key);
  FOX_ASSERT(at != groups_.end());
  std::vector<Name> waiting = std::move(at->second.waiting);
  at->second.waiting.clear();
  at->second.place = std::move(place);
  if (is_over(at->second)) groups_.erase(at);
  return waiting;
}

std::optional<HardLinks::Name> HardLinks::failed(const FileKey& key) {
  const std::lock_guard lock(mutex_);
  const auto at = groups_.find(key);
  FOX_ASSERT(at != groups_.end());
  Group& group = at->second;
  if (group.waiting.empty()) {
    groups_.erase(at);  // a name that comes later is a first one again
    return std::nullopt;
  }
  Name next = std::move(group.waiting.back());
  group.waiting.pop_back();
  return next;
}

std::vector<HardLinks::Name> HardLinks::given_up(const FileKey& key) {
  const std::lock_guard lock(mutex_);
  const auto at = groups_.find(key);
  FOX_ASSERT(at != groups_.end());
  std::vector<Name> waiting = std::move(at->second.waiting);
  groups_.erase(at);  // a name that comes later is a first one again
  return waiting;
}

bool HardLinks::nobody_waits() {
  const std::lock_guard lock(mutex_);
  return std::ranges::all_of(groups_, [](const auto& entry) { return entry.second.waiting.empty(); });
}

void HardLinks::forget() {
  FOX_ASSERT(nobody_waits());
  const std::lock_guard lock(mutex_);
  groups_.clear();
  complete_ = 0;
  claims_.clear();
}

}  // namespace foxing::copy
