// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/snapshot/store.h"

#include <gmock/gmock.h>

#include "core/snapshot/remove.h"
#include "core/snapshot/take.h"
#include "sys/fault.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"
#include "testing/temp_tree.h"

namespace foxing::snapshot {
namespace {

using testing::TempTree;
namespace fs = std::filesystem;

sys::UniqueFd open(const TempTree& world, const std::string& name) {
  auto fd = sys::open_at(sys::working_directory(), world.at(name), {.directory = true});
  EXPECT_TRUE(fd);
  return std::move(*fd);
}

Result<std::optional<Summary>> take_one(const TempTree& world) {
  return take(open(world, "t"), {.target_name = "t", .source = "s", .trigger = "test"});
}

/// A world with a target of one file and one snapshot of it; the snapshot's name.
std::string with_snapshot(TempTree& world) {
  world.dir("t");
  world.dir("t/d");
  world.file("t/d/f", "old");
  const auto taken = take_one(world);
  EXPECT_TRUE(taken && *taken) << (taken ? "nothing" : taken.error().message());
  return taken && *taken ? (*taken)->name : "none";
}

std::vector<std::string> names_in_store(const TempTree& world) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(world.at("t/.foxing_versions"))) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

TEST(Store, ASnapshotIsTheTreeAsItWas) {
  TempTree world;
  const std::string name = with_snapshot(world);
  world.file("t/d/f", "new");
  EXPECT_EQ(world.read("t/.foxing_versions/" + name + "/tree/d/f"), "old");
  EXPECT_THAT(names_in_store(world), ::testing::ElementsAre(name, "index.json"));
  EXPECT_FALSE(world.exists("t/.foxing_versions/" + name + "/tree/.foxing_versions"));
}

TEST(Store, NothingIsTakenOfAnEmptyTarget) {
  TempTree world;
  world.dir("t");
  const auto taken = take_one(world);
  ASSERT_TRUE(taken);
  EXPECT_FALSE(*taken);
  EXPECT_FALSE(world.exists("t/.foxing_versions"));
}

TEST(Store, NoFileOfASnapshotIsOneOfTheTree) {
  TempTree world;
  const std::string name = with_snapshot(world);
  EXPECT_NE(world.status("t/d/f").st_ino, world.status("t/.foxing_versions/" + name + "/tree/d/f").st_ino);
  EXPECT_EQ(world.status("t/d/f").st_nlink, 1u);
}

TEST(Store, TwoInOneSecondHaveNamesOfTheirOwn) {
  TempTree world;
  with_snapshot(world);
  ASSERT_TRUE(take_one(world));
  ASSERT_TRUE(take_one(world));
  const auto store = Store::open(open(world, "t"), Store::Use::look);
  ASSERT_TRUE(store);
  const auto entries = store->list();
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->size(), 3u);
  for (const Entry& entry : *entries) EXPECT_EQ(entry.damage, "");
}

TEST(Store, WhatCannotBeWholeIsNotThere) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  for (const char* fault : {"syncfs:1:EIO", "renameat2:1+:ENOSPC", "mkdirat:1+:ENOSPC", "mkdirat:2:EIO", "mkdirat:4:EIO",
                            "write:1+:ENOSPC", "fchmod:1+:EPERM", "fsync:1:EIO"}) {
    SCOPED_TRACE(fault);
    TempTree world;
    world.dir("t");
    world.dir("t/d");
    world.file("t/d/f", std::string(100000, 'x'));
    {
      const sys::FaultPlan plan(fault);
      (void)take_one(world);
    }
    sys::forget_stop_request();
    // A failure behind the rename leaves a whole one; before it, none.
    const auto store = Store::open(open(world, "t"), Store::Use::make);
    ASSERT_TRUE(store);
    const auto entries = store->list();
    ASSERT_TRUE(entries);
    for (const Entry& entry : *entries) {
      EXPECT_EQ(entry.damage, "");
      EXPECT_EQ(world.read("t/.foxing_versions/" + entry.name + "/tree/d/f"), std::string(100000, 'x'));
    }
    for (const std::string& name : names_in_store(world)) EXPECT_FALSE(name.starts_with(".making-")) << name;
  }
}

