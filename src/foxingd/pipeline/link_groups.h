// SPDX-License-Identifier: GPL-2.0-or-later
// Link groups: which names are one file, as far as the target was made to have them so.
//
// Why.   When one name of a file changes, the others change with it, and no event names them.  When a name leaves its file, the target's copy must leave too.
// Holds. Only files with more than one link are here.  A name is in one group at most.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "foxingd/pipeline/pending.h"

namespace foxing::pipeline {

class LinkGroups {
 public:
  /// `name` is one of `links` names of the file `inode` now; with one link it is in no group.
  void note(const Name& name, std::uint64_t inode, std::uint64_t links);
  void forget(const Name& name);
  /// `from` is called `to` now.
  void rename(const Name& from, const Name& to);
  /// Those that share a file with `name`, or shared one, and those of `inode`; with `name` itself, which is the last.
  std::vector<Name> companions(const Name& name, std::uint64_t inode) const;
  void clear();
  std::size_t names() const { return group_of_.size(); }

 private:
  std::unordered_map<std::uint64_t, std::unordered_set<Name>> groups_;
  std::unordered_map<Name, std::uint64_t> group_of_;
};

}  // namespace foxing::pipeline
