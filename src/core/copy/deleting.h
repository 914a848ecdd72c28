// SPDX-License-Identifier: GPL-2.0-or-later
// Deleting: takes from the target what the source has not.
//
//   from  copier.cc (while the tree is copied) or DeletePass (before or after)        to  the target, and an Observer
//
// How.   A directory's names are looked up in the source one by one, at the moment of deleting: what somebody has just made there is not lost.  Where
//        the copier found as many names as there were before, nothing is listed at all.
// Holds. Only ENOENT of the source's own directory makes a name an extra one.  A directory of the source that could not be read whole loses nothing.
//        Never removed: what a filter guards and the directories above it, own names (own_names.h), temporary files of live runs, mount points, sources of
//        the run (a bind mount, or a rename while it runs, may put one into the target).
//        Nothing is followed, and no path string is used: a tree is removed through its descriptors.
// Cost.  Memory: the names of one level of what is removed.  Descriptors: at most kOpenLevels.
// Not here: what is kept elsewhere instead of being removed (keeper.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/copy/empty_directories.h"
#include "core/copy/keeper.h"
#include "core/copy/outcome.h"
#include "core/copy/packing.h"
#include "core/copy/target.h"
#include "core/walk/walk.h"

namespace foxing::copy {

struct Deleting {
  bool dry_run = false;
  bool despite_errors = false;  // --ignore-errors
  std::optional<std::uint64_t> most = {};  // --max-delete
  std::string target_name = {};
  Packing packing = {};  // what files of the source are called in the target
  const EmptyDirectories* empty = nullptr;  // --prune-empty-dirs: the source has not what is in here; outlives the deleter
  std::vector<FileKey> sources = {};  // directories that are copied from: they and what is in them stay, wherever they are met
};

class Deleter final : public Clearing {
 public:
  /// `keeper` may be null: then what is deleted is gone.
  Deleter(Deleting options, Observer& observer, const walk::Selector* selector, Keeper* keeper)
      : options_(std::move(options)), observer_(observer), selector_(selector), keeper_(keeper) {}

  /// Removes from `target` what is neither in `source` nor guarded.  Failures reach the Observer; false: something stays that should have gone.
  bool remove_extras(walk::Directory& source, TargetDirectory& target);

  /// The same for one name.  False: it is not extra, or something of it stays; failures reach the Observer.
  bool remove_if_extra(walk::Directory& source, TargetDirectory& target, const std::string& name);

  // Clearing
  Result<bool> clear(TargetDirectory& directory, const std::string& name) override;

  /// True where the source's directory counts as not there.
  bool is_pruned(const walk::Directory& source) const { return options_.empty != nullptr && options_.empty->contains(source); }
  /// Names removed (a directory counts, and everything in it).
  std::uint64_t removed() const { return removed_.load(); }
  /// Names that stay because --max-delete was reached.
  std::uint64_t spared() const { return spared_.load(); }

 private:
  struct Extra {
    std::string name;
    sys::FileType type;
  };
  /// Those that `reader` finds next, some kMostAtOnce of them; none at the end of the directory.
  Result<std::vector<Extra>> next_extras(walk::Directory& source, const TargetDirectory& target, sys::DirectoryReader& reader);
  bool is_extra(walk::Directory& source, const TargetDirectory& target, const std::string& name, bool is_directory);
  /// True where a filter says that this name, `below` the directory, must stay.
  bool is_guarded(const walk::Directory& source, const std::string& below, bool is_directory) const;
  Result<> remove(walk::Directory& source, TargetDirectory& target, const Extra& extra);
  /// True where one more may go.
  bool may_remove();
  bool is_source(const FileKey& key) const;
  void told(const std::string& path, const std::string& below, sys::FileType type);
  void failed(const std::string& path, Error error);

  friend class TreeRemoval;
  const Deleting options_;
  Observer& observer_;
  const walk::Selector* const selector_;
  Keeper* const keeper_;
  std::atomic<std::uint64_t> removed_{0};
  std::atomic<std::uint64_t> spared_{0};
  std::atomic<std::uint64_t> failed_{0};
};

/// --delete-before, --delete-after: a walk of its own that only deletes.
class DeletePass final : public walk::Visitor {
 public:
  struct Options {
    bool keep_dirlinks = false;
    bool implied_dirs = true;  // as in copy::Options
    bool one_filesystem = false;
    bool dry_run = false;
  };
  DeletePass(Deleter& deleter, Observer& observer, Options options) : deleter_(deleter), observer_(observer), options_(options) {}

  /// What is to be handed to the walk with a root or a place.
  Result<std::unique_ptr<TargetDirectory>> adopt(sys::UniqueFd target, sys::FdView source, const sys::FileStatus& source_status,
                                                 const std::string& target_name);

  Descend enter(walk::Directory& directory, walk::WorkerIndex worker) override;
  void visit(const walk::Hold&, const walk::Entry&, walk::WorkerIndex) override {}
  void leave(walk::Directory& directory) override;
  void unreadable(walk::Directory& directory, std::string_view name, Error error) override;
  void vanished(walk::Directory&, std::string_view) override {}

 private:
  Deleter& deleter_;
  Observer& observer_;
  const Options options_;
  Pairs pairs_;
};

}  // namespace foxing::copy
