// SPDX-License-Identifier: GPL-2.0-or-later
// The table alone; real links across workers are in copier_test.cc.
#include "core/copy/hard_links.h"

#include <gmock/gmock.h>

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Role = HardLinks::Role;

FileKey key(std::uint64_t inode) { return {DeviceId::from_stat(1), InodeNo(inode)}; }
const HardLinks::Place kPlace{"a/first", key(1000)};

HardLinks::Name called(const char* name) { return {walk::Hold(), name, sys::FileType::regular, sys::Links::keep}; }

struct Met {
  Role role;
  std::string path;  // of the place, for a link
};
Met meet(HardLinks& links, std::uint64_t inode, std::uint64_t count, const char* name) {
  HardLinks::Place place;
  const Role role = links.meet(key(inode), count, called(name), place);
  return {role, place.path};
}
std::vector<std::string> names(const std::vector<HardLinks::Name>& list) {
  std::vector<std::string> answer;
  for (const auto& one : list) answer.push_back(one.name);
  return answer;
}

TEST(HardLinks, TheFirstNameIsCopiedLaterOnesAreLinked) {
  HardLinks links;
  EXPECT_EQ(meet(links, 7, 3, "a").role, Role::copy);
  EXPECT_THAT(links.copied(key(7), kPlace), IsEmpty());
  const Met second = meet(links, 7, 3, "b");
  EXPECT_EQ(second.role, Role::link);
  EXPECT_EQ(second.path, "a/first");
  EXPECT_EQ(meet(links, 7, 3, "c").role, Role::link);
}

TEST(HardLinks, NamesMetWhileTheFirstIsCopiedWait) {
  HardLinks links;
  EXPECT_EQ(meet(links, 7, 4, "a").role, Role::copy);
  EXPECT_EQ(meet(links, 7, 4, "b").role, Role::wait);
  EXPECT_EQ(meet(links, 7, 4, "c").role, Role::wait);
  EXPECT_THAT(names(links.copied(key(7), kPlace)), ElementsAre("b", "c"));
  EXPECT_EQ(meet(links, 7, 4, "d").role, Role::link);
}

TEST(HardLinks, FilesDoNotMix) {
  HardLinks links;
  EXPECT_EQ(meet(links, 7, 2, "a").role, Role::copy);
  EXPECT_EQ(meet(links, 8, 2, "x").role, Role::copy);
  HardLinks::Place place;
  EXPECT_EQ(links.meet({DeviceId::from_stat(2), InodeNo(7)}, 2, called("other device"), place), Role::copy);
  EXPECT_EQ(meet(links, 7, 2, "b").role, Role::wait);
  EXPECT_THAT(links.copied(key(8), {"x", key(2000)}), IsEmpty());
  EXPECT_EQ(meet(links, 8, 2, "y").path, "x");
}

TEST(HardLinks, AnEntryGoesWithTheLastNameThatTheCountPromised) {
  HardLinks links;
  EXPECT_EQ(meet(links, 7, 2, "a").role, Role::copy);
  EXPECT_THAT(links.copied(key(7), kPlace), IsEmpty());
  EXPECT_EQ(meet(links, 7, 2, "b").role, Role::link);
  // Gone from the table: the inode number may be another file's by now.
  EXPECT_EQ(meet(links, 7, 2, "c").role, Role::copy);
}

TEST(HardLinks, AnEntryGoesAlsoWhereTheLastNameWaited) {
  HardLinks links;
  EXPECT_EQ(meet(links, 7, 2, "a").role, Role::copy);
  EXPECT_EQ(meet(links, 7, 2, "b").role, Role::wait);
  EXPECT_THAT(names(links.copied(key(7), kPlace)), ElementsAre("b"));
  EXPECT_EQ(meet(links, 7, 2, "c").role, Role::copy);
}

TEST(HardLinks, AfterAFailureTheNextNameIsCopiedInstead) {
  HardLinks links;
  EXPECT_EQ(meet(links, 7, 3, "a").role, Role::copy);
  EXPECT_EQ(meet(links, 7, 3, "b").role, Role::wait);
  const auto next = links.failed(key(7));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->name, "b");
  EXPECT_EQ(meet(links, 7, 3, "c").role, Role::wait);
  EXPECT_THAT(names(links.copied(key(7), kPlace)), ElementsAre("c"));
}

TEST(HardLinks, AfterAFailureWithNobodyWaitingTheNextNameIsAFirstOne) {
  HardLinks links;
  EXPECT_EQ(meet(links, 7, 3, "a").role, Role::copy);
  EXPECT_FALSE(links.failed(key(7)));
  EXPECT_EQ(meet(links, 7, 3, "b").role, Role::copy);
  EXPECT_EQ(meet(links, 7, 3, "c").role, Role::wait);
}

TEST(HardLinks, WhereNamesRepeatSomeGroupsOutliveTheirCount) {
  HardLinks links;
  links.names_may_repeat(1);
  for (const std::uint64_t file : {7u, 8u}) {
    EXPECT_EQ(meet(links, file, 2, "a").role, Role::copy);
    links.copied(key(file), kPlace);
    EXPECT_EQ(meet(links, file, 2, "a").role, Role::link) << "again";
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(meet(links, 7, 2, "b").role, Role::link);
  EXPECT_EQ(meet(links, 8, 2, "b").role, Role::copy) << "one group more than are kept";
}

TEST(HardLinks, ALinkCountThatLiesDoesNoHarm) {
  // Names are added while the tree is read: more are met than were promised.
  HardLinks links;
  EXPECT_EQ(meet(links, 7, 2, "a").role, Role::copy);
  EXPECT_EQ(meet(links, 7, 2, "b").role, Role::wait);
  EXPECT_EQ(meet(links, 7, 2, "c").role, Role::wait);
  EXPECT_THAT(names(links.copied(key(7), kPlace)), ElementsAre("b", "c"));
  EXPECT_EQ(meet(links, 7, 2, "d").role, Role::copy);
}

}  // namespace
}  // namespace foxing::copy
