// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/silent_changes.h"

#include <gmock/gmock.h>

#include <chrono>

namespace foxing::capture {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Time = SilentChanges::Time;

constexpr auto kTick = 4ms;
const sys::FileHandle a{"a"}, b{"b"};
Time at(std::chrono::microseconds since) { return Time(std::chrono::hours(1) + since); }

class Silent : public ::testing::Test {
 protected:
  std::vector<std::string> due(Time now) {
    std::vector<std::string> files;
    for (const auto& one : changes.due(now)) files.push_back(one.file.bytes + (one.mapped ? " mapped" : ""));
    return files;
  }
  SilentChanges changes{kTick};
};

TEST_F(Silent, WhatANameToldOfIsForgotten) {
  changes.changed(a, at(1ms), false);
  EXPECT_FALSE(changes.told(a, at(2ms)));
  EXPECT_EQ(changes.size(), 0u);
  EXPECT_THAT(due(at(10s)), IsEmpty());
  EXPECT_EQ(changes.next(), std::nullopt);
}

TEST_F(Silent, ANameThatWasToldBeforeSaysNothingOfAChangeAfterIt) {
  changes.changed(a, at(3ms), false);
  EXPECT_FALSE(changes.told(a, at(2ms)));
  EXPECT_THAT(due(at(100ms)), ElementsAre("a"));
}

TEST_F(Silent, WhatNobodyTellsOfIsDueWhenItHasSettledAndOnceMore) {
  changes.changed(a, at(0ms), false);
  EXPECT_EQ(changes.next(), at(20ms));
  EXPECT_THAT(due(at(19ms)), IsEmpty());
  EXPECT_THAT(due(at(20ms)), ElementsAre("a"));
  EXPECT_THAT(due(at(1019ms)), IsEmpty());
  EXPECT_THAT(due(at(1020ms)), ElementsAre("a"));
  EXPECT_THAT(due(at(1h)), IsEmpty());
}

TEST_F(Silent, AMappedFileIsDueAfterATickAndNotOnceMore) {
  changes.changed(a, at(0ms), true);
  EXPECT_THAT(due(at(4999us)), IsEmpty());
  EXPECT_THAT(due(at(5ms)), ElementsAre("a mapped"));
  EXPECT_THAT(due(at(1h)), IsEmpty());
  changes.changed(a, at(50ms), true);
  EXPECT_THAT(due(at(1h)), ElementsAre("a mapped"));
}

TEST_F(Silent, AMappedFileIsDueWhateverNameIsTold) {
  changes.changed(a, at(0ms), true);
  EXPECT_TRUE(changes.told(a, at(1ms)));
  EXPECT_THAT(due(at(5ms)), ElementsAre("a mapped"));
}

TEST_F(Silent, TheNextNameOfASuspectIsDoubtedAndThenItIsNone) {
  changes.changed(a, at(0ms), true);
  EXPECT_THAT(due(at(5ms)), ElementsAre("a mapped"));
  EXPECT_TRUE(changes.told(a, at(1s)));  // its last close
  EXPECT_FALSE(changes.told(a, at(2s)));
  EXPECT_EQ(changes.size(), 0u);
}

TEST_F(Silent, AFileThatChangesAllTheTimeIsDueAllTheSame) {
  for (auto now = 0ms; now < 20ms; now += 1ms) changes.changed(a, at(now), false);
  EXPECT_THAT(due(at(20ms)), ElementsAre("a"));
}

TEST_F(Silent, AChangeTakesThePlaceOfTheLookOnceMore) {
  changes.changed(a, at(0ms), false);
  EXPECT_THAT(due(at(20ms)), ElementsAre("a"));
  changes.changed(a, at(500ms), false);
  EXPECT_EQ(changes.next(), at(520ms));
  EXPECT_THAT(due(at(520ms)), ElementsAre("a"));
  EXPECT_EQ(changes.next(), at(1520ms));
}

TEST_F(Silent, ASlowLookRestsForSeveralTimesAsLong) {
  changes.changed(a, at(0ms), true);
  EXPECT_THAT(due(at(5ms)), ElementsAre("a mapped"));
  changes.looked(a, at(5ms), at(105ms));
  changes.changed(a, at(110ms), true);
  EXPECT_EQ(changes.next(), at(505ms));
}

TEST_F(Silent, WhoIsWaitedForIsDueAtOnceButNotOnceMore) {
  changes.changed(a, at(0ms), false);
  EXPECT_THAT(due(at(20ms)), ElementsAre("a"));
  changes.changed(b, at(20ms), false);
  changes.hurry();
  EXPECT_THAT(due(at(20ms)), ElementsAre("b"));
}

TEST_F(Silent, WhatIsForgottenIsNotDue) {
  changes.changed(a, at(0ms), true);
  changes.forget(a);
  EXPECT_THAT(due(at(1h)), IsEmpty());
}

TEST_F(Silent, OnlySoManySuspectsAreKept) {
  for (std::size_t i = 0; i < SilentChanges::kMostSuspects + 10; ++i) {
    changes.changed({std::to_string(i)}, at(0ms), true);
    (void)changes.due(at(1h));
  }
  EXPECT_EQ(changes.size(), SilentChanges::kMostSuspects);
  EXPECT_FALSE(changes.told({"0"}, at(2h)));
  EXPECT_TRUE(changes.told({"100"}, at(2h)));
}

}  // namespace
}  // namespace foxing::capture
