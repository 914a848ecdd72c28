// SPDX-License-Identifier: GPL-2.0-or-later
// Staging directories: where XFS makes nameless files, one directory for each worker.
//
// Why.   XFS allocates an inode in the allocation group of the directory it is made in, and a nameless file besides goes on that group's unlinked list, until
//        it has a name.  Workers in one part of a tree so wait for each other's group header: /usr/share and /usr/include, XFS to XFS, 1.74 s in place,
//        1.08 s with a directory for each worker (docs/benchmarks.md).  XFS puts directories made one after the other into different groups.
// How.   `.tmp.<uuid>` directories in the target's root, made at the start, removed before the root gets its times.  Only O_TMPFILE happens in them, so they
//        are always empty, also after a kill, and the next run removes them.
// Holds. A file made here looks as if made in its own directory: so not where that gives files something of its own (a default ACL, a project id, a group that is
//        wanted), nor on another filesystem.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "core/copy/target.h"
#include "core/copy/temp_names.h"
#include "core/walk/scheduler.h"
#include "sys/fd.h"

namespace foxing::copy {

class StagingDirectories {
 public:
  /// The first time: they will lie in `root`, where they help and can be made; else there are none, which is no error.  Made when the first file is staged, so
  /// that a run which finds nothing to do writes nothing.
  void may_lie_in(const TargetDirectory& root, TempNames& names, unsigned workers);
  /// Where `worker` makes nameless files for `target`.
  sys::FdView place_for(const TargetDirectory& target, walk::WorkerIndex worker);
  /// True where they lie in `root`.
  bool lie_in(const TargetDirectory& root) const {
    return usable_.load(std::memory_order_acquire) && root_key_ == root.status().key();
  }
  /// From now on everything is made in place.  Not for two threads at once.
  Result<> remove(sys::FdView root);

 private:
  struct Place {
    std::string name;
    sys::UniqueFd fd;
  };
  void make_all();

  std::once_flag chosen_;
  std::once_flag made_;
  std::atomic<const TargetDirectory*> root_{nullptr};  // until it is left
  TempNames* names_ = nullptr;
  unsigned workers_ = 0;
  std::vector<Place> places_;
  FileKey root_key_;
  std::atomic<bool> usable_{false};
};

}  // namespace foxing::copy
