// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/names.h"

#include <gmock/gmock.h>

#include <set>

#include "sys/fault.h"
#include "sys/file.h"
#include "testing/temp_tree.h"

#define FOXING_NEEDS_FAULTS() \
  if (!::foxing::sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)"

namespace foxing::sys {
namespace {

using ::testing::ElementsAre;
using testing::TempTree;
using ::testing::UnorderedElementsAre;

class Names : public ::testing::Test {
 protected:
  Names() : root_(std::move(*open_at(working_directory(), world_.path(), {.directory = true}))) {}
  TempTree world_;
  UniqueFd root_;
};
int code(const Result<>& result) { return result ? 0 : result.error().code; }

TEST_F(Names, MakesAndRemoves) {
  const mode_t mask = ::umask(0);
  EXPECT_TRUE(make_directory_at(root_, "directory", 0711));
  EXPECT_TRUE(make_symlink_at(root_, "link", "to nowhere"));
  EXPECT_TRUE(make_node_at(root_, "fifo", S_IFIFO | 0620, 0));
  ::umask(mask);
  EXPECT_EQ(world_.mode("directory"), 0711u);
  EXPECT_EQ(world_.mode("fifo"), 0620u);
  EXPECT_EQ(world_.link_target("link"), "to nowhere");
  EXPECT_EQ(code(make_directory_at(root_, "link", 0700)), EEXIST);
  EXPECT_EQ(code(unlink_at(root_, "directory")), EISDIR);
  EXPECT_EQ(code(remove_directory_at(root_, "fifo")), ENOTDIR);
  EXPECT_TRUE(remove_directory_at(root_, "directory"));
  EXPECT_TRUE(unlink_at(root_, "fifo"));
  EXPECT_TRUE(unlink_at(root_, "link"));
  EXPECT_THAT(world_.names(), ElementsAre());
}

TEST_F(Names, LinksALinkItself) {
  world_.file("file", "text");
  world_.symlink("link", "file");
  EXPECT_TRUE(link_at(root_, "link", root_, "other"));
  EXPECT_EQ(world_.link_target("other"), "file");
  EXPECT_EQ(world_.status("file").st_nlink, 1u);
  EXPECT_EQ(code(link_at(root_, "link", root_, "other")), EEXIST);
}

TEST_F(Names, LinksWhatADescriptorStandsFor) {
  world_.file("file", "text");
  world_.symlink("link", "file");
  world_.fifo("fifo");
  for (const char* name : {"file", "link", "fifo"}) {
    const auto fd = open_at(root_, name, {.access = Access::path});
    ASSERT_TRUE(fd);
    const std::string other = std::string("other ") + name;
    EXPECT_TRUE(link_descriptor_at(*fd, root_, other)) << name;
    EXPECT_EQ(world_.status(other).st_ino, world_.status(name).st_ino);
    EXPECT_EQ(code(link_descriptor_at(*fd, root_, other)), EEXIST);
  }
}

/// ENOENT says that AT_EMPTY_PATH is not allowed: then through /proc/self/fd.  Last in this program's order of trust: it is remembered.
TEST_F(Names, LinksADescriptorAlsoWithoutThePrivilege) {
  FOXING_NEEDS_FAULTS();
  world_.file("file", "text");
  const auto fd = open_at(root_, "file", {.access = Access::path});
  {
    const FaultPlan faults("linkat:1:ENOENT");
    EXPECT_TRUE(link_descriptor_at(*fd, root_, "other"));
  }
  EXPECT_EQ(world_.read("other"), "text");
  const FaultPlan faults("linkat:2:EIO");
  EXPECT_TRUE(link_descriptor_at(*fd, root_, "third")) << "refused once, it is not tried again";
  EXPECT_EQ(code(link_descriptor_at(*fd, root_, "fourth")), EIO);
}

TEST_F(Names, Renames) {
  world_.file("a", "a");
  world_.file("b", "b");
  EXPECT_EQ(code(rename_at(root_, "a", root_, "b", Replace::nothing)), EEXIST);
  EXPECT_TRUE(rename_at(root_, "a", root_, "b", Replace::exchange));
  EXPECT_EQ(world_.read("a"), "b");
  EXPECT_EQ(world_.read("b"), "a");
  EXPECT_EQ(code(rename_at(root_, "a", root_, "missing", Replace::exchange)), ENOENT);
  EXPECT_TRUE(rename_at(root_, "a", root_, "b"));
  EXPECT_EQ(world_.read("b"), "b");
  EXPECT_TRUE(rename_at(root_, "b", root_, "c", Replace::nothing));
  EXPECT_THAT(world_.names(), ElementsAre("c"));
}

TEST_F(Names, ReadsLinksOfAnyLength) {
  for (const std::size_t length : {1u, 255u, 256u, 257u, 512u, 4095u}) {
    world_.remove("link");
    const std::string target(length, 't');
    ASSERT_TRUE(make_symlink_at(root_, "link", target));
    EXPECT_EQ(*read_link_at(root_, "link"), target);
    EXPECT_EQ(*read_link_at(*open_at(root_, "link", {.access = Access::path}), ""), target) << "of the descriptor itself";
  }
  world_.file("file", "text");
  EXPECT_EQ(read_link_at(root_, "file").error().code, EINVAL);
}

TEST_F(Names, ADirectoryIsReadInPiecesEachNameOnce) {
  std::set<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    const std::string name(static_cast<std::size_t>(1 + i % 250), 'n');
    const std::string whole = std::to_string(i) + name;
    world_.file(whole, "");
    expected.insert(whole);
  }
  for (const char* name : {".hidden", "..two", "...", "\xff\xfe", "new\nline"}) {
    world_.file(name, "");
    expected.insert(name);
  }
  for (const std::size_t size : {400u, 4096u, 65536u}) {  // the smallest holds one name
    const auto directory = open_at(root_, ".", {.directory = true});
    DirectoryReader reader(size);
    std::set<std::string> seen;
    int pieces = 0;
    while (true) {
      const auto more = reader.fill(*directory);
      ASSERT_TRUE(more) << size;
      if (!*more) break;
      ++pieces;
      while (const auto entry = reader.next()) {
        EXPECT_EQ(entry->length, std::strlen(entry->name));
        EXPECT_TRUE(seen.insert(entry->name).second) << entry->name;
        EXPECT_EQ(entry->inode.value, world_.status(entry->name).st_ino);
      }
    }
    EXPECT_EQ(seen, expected) << size;
    if (size == 400) {
      EXPECT_GT(pieces, 50);
    }
    EXPECT_FALSE(reader.next());
  }
}

TEST_F(Names, TypesAreTold) {
  world_.file("file", "");
  world_.dir("directory");
  world_.symlink("link", "x");
  world_.fifo("fifo");
  DirectoryReader reader(4096);
  std::vector<std::pair<std::string, FileType>> seen;
  while (*reader.fill(root_)) {
    while (const auto entry = reader.next()) seen.emplace_back(entry->name, entry->type);
  }
  using Pair = std::pair<std::string, FileType>;
  EXPECT_THAT(seen, UnorderedElementsAre(Pair("file", FileType::regular), Pair("directory", FileType::directory),
                                         Pair("link", FileType::symlink), Pair("fifo", FileType::fifo)));
}

TEST_F(Names, AReaderTellsErrors) {
  world_.file("file", "");
  DirectoryReader reader(4096);
  EXPECT_EQ(reader.fill(*open_at(root_, "file")).error().code, ENOTDIR);
  EXPECT_FALSE(reader.next());
  FOXING_NEEDS_FAULTS();
  const FaultPlan faults("getdents64:1:EIO");
  EXPECT_EQ(reader.fill(root_).error().code, EIO);
}

TEST_F(Names, EveryCallAnswersItsError) {
  FOXING_NEEDS_FAULTS();
  world_.file("a", "");
  const FaultPlan faults(
      "mkdirat:1:EIO,symlinkat:1:EIO,mknodat:1:EIO,linkat:1:EIO,renameat2:1:EIO,unlinkat:1+:EIO,readlinkat:1:EIO");
  EXPECT_EQ(code(make_directory_at(root_, "x", 0700)), EIO);
  EXPECT_EQ(code(make_symlink_at(root_, "x", "y")), EIO);
  EXPECT_EQ(code(make_node_at(root_, "x", S_IFIFO | 0600, 0)), EIO);
  EXPECT_EQ(code(link_at(root_, "a", root_, "x")), EIO);
  EXPECT_EQ(code(rename_at(root_, "a", root_, "x")), EIO);
  EXPECT_EQ(code(unlink_at(root_, "a")), EIO);
  EXPECT_EQ(code(remove_directory_at(root_, "a")), EIO);
  EXPECT_EQ(read_link_at(root_, "a").error().code, EIO);
  EXPECT_THAT(world_.names(), ElementsAre("a")) << "a faulted call has done something";
}

}  // namespace
}  // namespace foxing::sys
