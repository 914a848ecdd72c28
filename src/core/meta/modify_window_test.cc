// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/meta/modify_window.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "core/meta/test_rsync.h"
#include "testing/temp_tree.h"

namespace foxing::meta {
namespace {

TEST(ModifyWindow, ATable) {
  struct Row {
    timespec a, b;
    long window;
    bool same;
  };
  // clang-format off
  constexpr Row kRows[] = {
      {{10, 5}, {10, 5}, -1, true},
      {{10, 5}, {10, 6}, -1, false},
      {{10, 5}, {10, 6},  0, true},
      {{10, 0}, {11, 0},  0, false},
      {{10, 0}, {11, 0},  1, true},
      {{10, 999'999'999}, {12, 0}, 1, false},   // seconds are counted, not distances
      {{10, 0}, {11, 999'999'999}, 1, true},
      {{-1, 0}, { 1, 0},  2, true},
      {{-1, 0}, { 1, 0},  1, false},
  };
  // clang-format on
  for (const Row& row : kRows) {
    EXPECT_EQ(same_within(row.a, row.b, {row.window}), row.same) << row.a.tv_sec << ' ' << row.b.tv_sec << ' ' << row.window;
    EXPECT_EQ(same_within(row.b, row.a, {row.window}), row.same) << row.b.tv_sec << ' ' << row.a.tv_sec << ' ' << row.window;
  }
}

TEST(ModifyWindow, TheEndsOfTimeAreFarApart) {
  constexpr timespec kFirst{std::numeric_limits<time_t>::min(), 0};
  constexpr timespec kLast{std::numeric_limits<time_t>::max(), 0};
  EXPECT_FALSE(same_within(kFirst, kLast, {std::numeric_limits<long>::max()}));
  EXPECT_FALSE(same_within(kFirst, kLast, {0}));
  EXPECT_TRUE(same_within(kFirst, kFirst, {0}));
}

TEST(ModifyWindowAgainstRsync, TheSameFilesCountAsUnchanged) {
  if (!testing::rsync_takes("--modify-window=-1")) GTEST_SKIP() << "needs rsync, 3.1.3 or later";
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  constexpr int kFiles = 200;
  constexpr long kNanoseconds[] = {0, 1, 500'000'000, 999'999'999};
  const testing::TempTree world;
  std::vector<std::pair<timespec, timespec>> times;
  for (int i = 0; i < kFiles; ++i) {
    const auto some = [&] {
      return timespec{.tv_sec = 1'600'000'000 + static_cast<time_t>(random() % 5), .tv_nsec = kNanoseconds[random() % 4]};
    };
    times.emplace_back(some(), some());
    for (const auto& [tree, time] : {std::pair{"source", times.back().first}, std::pair{"target", times.back().second}}) {
      const std::string name = fmt::format("{}/f{:03}", tree, i);
      world.file(name, "same size");
      world.times(name, time, time);
    }
  }
  for (const int window : {-1, 0, 1, 2, 3}) {
    const auto ran =
        testing::run_rsync({"-rtni", fmt::format("--modify-window={}", window), world.at("source/"), world.at("target/")});
    ASSERT_EQ(ran.status, 0) << ran.output;
    int same = 0;
    for (int i = 0; i < kFiles; ++i) {
      const auto& [a, b] = times[static_cast<std::size_t>(i)];
      const bool rsync_copies = ran.output.find(fmt::format(">f..t...... f{:03}\n", i)) != std::string::npos;
      EXPECT_EQ(same_within(a, b, {window}), !rsync_copies)
          << fmt::format("{}.{:09} {}.{:09} window {}", a.tv_sec, a.tv_nsec, b.tv_sec, b.tv_nsec, window);
      same += rsync_copies ? 0 : 1;
    }
    EXPECT_GT(same, 0);
    EXPECT_LT(same, kFiles);
  }
}

}  // namespace
}  // namespace foxing::meta
