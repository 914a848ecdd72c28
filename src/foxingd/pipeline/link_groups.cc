// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/pipeline/link_groups.h"

#include <algorithm>

namespace foxing::pipeline {

void LinkGroups::note(const Name& name, std::uint64_t inode, std::uint64_t links) {
  const auto known = group_of_.find(name);
  if (known != group_of_.end() && known->second == inode && links > 1) return;
  forget(name);
  if (links <= 1) return;
  groups_[inode].insert(name);
  group_of_[name] = inode;
}

void LinkGroups::forget(const Name& name) {
  const auto known = group_of_.find(name);
  if (known == group_of_.end()) return;
  const auto group = groups_.find(known->second);
  group->second.erase(name);
  if (group->second.empty()) groups_.erase(group);
  group_of_.erase(known);
}

void LinkGroups::rename(const Name& from, const Name& to) {
  const auto known = group_of_.find(from);
  const std::uint64_t inode = known == group_of_.end() ? 0 : known->second;
  const bool linked = known != group_of_.end();
  forget(from);
  forget(to);
  if (linked) note(to, inode, 2);
}

std::vector<Name> LinkGroups::companions(const Name& name, std::uint64_t inode) const {
  std::vector<Name> names;
  const auto add_group = [&](std::uint64_t of) {
    const auto group = groups_.find(of);
    if (group == groups_.end()) return;
    for (const Name& other : group->second)
      if (other != name) names.push_back(other);
  };
  add_group(inode);
  const auto before = group_of_.find(name);
  if (before != group_of_.end() && before->second != inode) add_group(before->second);
  std::ranges::sort(names);
  names.push_back(name);
  return names;
}

void LinkGroups::clear() {
  groups_.clear();
  group_of_.clear();
}

}  // namespace foxing::pipeline
