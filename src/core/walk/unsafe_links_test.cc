// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/walk/unsafe_links.h"

#include <gtest/gtest.h>

namespace foxing::walk {
namespace {

// Asked of rsync 3.5 with --safe-links.
TEST(UnsafeLinks, AreThoseOfRsync) {
  EXPECT_TRUE(is_unsafe_link("", 3));
  EXPECT_TRUE(is_unsafe_link("/etc/hostname", 3));
  EXPECT_FALSE(is_unsafe_link("name", 0));
  EXPECT_FALSE(is_unsafe_link("nowhere/at/all", 0));
  EXPECT_FALSE(is_unsafe_link(".", 0));
  EXPECT_FALSE(is_unsafe_link("a/./b/x", 0));
  EXPECT_TRUE(is_unsafe_link("../name", 0));
  EXPECT_FALSE(is_unsafe_link("../name", 1));
  EXPECT_FALSE(is_unsafe_link("..//name", 1));
  EXPECT_FALSE(is_unsafe_link("..name", 0));
  EXPECT_FALSE(is_unsafe_link("..", 1));
  EXPECT_TRUE(is_unsafe_link("..", 0));
  EXPECT_TRUE(is_unsafe_link("../../name", 1));
  EXPECT_FALSE(is_unsafe_link("../../name", 2));
}

TEST(UnsafeLinks, ClimbOnlyAtTheBeginning) {
  EXPECT_TRUE(is_unsafe_link("a/..", 3));
  EXPECT_TRUE(is_unsafe_link("./../name", 3));
  EXPECT_TRUE(is_unsafe_link("b/../../name", 3));
  EXPECT_TRUE(is_unsafe_link("../b/../name", 3));
  EXPECT_TRUE(is_unsafe_link("../..", 3)) << "rsync: the text ends in /..";
  EXPECT_FALSE(is_unsafe_link("../../", 2));
}

}  // namespace
}  // namespace foxing::walk
