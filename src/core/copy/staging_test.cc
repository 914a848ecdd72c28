// SPDX-License-Identifier: GPL-2.0-or-later
// That it is XFS is only said here: what is promised does not depend on it, the gain does.
#include "core/copy/staging.h"

#include <gmock/gmock.h>

#include <set>

#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::TempTree;

class Staging : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::access("/sys/fs/selinux/enforce", F_OK) == 0)
      GTEST_SKIP() << "files are labelled by their directory here (SELinux), so there are none";
    pair_.target_kind = storage::Filesystem::xfs;
  }
  TargetDirectory directory(const std::string& name, TargetDirectory::Gives gives = {}) {
    world_.dir(name);
    auto fd = sys::open_at(sys::working_directory(), world_.at(name), {.directory = true});
    const auto status = sys::status_of(*fd);
    return TargetDirectory(std::move(*fd), *status, pair_, false, gives);
  }
  TempTree world_;
  Pair pair_;
  TempNames names_;
  StagingDirectories staging_;
};

TEST_F(Staging, EachWorkerHasADirectoryOfItsOwnUntilTheyAreRemoved) {
  const TargetDirectory root = directory("root");
  const TargetDirectory below = directory("root/below");
  staging_.may_lie_in(root, names_, 3);
  staging_.may_lie_in(below, names_, 3);  // the first one counts
  EXPECT_THAT(world_.names("root"), SizeIs(1)) << "a run that stages nothing writes nothing";
  (void)staging_.place_for(below, 0);
  EXPECT_THAT(world_.names("root"), SizeIs(3 + 1));
  for (const std::string& name : world_.names("root")) {
    if (name != "below") {
      EXPECT_TRUE(TempNames::maker_of(name)) << "the next run could not know whose it is";
      EXPECT_EQ(world_.mode("root/" + name), 0700u);
    }
  }
  EXPECT_TRUE(staging_.lie_in(root));
  EXPECT_FALSE(staging_.lie_in(below));
  std::set<int> places;
  for (walk::WorkerIndex worker = 0; worker < 3; ++worker) places.insert(staging_.place_for(below, worker).number());
  EXPECT_THAT(places, SizeIs(3));
  EXPECT_FALSE(places.contains(below.fd().number()));

  EXPECT_TRUE(staging_.remove(root.fd()));
  EXPECT_THAT(world_.names("root"), ::testing::ElementsAre("below"));
  EXPECT_EQ(staging_.place_for(below, 0).number(), below.fd().number());
  EXPECT_TRUE(staging_.remove(root.fd())) << "twice is once";
}

TEST_F(Staging, ThereAreNoneWhereTheyDoNotHelpOrWouldShow) {
  const auto none = [&](StagingDirectories& staging, const TargetDirectory& root, unsigned workers) {
    staging.may_lie_in(root, names_, workers);
    EXPECT_EQ(staging.place_for(root, 0).number(), root.fd().number());
    EXPECT_THAT(world_.names("root"), IsEmpty());
  };
  StagingDirectories one_worker;
  none(one_worker, directory("root"), 1);
  for (const TargetDirectory::Gives& gives :
       {TargetDirectory::Gives{.acl = true}, TargetDirectory::Gives{.project = true}, TargetDirectory::Gives{.group = true}}) {
    StagingDirectories staging;
    none(staging, directory("root", gives), 2);
  }
  pair_.target_kind = storage::Filesystem::ext4;
  none(staging_, directory("root"), 2);
}

TEST_F(Staging, ADirectoryThatGivesFilesSomethingMakesItsOwn) {
  const TargetDirectory root = directory("root");
  const TargetDirectory with_acl = directory("root/below", {.acl = true});
  staging_.may_lie_in(root, names_, 2);
  EXPECT_NE(staging_.place_for(root, 0).number(), root.fd().number());
  EXPECT_EQ(staging_.place_for(with_acl, 0).number(), with_acl.fd().number());
  EXPECT_TRUE(staging_.remove(root.fd()));
}

TEST_F(Staging, WhereOneCannotBeMadeThereAreNone) {
  FOXING_NEEDS_FAULTS();
  for (const char* plan : {"mkdirat:2:ENOSPC", "mkdirat:1:EROFS", "openat:2:EMFILE"}) {
    SCOPED_TRACE(plan);
    StagingDirectories staging;
    const TargetDirectory root = directory("root");
    const sys::FaultPlan faults(plan);
    staging.may_lie_in(root, names_, 3);
    EXPECT_EQ(staging.place_for(root, 0).number(), root.fd().number());
    EXPECT_THAT(world_.names("root"), IsEmpty());
  }
}

TEST_F(Staging, OneThatCannotBeRemovedIsTold) {
  FOXING_NEEDS_FAULTS();
  const TargetDirectory root = directory("root");
  staging_.may_lie_in(root, names_, 2);
  (void)staging_.place_for(root, 0);
  const sys::FaultPlan faults("unlinkat:1:EIO");
  const auto removed = staging_.remove(root.fd());
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, EIO);
  EXPECT_THAT(world_.names("root"), SizeIs(1)) << "the other one is removed all the same";
}

/// A cleanup of somebody else may have taken it away: an empty directory called .tmp.
TEST_F(Staging, OneThatIsGoneIsDoneWithout) {
  TargetDirectory root = directory("root");
  constexpr auto kXfsMagic = 0x58465342;
  if (sys::filesystem_of(root.fd())->f_type != kXfsMagic)
    GTEST_SKIP() << "others answer otherwise, and have no staging directories: TMPDIR on XFS";
  staging_.may_lie_in(root, names_, 2);
  (void)staging_.place_for(root, 0);
  for (const std::string& name : world_.names("root")) world_.remove("root/" + name);
  auto staged = StagedFile::create(root, staging_.place_for(root, 0), names_, "file", 0600, StagedFile::Staging::atomic);
  ASSERT_TRUE(staged) << staged.error().message();
  ASSERT_TRUE(staged->commit());
  EXPECT_THAT(world_.names("root"), ::testing::ElementsAre("file"));
  EXPECT_TRUE(staging_.remove(root.fd())) << "gone is as good as removed";
}

}  // namespace
}  // namespace foxing::copy
