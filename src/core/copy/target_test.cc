// SPDX-License-Identifier: GPL-2.0-or-later
// Files and objects on their way into a directory: what others see of them at every moment, and what is left when it fails.
#include "core/copy/target.h"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempTree;
using Staging = StagedFile::Staging;

class Target : public ::testing::Test {
 protected:
  Target() {
    world_.dir("target");
    auto fd = sys::open_at(sys::working_directory(), world_.at("target"), {.directory = true});
    const auto status = sys::status_of(*fd);
    directory_.emplace(std::move(*fd), *status, pair_, false, TargetDirectory::Gives{});
  }
  Result<StagedFile> stage(const std::string& name, Staging staging = Staging::atomic, mode_t mode = 0644) {
    return StagedFile::create(*directory_, directory_->fd(), names_, name, mode, staging);
  }
  /// Stages, writes, commits.
  Result<> put(const std::string& name, const std::string& content, Staging staging = Staging::atomic) {
    StagedFile staged = FOX_TRY(stage(name, staging));
    FOX_TRY(sys::write_all(staged.fd(), std::as_bytes(std::span(content))));
    return staged.commit();
  }
  std::vector<std::string> names() const { return world_.names("target"); }
  std::string read(const std::string& name) const { return world_.read("target/" + name); }
  bool has_nameless() {
    auto file = sys::create_nameless(directory_->fd(), 0600);
    return file.has_value();
  }

  TempTree world_;
  Pair pair_;
  TempNames names_;
  std::optional<TargetDirectory> directory_;
};

// ---- A new name

TEST_F(Target, AsNewItTakesNoNameThatIsTaken) {
  for (const bool nameless : {true, false}) {
    pair_.nameless_declines.store(!nameless);
    world_.file("target/taken", "theirs");
    for (const char* name : {"free", "taken"}) {
      auto staged = stage(name);
      ASSERT_TRUE(staged);
      ASSERT_TRUE(sys::write_all(staged->fd(), std::as_bytes(std::span("ours", 4))));
      const auto done = staged->commit_as_new();
      EXPECT_EQ(done.has_value(), std::string(name) == "free") << nameless;
      if (!done) {
        EXPECT_EQ(done.error().code, EEXIST);
      }
    }
    EXPECT_THAT(names(), ElementsAre("free", "taken")) << "and no other name is left";
    EXPECT_EQ(read("taken"), "theirs");
    EXPECT_EQ(read("free"), "ours");
    world_.remove("target/free");
  }
}

TEST_F(Target, ANewFileIsNamelessUntilItIsWhole) {
  if (!has_nameless()) GTEST_SKIP() << "the filesystem of " << world_.path() << " has no O_TMPFILE";
  auto staged = stage("new");
  ASSERT_TRUE(staged);
  ASSERT_TRUE(sys::write_all(staged->fd(), std::as_bytes(std::span("text", 4))));
  EXPECT_THAT(names(), IsEmpty());
  ASSERT_TRUE(staged->commit());
  EXPECT_THAT(names(), ElementsAre("new"));
  EXPECT_EQ(read("new"), "text");
  EXPECT_EQ(world_.mode("target/new") & 0700, 0600u);
}

TEST_F(Target, WhatIsDroppedLeavesNothing) {
  for (const bool nameless : {true, false}) {
    pair_.nameless_declines = !nameless;
    {
      const auto staged = stage("new");
      EXPECT_TRUE(staged);
    }
    EXPECT_THAT(names(), IsEmpty()) << (nameless ? "nameless" : "named");
  }
  {
    const auto staged = stage("new", Staging::under_final_name);
    EXPECT_TRUE(staged);
  }
  EXPECT_THAT(names(), IsEmpty()) << "under its final name";
}

