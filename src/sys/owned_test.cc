// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/owned.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <type_traits>
#include <vector>

#include "sys/fd.h"

namespace foxing::sys {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int> disposed;
struct Numbers {
  using Value = int;
  static constexpr int none = -1;
  static void dispose(int number) { disposed.push_back(number); }
};
using OwnedNumber = Owned<Numbers>;

static_assert(!std::is_copy_constructible_v<OwnedNumber>);
static_assert(!std::is_copy_assignable_v<OwnedNumber>);
static_assert(std::is_nothrow_move_constructible_v<OwnedNumber>);
static_assert(std::is_nothrow_move_assignable_v<OwnedNumber>);

class OwnedTest : public ::testing::Test {
 protected:
  OwnedTest() { disposed.clear(); }
};

TEST_F(OwnedTest, DisposesOnceAtTheEnd) {
  {
    const OwnedNumber one(1);
    EXPECT_TRUE(one);
    EXPECT_EQ(one.get(), 1);
  }
  EXPECT_THAT(disposed, ElementsAre(1));
}

TEST_F(OwnedTest, NothingIsNotDisposed) {
  {
    const OwnedNumber nothing;
    EXPECT_FALSE(nothing);
  }
  EXPECT_THAT(disposed, IsEmpty());
}

TEST_F(OwnedTest, MovingLeavesNothingBehind) {
  OwnedNumber one(1);
  OwnedNumber two(std::move(one));
  EXPECT_FALSE(one);  // NOLINT(bugprone-use-after-move): that is the promise
  EXPECT_EQ(two.get(), 1);
  EXPECT_THAT(disposed, IsEmpty());
}

TEST_F(OwnedTest, AssigningDisposesTheOldOne) {
  OwnedNumber one(1);
  one = OwnedNumber(2);
  EXPECT_THAT(disposed, ElementsAre(1));
  EXPECT_EQ(one.get(), 2);
}

TEST_F(OwnedTest, AssigningToItselfKeepsIt) {
  OwnedNumber one(1);
  OwnedNumber& same = one;
  one = std::move(same);
  EXPECT_EQ(one.get(), 1);
  EXPECT_THAT(disposed, IsEmpty());
}

TEST_F(OwnedTest, ReleasingGivesTheDutyAway) {
  OwnedNumber one(1);
  EXPECT_EQ(one.release(), 1);
  EXPECT_FALSE(one);
  one.reset();
  EXPECT_THAT(disposed, IsEmpty());
}

TEST_F(OwnedTest, ResettingDisposesAndMayTakeAnother) {
  OwnedNumber one(1);
  one.reset(2);
  EXPECT_THAT(disposed, ElementsAre(1));
  one.reset();
  EXPECT_THAT(disposed, ElementsAre(1, 2));
}

TEST(UniqueFd, ClosesItsDescriptor) {
  int number = -1;
  {
    const UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    number = fd.get();
    ASSERT_GE(::fcntl(number, F_GETFD), 0);
    EXPECT_EQ(FdView(fd).number(), number);
  }
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(UniqueFd, ZeroIsADescriptor) {
  UniqueFd fd(0);
  EXPECT_TRUE(fd);
  EXPECT_EQ(fd.release(), 0);
}

}  // namespace
}  // namespace foxing::sys
