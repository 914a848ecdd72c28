// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/handle.h"

#include <gtest/gtest.h>

#include "sys/file.h"
#include "sys/names.h"
#include "testing/temp_tree.h"

namespace foxing::sys {
namespace {

using testing::TempTree;

struct Handles : ::testing::Test {
  TempTree world;
  UniqueFd root = std::move(*open_at(working_directory(), world.path(), {.directory = true}));
  void SetUp() override {
    if (!handle_of(root)) GTEST_SKIP() << "this filesystem has no file handles";
  }
};

TEST_F(Handles, OutliveARename) {
  world.dir("a");
  const auto before = handle_at(root, "a");
  ASSERT_TRUE(rename_at(root, "a", root, "b"));
  EXPECT_EQ(*handle_at(root, "b"), *before);
  EXPECT_EQ(*handle_of(*open_at(root, "b", {.directory = true})), *before);
}

TEST_F(Handles, TellOneInodeFromTheNextOfItsNumber) {
  world.file("a", "1");
  const auto before = handle_at(root, "a");
  ASSERT_TRUE(unlink_at(root, "a"));
  world.file("a", "1");
  EXPECT_NE(*handle_at(root, "a"), *before);
}

TEST_F(Handles, LeadToOneOfTheNames) {
  if (!testing::is_root()) GTEST_SKIP() << "needs root";
  world.file("d/a", "1");
  const auto handle = *handle_at(*open_at(root, "d", {.directory = true}), "a");
  EXPECT_EQ(path_of_handle(root, handle).value_or(""), std::filesystem::canonical(world.at("d/a")));
  world.rename("d/a", "b");
  EXPECT_EQ(path_of_handle(root, handle).value_or(""), std::filesystem::canonical(world.at("b")));
  ASSERT_TRUE(unlink_at(root, "b"));
  EXPECT_EQ(path_of_handle(root, handle).error().code, ESTALE);
}

TEST_F(Handles, ALinkIsItself) {
  world.file("a", "1");
  world.symlink("link", "a");
  EXPECT_NE(*handle_at(root, "link"), *handle_at(root, "a"));
  EXPECT_EQ(handle_at(root, "missing").error().code, ENOENT);
}

}  // namespace
}  // namespace foxing::sys