TEST_F(Target, AMovedStagedFileIsRemovedOnce) {
  pair_.nameless_declines = true;
  auto first = stage("new");
  ASSERT_TRUE(first);
  {
    const StagedFile second = std::move(*first);
    EXPECT_EQ(names().size(), 1u);
  }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(Target, WithoutNamelessFilesItHasATemporaryNameThatIsOurs) {
  FOXING_NEEDS_FAULTS();
  for (const char* code : {"EOPNOTSUPP", "EISDIR", "ENOENT", "EINVAL"}) {
    SCOPED_TRACE(code);
    pair_.nameless_declines = false;
    const sys::FaultPlan faults(std::string("tmpfile:1:") + code);
    auto staged = stage("new");
    ASSERT_TRUE(staged);
    EXPECT_TRUE(pair_.nameless_declines) << "it would be tried for every file";
    ASSERT_EQ(names().size(), 1u);
    EXPECT_TRUE(TempNames::maker_of(names()[0])) << names()[0];
    EXPECT_EQ(world_.mode("target/" + names()[0]) & 0077, 0u) << "others can read what is half there";
    ASSERT_TRUE(sys::write_all(staged->fd(), std::as_bytes(std::span("text", 4))));
    ASSERT_TRUE(staged->commit());
    EXPECT_THAT(names(), ElementsAre("new"));
    EXPECT_EQ(read("new"), "text");
    world_.remove("target/new");
  }
}

TEST_F(Target, ARealErrorOfONamelessFileIsAnError) {
  FOXING_NEEDS_FAULTS();
  for (const char* code : {"ENOSPC", "EIO", "EACCES", "EMFILE", "EDQUOT"}) {
    const sys::FaultPlan faults(std::string("tmpfile:1:") + code);
    const auto staged = stage("new");
    ASSERT_FALSE(staged);
    EXPECT_EQ(errno_name(staged.error().code), code);
    EXPECT_FALSE(pair_.nameless_declines);
  }
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(Target, ATemporaryNameThatIsTakenIsPassedOver) {
  pair_.nameless_declines = true;
  TempNames same;  // counts as names_ does: its first name is the next one
  const std::string taken = same.next();
  world_.file("target/" + taken, "somebody's");
  ASSERT_TRUE(put("new", "text"));
  EXPECT_EQ(read(taken), "somebody's");
  EXPECT_EQ(read("new"), "text");
  EXPECT_EQ(names().size(), 2u);
}

// ---- Over an existing name

class TargetOver : public Target, public ::testing::WithParamInterface<bool /* nameless */> {
 protected:
  void SetUp() override {
    pair_.nameless_declines = !GetParam();
    if (GetParam() && !has_nameless()) GTEST_SKIP() << "the filesystem of " << world_.path() << " has no O_TMPFILE";
  }
};
INSTANTIATE_TEST_SUITE_P(Staging, TargetOver, ::testing::Bool(),
                         [](const auto& way) { return way.param ? "Nameless" : "Named"; });

TEST_P(TargetOver, AnOldFileIsReplacedAndNotWrittenInto) {
  world_.file("target/name", "old");
  world_.hard_link("target/name", "elsewhere");
  ASSERT_TRUE(put("name", "new"));
  EXPECT_EQ(read("name"), "new");
  EXPECT_EQ(world_.read("elsewhere"), "old") << "the other name of the old file was written through";
  EXPECT_THAT(names(), ElementsAre("name"));
}

TEST_P(TargetOver, ALinkIsReplacedAndNotFollowed) {
  world_.file("outside", "precious");
  world_.symlink("target/name", "../outside");
  ASSERT_TRUE(put("name", "new"));
  EXPECT_EQ(world_.read("outside"), "precious");
  EXPECT_EQ(read("name"), "new");
  EXPECT_THAT(names(), ElementsAre("name"));
}

TEST_P(TargetOver, AFifoAndADanglingLinkAreReplacedToo) {
  world_.fifo("target/fifo");
  world_.symlink("target/dangling", "nowhere");
  ASSERT_TRUE(put("fifo", "new"));
  ASSERT_TRUE(put("dangling", "new"));
  EXPECT_EQ(read("fifo"), "new");
  EXPECT_EQ(read("dangling"), "new");
  EXPECT_FALSE(world_.exists("target/nowhere"));
}

TEST_P(TargetOver, AnEmptyDirectoryGivesWay) {
  world_.dir("target/name");
  ASSERT_TRUE(put("name", "new"));
  EXPECT_EQ(read("name"), "new");
  EXPECT_THAT(names(), ElementsAre("name"));
}

TEST_P(TargetOver, ADirectoryWithSomethingInItStaysAsItIs) {
  world_.file("target/name/inside", "precious");
  const auto status = world_.status("target/name");
  const auto done = put("name", "new");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ENOTEMPTY);
  EXPECT_EQ(world_.read("target/name/inside"), "precious");
  EXPECT_EQ(world_.status("target/name").st_ino, status.st_ino);
  EXPECT_THAT(names(), ElementsAre("name")) << "the staged file is left behind";
}

TEST_P(TargetOver, ADirectoryWithOnlyAHiddenNameInItStaysToo) {
  world_.file("target/name/.hidden", "precious");
  EXPECT_FALSE(put("name", "new"));
  EXPECT_EQ(world_.read("target/name/.hidden"), "precious");
}

/// Somebody puts something into the empty directory after it was looked at: it gets its name back.
TEST_P(TargetOver, ADirectoryThatIsFilledMeanwhileGetsItsNameBack) {
  FOXING_NEEDS_FAULTS();
  world_.dir("target/name");
  const auto inode = world_.status("target/name").st_ino;
  {
    const sys::FaultPlan faults("unlinkat:1:ENOTEMPTY");  // the kernel's answer to removing it
    const auto done = put("name", "new");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ENOTEMPTY);
  }
  EXPECT_EQ(world_.status("target/name").st_ino, inode);
  EXPECT_THAT(names(), ElementsAre("name"));
}

