// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/governor/governor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <thread>
#include <vector>

#include "sys/process.h"

namespace foxing::governor {
namespace {

using namespace std::chrono_literals;

/// A clock that only sleeping and working move, and a machine whose pressure is what the test says.
struct World {
  TimePoint now{1000s};
  std::time_t wall_offset = 1'700'000'000;
  std::vector<Duration> slept;
  bool stop = false;
  int stops_asked_for = 0;
  TimePoint stop_at = TimePoint::max();
  double io = 0;  // share of time in which others wait
  Duration waited{};
  bool pressure_fails = false;
  int calls = 0;

  void pass(Duration time) {
    now += time;
    waited += Duration(static_cast<std::int64_t>(io * static_cast<double>(time.count())));
  }
  Duration total_slept() const {
    Duration total{};
    for (const Duration one : slept) total += one;
    return total;
  }
};

class FakeSurroundings final : public Surroundings {
 public:
  explicit FakeSurroundings(World& world) : world_(world) {}
  TimePoint now() override {
    ++world_.calls;
    return world_.now;
  }
  std::time_t wall_clock() override {
    return world_.wall_offset + std::chrono::duration_cast<std::chrono::seconds>(world_.now.time_since_epoch()).count();
  }
  void sleep(Duration duration) override {
    world_.slept.push_back(duration);
    world_.pass(duration);
  }
  bool stop_requested() override { return world_.stop || world_.now >= world_.stop_at; }
  void request_stop() override {
    ++world_.stops_asked_for;
    world_.stop = true;
  }
  Result<Pressures> pressures() override {
    if (world_.pressure_fails) return fail(EIO, "pread");
    Pressures pressures;
    pressures[0] = {.average_10s = world_.io, .total = std::chrono::duration_cast<std::chrono::microseconds>(world_.waited)};
    return pressures;
  }

