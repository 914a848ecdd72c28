// SPDX-License-Identifier: GPL-2.0-or-later
// What a thread does to itself is tried in a thread of its own.
#include "sys/scheduling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "sys/fault.h"

namespace foxing::sys {
namespace {

TEST(Scheduling, NiceIsSetAndInheritedByNewThreads) {
  std::thread([] {
    const int wanted = std::min(nice_value() + 3, 19);
    const auto set = set_nice(wanted);
    ASSERT_TRUE(set) << set.error().message();
    EXPECT_EQ(nice_value(), wanted);
    std::thread([&] { EXPECT_EQ(nice_value(), wanted); }).join();
  }).join();
}

TEST(Scheduling, IoPriorityIsSetAndInheritedByNewThreads) {
  std::thread([] {
    const auto set = set_io_priority(IoClass::best_effort, 6);
    ASSERT_TRUE(set) << set.error().message();
    EXPECT_EQ(io_priority().value_or(0), (2 << 13) + 6);
    std::thread([] { EXPECT_EQ(io_priority().value_or(0), (2 << 13) + 6); }).join();
    ASSERT_TRUE(set_io_priority(IoClass::idle, 0));
    EXPECT_EQ(io_priority().value_or(0), 3 << 13);
  }).join();
}

TEST(Scheduling, RefusalsAreErrors) {
  if (!kFaultsCanBePlanned) GTEST_SKIP() << "needs a build with faults";
  const FaultPlan plan("setpriority:1:EACCES,ioprio_set:1:EPERM");
  const auto nice = set_nice(-5);
  ASSERT_FALSE(nice);
  EXPECT_EQ(nice.error().code, EACCES);
  EXPECT_STREQ(nice.error().operation, "setpriority");
  const auto io = set_io_priority(IoClass::idle, 0);
  ASSERT_FALSE(io);
  EXPECT_EQ(io.error().code, EPERM);
  EXPECT_STREQ(io.error().operation, "ioprio_set");
}

TEST(Scheduling, NoTimeIsNoWait) {
  sleep_for(std::chrono::nanoseconds(0));
  sleep_for(std::chrono::nanoseconds(-1));
  sleep_for(std::chrono::nanoseconds(1));
}

}  // namespace
}  // namespace foxing::sys
