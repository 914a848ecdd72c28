// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/planner.h"

#include <gmock/gmock.h>

#include <vector>

namespace foxing::copy {

void PrintTo(Tier tier, std::ostream* out) { *out << name_of(tier); }

namespace {

using storage::Filesystem;
using Tiers = std::vector<Tier>;

constexpr Tier kClone = Tier::clone;
constexpr Tier kRange = Tier::copy_range;
constexpr Tier kSend = Tier::send;
constexpr Tier kRing = Tier::ring;
constexpr Tier kPlain = Tier::plain;

Shape whole(Bytes size) { return {.size = size, .allocated = size, .has_holes = false}; }
Shape uncached(Bytes size) { return {.size = size, .allocated = size, .has_holes = false, .cached = false}; }
Shape sparse(Bytes size) { return {.size = size, .allocated = size - 4_KiB, .has_holes = true}; }
Shape nearly_empty(Bytes size) { return {.size = size, .allocated = 4_KiB, .has_holes = true}; }

PairFacts pair(Filesystem source, Filesystem target) {
  return {.source = source,
          .target = target,
          .same_device = false,
          .clone_may_work = false,
          .copy_range_may_work = true,
          .source_tells_holes = true,
          .sizes_mean_nothing = false};
}
PairFacts sharing(Filesystem filesystem) {
  PairFacts facts = pair(filesystem, filesystem);
  facts.clone_may_work = facts.same_device = true;
  return facts;
}
PairFacts hole_blind(PairFacts facts) {
  facts.source_tells_holes = false;
  return facts;
}

Tiers tiers(const Plan& plan) {
  Tiers answer;
  for (std::size_t i = 0; i < plan.count; ++i) answer.push_back(plan.steps[i].tier);
  return answer;
}

struct Row {
  const char* what;
  Shape shape;
  PairFacts pair;
  Choices choices;
  Tiers tiers;
  Holes holes = Holes::none;
  bool until_end = false;
};

constexpr Choices kUsual{};
constexpr Choices kAlwaysClone{.reflink = Reflink::always};
constexpr Choices kNeverClone{.reflink = Reflink::never};
constexpr Choices kRatherClone{.reflink = Reflink::preferred};
constexpr Choices kMakeHoles{.sparse = Sparse::always};
constexpr Choices kFillHoles{.sparse = Sparse::never};

const PairFacts kXfs = sharing(Filesystem::xfs);
const PairFacts kBtrfs = sharing(Filesystem::btrfs);
const PairFacts kAcross = pair(Filesystem::xfs, Filesystem::ext4);
const PairFacts kNfs = pair(Filesystem::nfs, Filesystem::nfs);

PairFacts kernel_files() {
  PairFacts facts = pair(Filesystem::proc, Filesystem::xfs);
  facts.sizes_mean_nothing = true;
  return facts;
}
PairFacts declined(PairFacts facts) {
  facts.clone_may_work = facts.copy_range_may_work = false;
  return facts;
}

const Row kTable[] = {
    // Which tiers, by size and pair.
    {"small, across filesystems", whole(4_KiB), kAcross, kUsual, {kSend, kPlain}},
    {"the largest small file", whole(1_MiB), kAcross, kUsual, {kSend, kPlain}},
    {"one byte more", whole(Bytes((1 << 20) + 1)), kAcross, kUsual, {kSend, kRing, kPlain}},
    {"one byte", whole(Bytes(1)), kAcross, kUsual, {kSend, kPlain}},
    {"large, across filesystems", whole(100_MiB), kAcross, kUsual, {kSend, kRing, kPlain}},

    // Sharing blocks.
    {"xfs: below the threshold it is written", whole(Bytes(16383)), kXfs, kUsual, {kSend, kPlain}},
    {"xfs: from the threshold on it is shared", whole(16_KiB), kXfs, kUsual, {kClone, kSend, kPlain}},
    {"xfs: below the threshold, and its data would have to be read", uncached(4_KiB), kXfs, kUsual, {kClone, kSend, kPlain}},
    {"the same with --reflink=never", uncached(4_KiB), kXfs, kNeverClone, {kSend, kPlain}},
    {"across filesystems it has to be read", uncached(4_KiB), kAcross, kUsual, {kSend, kPlain}},
    {"xfs: large", whole(100_MiB), kXfs, kUsual, {kClone, kSend, kRing, kPlain}},
    {"btrfs: shared from the first byte", whole(Bytes(1)), kBtrfs, kUsual, {kClone, kSend, kPlain}},
    {"another that shares: its threshold", whole(64_KiB), sharing(Filesystem::overlay), kUsual, {kClone, kSend, kPlain}},
    {"another that shares: below it", whole(Bytes(65535)), sharing(Filesystem::overlay), kUsual, {kSend, kPlain}},
    {"sharing was refused for good", whole(100_MiB), declined(kXfs), kUsual, {kSend, kRing, kPlain}},
    {"--reflink=never", whole(100_MiB), kXfs, kNeverClone, {kSend, kRing, kPlain}},
    {"snapshots share the smallest file, too", whole(1_KiB), kXfs, kRatherClone, {kClone, kSend, kPlain}},
    {"snapshots, whether it is cached or not", uncached(1_KiB), kXfs, kRatherClone, {kClone, kSend, kPlain}},
    {"snapshots where nothing can be shared", whole(1_KiB), kAcross, kRatherClone, {kSend, kPlain}},
    {"snapshots, uncached, where nothing can be shared", uncached(1_KiB), kAcross, kRatherClone, {kSend, kPlain}},
    {"snapshots where sharing was refused for good", uncached(1_KiB), declined(kXfs), kRatherClone, {kSend, kPlain}},
    {"snapshots keep holes by sharing them", sparse(2_MiB), kXfs, kRatherClone, {kClone, kRing, kPlain}, Holes::as_source},
    {"--reflink=always has no other way", whole(1_KiB), kXfs, kAlwaysClone, {kClone}},
    {"--reflink=always even where it cannot work: it says so", whole(1_KiB), kAcross, kAlwaysClone, {kClone}},

    // copy_file_range, where somebody else does the work.
    {"nfs: the server copies", whole(2_MiB), kNfs, kUsual, {kRange, kSend, kRing, kPlain}},
    {"nfs: small ones are not worth it", whole(4_KiB), kNfs, kUsual, {kSend, kPlain}},
    {"nfs: refused for good", whole(2_MiB), declined(kNfs), kUsual, {kSend, kRing, kPlain}},
    {"nfs to xfs: nobody could", whole(2_MiB), pair(Filesystem::nfs, Filesystem::xfs), kUsual, {kSend, kRing, kPlain}},
    {"xfs: copy_file_range would only move bytes", whole(2_MiB), declined(kXfs), kUsual, {kSend, kRing, kPlain}},
    {"nfs with --reflink=never: the server might share", whole(2_MiB), kNfs, kNeverClone, {kSend, kRing, kPlain}},

    {"overlay: everything may work", whole(2_MiB), sharing(Filesystem::overlay), kUsual, {kClone, kRange, kSend, kRing, kPlain}},

    // Holes.
    {"holes are kept as the source tells them", sparse(2_MiB), kAcross, kUsual, {kRing, kPlain}, Holes::as_source},
    {"little data between holes is not worth a ring", nearly_empty(100_GiB), kAcross, kUsual, {kPlain}, Holes::as_source},
    {"nor is a small file with a hole", sparse(1_MiB), kAcross, kUsual, {kPlain}, Holes::as_source},
    {"a clone keeps them anyway", sparse(2_MiB), kXfs, kUsual, {kClone, kRing, kPlain}, Holes::as_source},
    {"copy_file_range would fill them", sparse(2_MiB), kNfs, kUsual, {kRing, kPlain}, Holes::as_source},
    {"a source that cannot tell: blocks missing, zeros are looked for",
     {3_MiB, 2_MiB, false},
     hole_blind(kAcross),
     kUsual,
     {kRing, kPlain},
     Holes::scan_zeros},
    {"a source that cannot tell, all blocks there", whole(1_MiB), hole_blind(kAcross), kUsual, {kSend, kPlain}},
    {"blocks missing (compression), the source tells: no holes", {1_MiB, 4_KiB, false}, kAcross, kUsual, {kSend, kPlain}},
    {"--sparse=always looks for zeros in any file", whole(4_KiB), kAcross, kMakeHoles, {kPlain}, Holes::both},
    {"--sparse=always where the source cannot tell its own",
     whole(2_MiB),
     hole_blind(kAcross),
     kMakeHoles,
     {kRing, kPlain},
     Holes::scan_zeros},
    {"--sparse=always: a clone would not make holes", whole(2_MiB), kXfs, kMakeHoles, {kRing, kPlain}, Holes::both},
    {"--sparse=always on nfs: nor would the server", whole(2_MiB), kNfs, kMakeHoles, {kRing, kPlain}, Holes::both},
    {"--sparse=never: zeros are written", sparse(2_MiB), kAcross, kFillHoles, {kSend, kRing, kPlain}},
    {"--sparse=never on nfs: the server might keep them", sparse(2_MiB), kNfs, kFillHoles, {kSend, kRing, kPlain}},
    {"--sparse=never, small", sparse(64_KiB), kAcross, kFillHoles, {kSend, kPlain}},
    {"--sparse=never: a clone would keep the holes", sparse(1_MiB), kXfs, kFillHoles, {kSend, kPlain}},
    {"--sparse=never, no holes: a clone is exact", whole(1_MiB), kXfs, kFillHoles, {kClone, kSend, kPlain}},

    // Sizes that mean nothing.
    {"empty as far as stat tells", whole(Bytes(0)), kAcross, kUsual, {kPlain}, Holes::none, true},
    {"procfs, size 0", whole(Bytes(0)), kernel_files(), kUsual, {kPlain}, Holes::none, true},
    {"sysfs says 4096 of everything", whole(4_KiB), kernel_files(), kUsual, {kPlain}, Holes::none, true},
    {"empty, and --reflink=always: nothing to share", whole(Bytes(0)), kXfs, kAlwaysClone, {kPlain}, Holes::none, true},
};

class PlanTable : public ::testing::TestWithParam<Row> {};

TEST_P(PlanTable, Row) {
  const Row& row = GetParam();
  SCOPED_TRACE(row.what);
  const Plan planned = plan(row.shape, row.pair, row.choices);
  EXPECT_EQ(tiers(planned), row.tiers);
  EXPECT_EQ(planned.holes, row.holes);
  EXPECT_EQ(planned.until_end, row.until_end);
}
INSTANTIATE_TEST_SUITE_P(Planner, PlanTable, ::testing::ValuesIn(kTable),
                         [](const auto& row) { return "Row" + std::to_string(row.index); });

/// What holds for every file, pair and choice.
TEST(Planner, EveryPlanEndsWithAWayThatAlwaysWorksAndGivesReasons) {
  const std::vector<Bytes> sizes{Bytes(0), Bytes(1), 4_KiB, 16_KiB, 64_KiB, 1_MiB, 2_MiB, 4_GiB};
  const std::vector<Filesystem> kinds{Filesystem::xfs, Filesystem::btrfs, Filesystem::ext4,
                                      Filesystem::nfs, Filesystem::proc,  Filesystem::other};
  for (const Bytes size : sizes) {
    for (const Filesystem source : kinds) {
      for (const Filesystem target : kinds) {
        for (unsigned bits = 0; bits < 64; ++bits) {
          PairFacts facts = pair(source, target);
          facts.clone_may_work = bits & 1;
          facts.copy_range_may_work = bits & 2;
          facts.source_tells_holes = bits & 4;
          const Shape shape{size, bits & 8 ? Bytes(0) : size, (bits & 16) != 0, (bits & 32) == 0};
          for (const Reflink reflink : {Reflink::automatic, Reflink::never, Reflink::always, Reflink::preferred}) {
            for (const Sparse make : {Sparse::automatic, Sparse::never, Sparse::always}) {
              const Plan planned = plan(shape, facts, {.reflink = reflink, .sparse = make});
              ASSERT_GT(planned.count, 0u);
              ASSERT_LE(planned.count, planned.steps.size()) << "one step more than there is room for";
              const bool only_sharing = reflink == Reflink::always && size > Bytes(0);
              ASSERT_EQ(planned.steps[planned.count - 1].tier, only_sharing ? Tier::clone : Tier::plain);
              for (std::size_t i = 0; i < planned.count; ++i) {
                ASSERT_FALSE(planned.steps[i].why.empty());
                ASSERT_FALSE(reflink == Reflink::never && planned.steps[i].tier == Tier::clone);
                // These two move whole files: they would write zeros into holes.
                if (planned.holes != Holes::none) {
                  ASSERT_NE(planned.steps[i].tier, Tier::send);
                }
                if (planned.holes != Holes::none) {
                  ASSERT_NE(planned.steps[i].tier, Tier::copy_range);
                }
              }
              if (make == Sparse::never) {
                ASSERT_EQ(planned.holes, Holes::none);
              }
            }
          }
        }
      }
    }
  }
}

TEST(Planner, TheThresholdIsThatOfTheTarget) {
  EXPECT_EQ(clone_threshold(pair(Filesystem::btrfs, Filesystem::xfs)), 16_KiB);
  EXPECT_EQ(clone_threshold(pair(Filesystem::xfs, Filesystem::btrfs)), Bytes(1));
  EXPECT_EQ(clone_threshold(pair(Filesystem::xfs, Filesystem::other)), 64_KiB);
}

TEST(Planner, TheFirstStepSaysWhy) {
  EXPECT_EQ(plan(whole(4_KiB), kAcross, kUsual).steps[0].why, "small: one sendfile");
  EXPECT_EQ(plan(whole(4_KiB), kXfs, kAlwaysClone).steps[0].why, "--reflink=always");
  EXPECT_EQ(plan(sparse(4_MiB), kAcross, kUsual).steps[0].why, "holes: only data is moved");
}

}  // namespace
}  // namespace foxing::copy
