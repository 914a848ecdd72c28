// SPDX-License-Identifier: GPL-2.0-or-later
// --fsync: no name before its data is on disk.  What is on disk is asked of the calls: which of them failed, and what had a name by then.
#include "core/copy/durable.h"

#include <gmock/gmock.h>

#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempTree;
using ::testing::UnorderedElementsAre;

class Durable : public ::testing::Test {
 protected:
  Durable() {
    world_.dir("target");
    auto fd = sys::open_at(sys::working_directory(), world_.at("target"), {.directory = true});
    const auto status = sys::status_of(*fd);
    directory_.emplace(std::move(*fd), *status, pair_, false, TargetDirectory::Gives{});
  }
  void add(DurableCommits& commits, const std::string& name, walk::WorkerIndex worker = 0) {
    auto staged = StagedFile::create(*directory_, directory_->fd(), temp_names_, name, 0644, StagedFile::Staging::atomic);
    ASSERT_TRUE(staged);
    commits.add({walk::Hold(), directory_->status().device(), std::move(*staged),
                 [this, name](Result<> result, walk::WorkerIndex by) {
                   (result ? done_ : failed_).push_back(name);
                   told_by_.push_back(by);
                 }},
                worker);
  }
  std::vector<std::string> names() const { return world_.names("target"); }

  TempTree world_;
  Pair pair_;
  TempNames temp_names_;
  std::optional<TargetDirectory> directory_;
  std::vector<std::string> done_;
  std::vector<std::string> failed_;
  std::vector<walk::WorkerIndex> told_by_;
};

TEST_F(Durable, FilesWaitUntilEnoughDo) {
  DurableCommits commits(3);
  add(commits, "a");
  add(commits, "b");
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_THAT(done_, IsEmpty());
  add(commits, "c");
  EXPECT_THAT(names(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(done_, UnorderedElementsAre("a", "b", "c"));
  add(commits, "d");
  EXPECT_EQ(names().size(), 3u);
  commits.flush(0);
  EXPECT_EQ(names().size(), 4u);
  EXPECT_TRUE(commits.finish());
}

/// Who stages a file may be busy with another one by the time it is committed: nothing of theirs may be used then.
TEST_F(Durable, WhoFlushesIsTheWorkerOfWhatFollows) {
  DurableCommits commits(3);
  add(commits, "a", 1);
  add(commits, "b", 2);
  add(commits, "c", 3);
  EXPECT_THAT(told_by_, ElementsAre(3u, 3u, 3u));
  add(commits, "d", 1);
  commits.flush(7);
  EXPECT_EQ(told_by_.back(), 7u);
}

TEST_F(Durable, NoNameIsGivenWhereTheFlushFails) {
  FOXING_NEEDS_FAULTS();
  DurableCommits commits(2);
  const sys::FaultPlan faults("syncfs:1:EIO");
  add(commits, "a");
  add(commits, "b");
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_THAT(failed_, UnorderedElementsAre("a", "b"));
  EXPECT_THAT(done_, IsEmpty());
}

TEST_F(Durable, OneFlushIsEnoughForAllThatWait) {
  FOXING_NEEDS_FAULTS();
  DurableCommits commits(50);
  {
    const sys::FaultPlan faults("syncfs:2+:EIO,fsync:1+:EIO");  // a second one would fail
    for (int i = 0; i < 50; ++i) add(commits, "file" + std::to_string(i));
  }
  EXPECT_EQ(done_.size(), 50u);
  EXPECT_THAT(failed_, IsEmpty());
}

TEST_F(Durable, ACommitThatFailsIsToldAndTheOthersGoOn) {
  world_.file("target/b/inside", "in the way");
  DurableCommits commits(3);
  for (const char* name : {"a", "b", "c"}) add(commits, name);
  EXPECT_THAT(done_, UnorderedElementsAre("a", "c"));
  EXPECT_THAT(failed_, ElementsAre("b"));
}

TEST_F(Durable, TheLastFlushReachesTheNames) {
  FOXING_NEEDS_FAULTS();
  DurableCommits commits(1);
  commits.touched(directory_->status().device(), directory_->fd());
  add(commits, "a");  // the first syncfs: data
  EXPECT_THAT(names(), ElementsAre("a"));
  const sys::FaultPlan faults("syncfs:1:EIO");
  const auto finished = commits.finish();
  ASSERT_FALSE(finished) << "the names are not flushed";
  EXPECT_EQ(finished.error().code, EIO);
}

TEST_F(Durable, WithoutAnythingToFlushNothingIsFlushed) {
  FOXING_NEEDS_FAULTS();
  DurableCommits commits(1);
  const sys::FaultPlan faults("syncfs:1+:EIO");
  EXPECT_TRUE(commits.finish());
}

TEST_F(Durable, ADirectoryThatCannotBeOpenedForTheLastFlushIsAnError) {
  FOXING_NEEDS_FAULTS();
  DurableCommits commits(1);
  {
    const sys::FaultPlan faults("openat:1:EMFILE");
    commits.touched(directory_->status().device(), directory_->fd());
  }
  const auto finished = commits.finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code, EMFILE);
}

}  // namespace
}  // namespace foxing::copy
