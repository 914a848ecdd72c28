// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/quick_check.h"

#include <gtest/gtest.h>

namespace foxing::copy {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// A file of `size` bytes, with times in nanoseconds; of a target, `changed` is when it was made.
sys::FileStatus file(std::int64_t size, std::int64_t modified, std::int64_t changed) {
  sys::FileStatus status;
  status.raw.st_mode = S_IFREG | 0644;
  status.raw.st_size = size;
  status.raw.st_mtim = {modified / kSecond, modified % kSecond};
  status.raw.st_ctim = {changed / kSecond, changed % kSecond};
  return status;
}

struct Row {
  const char* what;
  sys::FileStatus source;
  sys::FileStatus target;
  Comparison comparison;
  Data verdict;
};

constexpr Comparison kQuick{};
constexpr Comparison kSize{.by = Comparison::By::size};
constexpr Comparison kContent{.by = Comparison::By::content};
constexpr Comparison kNothing{.by = Comparison::By::nothing};
constexpr Comparison kTrusting{.trust_times = true};
constexpr Comparison kWindow{.window = {.seconds = 2}};

TEST(MayChangeUnseen, WithinATickAndLater) {
  const timespec changed{1000, 0};
  EXPECT_TRUE(may_change_unseen(changed, {1000, kSurelyEarlierNs}));
  EXPECT_FALSE(may_change_unseen(changed, {1000, kSurelyEarlierNs + 1}));
  EXPECT_TRUE(may_change_unseen(changed, {999, 0})) << "a change that is still to come";
  EXPECT_TRUE(may_change_unseen({std::numeric_limits<time_t>::max(), 0}, changed)) << "no time that can be reckoned with";
  EXPECT_TRUE(may_change_unseen({std::numeric_limits<time_t>::min(), 0}, changed));
}

TEST(QuickCheck, Table) {
  const Row rows[] = {
      {"the copy was made long after the source changed", file(9, 5, 5), file(9, 5, 5 + kSecond), kQuick, Data::same},
      {"another size", file(9, 5, 5), file(8, 5, 5 + kSecond), kQuick, Data::differs},
      {"another modification time, by a nanosecond", file(9, 5, 5), file(9, 6, 5 + kSecond), kQuick, Data::look},
      {"an edit that put size and time back", file(9, 5, 7 * kSecond), file(9, 5, 6 * kSecond), kQuick, Data::look},
      {"within a tick of the clock", file(9, 5, 6 * kSecond), file(9, 5, 6 * kSecond + kSurelyEarlierNs), kQuick, Data::look},
      {"just beyond it", file(9, 5, 6 * kSecond), file(9, 5, 6 * kSecond + kSurelyEarlierNs + 1), kQuick, Data::same},
      {"empty files need no look", file(0, 5, 7 * kSecond), file(0, 6, 6 * kSecond), kQuick, Data::same},
      {"--trust-times", file(9, 5, 7 * kSecond), file(9, 5, 6 * kSecond), kTrusting, Data::same},
      {"--trust-times, another time", file(9, 5, 7 * kSecond), file(9, 6, 6 * kSecond), kTrusting, Data::look},
      {"--size-only", file(9, 5, 7 * kSecond), file(9, 99, 6 * kSecond), kSize, Data::same},
      {"--size-only, another size", file(9, 5, 5), file(7, 5, 5 + kSecond), kSize, Data::differs},
      {"--checksum", file(9, 5, 5), file(9, 5, 5 + kSecond), kContent, Data::look},
      {"--checksum, another size", file(9, 5, 5), file(8, 5, 5 + kSecond), kContent, Data::differs},
      {"--ignore-times", file(9, 5, 5), file(9, 5, 5 + kSecond), kNothing, Data::differs},
      {"--ignore-times, empty", file(0, 5, 5), file(0, 5, 5 + kSecond), kNothing, Data::differs},
      {"--modify-window", file(9, 3 * kSecond, 5), file(9, 5 * kSecond + 1, 5 + 9 * kSecond), kWindow, Data::same},
      {"--modify-window, too far", file(9, 3 * kSecond, 5), file(9, 6 * kSecond, 5 + 9 * kSecond), kWindow, Data::look},
      {"ctimes half an age apart", file(9, 5, 5), file(9, 5, 4'000'000'000 * kSecond), kQuick, Data::same},
      {"before 1970", file(9, -5 * kSecond, 5), file(9, -5 * kSecond, 9 * kSecond), kQuick, Data::same},
  };
  for (const Row& row : rows)
    EXPECT_EQ(quick_check(row.source, row.target, row.target.changed(), row.comparison), row.verdict) << row.what;
}

TEST(QuickCheck, AnUnknownBirthIsADoubt) {
  EXPECT_EQ(quick_check(file(9, 5, 5), file(9, 5, 5 + kSecond), std::nullopt, kQuick), Data::look);
  EXPECT_EQ(quick_check(file(9, 5, 5), file(9, 5, 5 + kSecond), std::nullopt, kTrusting), Data::same);
}

TEST(PolicyFor, OptionsThatLeaveWhatIsThere) {
  const auto old_file = file(9, 5 * kSecond, 5);
  const auto new_file = file(9, 9 * kSecond, 5);
  auto link = new_file;
  link.raw.st_mode = S_IFLNK | 0777;
  EXPECT_EQ(policy_for(old_file, new_file, {}), Existing::compare);
  EXPECT_EQ(policy_for(old_file, new_file, {.newer_stays = true}), Existing::leave);
  EXPECT_EQ(policy_for(new_file, old_file, {.newer_stays = true}), Existing::compare);
  EXPECT_EQ(policy_for(old_file, old_file, {.newer_stays = true}), Existing::compare);
  EXPECT_EQ(policy_for(old_file, new_file, {.window = {.seconds = 4}, .newer_stays = true}), Existing::compare);
  EXPECT_EQ(policy_for(old_file, link, {.newer_stays = true}), Existing::compare) << "another type is never newer";
  EXPECT_EQ(policy_for(new_file, old_file, {.only_new = true}), Existing::leave);
}

}  // namespace
}  // namespace foxing::copy
