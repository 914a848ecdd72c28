// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/fault.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "sys/call.h"
#include "testing/temp_tree.h"

namespace foxing::sys {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Faults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  }
  std::vector<int> next(Call call, int count) {
    std::vector<int> answers;
    for (int i = 0; i < count; ++i) answers.push_back(planned_fault(call));
    return answers;
  }
};

TEST_F(Faults, WithoutAPlanNothingFails) { EXPECT_THAT(next(Call::write, 3), ElementsAre(0, 0, 0)); }

TEST_F(Faults, TheNthCallOnly) {
  const FaultPlan plan("write:2:ENOSPC");
  EXPECT_THAT(next(Call::write, 4), ElementsAre(0, ENOSPC, 0, 0));
  EXPECT_THAT(next(Call::pwrite, 4), ElementsAre(0, 0, 0, 0)) << "another call";
}

TEST_F(Faults, TheNthAndAllLaterOnes) {
  const FaultPlan plan("copy_file_range:2+:EIO");
  EXPECT_THAT(next(Call::copy_file_range, 4), ElementsAre(0, EIO, EIO, EIO));
}

TEST_F(Faults, EveryNth) {
  const FaultPlan plan("read:*3:EINTR");
  EXPECT_THAT(next(Call::read, 7), ElementsAre(0, 0, EINTR, 0, 0, EINTR, 0));
}

TEST_F(Faults, ShortTransfers) {
  const FaultPlan plan("pwrite:1:short");
  EXPECT_THAT(next(Call::pwrite, 2), ElementsAre(kShort, 0));
  EXPECT_EQ(cut_short(kShort, 10), 5u);
  EXPECT_EQ(cut_short(kShort, 1), 1u) << "nothing at all would mean the end";
  EXPECT_EQ(cut_short(0, 10), 10u);
}

TEST_F(Faults, SeveralAtOnceTheFirstThatFits) {
  const FaultPlan plan("write:1:EIO,write:*1:ENOSPC,read:1:EBADF");
  EXPECT_THAT(next(Call::write, 2), ElementsAre(EIO, ENOSPC));
  EXPECT_THAT(next(Call::read, 2), ElementsAre(EBADF, 0));
}

TEST_F(Faults, APlanIsForgottenAndTheNextOneCountsAnew) {
  {
    const FaultPlan plan("write:1+:EIO");
    EXPECT_EQ(planned_fault(Call::write), EIO);
  }
  EXPECT_EQ(planned_fault(Call::write), 0);
  const FaultPlan plan("write:1:EIO");
  EXPECT_EQ(planned_fault(Call::write), EIO);
}

TEST_F(Faults, WhatCannotBeReadIsRefusedWithAReason) {
  for (const char* text : {"", "write", "write:1", "write:1:EIO:x", "wirte:1:EIO", "write:0:EIO", "write:x:EIO", "write:+:EIO",
                           "write:*:EIO", "write:1:EWHAT", "write:1:", "write:1:EIO,", "write:-1:EIO", "write:1 :EIO"}) {
    ASSERT_EQ(::setenv("FOXING_FAULT", text, 1), 0);
    const auto planned = plan_faults_from_environment();
    EXPECT_FALSE(planned) << text;
    if (!planned) {
      EXPECT_EQ(planned.error().code, EINVAL);
      EXPECT_FALSE(planned.error().detail.empty());
    }
  }
  ::unsetenv("FOXING_FAULT");
  const FaultPlan forgets("write:1:EIO");  // what a half-read text may have planned
}

TEST_F(Faults, AreReadFromTheEnvironmentAndLoggedWhenTheyFire) {
  const testing::TempTree world;
  ASSERT_EQ(::setenv("FOXING_FAULT", "fchown:2:EPERM", 1), 0);
  ASSERT_EQ(::setenv("FOXING_FAULT_LOG", world.at("log").c_str(), 1), 0);
  {
    const FaultPlan counts_from_here("fchown:100:EIO");
    ASSERT_TRUE(plan_faults_from_environment());
    EXPECT_THAT(next(Call::fchown, 3), ElementsAre(0, EPERM, 0));
  }
  ::unsetenv("FOXING_FAULT");
  ::unsetenv("FOXING_FAULT_LOG");
  EXPECT_EQ(world.read("log"), "fchown:2\n");
  EXPECT_TRUE(plan_faults_from_environment()) << "without the variable there is nothing to plan";
}

TEST(FaultsInThisBuild, AreRefusedWhereTheyCannotBePlanned) {
  if (kFaultsCanBePlanned) GTEST_SKIP() << "this build can plan faults";
  ASSERT_EQ(::setenv("FOXING_FAULT", "write:1:EIO", 1), 0);
  const auto planned = plan_faults_from_environment();
  ::unsetenv("FOXING_FAULT");
  ASSERT_FALSE(planned) << "a test would believe that it has tested something";
  EXPECT_THAT(planned.error().message(), HasSubstr("FOXING_FAULT_INJECTION"));
}

// ---- EINTR, which is handled beside the faults

TEST(Uninterrupted, AsksAgainWhenInterruptedAndNotOtherwise) {
  int calls = 0;
  EXPECT_EQ(uninterrupted(Call::fstat,
                          [&] {
                            errno = EINTR;
                            return ++calls < 4 ? -1 : 42;
                          }),
            42);
  EXPECT_EQ(calls, 4);
  calls = 0;
  EXPECT_EQ(uninterrupted(Call::fstat,
                          [&] {
                            ++calls;
                            errno = EIO;
                            return -1;
                          }),
            -1);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(errno, EIO);
}

TEST_F(Faults, AFaultedCallDoesNotHappen) {
  const FaultPlan plan("fstat:1:EIO,write:1:EINTR,write:2:short");
  int calls = 0;
  EXPECT_EQ(uninterrupted(Call::fstat, [&] { return ++calls; }), -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_EQ(calls, 0);
  std::size_t asked = 0;
  EXPECT_EQ(transfer(Call::write, 100,
                     [&](std::size_t length) {
                       ++calls;
                       asked = length;
                       return static_cast<ssize_t>(length);
                     }),
            50)
      << "interrupted, asked again, and then half";
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(asked, 50u);
}

}  // namespace
}  // namespace foxing::sys
