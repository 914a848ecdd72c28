// SPDX-License-Identifier: GPL-2.0-or-later
// Measuring: what snapshots need on disk, when what they share is counted once.
//
//   from  open trees, in the order in which they are to be counted        to  Size for each
//
// How.   Begin with the tree as it is, then the newest snapshot, and so on: what a snapshot is said to need is what neither the tree nor a newer snapshot
//        has; it is freed when this one and all older ones go.  Files are told by inode, shared blocks by where they lie (FIEMAP).
// Holds. Where the filesystem does not tell extents, blocks are counted by stat alone, and nothing is shared but inodes.
// Cost.  One open, stat and FIEMAP a file; memory for what is shared only: 48 bytes for each run of blocks, and for each inode with several names.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_set>

#include "base/result.h"
#include "base/strong.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::snapshot {

struct Size {
  std::uint64_t files = 0;
  std::uint64_t entries = 0;
  Bytes apparent;  // the lengths of all files
  Bytes on_disk;  // what no tree that was measured before has
  Bytes shared;  // on disk, and had by something else too
  std::uint64_t unreadable = 0;  // entries that could not be measured
};

/// Ranges of addresses.
class Ranges {
 public:
  /// How much of it was not there yet.
  std::uint64_t add(std::uint64_t begin, std::uint64_t size);

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;  // begin -> end; apart from each other
};

class Measure {
 public:
  explicit Measure(std::uint64_t descriptor_limit) : descriptor_limit_(descriptor_limit) {}
  /// Own names are left out, as in every walk.
  Size add(sys::UniqueFd tree, const std::string& name);

 private:
  friend class MeasuringVisitor;
  const std::uint64_t descriptor_limit_;
  bool tells_extents_ = true;
  Ranges blocks_;
  std::unordered_set<FileKey> inodes_;
};

}  // namespace foxing::snapshot
