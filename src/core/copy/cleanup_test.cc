// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/cleanup.h"

#include <gmock/gmock.h>

#include "core/copy/temp_names.h"
#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempTree;

/// Of a process that had our number before us: as dead as can be.
std::string litter() {
  static TempNames names;
  std::string name = names.next();
  char& digit = name[5 + 19 + 3];
  digit = digit == '0' ? '1' : '0';
  return name;
}

struct Told : Observer {
  void problem(Problem problem) override { problems.push_back(std::move(problem)); }
  std::vector<Problem> problems;
};

class Cleaning : public ::testing::Test {
 protected:
  void clean(bool dry_run = false) {
    cleanup_.emplace(told_, dry_run);
    walk::Walk walk(*cleanup_, {.workers = 1});
    auto fd = sys::open_at(sys::working_directory(), world_.at("tree"), {.directory = true});
    const auto status = sys::status_of(*fd);
    walk.add_root(std::move(*fd), *status, world_.at("tree"), nullptr);
    walk.run();
  }
  TempTree world_;
  Told told_;
  std::optional<Cleanup> cleanup_;
};

TEST_F(Cleaning, RemovesWhatDeadRunsLeftAtAnyDepthAndNothingElse) {
  TempNames living;
  const std::string ours = living.next();
  world_.file("tree/" + litter(), "half");
  world_.file("tree/deep/er/" + litter(), "half");
  world_.symlink("tree/deep/" + litter(), "../keep");
  world_.fifo("tree/deep/" + litter());
  world_.dir("tree/" + litter());
  world_.file("tree/" + ours, "being written");
  world_.file("tree/.tmp.notes", "somebody's");
  world_.file("tree/keep", "text");
  clean();
  EXPECT_EQ(cleanup_->removed(), 5u);
  EXPECT_EQ(cleanup_->kept(), 1u);
  EXPECT_THAT(told_.problems, IsEmpty());
  EXPECT_THAT(world_.names("tree"), ::testing::UnorderedElementsAre("deep", "keep", ".tmp.notes", ours));
  EXPECT_THAT(world_.names("tree/deep"), ElementsAre("er"));
  EXPECT_THAT(world_.names("tree/deep/er"), IsEmpty());
}

TEST_F(Cleaning, ADryRunCountsAndRemovesNothing) {
  const std::string name = litter();
  world_.file("tree/" + name, "half");
  clean(true);
  EXPECT_EQ(cleanup_->removed(), 1u);
  EXPECT_THAT(world_.names("tree"), ElementsAre(name));
}

TEST_F(Cleaning, ADirectoryWithSomethingInItIsSomebodysDataAndIsTold) {
  const std::string name = litter();
  world_.file("tree/" + name + "/precious", "text");
  clean();
  EXPECT_EQ(cleanup_->removed(), 0u);
  ASSERT_EQ(told_.problems.size(), 1u);
  EXPECT_EQ(told_.problems[0].kind, ProblemKind::in_the_way);
  EXPECT_EQ(told_.problems[0].error.subject, world_.at("tree/" + name));
  EXPECT_EQ(world_.read("tree/" + name + "/precious"), "text");
}

TEST_F(Cleaning, DoesNotFollowLinks) {
  const std::string name = litter();
  world_.file("outside/" + name, "not below the tree");
  world_.symlink("tree/link", "../outside");
  clean();
  EXPECT_EQ(cleanup_->removed(), 0u);
  EXPECT_TRUE(world_.exists("outside/" + name));
}

TEST_F(Cleaning, AnErrorIsTold) {
  FOXING_NEEDS_FAULTS();
  world_.file("tree/" + litter(), "half");
  const sys::FaultPlan faults("unlinkat:1:EACCES");
  clean();
  EXPECT_EQ(cleanup_->removed(), 0u);
  ASSERT_EQ(told_.problems.size(), 1u);
  EXPECT_EQ(told_.problems[0].kind, ProblemKind::failed);
  EXPECT_EQ(told_.problems[0].error.code, EACCES);
}

TEST_F(Cleaning, WhatIsGoneMeanwhileIsNoProblem) {
  FOXING_NEEDS_FAULTS();
  world_.file("tree/" + litter(), "half");
  const sys::FaultPlan faults("unlinkat:1:ENOENT");
  clean();
  EXPECT_EQ(cleanup_->removed(), 0u);
  EXPECT_THAT(told_.problems, IsEmpty());
}

TEST_F(Cleaning, ASubtreeThatCannotBeReadIsTold) {
  FOXING_NEEDS_FAULTS();
  world_.file("tree/deep/" + litter(), "half");
  const sys::FaultPlan faults("getdents64:1:EIO");
  clean();
  ASSERT_EQ(told_.problems.size(), 1u);
  EXPECT_EQ(told_.problems[0].kind, ProblemKind::unreadable);
}

}  // namespace
}  // namespace foxing::copy
