// SPDX-License-Identifier: GPL-2.0-or-later
// Link groups: which names are one file, as far as the target was made to have them so.
//
// Why.   When one name of a file changes, the others change with it, and no event names them.  When a name leaves its file, the target's copy must leave too.
// How.   A file gets its second name long after its first one, which had no group then, and no event names it: so the names of files that were looked at lately are
//        remembered, and where that is not enough the source is searched for the inode.
// Holds. Groups are of files with more than one link.  A name is in one group at most.
// Cost.  kMostRecent names of 200 bytes.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "foxingd/pipeline/pending.h"

namespace foxing::pipeline {

class LinkGroups {
 public:
  /// `name` is one of `links` names of the file `inode` now; with one link it is in no group.  `object` is the same file, where that is known.
  void note(const Name& name, std::uint64_t inode, std::uint64_t links, const FileHandle& object = {});
  /// All names of the file that are known; none where it is not.
  std::vector<Name> names_of(const FileHandle& object) const;
  void forget(const Name& name);
  /// `from` is called `to` now.
  void rename(const Name& from, const Name& to);
  /// Those that share a file with `name`, or shared one, and those of `inode`; with `name` itself, which is the last.
  std::vector<Name> companions(const Name& name, std::uint64_t inode) const;
  /// The source has been searched: of so many links this many are names in it.  The others are elsewhere on its filesystem.
  void searched(std::uint64_t inode, std::uint64_t links, std::uint64_t found);
  /// How many names of a file with so many links are to be expected in the source.
  std::uint64_t expected(std::uint64_t inode, std::uint64_t links) const;
  void clear();
  static constexpr std::size_t kMostRecent = 32'768;
  std::size_t names() const { return group_of_.size(); }

 private:
  void remember(const Name& name, std::uint64_t inode);
  void remember(const FileHandle& object, std::uint64_t inode);
  std::unordered_map<std::uint64_t, std::unordered_set<Name>> groups_;
  std::unordered_map<Name, std::uint64_t> group_of_;
  std::unordered_map<std::uint64_t, Name> recent_;  // inode -> its only name
  std::deque<std::uint64_t> recent_order_;
  std::unordered_map<FileHandle, std::uint64_t> inode_of_;
  std::deque<FileHandle> inode_order_;
  std::unordered_map<std::uint64_t, std::uint64_t> outside_;  // inode -> links that are no names in the source; none is not kept
};

}  // namespace foxing::pipeline
