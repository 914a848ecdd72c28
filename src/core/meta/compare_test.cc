// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/meta/compare.h"

#include <gmock/gmock.h>

#include "sys/fault.h"
#include "sys/file.h"
#include "testing/temp_tree.h"

namespace foxing::meta {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempTree;

Policy everything() {
  return {.mode = true,
          .owner = true,
          .group = true,
          .times = true,
          .xattrs = true,
          .acls = true,
          .umask = 022,
          .privileges = sys::privileges()};
}

class Compare : public ::testing::Test {
 protected:
  Compare() {
    world_.file("source", "x");
    world_.file("target", "y");
    directory_ = std::move(*sys::open_at(sys::working_directory(), world_.path(), {.directory = true}));
  }

  /// By descriptor and by name; both must say the same.
  Differences compare(const Policy& policy, ModifyWindow window = {}) {
    const sys::UniqueFd source = *sys::open_at(directory_, "source", {.access = sys::Access::path});
    const sys::UniqueFd target = *sys::open_at(directory_, "target", {.access = sys::Access::path});
    const sys::FileStatus source_status = *sys::status_of(source);
    const sys::FileStatus target_status = *sys::status_of(target);
    auto by_name = differences_at(directory_, "source", source_status, directory_, "target", target_status, policy, window);
    auto by_descriptor =
        differences({source, sys::Handle::path}, source_status, {target, sys::Handle::path}, target_status, policy, window);
    EXPECT_TRUE(by_name && by_descriptor);
    EXPECT_EQ(by_name->attributes, by_descriptor->attributes);
    EXPECT_EQ(by_name->any(), by_descriptor->any());
    return std::move(*by_name);
  }

  void apply(const Policy& policy) {
    const sys::UniqueFd source = *sys::open_at(directory_, "source");
    const sys::UniqueFd target = *sys::open_at(directory_, "target");
    Fidelity fidelity;
    const auto losses =
        meta::apply({source}, *sys::status_of(source), {target}, Current::of(*sys::status_of(target)), policy, fidelity);
    ASSERT_TRUE(losses);
    EXPECT_TRUE(losses->empty());
  }

  bool have_user_attributes() {
    return world_.set_xattr("source", "user.probe", "") && ::lremovexattr(world_.at("source").c_str(), "user.probe") == 0;
  }

  TempTree world_;
  sys::UniqueFd directory_;
};
#define FOXING_NEEDS_USER_ATTRIBUTES() \
  if (!have_user_attributes()) GTEST_SKIP() << "the filesystem of " << world_.path() << " has no user attributes"

TEST_F(Compare, NothingDiffersAfterApply) {
  world_.chmod("source", 0751);
  world_.set_xattr("source", "user.one", "1");
  world_.set_xattr("target", "user.left", "over");
  EXPECT_TRUE(compare(everything()).any());
  apply(everything());
  const Differences found = compare(everything());
  EXPECT_FALSE(found.any());
  EXPECT_THAT(found.attributes, IsEmpty());
}

TEST_F(Compare, NobodyAskedNothingDiffers) {
  world_.chmod("source", 0751);
  world_.set_xattr("source", "user.one", "1");
  EXPECT_FALSE(compare(Policy{}).any());
}

TEST_F(Compare, EachPartOfTheStatusIsNamed) {
  apply(everything());
  world_.chmod("target", 0600);
  Differences found = compare(everything());
  EXPECT_TRUE(found.mode);
  EXPECT_FALSE(found.owner || found.group || found.modified || found.accessed);

  apply(everything());
  const sys::UniqueFd target = *sys::open_at(directory_, "target");
  const sys::FileStatus status = *sys::status_of(target);
  timespec later = status.modified();
  later.tv_nsec = later.tv_nsec > 0 ? later.tv_nsec - 1 : 1;
  ASSERT_TRUE(sys::set_times({target}, status.accessed(), later));
  found = compare(everything());
  EXPECT_TRUE(found.modified);
  EXPECT_FALSE(found.mode || found.accessed);
  EXPECT_FALSE(compare(everything(), {.seconds = 1}).modified);
  ASSERT_TRUE(sys::set_times({target}, later, status.modified()));
  EXPECT_TRUE(compare(everything()).accessed);
}

TEST_F(Compare, OwnersOfOthersAreNotMissedByOrdinaryUsers) {
  if (!testing::is_root()) GTEST_SKIP() << "needs root to give a file away";
  ASSERT_EQ(::chown(world_.at("source").c_str(), 4242, 4243), 0);
  EXPECT_TRUE(compare(everything()).owner);
  EXPECT_TRUE(compare(everything()).group);
  Policy ordinary = everything();
  ordinary.privileges = {};
  EXPECT_FALSE(compare(ordinary).owner);
  EXPECT_FALSE(compare(ordinary).group);
  world_.chmod("source", 06755);
  world_.chmod("target", 0755);
  EXPECT_TRUE(compare(everything()).mode);
  EXPECT_FALSE(compare(ordinary).mode);  // setuid without the owner would not be kept
}

TEST_F(Compare, AttributesDifferByValueAndOnEitherSide) {
  FOXING_NEEDS_USER_ATTRIBUTES();
  apply(everything());
  world_.set_xattr("source", "user.only_source", "1");
  world_.set_xattr("target", "user.only_target", "1");
  world_.set_xattr("source", "user.value", "1");
  world_.set_xattr("target", "user.value", "2");
  world_.set_xattr("source", "user.same", std::string(300, 's'));
  world_.set_xattr("target", "user.same", std::string(300, 's'));
  Differences found = compare(everything());
  std::ranges::sort(found.attributes);
  EXPECT_THAT(found.attributes, ElementsAre("user.only_source", "user.only_target", "user.value"));
  EXPECT_TRUE(found.xattrs());
  EXPECT_FALSE(found.acls());
}

TEST_F(Compare, OwnAttributesAreNobodysDifference) {
  FOXING_NEEDS_USER_ATTRIBUTES();
  apply(everything());
  world_.set_xattr("target", "user.foxing.sig", "1");
  world_.set_xattr("source", "user.foxing.merkle", "1");
  EXPECT_FALSE(compare(everything()).any());
  apply(everything());
  EXPECT_EQ(world_.xattr("target", "user.foxing.sig"), "1") << "apply must leave it";
  EXPECT_EQ(world_.xattr("target", "user.foxing.merkle"), "(none)") << "apply must not copy it";
}

TEST_F(Compare, AFailureOfListingIsAnError) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  const sys::FileStatus status = *sys::status_at(directory_, "source");
  const sys::FaultPlan plan("listxattr:2:EIO");
  const auto found = differences_at(directory_, "source", status, directory_, "target", status, everything());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, EIO);
}

}  // namespace
}  // namespace foxing::meta
