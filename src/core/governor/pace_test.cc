// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/governor/pace.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace foxing::governor {
namespace {

using namespace std::chrono_literals;

TimePoint at(Duration time) { return TimePoint(1000s + time); }

TEST(Limits, ATable) {
  constexpr std::pair<const char*, std::uint64_t> kRates[] = {
      {"1", 1024},          {"0", 0},           {"1.5m", 1'572'864}, {"512", 524'288},
      {"1k", 1024},         {"1kb", 1000},      {"1KiB", 1024},      {"1.5", 1536},
      {".5", 512},          {"1mb", 1'000'000}, {"1m+1", 1'048'577}, {"1mb-1", 999'999},
      {"10G", 10ULL << 30}, {"512b", 512},      {"1t", 1ULL << 40},  {"1TB", 1'000'000'000'000},
      {"1p", 1ULL << 50},   {"0b", 0},
  };
  for (const auto& [text, bytes] : kRates) {
    const auto limits = parse_limits(text);
    ASSERT_TRUE(limits) << text << ": " << limits.error().message();
    EXPECT_EQ(limits->bytes_per_second.value, bytes) << text;
    EXPECT_EQ(limits->millifiles_per_second, 0u);
  }
  const auto both = parse_limits("10M,500/s");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->bytes_per_second, 10_MiB);
  EXPECT_EQ(both->millifiles_per_second, 500'000u);
  const auto files = parse_limits("0.5/s");
  ASSERT_TRUE(files);
  EXPECT_EQ(files->bytes_per_second.value, 0u);
  EXPECT_EQ(files->millifiles_per_second, 500u);
  EXPECT_FALSE(parse_limits("0,0/s")->any());
  for (const char* text : {"",       "m",     "-1",   "1x",      "1kx",     "1ib",  "1e",       "1e5",        "511b", "0.3",
                           "99999p", "1.2.3", "10M,", "10M,500", "10M,x/s", ",5/s", "0.0001/s", "1M,2/s,3/s", "inf",  "nan"})
    EXPECT_FALSE(parse_limits(text)) << text;
}

TEST(Pace, WithoutALimitNobodyWaits) {
  Pace pace({});
  EXPECT_FALSE(pace.limited());
  EXPECT_EQ(pace.take(1_GiB, at(0s)), 0ns);
  EXPECT_EQ(pace.take_file(at(0s)), 0ns);
  EXPECT_EQ(pace.piece(64_MiB), 64_MiB);
}

TEST(Pace, ABurstIsFreeAndAfterItEverythingIsPaidFor) {
  Pace pace({.bytes_per_second = Bytes(1000)});
  EXPECT_EQ(pace.take(Bytes(100), at(0s)), 0ns);
  EXPECT_EQ(pace.take(Bytes(1000), at(0s)), 1s);
  EXPECT_EQ(pace.take(Bytes(500), at(0s)), 1500ms);
  EXPECT_EQ(pace.take(Bytes(100), at(3600s)), 0ns) << "an hour of rest saves up one burst";
  EXPECT_EQ(pace.take(Bytes(100), at(3600s)), 100ms);
}

TEST(Pace, FilesAreCountedBesideBytes) {
  Pace pace({.bytes_per_second = {}, .millifiles_per_second = 500});
  EXPECT_EQ(pace.take(1_GiB, at(0s)), 0ns);
  EXPECT_EQ(pace.take_file(at(0s)), 1900ms);
  EXPECT_EQ(pace.take_file(at(0s)), 3900ms);
}

TEST(Pace, PiecesAreSmallerThanTheBurstAndNeverTiny) {
  EXPECT_EQ(Pace({.bytes_per_second = 100_MiB}).piece(64_MiB), Bytes(10 * 1024 * 1024 / 65536 * 65536));
  EXPECT_EQ(Pace({.bytes_per_second = 1_KiB}).piece(64_MiB), 64_KiB);
  EXPECT_EQ(Pace({.bytes_per_second = 1_KiB}).piece(Bytes(10)), Bytes(10));
}

/// Workers that do nothing but wait for their turn, for an hour of their own time.
TEST(Pace, OverAnHourTheRateIsKeptInEveryStretchAndNobodyIsLeftBehind) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (const std::uint64_t rate : {std::uint64_t{512}, std::uint64_t{1'000'003}, std::uint64_t{10} << 30}) {
    SCOPED_TRACE(rate);
    Pace pace({.bytes_per_second = Bytes(rate)});
    constexpr std::size_t kWorkers = 4;
    std::vector<Duration> ready(kWorkers, 0ns);
    std::vector<double> moved(kWorkers, 0);
    std::vector<std::pair<Duration, std::uint64_t>> begun;
    const std::uint64_t most = std::max<std::uint64_t>(rate / 2, 2);
    while (true) {
      const auto worker = static_cast<std::size_t>(std::ranges::min_element(ready) - ready.begin());
      if (ready[worker] > 3600s) break;
      const std::uint64_t bytes = 1 + random() % most;
      const Duration start = ready[worker] + pace.take(Bytes(bytes), at(ready[worker]));
      begun.emplace_back(start, bytes);
      moved[worker] += static_cast<double>(bytes);
      ready[worker] = start;
    }
    std::ranges::sort(begun);
    // The lowest that `moved so far - rate * time` has been is where the greediest stretch began.
    double all = 0;
    double lowest = 0;
    for (const auto& [start, bytes] : begun) {
      const double earned = static_cast<double>(rate) * std::chrono::duration<double>(start).count();
      lowest = std::min(lowest, all - earned);
      all += static_cast<double>(bytes);
      const double burst = std::max(static_cast<double>(rate) * 0.1, static_cast<double>(most));
      ASSERT_LE(all - earned - lowest, burst + static_cast<double>(rate) * 1e-6 + 2);
      ASSERT_LE(all - earned, static_cast<double>(rate) * 0.100001 + 2) << "counted from the start";
    }
    EXPECT_NEAR(all / static_cast<double>(rate) / 3600, 1, 0.01);
    for (const double own : moved) EXPECT_NEAR(own / all, 1.0 / kWorkers, 0.02);
  }
}

}  // namespace
}  // namespace foxing::governor
