// SPDX-License-Identifier: GPL-2.0-or-later
// Hard links: the names of one file, met in any order by any worker, become names of one file in the target.
//
// How.   The first name met is copied; names met meanwhile wait in the table; later ones are linked at once.  When the copy fails the
//        next waiting name is copied in its place, where it was the place in the target that failed; else they all fail with it.  Once all names that the source's link count promised have been met the entry goes.
// Holds. Only files with more than one link are in the table.  Nothing is linked by name alone: the target is opened below the root, link-free, and must
//        be the very inode that was made.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/strong.h"
#include "core/walk/walk.h"

namespace foxing::copy {

class HardLinks {
 public:
  /// A name in the source that is to become a link.
  struct Name {
    walk::Hold directory;
    std::string name;
    sys::FileType type;
    sys::Links links;
  };
  /// Where the copy is.
  struct Place {
    std::string path;  // below the target's root
    FileKey key;  // its inode there
  };
  enum class Role : std::uint8_t { copy, wait, link };

  /// A name of `key` has been met.  With `link`, `place` tells what to link to; with `wait`, `name` has been taken over; with
  /// `copy` the caller must call `copied` or `failed` later.
  Role meet(const FileKey& key, std::uint64_t link_count, Name&& name, Place& place);
  /// True where the target's file `place` may stand for `key`: no other group has it.  The first group that asks gets it.
  bool claim(const FileKey& key, const FileKey& place);
  /// The names that waited for the copy.
  std::vector<Name> copied(const FileKey& key, Place place);
  /// The name that is to be copied instead, if one waited.
  std::optional<Name> failed(const FileKey& key);
  /// All names that waited, where none of them can do better.
  std::vector<Name> given_up(const FileKey& key);
  /// Names may be met more than once, so that counting them does not tell when all have been: this many groups stay after that.
  void names_may_repeat(std::size_t most) { most_complete_ = most; }
  /// All groups and claims are forgotten.  Nobody may wait.
  void forget();
  /// True where every name that waited has been answered: so it is after a run.
  bool nobody_waits();

 private:
  struct Group {
    std::uint64_t names_to_come = 0;
    std::optional<Place> place;
    std::vector<Name> waiting;
    bool stays = false;  // complete, and kept for names that come again
  };
  /// Nobody will ask for the group any more.
  bool is_over(Group& group);

  std::mutex mutex_;
  std::size_t most_complete_ = 0, complete_ = 0;
  std::unordered_map<FileKey, Group> groups_;
  std::unordered_map<FileKey, FileKey> claims_;  // files of the target that were there before -> whose they are
};

}  // namespace foxing::copy
