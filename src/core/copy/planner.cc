// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/planner.h"

#include <algorithm>

namespace foxing::copy {

using storage::Filesystem;

Bytes clone_threshold(const PairFacts& pair) {
  // Cloning is a transaction of its own: small files are written faster.  Crossover of one file at a time, bench/, docs/benchmarks.md.
  switch (pair.target) {
    case Filesystem::xfs: return 16_KiB;
    case Filesystem::btrfs: return Bytes(1);
    default: return 64_KiB;
  }
}

namespace {

/// Large files by copy_file_range: where the filesystem or the server does something cleverer than moving the bytes.
bool large_by_copy_range(const PairFacts& pair) {
  if (!pair.copy_range_may_work || pair.source != pair.target) return false;
  switch (pair.target) {
    case Filesystem::nfs:
    case Filesystem::cifs:
    case Filesystem::ceph:
    case Filesystem::zfs:
    case Filesystem::bcachefs:
    case Filesystem::fuse:
    case Filesystem::overlay: return true;
    default: return false;
  }
}

}  // namespace

Plan plan(const Shape& shape, const PairFacts& pair, const Choices& choices) {
  Plan plan;
  if (pair.sizes_mean_nothing || shape.size == Bytes(0)) {
    plan.until_end = true;
    plan.add(Tier::plain,
             pair.sizes_mean_nothing ? "sizes mean nothing on this filesystem: read to the end" : "empty as far as stat tells");
    return plan;
  }

  const bool sparse = shape.has_holes || (shape.allocated < shape.size && !pair.source_tells_holes);
  if (choices.sparse == Sparse::always) {
    plan.holes = pair.source_tells_holes ? Holes::both : Holes::scan_zeros;
  } else if (sparse && choices.sparse == Sparse::automatic) {
    plan.holes = pair.source_tells_holes ? Holes::as_source : Holes::scan_zeros;
  }

  // Sharing keeps the source's holes: neither more (--sparse=always) nor fewer (never).
  const bool clone_is_exact = choices.sparse == Sparse::automatic || (choices.sparse == Sparse::never && !shape.has_holes);
  if (choices.reflink == Reflink::always) {
    plan.add(Tier::clone, "--reflink=always");
    return plan;
  }
  if (choices.reflink == Reflink::preferred && pair.clone_may_work && clone_is_exact) {
    plan.add(Tier::clone, "blocks are shared where that can be done");
  } else if (choices.reflink == Reflink::automatic && pair.clone_may_work && clone_is_exact) {
    if (shape.size >= clone_threshold(pair)) {
      plan.add(Tier::clone, "the filesystem shares blocks");
    } else if (!shape.cached) {
      plan.add(Tier::clone, "shared blocks need not be read");
    }
  }

  const bool moves_whole = plan.holes == Holes::none && choices.sparse != Sparse::always;
  if (shape.size <= kSmall && moves_whole) {
    plan.add(Tier::send, "small: one sendfile");
    plan.add(Tier::plain, "where sendfile is refused");
    return plan;
  }
  const bool server_may_keep_holes = choices.sparse == Sparse::never && shape.has_holes;
  if (large_by_copy_range(pair) && moves_whole && !server_may_keep_holes && choices.reflink != Reflink::never) {
    plan.add(Tier::copy_range, "this filesystem copies by itself");
  }
  if (plan.holes != Holes::none && std::min(shape.allocated, shape.size) <= kSmall) {
    plan.add(Tier::plain, "little data between holes: not worth a ring");
    return plan;
  }
  // Buffered io_uring writes wait in turn for one kernel thread a file, and its registered buffers cost a second copy: 10 x 100 MiB XFS to XFS 350 ms
  // against 128 ms by sendfile on two workers, cold as well (docs/benchmarks.md).  sendfile knows no holes, though.
  if (plan.holes == Holes::none) plan.add(Tier::send, "large: sendfile, shared among the workers");
  plan.add(Tier::ring, plan.holes == Holes::none ? "where sendfile is refused" : "holes: only data is moved");
  plan.add(Tier::plain, "where io_uring is not to be had");
  return plan;
}

}  // namespace foxing::copy
