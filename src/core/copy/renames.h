// SPDX-License-Identifier: GPL-2.0-or-later
// Renames: what the target has under names that the source no longer has, and so may have under other names.
//
//   from  OrphanPass, a walk of the target before the copier's        to  Copier::taken_by_rename
//
// Why.   A directory that was renamed, or a film that was moved, would be copied again and its old copy deleted.
// How.   Candidates are told by size and modification time, which a rename leaves alone.  That the data is the same is found by the signature of the
//        candidate and the source's bytes, or by reading both.
// Where what the source has not is deleted anyway, the candidate gets the new name; elsewhere it is cloned.
// Holds. Nothing is taken on trust: size, times and inode numbers only choose what is compared.
//        The old name is taken away at the end, and only where the source still has not got it.
// Cost.  Memory for each name of the target that the source has not: its path twice and 120 bytes; at most kMost of them are known.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "core/walk/walk.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::copy {

class Renames {
 public:
  struct Orphan {
    std::string path;  // below the target's root
    FileKey key;
    std::shared_ptr<const sys::UniqueFd> source =
        {};  // the directory of the source that was looked into, for all that was found there and below,
    std::string source_path = {};  // and the name that it did not have
  };
  static constexpr std::size_t kMost = 1'000'000;
  static constexpr std::size_t kMostCandidates =
      16;  // compared for one file: among thousands of the same size and time each would be compared with each

  /// `may_move`: whatever the source has not is deleted, with no exception.
  explicit Renames(bool may_move) : may_move_(may_move) {}
  bool may_move() const { return may_move_; }

  void add(const sys::FileStatus& status, Orphan orphan);
  /// Files of this size and time that nobody has claimed, those of this name first; after all have been added.
  std::vector<const Orphan*> candidates(const sys::FileStatus& source, std::string_view name) const;
  /// Its name is to be taken away: true for the first that asks.  Two files of the source may have the same data and other attributes.
  bool claim(const Orphan& orphan);
  bool empty() const { return orphans_.empty(); }

 private:
  struct Look {
    std::uint64_t size;
    std::int64_t seconds;
    long nanoseconds;
    auto operator<=>(const Look&) const = default;
  };
  static Look look_of(const sys::FileStatus& status);

  const bool may_move_;
  mutable std::mutex mutex_;
  std::multimap<Look, Orphan> orphans_;
  std::unordered_set<FileKey> claimed_;
};

/// Walks a directory of the target beside the one of the source, and adds what only the target has.
class OrphanPass final : public walk::Visitor {
 public:
  explicit OrphanPass(Renames& renames) : renames_(renames) {}
  /// To be handed to the walk with the target's directory: what it is a copy of, and its path below the target's root.
  static std::unique_ptr<walk::Attachment> beside(sys::UniqueFd source, std::string path);

  Descend enter(walk::Directory& directory, walk::WorkerIndex worker) override;
  void visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) override;
  void leave(walk::Directory&) override {}
  void unreadable(walk::Directory&, std::string_view, Error) override {}  // nothing is found there, that is all
  void vanished(walk::Directory&, std::string_view) override {}

 private:
  class Beside;
  Renames& renames_;
};

}  // namespace foxing::copy