TEST(Store, WhatDeadRunsLeftGoesWithTheNext) {
  TempTree world;
  const std::string name = with_snapshot(world);
  world.dir("t/.foxing_versions/.making-2026-03-12T101500");
  world.dir("t/.foxing_versions/.making-2026-03-12T101500/tree", 0500);
  world.dir("t/.foxing_versions/.removing-2026-03-12T101500");
  world.file("t/.foxing_versions/.removing-2026-03-12T101500/x", "x");
  auto store = Store::open(open(world, "t"), Store::Use::look);
  ASSERT_TRUE(store);
  EXPECT_EQ(store->remove_dead(true).value(), 2u);
  ASSERT_TRUE(Store::open(open(world, "t"), Store::Use::change));
  EXPECT_THAT(names_in_store(world), ::testing::ElementsAre(name, "index.json"));
}

TEST(Store, OneChangesItAtATime) {
  TempTree world;
  with_snapshot(world);
  const auto store = Store::open(open(world, "t"), Store::Use::change);
  ASSERT_TRUE(store);
  const auto other = take_one(world);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, EBUSY);
}

TEST(Store, IsNotFollowedWhereItIsALink) {
  TempTree world;
  world.dir("t");
  world.file("t/f", "x");
  world.dir("elsewhere");
  fs::create_directory_symlink(world.at("elsewhere"), world.at("t/.foxing_versions"));
  EXPECT_FALSE(take_one(world));
  EXPECT_TRUE(fs::is_empty(world.at("elsewhere")));
}

TEST(Store, BelievesNothing) {
  TempTree world;
  const std::string name = with_snapshot(world);
  world.dir("elsewhere");
  world.file("elsewhere/f", "secret");
  const std::string store_path = "t/.foxing_versions/";
  fs::create_directory_symlink(world.at("elsewhere"), world.at(store_path + "2020-01-01T000000"));
  world.dir(store_path + "2020-01-02T000000");
  fs::create_directory_symlink(world.at("elsewhere"), world.at(store_path + "2020-01-02T000000/tree"));
  fs::copy_file(world.at(store_path + name + "/summary.json"), world.at(store_path + "2020-01-02T000000/summary.json"));
  world.dir(store_path + "2020-01-03T000000");
  world.dir(store_path + "2020-01-03T000000/tree");
  fs::copy_file(world.at(store_path + name + "/summary.json"), world.at(store_path + "2020-01-03T000000/summary.json"));
  world.file(store_path + "index.json", R"({"snapshots": [{"snapshot": "../../etc"}]})");
  auto store = Store::open(open(world, "t"), Store::Use::change);
  ASSERT_TRUE(store);
  const auto entries = store->list();
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 4u);
  EXPECT_EQ((*entries)[0].damage, "is not a directory");
  EXPECT_THAT((*entries)[1].damage, ::testing::HasSubstr("tree"));
  EXPECT_THAT((*entries)[2].damage, ::testing::HasSubstr("another snapshot"));
  EXPECT_EQ((*entries)[3].damage, "");
  EXPECT_FALSE(store->choose("2020-01-01"));
  EXPECT_FALSE(store->choose("../.."));
  EXPECT_FALSE(store->choose(""));
  EXPECT_EQ(store->choose("latest")->name, name);
  // What is removed is the link.
  EXPECT_TRUE(store->remove("2020-01-01T000000"));
  EXPECT_TRUE(store->remove("2020-01-02T000000"));
  EXPECT_EQ(world.read("elsewhere/f"), "secret");
  EXPECT_TRUE(store->write_index());
  EXPECT_THAT(world.read(store_path + "index.json"), ::testing::Not(::testing::HasSubstr("etc")));
}

TEST(Store, Tags) {
  TempTree world;
  const std::string name = with_snapshot(world);
  ASSERT_TRUE(take_one(world));
  auto store = Store::open(open(world, "t"), Store::Use::change);
  ASSERT_TRUE(store);
  ASSERT_TRUE(store->set_tag(*store->choose(name), "v1"));
  EXPECT_EQ(store->choose("v1")->name, name);
  EXPECT_FALSE(store->set_tag(*store->choose("latest"), "v1"));
  ASSERT_TRUE(store->set_tag(*store->choose("v1"), ""));
  EXPECT_FALSE(store->choose("v1"));
}

TEST(RemoveTree, TakesWhatIsDeeperThanDescriptorsReach) {
  TempTree world;
  world.dir("top");
  sys::UniqueFd at = open(world, "top");
  for (int depth = 0; depth < 3000; ++depth) {
    ASSERT_TRUE(sys::make_directory_at(at, "d", 0700));
    auto next = sys::open_at(at, "d", {.directory = true});
    ASSERT_TRUE(next);
    at = std::move(*next);
  }
  const auto removed = remove_tree(open(world, "."), "top");
  EXPECT_TRUE(removed) << removed.error().message();
  EXPECT_FALSE(world.exists("top"));
}

}  // namespace
}  // namespace foxing::snapshot
