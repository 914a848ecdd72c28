// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/pipeline/link_groups.h"

#include <algorithm>

namespace foxing::pipeline {

void LinkGroups::note(const Name& name, std::uint64_t inode, std::uint64_t links, const FileHandle& object) {
  if (!object.empty()) remember(object, inode);
  const auto known = group_of_.find(name);
  if (known != group_of_.end() && known->second == inode && links > 1) return;
  forget(name);
  if (links <= 1) return remember(name, inode);
  groups_[inode].insert(name);
  group_of_[name] = inode;
}

void LinkGroups::remember(const Name& name, std::uint64_t inode) {
  outside_.erase(inode);
  if (!recent_.insert_or_assign(inode, name).second) return;
  recent_order_.push_back(inode);
  if (recent_order_.size() <= kMostRecent) return;
  recent_.erase(recent_order_.front());
  recent_order_.pop_front();
}

void LinkGroups::remember(const FileHandle& object, std::uint64_t inode) {
  if (!inode_of_.insert_or_assign(object, inode).second) return;
  inode_order_.push_back(object);
  if (inode_order_.size() <= 2 * kMostRecent) return;
  inode_of_.erase(inode_order_.front());
  inode_order_.pop_front();
}

std::vector<Name> LinkGroups::names_of(const FileHandle& object) const {
  std::vector<Name> names;
  const auto inode = inode_of_.find(object);
  if (inode == inode_of_.end()) return names;
  if (const auto group = groups_.find(inode->second); group != groups_.end())
    names.assign(group->second.begin(), group->second.end());
  if (const auto only = recent_.find(inode->second); only != recent_.end()) names.push_back(only->second);
  std::ranges::sort(names);
  return names;
}

void LinkGroups::searched(std::uint64_t inode, std::uint64_t links, std::uint64_t found) {
  if (found >= links) {
    outside_.erase(inode);
  } else {
    outside_[inode] = links - found;
  }
}

std::uint64_t LinkGroups::expected(std::uint64_t inode, std::uint64_t links) const {
  const auto outside = outside_.find(inode);
  return outside == outside_.end() ? links : links - std::min(outside->second, links - 1);
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
  if (const auto only = recent_.find(inode); only != recent_.end() && only->second != name) names.push_back(only->second);
  const auto before = group_of_.find(name);
  if (before != group_of_.end() && before->second != inode) add_group(before->second);
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  names.push_back(name);
  return names;
}

void LinkGroups::clear() {
  groups_.clear();
  group_of_.clear();
  recent_.clear();
  recent_order_.clear();
  inode_of_.clear();
  inode_order_.clear();
  outside_.clear();
}

}  // namespace foxing::pipeline
