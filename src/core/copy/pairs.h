// SPDX-License-Identifier: GPL-2.0-or-later
// Pairs of filesystems: what is known, and what has been found out, about copying from one to the other.
// Asked once for a directory, remembered for the run.  What a tier answered once and for all (EXDEV, EOPNOTSUPP) is kept here, so that it
// is not tried for every file.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "core/copy/planner.h"
#include "core/meta/meta.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::copy {

struct Pair {
  DeviceId source;
  DeviceId target;
  storage::Filesystem source_kind = storage::Filesystem::other;
  storage::Filesystem target_kind = storage::Filesystem::other;
  bool shares_blocks = false;  // FICLONE may work
  bool target_tells_holes = false;
  bool target_shares_blocks = false;  // between two files of the target
  bool source_tells_holes = false;
  bool source_may_tell_holes = false;  // overlayfs, FUSE, NFS: the ones below decide; a hole that is told is one
  bool sizes_mean_nothing = false;
  std::size_t target_block = 4096;
  std::atomic<bool> clone_declines{false};
  std::atomic<bool> copy_range_declines{false};
  std::atomic<bool> nameless_declines{false};  // no O_TMPFILE in the target
  meta::Fidelity fidelity;  // of the target

  PairFacts facts() const;
  /// True where a hole told by either side surely is one: what both tell need not be read.
  bool may_skip_holes() const { return (source_tells_holes || source_may_tell_holes) && target_tells_holes; }
};

class Pairs {
 public:
  /// The pair of the filesystems of two open directories; the same object each time.
  Result<Pair*> of(sys::FdView source, DeviceId source_device, sys::FdView target, DeviceId target_device);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Pair>> pairs_;
};

}  // namespace foxing::copy
