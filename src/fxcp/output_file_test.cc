// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sys/file.h"
#include "testing/temp_tree.h"

namespace foxing::fxcp {
namespace {

TEST(OutputFile, LinksAreResolvedWhereverTheyLead) {
  testing::TempTree world;
  world.file("d/file", "text");
  world.symlink("direct", "d/file");
  world.symlink("d/again", "../direct");
  world.symlink("absolute", world.at("d/again"));
  world.symlink("nowhere", "d/not yet");
  world.symlink("loop", "loop");
  const auto same_file = [&](const std::string& name) {
    const auto resolved = resolve_links(world.at(name));
    ASSERT_TRUE(resolved) << name;
    EXPECT_EQ(sys::status_at(sys::working_directory(), *resolved)->type(), sys::FileType::regular) << name;
    EXPECT_EQ(look(*resolved)->value().key(), look(world.at("d/file"))->value().key()) << name;
  };
  for (const char* name : {"d/file", "direct", "d/again", "absolute"}) same_file(name);
  EXPECT_EQ(*resolve_links(world.at("nowhere")), world.at("d/not yet"));
  EXPECT_EQ(*resolve_links(world.at("none")), world.at("none"));
  EXPECT_EQ(resolve_links(world.at("loop")).error().code, ELOOP);
}

TEST(OutputFile, TheNameMayHaveGoneToAnotherFile) {
  testing::TempTree world;
  world.file("archive", "old");
  world.file("new", "new");
  world.symlink("link", "archive");
  const auto fd = sys::open_at(sys::working_directory(), world.at("archive"));
  EXPECT_TRUE(*is_still(world.at("archive"), *fd));
  EXPECT_TRUE(*is_still(world.at("link"), *fd));
  world.rename("new", "archive");
  EXPECT_FALSE(*is_still(world.at("archive"), *fd));
  EXPECT_FALSE(*is_still(world.at("link"), *fd));
  world.remove("archive");
  EXPECT_FALSE(*is_still(world.at("archive"), *fd));
}

}  // namespace
}  // namespace foxing::fxcp
