// SPDX-License-Identifier: GPL-2.0-or-later
// The planner: which tiers a file is offered to, in which order, and why.  Pure: a table of facts in, a plan out.
//
//   from  copier     Shape of the file, Pair facts, Choices        to  content.cc   Plan
//
// Why.   The order is a judgement with numbers behind it (docs/benchmarks.md), so it stands in one place with a table of tests.
//        A plan never decides what is possible: a tier that is refused declines and the next one has its turn.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/strong.h"
#include "core/copy/outcome.h"
#include "core/storage/filesystem.h"

namespace foxing::copy {

/// `preferred`: every file is offered to be shared first, however small, and copied where that is declined.
enum class Reflink : std::uint8_t { automatic, always, never, preferred };
enum class Sparse : std::uint8_t { automatic, always, never };

struct Choices {
  Reflink reflink = Reflink::automatic;
  Sparse sparse = Sparse::automatic;
};

/// What is known of a pair of filesystems.
struct PairFacts {
  storage::Filesystem source = storage::Filesystem::other;
  storage::Filesystem target = storage::Filesystem::other;
  bool same_device = false;        // st_dev; on btrfs two subvolumes differ and still share blocks
  bool clone_may_work = false;     // both of one kind that shares blocks, and not yet refused for good
  bool copy_range_may_work = false;
  bool source_tells_holes = true;  // SEEK_HOLE can be trusted
  bool sizes_mean_nothing = false; // procfs, sysfs
};

struct Shape {
  Bytes size;
  Bytes allocated;
  bool has_holes = false;  // SEEK_HOLE found one before the end
  bool cached = true;      // its data need not be waited for
};

/// How data that is not there is told from data that is zero.
enum class Holes : std::uint8_t {
  none,        // there are none, or they don't matter: everything is copied
  as_source,   // SEEK_DATA/SEEK_HOLE
  scan_zeros,  // blocks of zeros become holes, where the source cannot tell
  both,        // the source's holes, and blocks of zeros in its data (--sparse=always)
};
constexpr bool asks_source(Holes holes) { return holes == Holes::as_source || holes == Holes::both; }
constexpr bool scans_zeros(Holes holes) { return holes == Holes::scan_zeros || holes == Holes::both; }

struct Plan {
  struct Step {
    Tier tier;
    std::string_view why;
  };
  std::array<Step, 5> steps{};
  std::size_t count = 0;
  Holes holes = Holes::none;
  bool until_end = false;  // read until the end rather than to the size

  void add(Tier tier, std::string_view why) { steps[count++] = {tier, why}; }
};

/// Up to this size a file is one worker's work, and what is moved of it is not worth a ring.
inline constexpr Bytes kSmall = 1_MiB;

Plan plan(const Shape& shape, const PairFacts& pair, const Choices& choices);

/// From this size on sharing blocks is cheaper than writing them, when the data need not be read first.
Bytes clone_threshold(const PairFacts& pair);

}  // namespace foxing::copy
