// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/governor/throttle.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <random>

#include "sys/fault.h"
#include "testing/temp_tree.h"

namespace foxing::governor {
namespace {

using namespace std::chrono_literals;

/// A machine on which tasks wait for a share of each interval, and a run that is at work for another.
class Machine {
 public:
  void interval(double io, double at_work, Resource resource = Resource::io) {
    now_ += Throttle::kInterval;
    worked_ += part(at_work);
    pressures_[static_cast<std::size_t>(resource)].total += std::chrono::duration_cast<std::chrono::microseconds>(part(io));
    throttle.observe(pressures_, worked_, now_);
  }
  void start(double io = 0) {
    pressures_[0].average_10s = io;
    throttle.observe(pressures_, worked_, now_);
  }
  Throttle throttle;

 private:
  static Duration part(double share) {
    return Duration(static_cast<std::int64_t>(share * static_cast<double>(Throttle::kInterval.count())));
  }
  TimePoint now_{1000s};
  Duration worked_{};
  Pressures pressures_{};
};

TEST(Throttle, WithoutPressureNothingIsSlowed) {
  Machine machine;
  machine.start();
  for (int i = 0; i < 100; ++i) machine.interval(0.3, 1);
  EXPECT_EQ(machine.throttle.factor(), 1);
  EXPECT_EQ(machine.throttle.delay_after({.busy = 1s, .bytes = 1_GiB}), 0ns);
  EXPECT_FALSE(machine.throttle.reason());
}

TEST(Throttle, OthersWhoWaitTakeItToTheFloorAndWhenTheyAreDoneItComesBack) {
  Machine machine;
  machine.start();
  for (int i = 0; i < 60; ++i) machine.interval(1, machine.throttle.factor() * 0.9);
  EXPECT_DOUBLE_EQ(machine.throttle.factor(), Throttle::kFloor);
  EXPECT_EQ(machine.throttle.reason(), Resource::io);
  double before = machine.throttle.factor();
  for (int i = 0; i < 19; ++i) {
    machine.interval(0, machine.throttle.factor());
    EXPECT_GT(machine.throttle.factor(), before);
    EXPECT_LE(machine.throttle.factor(), before + 0.051) << "smoothly";
    before = machine.throttle.factor();
  }
  EXPECT_NEAR(machine.throttle.factor(), 1, 0.01);
  EXPECT_DOUBLE_EQ(machine.throttle.lowest(), Throttle::kFloor) << "remembered";
}

TEST(Throttle, AloneItsOwnPressureDoesNotStarveIt) {
  // Everything this run does is waiting for the disk, and with several workers one of them nearly always does.
  for (const int workers : {1, 2, 8}) {
    Machine machine;
    machine.start();
    for (int i = 0; i < 1000; ++i) {
      const double at_work = 1 - std::pow(1 - machine.throttle.factor(), workers);
      machine.interval(at_work, at_work);
      ASSERT_GE(machine.throttle.factor(), Throttle::kAlone) << workers;
    }
  }
}

TEST(Throttle, PressureFromBeforeTheStartIsOthers) {
  Machine machine;
  machine.start(0.9);
  EXPECT_LT(machine.throttle.factor(), 0.7);
}

TEST(Throttle, MorePressureSlowsMoreAndTheReasonIsTheWorst) {
  Machine some;
  Machine much;
  some.start();
  much.start();
  some.interval(0.5, 0);
  much.interval(0.9, 0, Resource::cpu);
  EXPECT_LT(much.throttle.factor(), some.throttle.factor());
  EXPECT_LT(some.throttle.factor(), 1);
  EXPECT_EQ(much.throttle.reason(), Resource::cpu);
}

TEST(Throttle, NeverBelowTheFloorWhateverHappens) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> share(0, 1);
  Machine machine;
  machine.start(share(random));
  for (int i = 0; i < 20'000; ++i) {
    machine.interval(share(random), share(random), static_cast<Resource>(random() % kResources));
    ASSERT_GE(machine.throttle.factor(), Throttle::kFloor);
    ASSERT_LE(machine.throttle.factor(), 1);
    const Work work{.busy = Duration(static_cast<std::int64_t>(random() % 2'000'000'000)),
                    .bytes = Bytes(random() % (8 << 20)),
                    .files = random() % 3};
    const Duration rest = machine.throttle.delay_after(work);
    ASSERT_GE(rest, 0ns);
    ASSERT_LE(rest, work.busy * 19 + 1us) << "5 % of what it would be";
    const double granted = static_cast<double>(work.bytes.value) / (1 << 20) + static_cast<double>(work.files) / 10;
    ASSERT_LE(std::chrono::duration<double>(rest + work.busy).count(),
              std::max(granted, std::chrono::duration<double>(work.busy).count()) + 1e-6)
        << "1 MiB/s, 10 files/s";
  }
}

TEST(Throttle, IdleTimeIsNotPaidForWithMoreOfIt) {
  Machine machine;
  machine.start(1);
  EXPECT_EQ(machine.throttle.delay_after({.busy = 60s, .bytes = 1_MiB, .files = 1}), 0ns);
}

TEST(Pressure, IsReadFromTheKernelsWords) {
  const auto pressure =
      parse_pressure("some avg10=12.50 avg60=0.36 avg300=0.83 total=7798896\nfull avg10=0.00 avg60=0.28 avg300=0.67 total=1\n");
  ASSERT_TRUE(pressure);
  EXPECT_DOUBLE_EQ(pressure->average_10s, 0.125);
  EXPECT_EQ(pressure->total, 7798896us);
  for (const char* text :
       {"", "full avg10=0.00 avg60=0 avg300=0 total=1\n", "some avg10=x total=1", "some avg10=1.00\nfull total=1"})
    EXPECT_FALSE(parse_pressure(text)) << text;
}

TEST(Pressure, IsReadAgainFromFilesThatAreOpenedOnce) {
  const testing::TempTree world;
  for (const char* name : {"io", "cpu", "memory"}) world.file(name, "some avg10=1.00 avg60=0.00 avg300=0.00 total=10\n");
  const auto files = PressureFiles::open(world.path().c_str());
  ASSERT_TRUE(files) << files.error().message();
  world.overwrite("cpu", 0, "some avg10=2.00 avg60=0.00 avg300=0.00 total=20\n");
  const auto read = files->read();
  ASSERT_TRUE(read);
  EXPECT_EQ((*read)[static_cast<std::size_t>(Resource::cpu)].total, 20us);
  EXPECT_EQ((*read)[static_cast<std::size_t>(Resource::io)].total, 10us);
}

TEST(Pressure, AKernelWithoutItIsAClearError) {
  const testing::TempTree world;
  const auto files = PressureFiles::open(world.at("nothing").c_str());
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, ENOENT);
  EXPECT_NE(files.error().detail.find("psi=1"), std::string::npos);
  if (!sys::kFaultsCanBePlanned) return;
  for (const char* name : {"io", "cpu", "memory"}) world.file(name, "some avg10=1.00 avg60=0.00 avg300=0.00 total=10\n");
  const sys::FaultPlan plan("pread:2:EOPNOTSUPP");
  EXPECT_EQ(PressureFiles::open(world.path().c_str()).error().code, EOPNOTSUPP);
}

TEST(Pressure, OfThisMachineOnlyGrows) {
  const auto files = PressureFiles::open();
  if (!files) GTEST_SKIP() << files.error().message();
  const auto first = files->read();
  const auto second = files->read();
  ASSERT_TRUE(first && second);
  for (std::size_t i = 0; i < kResources; ++i) EXPECT_GE((*second)[i].total, (*first)[i].total);
}

}  // namespace
}  // namespace foxing::governor
