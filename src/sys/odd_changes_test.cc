// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/odd_changes.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <array>

#include "sys/child.h"
#include "sys/file.h"
#include "sys/waiting.h"
#include "testing/temp_tree.h"

namespace foxing::sys {
namespace {

using testing::TempTree;

/// What this filesystem has not cannot be tried on it.
template <class T>
bool is_missing_here(const Result<T>& tried) {
  return !tried && (tried.error().code == EINVAL || tried.error().code == ENOTTY || tried.error().code == EOPNOTSUPP ||
                    tried.error().code == ENOSYS);
}

struct OddChanges : ::testing::Test {
  TempTree world;
  UniqueFd root = std::move(*open_at(working_directory(), world.path(), {.directory = true}));
  UniqueFd file;
  void SetUp() override {
    world.file("f", std::string(8192, 'x'));
    file = std::move(*open_at(root, "f", {.access = Access::read_write}));
  }
};

TEST_F(OddChanges, AreChanges) {
  ASSERT_TRUE(store_through_map(file, std::byte{'m'}));
  EXPECT_EQ(world.read("f"), "m" + std::string(8191, 'x'));
  const auto by_aio = write_by_aio(file, std::as_bytes(std::span("aio", 3)), FileOffset(5));
  if (!is_missing_here(by_aio)) {
    ASSERT_TRUE(by_aio) << by_aio.error().message();
    EXPECT_EQ(world.read("f").substr(0, 9), "mxxxxaiox");
  }
  const auto direct = open_direct(root, "f");
  if (!is_missing_here(direct)) {
    ASSERT_TRUE(direct) << direct.error().message();
    ASSERT_TRUE(write_direct_block(*direct, std::byte{'d'}));
    EXPECT_EQ(world.read("f"), std::string(4096, 'd') + std::string(4096, 'x'));
  }
}

TEST_F(OddChanges, AFlagIsThereAndGoesAgain) {
  const timespec before = status_of(file)->changed();
  const auto toggled = toggle_no_dump(file);
  if (is_missing_here(toggled)) GTEST_SKIP() << "this filesystem has no flags";
  ASSERT_TRUE(toggled) << toggled.error().message();
  EXPECT_FALSE(same_time(status_of(file)->changed(), before));
  EXPECT_TRUE(toggle_no_dump(file));
}

TEST(Children, AnswerWithTheirExitCode) {
  EXPECT_EQ(Child::start([] { return 7; })->wait(), 7);
  auto killed = Child::start([] {
    ::raise(SIGKILL);
    return 0;
  });
  EXPECT_EQ(killed->wait(), 255);
}

TEST(Children, EndWithTheirOwner) {
  const auto alive = Bell::create();
  {
    auto child = Child::start([&] {
      alive->ring();
      const std::array never{FdView(-1)};
      (void)wait_any(never, std::nullopt);
      return 0;
    });
    const std::array files{alive->fd()};
    ASSERT_TRUE(*wait_any(files, std::nullopt));
    EXPECT_FALSE(child->ended());
  }
  SUCCEED() << "it was waited for";
}

}  // namespace
}  // namespace foxing::sys
