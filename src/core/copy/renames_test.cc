// SPDX-License-Identifier: GPL-2.0-or-later
// What the target has under another name is not copied; and never is anything taken that the source still has, or that is something else.
#include "core/copy/renames.h"

#include <gmock/gmock.h>

#include "core/copy/test_run.h"
#include "core/signature/store.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;

constexpr timespec kLongAgo{1'000'000'000, 123'456'789};

class Renamed : public ::testing::Test {
 protected:
  void file(const std::string& name, std::string_view content) {
    world_.file("source/" + name, content);
    world_.times("source/" + name, kLongAgo, kLongAgo);
  }
  /// With the old names taken away, as with --delete-after, unless `moves` is false.
  std::unique_ptr<TestRun> run(bool moves = true, unsigned workers = 1) {
    auto run = prepared(moves, workers);
    run->copy();
    EXPECT_THAT(run->failures(), IsEmpty());
    return run;
  }
  std::unique_ptr<TestRun> prepared(bool moves = true, unsigned workers = 1) {
    auto run = std::make_unique<TestRun>(world_, options_, workers);
    run->renames = moves;
    return run;
  }
  std::uint64_t inode(const std::string& name) { return world_.status("target/" + name).st_ino; }

  TempTree world_;
  Options options_ = archive();
};

TEST_F(Renamed, AFileGetsItsNewNameAndIsNotCopied) {
  file("old", random_bytes(100'000, 1));
  file("stays", "stays");
  run();
  const auto before = inode("old");
  world_.dir("source/sub");
  world_.rename("source/old", "source/sub/new");
  const timespec directory_time{1'200'000'000, 5};
  world_.times("source", directory_time, directory_time);
  const auto moved = run();
  EXPECT_EQ(moved->counters.renamed, 1u);
  EXPECT_EQ(moved->counters.bytes_moved, 0u);
  EXPECT_EQ(inode("sub/new"), before);
  EXPECT_FALSE(world_.exists("target/old"));
  EXPECT_EQ(world_.status("target/sub/new").st_nlink, 1u);
  EXPECT_EQ(moved->event("sub/new").action, FileEvent::Action::renamed);
  EXPECT_EQ(moved->event("sub/new").from, "old");
  EXPECT_EQ(world_.status("target").st_mtim.tv_sec, directory_time.tv_sec) << "taking the old name away moves no time";
  EXPECT_THAT(world_.names("target/sub"), ElementsAre("new"));
  EXPECT_EQ(run()->counters.files, 0u);
}

TEST_F(Renamed, AWholeDirectoryToo) {
  for (int i = 0; i < 20; ++i) file("old/sub/" + std::to_string(i), random_bytes(3000, static_cast<unsigned>(i)));
  run();
  world_.rename("source/old", "source/new");
  const auto moved = run(true, 4);
  EXPECT_EQ(moved->counters.renamed, 20u);
  EXPECT_EQ(moved->counters.bytes_moved, 0u);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(world_.read("target/new/sub/" + std::to_string(i)), world_.read("source/new/sub/" + std::to_string(i)));
  EXPECT_THAT(world_.names("target/old/sub"), IsEmpty()) << "empty directories are left to --delete";
}

TEST_F(Renamed, AttributesAreThoseOfTheSource) {
  file("old", "text");
  run();
  world_.rename("source/old", "source/new");
  world_.chmod("source/new", 0640);
  world_.set_xattr("source/new", "user.colour", "blue");
  EXPECT_EQ(run()->counters.renamed, 1u);
  EXPECT_EQ(world_.mode("target/new"), 0640u);
  EXPECT_EQ(world_.xattr("target/new", "user.colour"), world_.xattr("source/new", "user.colour"));
}

TEST_F(Renamed, TheSameSizeAndTimeWithOtherDataIsCopied) {
  file("old", "text");
  run();
  world_.remove("source/old");
  file("new", "TEXT");
  const auto copied = run();
  EXPECT_EQ(copied->counters.renamed, 0u);
  EXPECT_EQ(world_.read("target/new"), "TEXT");
  EXPECT_EQ(world_.read("target/old"), "text") << "only --delete takes that away";
}

TEST_F(Renamed, WhatTheSourceStillHasIsNotTaken) {
  file("one", "text");
  run();
  file("two", "text");
  EXPECT_EQ(run()->counters.renamed, 0u);
  EXPECT_NE(inode("one"), inode("two"));
}

TEST_F(Renamed, AFileWithOtherNamesIsNotTaken) {
  file("old", "text");
  run();
  world_.hard_link("target/old", "a snapshot of somebody");
  world_.rename("source/old", "source/new");
  EXPECT_EQ(run()->counters.renamed, 0u);
  EXPECT_NE(inode("new"), inode("old"));
  EXPECT_EQ(world_.read("target/old"), "text");
}

TEST_F(Renamed, ANameThatComesBackToTheSourceIsNotTakenAway) {
  file("a/old", "text");
  run();
  world_.rename("source/a/old", "source/a/new");
  auto meanwhile = prepared();
  meanwhile->between = [&] { file("a/old", "text"); };
  meanwhile->copy();
  EXPECT_EQ(world_.read("target/a/old"), "text");
  EXPECT_EQ(world_.read("target/a/new"), "text");
}

/// Two files with the same data and different modes, whose names have both changed: each old name serves for one.
TEST_F(Renamed, TwinsDoNotShareAnInode) {
  for (int round = 0; round < 20; ++round) {
    const std::string before = "r" + std::to_string(round) + "/", after = "r" + std::to_string(round + 1) + "/";
    if (round == 0) {
      for (int i = 0; i < 8; ++i) {
        file(before + std::to_string(i), "text");
        world_.chmod("source/" + before + std::to_string(i), static_cast<mode_t>(0600 + i));
      }
      run();
    }
    world_.rename("source/" + before.substr(0, before.size() - 1), "source/" + after.substr(0, after.size() - 1));
    run(true, 4);
    for (int i = 0; i < 8; ++i) {
      const std::string name = after + std::to_string(i);
      ASSERT_EQ(world_.mode("target/" + name), static_cast<mode_t>(0600 + i)) << name;
      ASSERT_EQ(world_.status("target/" + name).st_nlink, 1u) << name;
    }
    world_.remove("target/" + before);
  }
}

TEST_F(Renamed, NoOldNameIsTakenAwayWhereThatIsNotAskedFor) {
  file("old", "text");
  run();
  world_.rename("source/old", "source/new");
  run(false);
  EXPECT_EQ(world_.read("target/old"), "text");
  EXPECT_EQ(world_.read("target/new"), "text");
  EXPECT_NE(inode("old"), inode("new"));
}

TEST_F(Renamed, ADirectoryInTheWayOfTheNewNameIsNoReasonToLoseTheOldOne) {
  file("old", "text");
  run();
  world_.rename("source/old", "source/new");
  world_.file("target/new/precious", "precious");
  auto blocked = prepared();
  blocked->copy();
  EXPECT_THAT(blocked->failures(), ElementsAre("in_the_way new"));
  EXPECT_EQ(world_.read("target/old"), "text");
  EXPECT_EQ(world_.read("target/new/precious"), "precious");
  EXPECT_THAT(world_.names("target"), ElementsAre("new", "old")) << "no temporary name";
}

TEST_F(Renamed, EveryCallMayFailAndNothingIsLost) {
  FOXING_NEEDS_FAULTS();
  options_.sign = true;
  for (const char* call :
       {"linkat", "renameat2", "unlinkat", "utimensat", "openat2", "fstat", "fstatat", "read", "setxattr", "getxattr"}) {
    for (int when = 1; when <= 12; ++when) {
      TempTree world;
      world.file("source/a/old", "text");
      world.times("source/a/old", kLongAgo, kLongAgo);
      {
        TestRun first(world, options_);
        first.copy();
      }
      world.rename("source/a/old", "source/a/new");
      TestRun failing(world, options_);
      failing.renames = true;
      failing.faults = std::string(call) + ':' + std::to_string(when) + ":EIO";
      failing.copy();
      const bool there = world.exists("target/a/new"), before = world.exists("target/a/old");
      EXPECT_TRUE(there || before) << failing.faults << ": the only copy is gone";
      EXPECT_EQ(world.read(there ? "target/a/new" : "target/a/old"), "text") << failing.faults;
      EXPECT_TRUE(there || !failing.failures().empty()) << failing.faults << ": nothing was said";
      TestRun again(world, options_);
      again.deleting = Deleting{};
      again.copy();
      EXPECT_THAT(again.failures(), IsEmpty()) << failing.faults;
      EXPECT_THAT(world.names("target/a"), ElementsAre("new")) << failing.faults;
      EXPECT_EQ(world.status("target/a/new").st_nlink, 1u) << failing.faults;
    }
  }
}

TEST_F(Renamed, TheSignatureHoldsUnderTheNewName) {
  options_.sign = true;
  file("old", random_bytes(100'000, 2));
  let_age(world_, "source/old");
  run();
  if (world_.xattr("target/old", signature::kSigAttribute) == "(none)") GTEST_SKIP() << "no user attributes here";
  world_.rename("source/old", "source/new");
  let_age(world_, "source/new");
  run();
  const auto again = run();
  EXPECT_EQ(again->counters.signatures_ignored, 0u);
  EXPECT_EQ(again->counters.signed_files, 0u);
}

// ---- What is known of candidates

sys::FileStatus status(std::uint64_t size, std::int64_t seconds) {
  sys::FileStatus status;
  status.raw.st_mode = S_IFREG;
  status.raw.st_size = static_cast<off_t>(size);
  status.raw.st_mtim.tv_sec = seconds;
  return status;
}

TEST(Candidates, HaveTheSizeAndTheTimeAndThoseOfTheNameComeFirst) {
  Renames renames(true);
  for (std::uint64_t i = 0; i < 100; ++i) renames.add(status(10, 5), {"dir/name" + std::to_string(i), {DeviceId{}, InodeNo(i)}});
  renames.add(status(10, 5), {"elsewhere/wanted", {DeviceId{}, InodeNo(100)}});
  renames.add(status(10, 6), {"later/wanted", {DeviceId{}, InodeNo(101)}});
  renames.add(status(11, 5), {"larger/wanted", {DeviceId{}, InodeNo(102)}});
  const auto found = renames.candidates(status(10, 5), "wanted");
  ASSERT_EQ(found.size(), Renames::kMostCandidates);
  EXPECT_EQ(found.front()->path, "elsewhere/wanted");
  EXPECT_TRUE(renames.claim(*found.front()));
  EXPECT_FALSE(renames.claim(*found.front()));
  EXPECT_NE(renames.candidates(status(10, 5), "wanted").front()->path, "elsewhere/wanted") << "is taken";
  EXPECT_THAT(renames.candidates(status(12, 5), "wanted"), IsEmpty());
}

TEST(Candidates, OursAndThoseInMountsAndEmptyOnesAreNone) {
  TempTree world;
  world.dir("source");
  world.file("target/.foxing_meta", "ours");
  world.file("target/empty", "");
  world.file("target/.tmp.66786370-0000-8000-8000-000000000000", "staging");
  world.file("target/real", "real");
  Renames renames(true);
  OrphanPass pass(renames);
  walk::Walk walk(pass, {.workers = 1, .descriptor_limit = 100});
  auto from = sys::open_at(sys::working_directory(), world.at("source"), {.access = sys::Access::path, .directory = true});
  auto copy = sys::open_at(sys::working_directory(), world.at("target"), {.directory = true});
  const auto status_of_copy = sys::status_of(*copy);
  walk.add_root(std::move(*copy), *status_of_copy, "", OrphanPass::beside(std::move(*from), ""));
  walk.run();
  const auto found = [&](const char* name) {
    return renames.candidates(*sys::status_at(sys::working_directory(), world.at(name)), "").size();
  };
  EXPECT_EQ(found("target/.foxing_meta"), 0u);
  EXPECT_EQ(found("target/empty"), 0u);
  EXPECT_EQ(found("target/.tmp.66786370-0000-8000-8000-000000000000"), 0u);
  EXPECT_EQ(found("target/real"), 1u);
}

}  // namespace
}  // namespace foxing::copy
