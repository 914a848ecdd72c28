// SPDX-License-Identifier: GPL-2.0-or-later
// Partial files, --temp-dir and --append-verify: what is there is used, and never believed.
#include "core/copy/partial.h"

#include <gmock/gmock.h>

#include "core/copy/cleanup.h"
#include "core/copy/copier.h"
#include "core/copy/test_run.h"
#include "core/walk/walk.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;

constexpr std::size_t kLarge = 20 << 20;
constexpr timespec kLongAgo{1'000'000'000, 123'456'789};

class Partial : public ::testing::Test {
 protected:
  static Options options() {
    Options options = archive();
    options.partial.name = kPartialDirectory;
    options.choices.reflink = Reflink::never;  // a clone is never interrupted
    return options;
  }
  /// `name` of the source, whose copy failed in the midst.
  void interrupt(const std::string& name = "big") {
    world_.file("source/" + name, random_bytes(kLarge, 1));
    TestRun run(world_, options());
    run.faults = "sendfile:2:EIO";
    run.copy();
    ASSERT_THAT(run.failures(), ElementsAre("failed " + name));
    ASSERT_FALSE(world_.exists("target/" + name));
    const std::size_t last = name.rfind('/') + 1;  // 0 where there is none
    ASSERT_TRUE(world_.exists("target/" + name.substr(0, last) + ".fxcp-partial/" + name.substr(last)));
  }
  void exact(const std::string& name = "big") {
    EXPECT_TRUE(world_.read("target/" + name) == world_.read("source/" + name)) << name;
    EXPECT_EQ(world_.mode("target/" + name), world_.mode("source/" + name));
    EXPECT_EQ(world_.xattr("target/" + name, kPartialAttribute), "(none)");
  }
  TempTree world_;
};

TEST_F(Partial, TheNextRunGoesOn) {
  FOXING_NEEDS_FAULTS();
  interrupt();
  EXPECT_EQ(world_.mode("target/.fxcp-partial"), 0700u);
  EXPECT_THAT(world_.xattr("target/.fxcp-partial/big", kPartialAttribute), HasSubstr("1 "));
  const auto had = static_cast<std::uint64_t>(world_.status("target/.fxcp-partial/big").st_size);
  ASSERT_GT(had, 0u);
  ASSERT_LT(had, kLarge);
  TestRun run(world_, options());
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  exact();
  EXPECT_THAT(world_.names("target"), ElementsAre("big"));
  EXPECT_EQ(run.counters.bytes_moved, kLarge - had);
  EXPECT_EQ(run.event("big").tier, Tier::delta);
}

TEST_F(Partial, WithoutTheOptionNothingIsKept) {
  FOXING_NEEDS_FAULTS();
  world_.file("source/big", random_bytes(kLarge, 1));
  TestRun run(world_, archive());
  run.faults = "sendfile:2:EIO,ficlone:1:EOPNOTSUPP";
  run.copy();
  EXPECT_THAT(world_.names("target"), IsEmpty());
}

TEST_F(Partial, SmallFilesAreNotKept) {
  FOXING_NEEDS_FAULTS();
  world_.file("source/small", random_bytes(100'000, 1));
  TestRun run(world_, options());
  run.faults = "sendfile:1:EIO";
  run.copy();
  EXPECT_THAT(world_.names("target"), IsEmpty());
}

TEST_F(Partial, NothingIsKeptOfNothing) {
  FOXING_NEEDS_FAULTS();
  world_.file("source/big", random_bytes(kLarge, 1));
  TestRun run(world_, options());
  run.faults = "sendfile:1:EIO";
  run.copy();
  EXPECT_THAT(run.failures(), ElementsAre("failed big"));
  EXPECT_THAT(world_.names("target"), IsEmpty());
}

TEST_F(Partial, IsNotBelieved) {
  FOXING_NEEDS_FAULTS();
  interrupt();
  world_.overwrite("target/.fxcp-partial/big", 1'000'000, random_bytes(10'000, 2));  // as after a power failure
  ASSERT_EQ(::truncate(world_.at("target/.fxcp-partial/big").c_str(), kLarge + 5), 0);
  TestRun run(world_, options());
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  exact();
}

TEST_F(Partial, OfAnotherVersionOfTheSourceServesToo) {
  FOXING_NEEDS_FAULTS();
  interrupt();
  world_.overwrite("source/big", 4096, random_bytes(4096, 3));
  TestRun run(world_, options());
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  exact();
}

TEST_F(Partial, HolesOfTheSourceAreHolesAfterwards) {
  FOXING_NEEDS_FAULTS();
  interrupt();
  world_.sparse_file("source/big", kLarge, {{0, "begin"}, {kLarge - 3, "end"}});
  TestRun run(world_, options());
  run.copy();
  exact();
  EXPECT_LT(world_.status("target/big").st_blocks * 512, 1 << 20);
}

TEST_F(Partial, TheOldVersionStaysUntilTheNewOneIsWhole) {
  FOXING_NEEDS_FAULTS();
  world_.file("target/big", "old");
  world_.file("source/big", random_bytes(kLarge, 1));
  TestRun run(world_, options());
  run.faults = "sendfile:2:EIO";
  run.copy();
  EXPECT_EQ(world_.read("target/big"), "old");
  TestRun again(world_, options());
  again.copy();
  exact();
}

TEST_F(Partial, LinksThatLieInItsPlaceAreNotFollowed) {
  world_.file("source/big", random_bytes(kLarge, 1));
  world_.file("victim", "mine");
  world_.dir("target/.fxcp-partial", 0700);
  world_.symlink("target/.fxcp-partial/big", "../../victim");
  TestRun run(world_, options());
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_THAT(run.notes(), ElementsAre(HasSubstr("left_out")));
  exact();
  EXPECT_EQ(world_.read("victim"), "mine");
}

TEST_F(Partial, AnotherNameOfSomeFileIsNotWrittenTo) {
  world_.file("source/big", random_bytes(kLarge, 1));
  world_.file("victim", "mine");
  world_.dir("target/.fxcp-partial", 0700);
  world_.hard_link("victim", "target/.fxcp-partial/big");
  TestRun run(world_, options());
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  exact();
  EXPECT_EQ(world_.read("victim"), "mine");
}

TEST_F(Partial, ADirectoryThatOthersWriteIntoIsNotUsed) {
  world_.file("source/big", random_bytes(kLarge, 1));
  world_.dir("target/.fxcp-partial", 0777);
  world_.file("target/.fxcp-partial/big", "trap");
  TestRun run(world_, options());
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_EQ(run.notes().size(), 1u);
  exact();
  EXPECT_EQ(world_.read("target/.fxcp-partial/big"), "trap");
}

TEST_F(Partial, TwoRunsDoNotWorkOnOneFile) {
  FOXING_NEEDS_FAULTS();
  interrupt();
  const auto other =
      sys::open_at(sys::working_directory(), world_.at("target/.fxcp-partial/big"), {.access = sys::Access::read_write});
  ASSERT_TRUE(other);
  ASSERT_TRUE(*sys::try_lock(*other));
  TestRun run(world_, options());
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  exact();
  EXPECT_TRUE(world_.exists("target/.fxcp-partial/big"));  // the other one's
}

TEST_F(Partial, OfNamesThatAreGoneIsRemoved) {
  FOXING_NEEDS_FAULTS();
  interrupt();
  world_.file("target/.fxcp-partial/somebodys", "file");
  world_.remove("source/big");
  TestRun run(world_, options());
  run.copy();
  EXPECT_THAT(world_.names("target/.fxcp-partial"), ElementsAre("somebodys"));
  EXPECT_EQ(run.counters.litter, 1u);
  world_.remove("target/.fxcp-partial/somebodys");
  TestRun again(world_, options());
  again.copy();
  EXPECT_THAT(world_.names("target"), IsEmpty());
}

TEST_F(Partial, WhatCameAnotherWayIsNotKeptForEver) {
  FOXING_NEEDS_FAULTS();
  interrupt();
  TestRun other(world_, archive());
  other.copy();
  ASSERT_TRUE(world_.exists("target/.fxcp-partial/big"));
  TestRun run(world_, options());
  run.copy();
  EXPECT_THAT(world_.names("target"), ElementsAre("big"));
}

TEST_F(Partial, CleaningUpTakesThem) {
  FOXING_NEEDS_FAULTS();
  interrupt("deep/big");
  world_.file("target/deep/.fxcp-partial/somebodys", "file");
  struct Nobody : Observer {
    void problem(Problem) override {}
  } nobody;
  const auto clean = [&] {
    Cleanup cleanup(nobody, false);
    walk::Walk walk(cleanup, {});
    auto fd = sys::open_at(sys::working_directory(), world_.at("target"), {.directory = true});
    const auto status = sys::status_of(*fd);
    walk.add_root(std::move(*fd), *status, world_.at("target"), nullptr);
    walk.run();
    return cleanup.removed();
  };
  EXPECT_EQ(clean(), 1u);
  EXPECT_THAT(world_.names("target/deep/.fxcp-partial"), ElementsAre("somebodys"));
  world_.remove("target/deep/.fxcp-partial/somebodys");
  EXPECT_EQ(clean(), 0u);
  EXPECT_THAT(world_.names("target/deep"), IsEmpty());
}

TEST_F(Partial, OnePlaceForAllTellsDirectoriesApart) {
  FOXING_NEEDS_FAULTS();
  world_.dir("place", 0700);
  const auto place = sys::open_at(sys::working_directory(), world_.at("place"), {.directory = true});
  ASSERT_TRUE(place);
  Options options = Partial::options();
  options.partial.name.clear();
  options.partial.for_all = *place;
  const std::string longest(255, 'x');
  world_.file("source/a/" + longest, random_bytes(kLarge, 1));
  world_.file("source/b/" + longest, random_bytes(kLarge, 2));
  TestRun run(world_, options);
  run.faults = "sendfile:2:EIO,sendfile:4:EIO";
  run.copy();
  EXPECT_EQ(run.failures().size(), 2u);
  EXPECT_EQ(world_.names("place").size(), 2u);
  TestRun again(world_, options);
  again.copy();
  EXPECT_THAT(again.failures(), IsEmpty());
  EXPECT_THAT(world_.names("place"), IsEmpty());
  exact("a/" + longest);
  exact("b/" + longest);
  EXPECT_LT(again.counters.bytes_moved, 2 * kLarge);
}

TEST_F(Partial, EveryFailureLeavesWhatTheNextRunMakesExact) {
  FOXING_NEEDS_FAULTS();
  world_.file("source/big", random_bytes(3 << 20, 1));
  ASSERT_TRUE(world_.set_xattr("source/big", "user.some", "thing"));
  for (const char* call :
       {"openat:8+:EIO", "fstat:9:EIO", "lock:1:ENOLCK", "setxattr:1:ENOSPC", "removexattr:1:EIO", "fchmod:1:EPERM",
        "close:1:EIO", "renameat2:1:EIO", "utimensat:1:EIO", "mkdirat:1:ENOSPC", "ftruncate:1:EIO", "pwrite:1:ENOSPC"}) {
    SCOPED_TRACE(call);
    world_.remove("target");
    world_.dir("target/.fxcp-partial", 0700);
    world_.file("target/.fxcp-partial/big", random_bytes(1 << 20, 1));
    ASSERT_TRUE(world_.set_xattr("target/.fxcp-partial/big", kPartialAttribute, "1"));
    {
      TestRun run(world_, options());
      run.faults = call;
      run.copy();
      EXPECT_TRUE(!world_.exists("target/big") || world_.read("target/big") == world_.read("source/big"));
    }
    TestRun run(world_, options());
    run.copy();
    EXPECT_THAT(run.failures(), IsEmpty());
    exact();
    EXPECT_EQ(world_.xattr("target/big", "user.some"), "thing");
    EXPECT_THAT(world_.names("target"), ElementsAre("big"));
  }
}

TEST_F(Partial, WhatARunHasDressedAlreadyIsTakenBack) {
  FOXING_NEEDS_ROOT();
  world_.file("source/big", random_bytes(3 << 20, 1));
  world_.dir("target/.fxcp-partial", 0700);
  world_.file("target/.fxcp-partial/big", random_bytes(1 << 20, 1));
  ASSERT_EQ(::chown(world_.at("target/.fxcp-partial/big").c_str(), 12, 34), 0);
  world_.chmod("target/.fxcp-partial/big", 06755);
  ASSERT_TRUE(world_.set_xattr("target/.fxcp-partial/big", "user.old", "x"));
  TestRun run(world_, options());
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  exact();
  EXPECT_EQ(world_.status("target/big").st_uid, ::geteuid());
  EXPECT_EQ(world_.xattr("target/big", "user.old"), "(none)");
  EXPECT_EQ(run.counters.bytes_moved, std::uint64_t{2} << 20);
}

// ---- --temp-dir

class TempDirectory : public Partial {
 protected:
  void SetUp() override {
    world_.dir("place", 0700);
    place_ = *sys::open_at(sys::working_directory(), world_.at("place"), {.directory = true});
    options_.temp_directory.fd = place_;
    options_.temp_directory.device = sys::status_of(place_)->device();
  }
  sys::UniqueFd place_;
  Options options_ = archive();
};

TEST_F(TempDirectory, FilesLieThereUntilTheyAreWhole) {
  FOXING_NEEDS_FAULTS();
  world_.file("source/new", "new");
  world_.file("source/old", "new one");
  world_.file("target/old", "old");
  TestRun run(world_, options_);
  run.faults = "tmpfile:1+:EOPNOTSUPP,unlinkat:1+:EPERM,renameat2:1+:EIO";  // they stay where they are
  run.copy();
  EXPECT_EQ(world_.names("place").size(), 2u);
  EXPECT_THAT(world_.names("target"), ElementsAre("old"));
  EXPECT_EQ(world_.read("target/old"), "old");
  world_.remove("place");
  world_.dir("place", 0700);
  place_ = *sys::open_at(sys::working_directory(), world_.at("place"), {.directory = true});
  options_.temp_directory.fd = place_;
  for (const char* staging : {"", "tmpfile:1+:EOPNOTSUPP"}) {
    SCOPED_TRACE(staging);
    world_.remove("target");
    world_.file("target/old", "old");
    TestRun again(world_, options_);
    again.faults = staging;
    again.copy();
    EXPECT_THAT(again.failures(), IsEmpty());
    EXPECT_THAT(world_.names("place"), IsEmpty());
    exact("new");
    exact("old");
  }
}

TEST_F(TempDirectory, ADirectoryGivesWayToAFileFromThere) {
  world_.file("source/name", "file");
  world_.dir("target/name");
  TestRun run(world_, options_);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  exact("name");
  EXPECT_THAT(world_.names("place"), IsEmpty());
}

// ---- --append-verify

class Append : public ::testing::Test {
 protected:
  Append() { options_.append_verify = true; }
  void begin(std::size_t has, std::size_t all) {
    all_ = random_bytes(all, 7);
    world_.file("source/log", all_);
    world_.file("target/log", std::string_view(all_).substr(0, has));
    world_.times("target/log", kLongAgo, kLongAgo);
    inode_ = world_.status("target/log").st_ino;
  }
  std::unique_ptr<TestRun> run(const std::string& faults = "") {
    auto run = std::make_unique<TestRun>(world_, options_);
    run->faults = faults;
    run->copy();
    return run;
  }
  void exact() {
    EXPECT_TRUE(world_.read("target/log") == world_.read("source/log"));
    EXPECT_EQ(world_.status("target/log").st_mtim.tv_sec, world_.status("source/log").st_mtim.tv_sec);
    EXPECT_EQ(world_.xattr("target/log", kDirtyAttribute), "(none)");
  }
  TempTree world_;
  Options options_ = archive();
  std::string all_;
  ino_t inode_ = 0;
};

TEST_F(Append, ABeginningGetsTheRestInPlace) {
  begin(1'000'000, 1'500'000);
  const auto done = run();
  EXPECT_THAT(done->failures(), IsEmpty());
  exact();
  EXPECT_EQ(world_.status("target/log").st_ino, inode_);
  EXPECT_EQ(done->counters.bytes_moved, 500'000u);
  EXPECT_EQ(run()->counters.files, 0u);  // looking at both above may have moved their access times
}

TEST_F(Append, WhatIsNoBeginningIsReplaced) {
  begin(1'000'000, 1'500'000);
  world_.overwrite("target/log", 500'000, "x");
  world_.chmod("target/log", 0600);
  EXPECT_THAT(run()->failures(), IsEmpty());
  exact();
  EXPECT_NE(world_.status("target/log").st_ino, inode_);
}

TEST_F(Append, OtherNamesOfTheFileDoNotGrow) {
  begin(1'000'000, 1'500'000);
  world_.hard_link("target/log", "yesterdays");
  EXPECT_THAT(run()->failures(), IsEmpty());
  exact();
  EXPECT_EQ(world_.status("yesterdays").st_size, 1'000'000);
}

TEST_F(Append, WhatBackupsKeepIsNotGrown) {
  begin(1'000'000, 1'500'000);
  TestRun run(world_, options_);
  run.keep = Keeper::Options{.suffix = "~"};
  run.copy();
  exact();
  EXPECT_EQ(world_.status("target/log~").st_size, 1'000'000);
}

TEST_F(Append, ADryRunTouchesNothing) {
  begin(1'000'000, 1'500'000);
  options_.dry_run = true;
  const auto before = world_.status("target/log");
  EXPECT_EQ(run()->counters.files, 1u);
  EXPECT_EQ(world_.status("target/log").st_ctim.tv_nsec, before.st_ctim.tv_nsec);
}

TEST_F(Append, WhatIsLeftInTheMidstIsRepairedByTheNextRun) {
  FOXING_NEEDS_FAULTS();
  for (const char* fault :
       {"pwrite:1:ENOSPC", "pwrite:2:EIO", "utimensat:1+:EIO", "removexattr:1:EIO", "setxattr:1:ENOSPC", "fstat:1+:EIO"}) {
    for (const bool newer_stays : {false, true}) {
      SCOPED_TRACE(std::string(fault) + (newer_stays ? " -u" : ""));
      begin(1'000'000, 2'000'000);
      run(fault);
      const std::string now = world_.read("target/log");
      EXPECT_TRUE(std::string_view(all_).starts_with(now));
      options_.compare.newer_stays = newer_stays;
      EXPECT_THAT(run()->failures(), IsEmpty());
      exact();
      options_.compare.newer_stays = false;
    }
  }
}

TEST_F(Append, AKillInTheMidstIsSeen) {
  // What SIGKILL leaves: the mark, a part of the rest, and the kernel's time of the last write.
  begin(1'000'000, 2'000'000);
  ASSERT_TRUE(world_.set_xattr("target/log", kDirtyAttribute, "1 0 0 0 0"));
  world_.overwrite("target/log", 1'000'000, std::string_view(all_).substr(1'000'000, 300'000));
  options_.compare.newer_stays = true;
  EXPECT_THAT(run()->failures(), IsEmpty());
  exact();
}

}  // namespace
}  // namespace foxing::copy