TEST_P(TargetOver, WithoutExchangeAnEmptyDirectoryStillGivesWay) {
  FOXING_NEEDS_FAULTS();
  world_.dir("target/name");
  const sys::FaultPlan faults("renameat2:2:EINVAL");  // the first is the plain rename, the second the exchange
  ASSERT_TRUE(put("name", "new"));
  EXPECT_EQ(read("name"), "new");
  EXPECT_THAT(names(), ElementsAre("name"));
}

/// Every call on the way to the name fails once, by every code: the old content is there, and nothing else.
TEST_P(TargetOver, AFailureAnywhereLeavesTheOldContentAndNothingElse) {
  FOXING_NEEDS_FAULTS();
  for (const char* call : {"linkat", "renameat2", "write", "close", "tmpfile", "openat"}) {
    for (const char* code : {"EIO", "ENOSPC", "EACCES"}) {
      for (int n = 1; n <= 3; ++n) {
        SCOPED_TRACE(std::string(call) + ' ' + std::to_string(n) + ' ' + code);
        world_.file("target/name", "old");
        bool failed = false;
        {
          const sys::FaultPlan faults(std::string(call) + ':' + std::to_string(n) + ':' + code);
          const auto done = put("name", "new");
          failed = !done;
          if (failed) {
            EXPECT_EQ(errno_name(done.error().code), code);
          }
        }
        const bool closed_late =
            std::string(call) == "close" && GetParam();  // it has its name by then; the failure is told all the same
        EXPECT_EQ(read("name"), failed && !closed_late ? "old" : "new");
        EXPECT_THAT(names(), ElementsAre("name"));
      }
    }
  }
}

TEST_P(TargetOver, AFailingExchangeLeavesTheDirectory) {
  FOXING_NEEDS_FAULTS();
  world_.dir("target/name");
  for (const char* plan : {"renameat2:2:EIO", "renameat2:1:EACCES", "fstatat:1:EIO", "unlinkat:1:EIO"}) {
    SCOPED_TRACE(plan);
    {
      const sys::FaultPlan faults(plan);
      EXPECT_FALSE(put("name", "new"));
    }
    EXPECT_EQ(world_.status("target/name").st_mode & S_IFMT, unsigned{S_IFDIR});
    EXPECT_THAT(names(), ElementsAre("name"));
  }
}

/// A reader that opens the name all the time sees the old or the new content, whole, and never nothing.
TEST_P(TargetOver, ReadersSeeOldOrNewAndNeverNothing) {
  const std::string contents[] = {std::string(20000, 'a'), std::string(20000, 'b')};
  world_.file("target/name", contents[0]);
  std::atomic<bool> stop{false};
  std::atomic<int> reads{0};
  std::atomic<int> wrong{0};
  std::thread reader([&] {
    while (!stop) {
      const int fd = ::open(world_.at("target/name").c_str(), O_RDONLY | O_CLOEXEC);
      if (fd < 0) {
        ++wrong;
        continue;
      }
      std::string seen(30000, '\0');
      const ssize_t got = ::read(fd, seen.data(), seen.size());
      ::close(fd);
      seen.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
      if (seen != contents[0] && seen != contents[1]) ++wrong;
      ++reads;
    }
  });
  for (int i = 0; i < 200 || (reads < 50 && i < 5000); ++i) ASSERT_TRUE(put("name", contents[i % 2]));
  stop = true;
  reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(reads, 50);
}

// ---- In a directory that this run made: who has the name?  Another entry of the source, where it is listed otherwise ("A" and not "a", on a filesystem that
// does not tell them apart; here a fault says so); else somebody else.

class TargetFresh : public TargetOver {
 protected:
  void SetUp() override {
    TargetOver::SetUp();
    if (IsSkipped()) return;
    world_.dir("fresh");
    auto fd = sys::open_at(sys::working_directory(), world_.at("fresh"), {.directory = true});
    const auto status = sys::status_of(*fd);
    directory_.emplace(std::move(*fd), *status, pair_, true, TargetDirectory::Gives{});
  }
};
INSTANTIATE_TEST_SUITE_P(Staging, TargetFresh, ::testing::Bool(),
                         [](const auto& way) { return way.param ? "Nameless" : "Named"; });

TEST_P(TargetFresh, TheFirstOneStaysAndTheSecondIsTold) {
  FOXING_NEEDS_FAULTS();
  ASSERT_TRUE(put("NAME", "first"));
  const sys::FaultPlan faults(GetParam() ? "linkat:1:EEXIST" : "renameat2:1:EEXIST");
  const auto second = put("name", "second");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EEXIST);
  EXPECT_THAT(second.error().detail, ::testing::HasSubstr("does not tell the two names apart"));
  EXPECT_TRUE(directory_->fresh());
  EXPECT_EQ(world_.read("fresh/NAME"), "first");
  EXPECT_THAT(world_.names("fresh"), ElementsAre("NAME"));
}

