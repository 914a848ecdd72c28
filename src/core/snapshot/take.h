// SPDX-License-Identifier: GPL-2.0-or-later
// Taking a snapshot: the whole tree of a target, as it is now, into its store.
//
//   from  fxcp --snapshot, before it changes anything        to  store.h: a snapshot that is whole, or none
//
// How.   The engine copies the tree, all attributes kept.  A file comes by the first of these ways that works:
//        clone   it shares its blocks with the tree (XFS, btrfs): costs an inode
//        link    it has not changed since the snapshot before, and becomes another name of that snapshot's file: costs a name
//        copy    everything else
// Holds. No file of a snapshot is ever a file of the tree: fxcp, foxingd and everybody else change files in place (chmod, --inplace, an editor), and a
//        shared inode would take the change along.  Among snapshots inodes are shared, since nobody changes what is in the store (ADR 25).
// Cost.  Without shared blocks the first snapshot needs as much room as the tree; docs/snapshots.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "core/snapshot/summary.h"
#include "sys/fd.h"

namespace foxing::snapshot {

struct Taking {
  std::string target_name;  // for messages
  std::string source;  // for the summary
  std::string trigger;
  unsigned workers = 1;
  std::uint64_t descriptor_limit = 1024;
};

/// Nothing where the tree is empty: there is nothing to keep.  After an error, and after a signal, the store is as it was.
Result<std::optional<Summary>> take(sys::FdView target, const Taking& how);

}  // namespace foxing::snapshot
