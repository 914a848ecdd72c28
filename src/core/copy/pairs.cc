// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/pairs.h"

#include <algorithm>

#include "core/storage/storage.h"
#include "sys/process.h"

namespace foxing::copy {

PairFacts Pair::facts() const {
  return {.source = source_kind,
          .target = target_kind,
          .same_device = source == target,
          .clone_may_work = shares_blocks && !clone_declines.load(std::memory_order_relaxed),
          .copy_range_may_work = !copy_range_declines.load(std::memory_order_relaxed),
          .source_tells_holes = source_tells_holes,
          .sizes_mean_nothing = sizes_mean_nothing};
}

Result<Pair*> Pairs::of(sys::FdView source, DeviceId source_device, sys::FdView target, DeviceId target_device) {
  const std::lock_guard lock(mutex_);
  for (const auto& pair : pairs_) {
    if (pair->source == source_device && pair->target == target_device) return pair.get();
  }
  const storage::QuickTraits from = FOX_TRY(storage::quick_traits(source));
  const storage::QuickTraits to = FOX_TRY(storage::quick_traits(target));
  auto pair = std::make_unique<Pair>();
  pair->source = source_device;
  pair->target = target_device;
  pair->source_kind = from.filesystem;
  pair->target_kind = to.filesystem;
  pair->shares_blocks = storage::quick_pair(from, to).reflink != storage::Support::no;
  pair->target_tells_holes = to.holes == storage::Support::yes;
  pair->target_shares_blocks = storage::quick_pair(to, to).reflink != storage::Support::no;
  pair->source_tells_holes = from.holes == storage::Support::yes;
  // ZFS has told holes where data was not on disk yet (openzfs issue 15526): there only zeros count.
  pair->source_may_tell_holes = from.holes == storage::Support::perhaps && from.filesystem != storage::Filesystem::zfs;
  pair->sizes_mean_nothing = from.sizes_lie();
  pair->target_block = static_cast<std::size_t>(std::clamp<std::uint64_t>(to.block_size.value, 512, 65536));
  // A server or a FUSE daemon may refuse the bytes when the file is closed, and a nameless file has its name by then.
  const bool may_fail_late = to.nature == storage::Nature::network || to.nature == storage::Nature::user_space;
  pair->nameless_declines = to.nameless == storage::Support::no || may_fail_late || !sys::can_link_descriptors();
  if (to.times.step) {
    pair->fidelity.earliest_s = to.times.earliest_s;
    pair->fidelity.latest_s = to.times.latest_s;
    pair->fidelity.step_ns = to.times.step->count();
  }
  pairs_.push_back(std::move(pair));
  return pairs_.back().get();
}

}  // namespace foxing::copy