 private:
  World& world_;
};

Governor governed(World& world, Options options) { return Governor(options, std::make_unique<FakeSurroundings>(world)); }

TEST(Governor, WithoutOptionsNothingIsAskedOrWaitedFor) {
  World world;
  Governor governor = governed(world, {});
  const int calls = world.calls;
  Governor::Seat seat;
  for (int i = 0; i < 100; ++i) {
    governor.before_file(seat);
    governor.before_piece(seat, 1_GiB);
    governor.rest(seat);
  }
  EXPECT_FALSE(governor.active());
  EXPECT_FALSE(governor.deadline_passed());
  EXPECT_EQ(world.calls, calls);
  EXPECT_TRUE(world.slept.empty());
  EXPECT_EQ(governor.piece(1_GiB), 1_GiB);
}

TEST(Governor, ABandwidthIsKeptInShortSleeps) {
  World world;
  Governor governor = governed(world, {.limits = {.bytes_per_second = 1_MiB}});
  Governor::Seat seat;
  for (int i = 0; i < 160; ++i) governor.before_piece(seat, 64_KiB);
  EXPECT_NEAR(std::chrono::duration<double>(world.total_slept()).count(), 10 - 0.1, 0.001);
  for (const Duration one : world.slept) EXPECT_LE(one, 50ms);
  EXPECT_EQ(governor.stats().waited_for_limits, world.total_slept());
  EXPECT_EQ(governor.stats().waited_for_pressure, 0ns);
}

TEST(Governor, FilesPerSecondAreKept) {
  World world;
  Governor governor = governed(world, {.limits = {.millifiles_per_second = 10'000}});
  Governor::Seat seat;
  for (int i = 0; i < 100; ++i) {
    governor.before_file(seat);
    governor.before_piece(seat, 1_MiB);
  }
  EXPECT_NEAR(std::chrono::duration<double>(world.total_slept()).count(), 10 - 0.1, 0.001);
}

TEST(Governor, AStopEndsAWaitWithinASlice) {
  World world;
  Governor governor = governed(world, {.limits = {.bytes_per_second = 1_KiB}});
  Governor::Seat seat;
  world.stop_at = world.now + 1s;
  governor.before_piece(seat, 1_GiB);
  EXPECT_GE(world.total_slept(), 1s);
  EXPECT_LE(world.total_slept(), 1s + 50ms);
}

TEST(Governor, UnderPressureAWorkerRestsInProportionAndRecoversAtOnceWhenItEnds) {
  World world;
  world.io = 1;
  Governor governor = governed(world, {.throttle = true});
  Governor::Seat seat;
  for (int i = 0; i < 200; ++i) {
    governor.before_piece(seat, 4_MiB);
    world.pass(20ms);
  }
  const Stats stats = governor.stats();
  EXPECT_DOUBLE_EQ(stats.lowest_factor, Throttle::kFloor);
  EXPECT_EQ(stats.reason, Resource::io);
  EXPECT_EQ(stats.waited_for_pressure, world.total_slept());
  // 200 pieces of 20 ms at 5 % take 80 s.
  EXPECT_GT(world.total_slept(), 60s);
  EXPECT_LE(world.total_slept(), 200 * 20ms * 19);

  world.io = 0;
  world.slept.clear();
  for (int i = 0; i < 2000; ++i) {
    governor.before_piece(seat, 4_MiB);
    world.pass(20ms);
  }
  EXPECT_LT(world.total_slept(), 20s) << "the factor is back at 1 after ten seconds";
}

TEST(Governor, ALongRestEndsEarlyWhenThePressureDoes) {
  World world;
  world.io = 1;
  Governor governor = governed(world, {.throttle = true});
  Governor::Seat seat;
  for (int i = 0; i < 100; ++i) {
    governor.before_piece(seat, 4_MiB);
    world.pass(20ms);
  }
  world.io = 0;
  world.slept.clear();
  governor.before_piece(seat, 1_GiB);
  world.pass(2s);
  governor.before_piece(seat, 1_GiB);
  // At the floor that would be 38 s.
  EXPECT_LT(world.total_slept(), 10s);
}

TEST(Governor, RestsTooShortForASleepAreOwed) {
  World world;
  world.io = 0.9;
  Governor governor = governed(world, {.throttle = true});
  Governor::Seat seat;
  for (int i = 0; i < 200'000; ++i) {
    governor.before_piece(seat, 64_KiB);
    world.pass(10us);
  }
  for (const Duration one : world.slept) EXPECT_GE(one, 100us);
  EXPECT_GT(world.total_slept(), 2s) << "it was slowed to less than a half";
}

TEST(Governor, APressureThatCannotBeReadIsCounted) {
  World world;
  world.pressure_fails = true;
  Governor governor = governed(world, {.throttle = true});
  Governor::Seat seat;
  for (int i = 0; i < 10; ++i) {
    governor.before_piece(seat, 1_MiB);
    world.pass(1s);
  }
  EXPECT_EQ(governor.stats().unreadable, 10u);
  EXPECT_EQ(governor.stats().lowest_factor, 1);
}

TEST(Governor, IdleTimeIsForgotten) {
  World world;
  world.io = 1;
  Governor governor = governed(world, {.throttle = true});
  Governor::Seat seat;
  governor.before_piece(seat, 1_GiB);
  governor.rest(seat);
  world.pass(10s);
  world.slept.clear();
  governor.before_piece(seat, 1_GiB);
  EXPECT_TRUE(world.slept.empty());
}

TEST(Governor, TheDeadlineAsksForAStopOnce) {
  World world;
  Governor governor = governed(world, {.stop_after = 2min});
  Governor::Seat seat;
  governor.before_file(seat);
  world.pass(2min - 1ns);
  governor.before_file(seat);
  EXPECT_FALSE(governor.deadline_passed());
  EXPECT_EQ(world.stops_asked_for, 0);
  world.pass(1ns);
  governor.before_file(seat);
  governor.before_file(seat);
  EXPECT_TRUE(governor.deadline_passed());
  EXPECT_EQ(world.stops_asked_for, 1);
}

TEST(Governor, TheDeadlineEndsAWait) {
  World world;
  Governor governor = governed(world, {.limits = {.bytes_per_second = 1_KiB}, .stop_at = 1'700'000'000 + 1000 + 5});
  Governor::Seat seat;
  governor.before_piece(seat, 1_GiB);
  EXPECT_TRUE(governor.deadline_passed());
  EXPECT_GE(world.total_slept(), 5s);
  EXPECT_LE(world.total_slept(), 5s + 50ms);
}

TEST(Governor, RealWorkersGetThroughTogether) {
  auto surroundings = real_surroundings(false);
  ASSERT_TRUE(surroundings);
  sys::forget_stop_request();
  Governor governor({.limits = {.bytes_per_second = 100_GiB, .millifiles_per_second = 1'000'000'000}, .stop_after = 600min},
                    std::move(*surroundings));
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&] {
      Governor::Seat seat;
      for (int i = 0; i < 500; ++i) {
        governor.before_file(seat);
        governor.before_piece(seat, 64_KiB);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_FALSE(governor.deadline_passed());
}

TEST(Governor, RealPressureIsReadByRealWorkers) {
  auto surroundings = real_surroundings(true);
  if (!surroundings) GTEST_SKIP() << surroundings.error().message();
  Governor governor({.throttle = true}, std::move(*surroundings));
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 2; ++worker) {
    workers.emplace_back([&] {
      Governor::Seat seat;
      for (int i = 0; i < 100; ++i) governor.before_piece(seat, Bytes(1));
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(governor.stats().unreadable, 0u);
}

}  // namespace
}  // namespace foxing::governor
