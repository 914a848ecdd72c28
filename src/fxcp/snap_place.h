// SPDX-License-Identifier: GPL-2.0-or-later
// Where the store of a path is: what a user writes, to open directories.  Beside it what fxcp itself has to do with stores while it copies.
#pragma once

#include <string>

#include "base/result.h"
#include "core/snapshot/store.h"
#include "fxcp/arrangement.h"
#include "fxcp/options.h"
#include "fxcp/report.h"
#include "sys/fd.h"

namespace foxing::fxcp {

/// A path, as one below a target that has a store.
struct Place {
  std::string target;
  sys::UniqueFd fd;  // of the target
  std::string below;  // empty: the target itself

  /// The same path in a snapshot.
  std::string in_snapshot(const std::string& name) const;
};
/// The nearest directory above `path`, or itself, that has a store.  What `path` names need not exist any more.
Result<Place> place_of(const std::string& path);
/// `path` is the target itself.
Result<Place> target_at(const std::string& path);

/// An entry by its path below `root`, no link followed on the way.
Result<sys::FileStatus> status_beneath(sys::FdView root, const std::string& path);
/// The directory that `path` lies in, and its last name.
struct Parent {
  sys::UniqueFd fd;
  std::string name;
};
Result<Parent> parent_beneath(sys::FdView root, const std::string& path);

/// --snapshot: keeps what the target is now.  After an error nothing has been changed.
Result<> keep_snapshot(const Options& options, const Arrangement& plan, sys::FdView target, unsigned workers,
                       std::uint64_t descriptors, Report& report);
/// --cleanup: what dead runs left in the store of `target`; 0 where there is none, or somebody changes it now.
Result<std::uint64_t> clean_store(sys::FdView target, bool dry_run);

}  // namespace foxing::fxcp
