// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/deleting.h"

#include <gmock/gmock.h>

#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempTree;

class Delete : public ::testing::Test {
 protected:
  Delete() {
    world_.file("source/stays", "1");
    world_.file("source/d/stays", "1");
    TestRun run(world_);
    run.copy();
  }
  std::unique_ptr<TestRun> sync(Deleting deleting = {}, std::string faults = {}) {
    auto run = std::make_unique<TestRun>(world_);
    run->deleting = std::move(deleting);
    run->faults = std::move(faults);
    run->copy();
    return run;
  }
  TempTree world_;
};

TEST_F(Delete, ExtrasGoAndNothingElse) {
  world_.file("target/extra", "1");
  world_.file("target/d/extra", "1");
  world_.file("target/tree/a/b/c", "1");
  world_.symlink("target/link", "/etc");
  world_.fifo("target/fifo");
  const auto run = sync();
  EXPECT_THAT(run->failures(), IsEmpty());
  for (const char* name : {"extra", "d/extra", "tree", "link", "fifo"})
    EXPECT_FALSE(world_.exists(std::string("target/") + name)) << name;
  EXPECT_TRUE(world_.exists("target/stays"));
  EXPECT_TRUE(world_.exists("target/d/stays"));
  EXPECT_TRUE(std::filesystem::exists("/etc/passwd"));
  EXPECT_EQ(run->counters.deleted, 8u);  // with the three directories
}

TEST_F(Delete, NothingIsDeletedUnasked) {
  world_.file("target/extra", "1");
  TestRun run(world_);
  run.copy();
  EXPECT_TRUE(world_.exists("target/extra"));
}

/// A bind mount, or a rename while the run is under way, may put a source where it would be deleted.
TEST_F(Delete, ASourceOfTheRunStaysWhereverItIsMet) {
  world_.file("target/tree/a/deep/file", "1");
  world_.file("target/tree/b", "1");
  world_.file("target/other/file", "1");
  const auto key = [&](const char* name) {
    const struct stat status = world_.status(name);
    return FileKey{DeviceId(status.st_dev), InodeNo(status.st_ino)};
  };
  const auto run = sync({.sources = {key("target/tree/a"), key("target/other")}});
  EXPECT_THAT(run->failures(), ::testing::UnorderedElementsAre("in_the_way tree/a", "in_the_way other"));
  EXPECT_EQ(world_.read("target/tree/a/deep/file"), "1");
  EXPECT_EQ(world_.read("target/other/file"), "1");
  EXPECT_FALSE(world_.exists("target/tree/b"));
}

TEST_F(Delete, OwnNamesAndTemporaryFilesOfTheLivingStay) {
  world_.file("target/.foxing_versions/2026/a", "1");
  world_.file("target/.foxing_meta", "1");
  world_.file("target/old/.foxing_meta", "1");
  TempNames names;
  const std::string alive = "target/" + names.next();
  world_.file(alive, "1");
  world_.file("target/extra", "1");
  sync();
  EXPECT_TRUE(world_.exists("target/.foxing_versions/2026/a"));
  EXPECT_TRUE(world_.exists("target/.foxing_meta"));
  EXPECT_TRUE(world_.exists(alive));
  EXPECT_FALSE(world_.exists("target/extra"));
}

TEST_F(Delete, ADirectoryThatCouldNotBeReadLosesNothing) {
  FOXING_NEEDS_FAULTS();
  world_.file("target/extra", "1");
  world_.file("target/d/extra", "1");
  world_.file("target/d/deeper/extra", "1");
  // 1 and 2 read the target's root and its end... every listing fails from some call on: nothing may be lost by any of them.
  for (int call = 1; call < 12; ++call) {
    SCOPED_TRACE(call);
    const auto run = sync({}, "getdents64:" + std::to_string(call) + "+:EIO");
    EXPECT_TRUE(world_.exists("target/stays"));
    EXPECT_TRUE(world_.exists("target/d/stays"));
    EXPECT_TRUE(!world_.exists("target/d/extra") || !run->failures().empty());
  }
}

TEST_F(Delete, AnUnreadableSourceDirectoryKeepsItsCopy) {
  FOXING_NEEDS_FAULTS();
  world_.file("target/d/extra", "1");
  const auto run = sync({}, "openat:*1:EIO");
  EXPECT_TRUE(world_.exists("target/d/extra"));
  EXPECT_TRUE(world_.exists("target/d/stays"));
  EXPECT_FALSE(run->failures().empty());
}

TEST_F(Delete, WhatTheSourceCannotTellStays) {
  FOXING_NEEDS_FAULTS();
  world_.file("target/extra", "1");
  const auto run = sync({}, "fstatat:1+:EIO");
  EXPECT_TRUE(world_.exists("target/extra"));
  EXPECT_FALSE(run->failures().empty());
}

TEST_F(Delete, NoMoreThanAllowed) {
  for (const char* name : {"1", "2", "3", "4"}) world_.file(std::string("target/extra") + name, "1");
  const auto run = sync({.most = 3});
  EXPECT_EQ(run->counters.deleted, 3u);
  EXPECT_EQ(run->spared, 1u);
  const auto none = sync({.most = 0});
  EXPECT_EQ(none->counters.deleted, 0u);
  EXPECT_EQ(none->spared, 1u);
}

TEST_F(Delete, AFailureIsToldAndTheOthersGo) {
  FOXING_NEEDS_FAULTS();
  for (const char* name : {"extra1", "extra2"}) world_.file(std::string("target/") + name, "1");
  const auto run = sync({}, "unlinkat:1:EIO");
  EXPECT_EQ(run->failures().size(), 1u);
  EXPECT_NE(world_.exists("target/extra1"), world_.exists("target/extra2"));
}

TEST_F(Delete, DeepTreesWithFewDescriptors) {
  std::string path = "target/deep";
  for (int i = 0; i < 300; ++i) path += "/d";
  world_.file(path + "/file", "1");
  const auto run = sync();
  EXPECT_THAT(run->failures(), IsEmpty());
  EXPECT_FALSE(world_.exists("target/deep"));
  EXPECT_EQ(run->counters.deleted, 302u);
}

TEST_F(Delete, ClosedDirectoriesOfOnesOwn) {
  world_.file("target/closed/inside/file", "1");
  world_.chmod("target/closed/inside", 0);
  world_.chmod("target/closed", 0);
  const auto run = sync();
  EXPECT_THAT(run->failures(), IsEmpty());
  EXPECT_FALSE(world_.exists("target/closed"));
}

}  // namespace
}  // namespace foxing::copy