TEST_P(TargetFresh, WhatSomebodyElseHasMadeGivesWayAndTheDirectoryIsFreshNoMore) {
  world_.file("fresh/name", "somebody's");
  ASSERT_TRUE(put("name", "ours"));
  EXPECT_EQ(world_.read("fresh/name"), "ours");
  EXPECT_THAT(world_.names("fresh"), ElementsAre("name"));
  EXPECT_TRUE(directory_->made());
  EXPECT_FALSE(directory_->fresh());
}

TEST_P(TargetFresh, WhereNamesAreStoredAsOthersTheFirstOneStaysWhateverIsListed) {
  pair_.target_kind = storage::Filesystem::fat;  // "name." is listed as "name"
  world_.file("fresh/name", "of another entry");
  const auto second = put("name", "ours");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EEXIST);
  EXPECT_EQ(world_.read("fresh/name"), "of another entry");
}

TEST_P(TargetFresh, AlsoWhereTheFilesystemCannotRenameWithoutReplacing) {
  FOXING_NEEDS_FAULTS();
  if (GetParam()) GTEST_SKIP() << "a nameless file is not renamed here: nothing is missing";
  world_.file("fresh/name", "somebody's");
  const sys::FaultPlan faults("renameat2:1:EINVAL");
  ASSERT_TRUE(put("name", "ours"));
  EXPECT_EQ(world_.read("fresh/name"), "ours");
}

// ---- --no-atomic

TEST_F(Target, UnderItsFinalNameItIsVisibleAtOnce) {
  auto staged = stage("new", Staging::under_final_name);
  ASSERT_TRUE(staged);
  EXPECT_THAT(names(), ElementsAre("new"));
  ASSERT_TRUE(staged->commit());
  EXPECT_THAT(names(), ElementsAre("new"));
}

TEST_F(Target, UnderItsFinalNameAnExistingFileIsStillReplacedAtOnce) {
  world_.file("target/name", "old");
  auto staged = stage("name", Staging::under_final_name);
  ASSERT_TRUE(staged);
  ASSERT_TRUE(sys::write_all(staged->fd(), std::as_bytes(std::span("new", 3))));
  EXPECT_EQ(read("name"), "old");
  ASSERT_TRUE(staged->commit());
  EXPECT_EQ(read("name"), "new");
}

TEST_F(Target, UnderItsFinalNameAFailingCloseRemovesIt) {
  FOXING_NEEDS_FAULTS();
  const sys::FaultPlan faults("close:1:ENOSPC");
  EXPECT_FALSE(put("new", "text", Staging::under_final_name));
  EXPECT_THAT(names(), IsEmpty());
}

// ---- Objects without content

TEST_F(Target, PutsANodeInPlaceOfWhateverIsThere) {
  const auto make = [&](const char* temporary) { world_.symlink(std::string("target/") + temporary, "text"); };
  make("t1");
  ASSERT_TRUE(directory_->put_in_place("t1", "new"));
  world_.file("target/file", "old");
  make("t2");
  ASSERT_TRUE(directory_->put_in_place("t2", "file"));
  world_.dir("target/empty");
  make("t3");
  ASSERT_TRUE(directory_->put_in_place("t3", "empty"));
  EXPECT_THAT(names(), ElementsAre("empty", "file", "new"));
  for (const char* name : {"new", "file", "empty"}) EXPECT_EQ(world_.link_target(std::string("target/") + name), "text");
}

TEST_F(Target, PutsADirectoryInPlaceOfAFile) {
  world_.file("target/name", "old");
  world_.dir("target/temporary", 0751);
  ASSERT_TRUE(directory_->put_in_place("temporary", "name"));
  EXPECT_THAT(names(), ElementsAre("name"));
  EXPECT_EQ(world_.mode("target/name"), 0751u);
}

// ---- The newborn's owner

TEST_F(Target, AsksOnceWhoANewFileBelongsTo) {
  FOXING_NEEDS_FAULTS();
  auto staged = stage("new", Staging::atomic, 0640);
  ASSERT_TRUE(staged);
  const auto first = directory_->newborn(staged->fd(), staged->mode());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->owner, ::geteuid());
  EXPECT_EQ(first->mode, staged->mode());
  EXPECT_FALSE(first->may_have_attributes);
  const sys::FaultPlan faults("fstat:1+:EIO");
  EXPECT_TRUE(directory_->newborn(staged->fd(), 0600)) << "it is asked for every file";
}

}  // namespace
}  // namespace foxing::copy
