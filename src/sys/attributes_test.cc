// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/attributes.h"

#include <gmock/gmock.h>

#include "sys/fault.h"
#include "sys/file.h"
#include "testing/temp_tree.h"

#define FOXING_NEEDS_FAULTS() \
  if (!::foxing::sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)"

namespace foxing::sys {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using testing::TempTree;

/// By a descriptor that was opened, and by one with O_PATH.
class Attributes : public ::testing::TestWithParam<Handle> {
 protected:
  Attributes() { world_.file("file", "text", 0600); }
  Object object(const std::string& name = "file") {
    fds_.push_back(std::move(
        *open_at(working_directory(), world_.at(name), {.access = GetParam() == Handle::file ? Access::read : Access::path})));
    return {fds_.back(), GetParam()};
  }
  TempTree world_;
  std::vector<UniqueFd> fds_;
};
INSTANTIATE_TEST_SUITE_P(Handles, Attributes, ::testing::Values(Handle::file, Handle::path),
                         [](const auto& way) { return way.param == Handle::file ? "File" : "Path"; });

TEST_P(Attributes, ModeAndTimes) {
  ASSERT_TRUE(set_mode(object(), 04751));
  EXPECT_EQ(world_.mode("file"), 04751u);
  ASSERT_TRUE(set_times(object(), {11, 22}, {-33, 44}));
  const struct stat status = world_.status("file");
  EXPECT_EQ(status.st_atim.tv_sec, 11);
  EXPECT_EQ(status.st_atim.tv_nsec, 22);
  EXPECT_EQ(status.st_mtim.tv_sec, -33);
  EXPECT_EQ(status.st_mtim.tv_nsec, 44);
}

TEST_P(Attributes, OwnerAndGroupTogetherOrAlone) {
  if (!testing::is_root()) GTEST_SKIP() << "needs root";
  ASSERT_TRUE(set_owner(object(), 1234, 5678));
  ASSERT_TRUE(set_owner(object(), kKeepOwner, 9));
  EXPECT_EQ(world_.status("file").st_uid, 1234u);
  EXPECT_EQ(world_.status("file").st_gid, 9u);
  ASSERT_TRUE(set_owner(object(), 7, kKeepGroup));
  EXPECT_EQ(world_.status("file").st_uid, 7u);
  EXPECT_EQ(world_.status("file").st_gid, 9u);
}

TEST_P(Attributes, ExtendedAttributesThereAndBack) {
  const Object file = object();
  if (auto set = set_attribute(file, "user.probe", "x"); !set)
    GTEST_SKIP() << "no user attributes on " << world_.path() << ": " << set.error().message();
  const std::string values[] = {
      "", "v", std::string("\0\1\2", 3), std::string(512, 'a'), std::string(513, 'b'), std::string(3000, 'c')};
  for (const std::string& value : values) {
    ASSERT_TRUE(set_attribute(file, "user.name", value));
    std::string again = "what was there before";
    ASSERT_TRUE(get_attribute(file, "user.name", again));
    EXPECT_EQ(again, value);
  }
  const auto names = list_attributes(file);
  ASSERT_TRUE(names);
  EXPECT_THAT(*names, IsSupersetOf({"user.name", "user.probe"}));
  ASSERT_TRUE(remove_attribute(file, "user.name"));
  std::string value;
  EXPECT_EQ(get_attribute(file, "user.name", value).error().code, ENODATA);
  EXPECT_EQ(remove_attribute(file, "user.name").error().code, ENODATA);
}

/// The list is longer than what lies on the stack for it.
TEST_P(Attributes, ManyNamesAreListedEachOnce) {
  const Object file = object();
  if (!set_attribute(file, "user.probe", "")) GTEST_SKIP() << "no user attributes on " << world_.path();
  std::size_t set = 1;
  for (int i = 0; i < 60; ++i) set += set_attribute(file, "user." + std::string(20, 'n') + std::to_string(i), "").has_value();
  const auto names = list_attributes(file);
  ASSERT_TRUE(names);
  std::vector<std::string> ours;
  for (const std::string& name : *names) {
    if (name.starts_with("user.")) ours.push_back(name);
  }
  EXPECT_GT(set * 25, 512u) << "too few to be of use";
  EXPECT_EQ(ours.size(), set);
}

TEST_P(Attributes, ErrorsAndWhatIsNone) {
  FOXING_NEEDS_FAULTS();
  const Object file = object();
  {
    const FaultPlan faults("listxattr:1:EOPNOTSUPP");
    EXPECT_THAT(*list_attributes(file), IsEmpty());
  }
  const FaultPlan faults(
      "listxattr:1:EIO,getxattr:1:EIO,setxattr:1:EIO,removexattr:1:EIO,fchmod:1:EIO,fchown:1:EIO,utimensat:1:EIO");
  std::string value;
  EXPECT_EQ(list_attributes(file).error().code, EIO);
  EXPECT_EQ(get_attribute(file, "user.x", value).error().code, EIO);
  EXPECT_EQ(set_attribute(file, "user.x", "").error().code, EIO);
  EXPECT_EQ(remove_attribute(file, "user.x").error().code, EIO);
  EXPECT_EQ(set_mode(file, 0600).error().code, EIO);
  EXPECT_EQ(set_owner(file, 0, 0).error().code, EIO);
  EXPECT_EQ(set_times(file, {}, {}).error().code, EIO);
}

TEST_P(Attributes, AListThatGrowsMeanwhileIsAskedForAgain) {
  FOXING_NEEDS_FAULTS();
  const Object file = object();
  if (!set_attribute(file, "user.name", "value")) GTEST_SKIP() << "no user attributes on " << world_.path();
  const FaultPlan faults("listxattr:1:ERANGE,getxattr:1:ERANGE");
  EXPECT_THAT(*list_attributes(file), Contains("user.name"));
  std::string value;
  ASSERT_TRUE(get_attribute(file, "user.name", value));
  EXPECT_EQ(value, "value");
}

TEST(Generation, IsTheInodesOwnAndStays) {
  TempTree world;
  world.file("file", "text");
  const auto file = open_at(working_directory(), world.at("file"));
  const auto first = generation_of(*file);
  ASSERT_TRUE(first) << first.error().message();
  world.overwrite("file", 0, "more");
  EXPECT_EQ(*generation_of(*file), *first);
  const auto path = open_at(working_directory(), world.at("file"), {.access = Access::path});
  EXPECT_EQ(generation_of(*path).error().code, EBADF);
}

TEST(Generation, IsZeroWhereThereIsNone) {
  const auto file = open_at(working_directory(), "/proc/self/status");
  EXPECT_EQ(*generation_of(*file), 0u);
  FOXING_NEEDS_FAULTS();
  const FaultPlan faults("getversion:1:EOPNOTSUPP,getversion:2:EIO");
  EXPECT_EQ(*generation_of(*file), 0u);
  EXPECT_EQ(generation_of(*file).error().code, EIO);
}

TEST(AttributesOfLinks, AreTheLinksOwn) {
  TempTree world;
  world.file("file", "text", 0600);
  world.symlink("link", "file");
  const auto link = open_at(working_directory(), world.at("link"), {.access = Access::path});
  const Object object{*link, Handle::path};
  ASSERT_TRUE(set_times(object, {1, 2}, {3, 4}));
  EXPECT_EQ(world.status("link").st_mtim.tv_sec, 3);
  EXPECT_NE(world.status("file").st_mtim.tv_sec, 3);
  if (testing::is_root()) {
    ASSERT_TRUE(set_owner(object, 1234, 5678));
    EXPECT_EQ(world.status("link").st_uid, 1234u);
    EXPECT_EQ(world.status("file").st_uid, 0u);
  }
  EXPECT_FALSE(set_mode(object, 0777)) << "a link has no mode, and must not pass one on";
  EXPECT_EQ(world.mode("file"), 0600u);
}

}  // namespace
}  // namespace foxing::sys
