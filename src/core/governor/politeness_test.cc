// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/governor/politeness.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <thread>

#include "sys/fault.h"

namespace foxing::governor {
namespace {

TEST(Politeness, IsReadAsWritten) {
  EXPECT_EQ(parse_nice("19").value_or(99), 19);
  EXPECT_EQ(parse_nice("-20").value_or(99), -20);
  for (const char* text : {"", "20", "-21", "1x", "x"}) EXPECT_FALSE(parse_nice(text)) << text;
  EXPECT_EQ(parse_io_priority("idle")->io_class, sys::IoClass::idle);
  EXPECT_EQ(parse_io_priority("best-effort")->level, 4);
  EXPECT_EQ(parse_io_priority("best-effort:7")->level, 7);
  for (const char* text : {"", "idle:1", "best-effort:8", "best-effort:", "best-effort:77", "realtime"})
    EXPECT_FALSE(parse_io_priority(text)) << text;
}

TEST(Politeness, IsGivenToTheKernel) {
  std::thread([] {
    ASSERT_TRUE(apply({.nice = 19, .io = IoPriority{.io_class = sys::IoClass::best_effort, .level = 5}}));
    EXPECT_EQ(sys::nice_value(), 19);
    EXPECT_EQ(sys::io_priority().value_or(0), (2 << 13) + 5);
    ASSERT_TRUE(apply({}));
    EXPECT_EQ(sys::nice_value(), 19);
  }).join();
}

TEST(Politeness, ARefusalIsTold) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "needs a build with faults";
  const sys::FaultPlan plan("setpriority:1:EACCES,ioprio_set:1:EPERM");
  EXPECT_EQ(apply({.nice = 19}).error().code, EACCES);
  EXPECT_EQ(apply({.io = IoPriority{}}).error().code, EPERM);
}

}  // namespace
}  // namespace foxing::governor
