// SPDX-License-Identifier: GPL-2.0-or-later
// The reconciler on real trees, with events that the test makes itself: no privilege and no fanotify is needed.
#include "foxingd/mirror/tree_pair.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include "foxingd/mirror/scan.h"
#include "foxingd/pipeline/reconciler.h"
#include "sys/file.h"
#include "testing/temp_tree.h"

namespace foxing::mirror {
namespace {

using capture::Event;
using pipeline::FileHandle;
using pipeline::Name;
using ::testing::IsEmpty;
using testing::TempTree;

class Mirrored : public ::testing::Test {
 protected:
  void SetUp() override {
    world.dir("source");
    world.dir("target");
    source = open("source");
    target = open("target");
    const auto root = sys::handle_of(source);
    if (!root) GTEST_SKIP() << "this filesystem has no file handles";
    table.emplace(*root);
  }
  sys::UniqueFd open(const char* name) {
    return std::move(*sys::open_at(sys::working_directory(), world.at(name), {.directory = true}));
  }
  TreePair::Roots roots() {
    return {.source = world.at("source"),
            .target = world.at("target"),
            .source_fd = source,
            .target_fd = target,
            .source_device = sys::status_of(source)->device(),
            .may_be_emptied = may_be_emptied};
  }
  void begin(std::vector<FilterRule> rules = {}) {
    selection = std::move(*Selection::make(rules));
    const auto report = scan(roots(), selection.get(), 1, *table, links);
    ASSERT_TRUE(report) << report.error().message();
    ASSERT_EQ(report->failures, 0u);
    trees.emplace(roots(), selection.get(), &doubts);
    ASSERT_TRUE(trees->connect());
    reconciler.emplace(*table, links, pending, *trees);
  }
  FileHandle handle(const std::string& directory) { return *sys::handle_of(open(("source/" + directory).c_str())); }
  FileHandle object(const std::string& path) { return *sys::handle_at(source, path); }
  void changed(const FileHandle& directory, const char* name) {
    pending.push({.kind = Event::Kind::name, .directory = directory, .name = name});
  }
  void renamed(const FileHandle& from, const char* name, const FileHandle& to, const char* as, const FileHandle& what) {
    pending.push(
        {.kind = Event::Kind::renamed, .directory = from, .name = name, .object = what, .to_directory = to, .to_name = as});
  }
  void reconcile() {
    for (int round = 0; round < 50 && !pending.empty(); ++round)
      for (const auto& failure : reconciler->run(100))
        ADD_FAILURE() << failure.item.name.name << ": " << failure.outcome.error.message();
    EXPECT_TRUE(pending.empty());
    trees->settle();
  }
  void rename(const char* from, const char* to) { ASSERT_EQ(::rename(world.at(from).c_str(), world.at(to).c_str()), 0); }
  ino_t inode(const char* name) { return world.status(name).st_ino; }

  TempTree world;
  bool may_be_emptied = true;
  sys::UniqueFd source, target;
  std::unique_ptr<Selection> selection;
  std::optional<pipeline::DirectoryTable> table;
  pipeline::LinkGroups links;
  pipeline::Pending pending{1000};
  Doubts doubts;
  std::optional<TreePair> trees;
  std::optional<pipeline::Reconciler> reconciler;
};

TEST_F(Mirrored, AFileWithNamesInManyDirectoriesNeedsFewDescriptors) {
  world.file("source/first", "old");
  constexpr int kNames = 400;
  const auto path = [&](const char* side, int number) { return side + ("/d" + std::to_string(number)); };
  for (int number = 0; number < kNames; ++number) {
    world.dir(path("source", number));
    ASSERT_EQ(::link(world.at("source/first").c_str(), world.at(path("source", number) + "/name").c_str()), 0);
  }
  begin();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{.rlim_cur = 512, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  world.file("source/first", "new content");
  changed(table->root(), "first");
  reconcile();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  for (int number = 0; number < kNames; ++number)
    ASSERT_EQ(inode((path("target", number) + "/name").c_str()), inode("target/first")) << number;
  EXPECT_EQ(world.read("target/first"), "new content");
}

TEST_F(Mirrored, OneSearchIsForManyFiles) {
  for (const char* name : {"source/a", "source/b", "source/c"}) world.file(name, name);
  begin();
  for (const char* name : {"a", "b", "c"}) {
    world.hard_link(std::string("source/") + name, std::string("source/") + name + "2");
    changed(table->root(), (std::string(name) + "2").c_str());
  }
  while (!pending.empty()) EXPECT_THAT(reconciler->run(1), IsEmpty());
  trees->settle();
  EXPECT_EQ(reconciler->counters().searches, 1u);
  for (const char* name : {"target/a", "target/b", "target/c"}) EXPECT_EQ(inode(name), inode((std::string(name) + "2").c_str()));
}

TEST_F(Mirrored, TheLastNameOfTheSourceIsKept) {
  world.file("source/a", "1");
  may_be_emptied = false;
  begin();
  world.remove("source/a");
  changed(table->root(), "a");
  const auto failures = reconciler->run(100);
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].outcome.trouble, pipeline::Trouble::emptied);
  EXPECT_EQ(world.read("target/a"), "1");
  world.file("source/b", "2");
  changed(table->root(), "a");
  changed(table->root(), "b");
  reconcile();
  EXPECT_FALSE(world.exists("target/a"));
}

TEST_F(Mirrored, AFileComesChangesAndGoes) {
  begin();
  world.file("source/f", "1", 0640);
  changed(handle(""), "f");
  reconcile();
  EXPECT_EQ(world.read("target/f"), "1");
  EXPECT_EQ(world.status("target/f").st_mode & 0777, 0640u);
  EXPECT_EQ(world.status("target").st_mtim.tv_nsec, world.status("source").st_mtim.tv_nsec);
  world.file("source/f", "22");
  changed(handle(""), "f");
  reconcile();
  EXPECT_EQ(world.read("target/f"), "22");
  ::unlink(world.at("source/f").c_str());
  changed(handle(""), "f");
  reconcile();
  EXPECT_FALSE(world.exists("target/f"));
}

TEST_F(Mirrored, ANewDirectoryComesWithAllThatIsInIt) {
  begin();
  world.file("source/a/b/c", "1");
  world.symlink("source/a/link", "b");
  changed(handle(""), "a");
  reconcile();
  EXPECT_EQ(world.read("target/a/b/c"), "1");
  EXPECT_EQ(table->path_of(handle("a/b")), "a/b");
}

TEST_F(Mirrored, ARenameOfADirectoryIsOne) {
  world.file("source/a/f", "1");
  world.dir("source/b");
  begin();
  const ino_t before = inode("target/a/f");
  const FileHandle moved = object("a");
  rename("source/a", "source/b/a");
  renamed(handle(""), "a", handle("b"), "a", moved);
  reconcile();
  EXPECT_EQ(inode("target/b/a/f"), before);
  EXPECT_FALSE(world.exists("target/a"));
  EXPECT_EQ(reconciler->counters().renames, 1u);
}

TEST_F(Mirrored, ARenameIntoADirectoryThatIsNotThereYetIsOne) {
  world.file("source/a/f", "1");
  begin();
  const ino_t before = inode("target/a/f");
  const FileHandle moved = object("a");
  world.dir("source/new");
  rename("source/a", "source/new/a");
  changed(handle(""), "new");
  renamed(handle(""), "a", handle("new"), "a", moved);
  reconcile();
  EXPECT_EQ(inode("target/new/a/f"), before);
}

TEST_F(Mirrored, DirectoriesThatChangePlacesInARing) {
  for (const char* name : {"a", "b", "c"}) world.file(std::string("source/") + name + "/" + name, name);
  begin();
  const FileHandle a = object("a"), b = object("b"), c = object("c"), root = handle("");
  const ino_t before = inode("target/a/a");
  rename("source/a", "source/t");
  rename("source/b", "source/a");
  rename("source/c", "source/b");
  rename("source/t", "source/c");
  renamed(root, "a", root, "t", a);
  renamed(root, "b", root, "a", b);
  renamed(root, "c", root, "b", c);
  renamed(root, "t", root, "c", a);
  reconcile();
  EXPECT_EQ(inode("target/c/a"), before);
  EXPECT_EQ(world.read("target/a/b"), "b");
  EXPECT_EQ(world.read("target/b/c"), "c");
  EXPECT_FALSE(world.exists("target/t"));
}

TEST_F(Mirrored, AChainOfRenamesLeavesOneName) {
  world.file("source/a", "1");
  begin();
  const FileHandle file = object("a"), root = handle("");
  const ino_t before = inode("target/a");
  rename("source/a", "source/e");
  for (const auto& [from, to] : {std::pair("a", "b"), std::pair("b", "c"), std::pair("c", "d"), std::pair("d", "e")})
    renamed(root, from, root, to, file);
  reconcile();
  EXPECT_EQ(inode("target/e"), before);
  for (const char* ghost : {"target/a", "target/b", "target/c", "target/d"}) EXPECT_FALSE(world.exists(ghost)) << ghost;
}

TEST_F(Mirrored, TwoFilesThatChangePlaces) {
  world.file("source/a", "first");
  world.file("source/b", "second one");
  begin();
  const FileHandle a = object("a"), b = object("b"), root = handle("");
  const ino_t before = inode("target/a");
  rename("source/a", "source/t");
  rename("source/b", "source/a");
  rename("source/t", "source/b");
  renamed(root, "a", root, "b", a);
  renamed(root, "b", root, "a", b);
  reconcile();
  EXPECT_EQ(world.read("target/a"), "second one");
  EXPECT_EQ(world.read("target/b"), "first");
  EXPECT_EQ(inode("target/b"), before);
  EXPECT_EQ(reconciler->counters().exchanges, 1u);
}

TEST_F(Mirrored, ASecondNameBecomesALink) {
  world.file("source/a", "1");
  begin();
  world.hard_link("source/a", "source/b");
  changed(handle(""), "b");
  reconcile();
  EXPECT_EQ(inode("target/a"), inode("target/b"));
  world.file("source/a", "22");  // of both
  changed(handle(""), "a");
  reconcile();
  EXPECT_EQ(world.read("target/b"), "22");
  EXPECT_EQ(inode("target/a"), inode("target/b"));
  ::unlink(world.at("source/b").c_str());
  world.file("source/b", "22");
  changed(handle(""), "b");
  reconcile();
  EXPECT_NE(inode("target/a"), inode("target/b"));
}

TEST_F(Mirrored, TypesChange) {
  world.file("source/a/b/c", "1");
  world.file("source/f", "1");
  begin();
  std::filesystem::remove_all(world.at("source/a"));
  world.file("source/a", "a file now");
  ::unlink(world.at("source/f").c_str());
  world.file("source/f/inner", "a directory now");
  changed(handle(""), "a");
  changed(handle(""), "f");
  reconcile();
  EXPECT_EQ(world.read("target/a"), "a file now");
  EXPECT_EQ(world.read("target/f/inner"), "a directory now");
  EXPECT_EQ(table->size(), 2u);
}

TEST_F(Mirrored, WhatTheTargetHasLostComesBack) {
  world.file("source/a/b/c", "1");
  begin();
  std::filesystem::remove_all(world.at("target/a"));
  world.file("source/a/b/d", "2");
  changed(handle("a/b"), "d");
  reconcile();
  EXPECT_EQ(world.read("target/a/b/c"), "1");
  EXPECT_EQ(world.read("target/a/b/d"), "2");
}

TEST_F(Mirrored, WhatIsLeftOutIsNeitherCopiedNorDeleted) {
  world.file("target/a.log", "of the target");
  begin({{false, "*.log"}});
  EXPECT_EQ(world.read("target/a.log"), "of the target");
  world.file("source/b.log", "1");
  changed(handle(""), "b.log");
  changed(handle(""), "a.log");
  reconcile();
  EXPECT_FALSE(world.exists("target/b.log"));
  EXPECT_TRUE(world.exists("target/a.log"));
}

// As after a store through a mapping whose page was dirty already: nothing in the source's status tells of it.
TEST_F(Mirrored, WhatIsDoubtedIsComparedByItsBytes) {
  world.file("source/f", "1111");
  begin();
  const auto look = [&] {
    pending.push({.kind = Event::Kind::object, .object = object("f")});
    reconcile();
  };
  look();  // one that was copied in the tick in which it was written is looked into once
  const timespec modified = world.status("target/f").st_mtim;
  world.overwrite("target/f", 0, "2222");
  world.times("target/f", modified, modified);
  look();
  EXPECT_EQ(world.read("target/f"), "2222");
  doubts.add(object("f"));
  look();
  EXPECT_EQ(world.read("target/f"), "1111");
  EXPECT_TRUE(doubts.empty());
}

TEST_F(Mirrored, ADoubtAboutWhatLiesElsewhereIsNone) {
  world.file("elsewhere", "1");
  begin();
  const FileHandle elsewhere = *sys::handle_at(sys::working_directory(), world.at("elsewhere"));
  doubts.add(elsewhere);
  pending.push({.kind = Event::Kind::object, .object = elsewhere});
  reconcile();
  EXPECT_TRUE(doubts.empty());
}

TEST(Doubts, TheOldestIsGivenUpAndCounted) {
  Doubts doubts;
  for (std::size_t i = 0; i < Doubts::kMost + 2; ++i) doubts.add({std::to_string(i)});
  doubts.add({"5"});
  EXPECT_EQ(doubts.given_up(), 2u);
  EXPECT_FALSE(doubts.has({"1"}));
  EXPECT_TRUE(doubts.has({"2"}));
  doubts.settled({"2"});
  EXPECT_EQ(doubts.all().size(), Doubts::kMost - 1);
}

TEST_F(Mirrored, EventsOfOtherDirectoriesAreCounted) {
  world.dir("elsewhere");
  begin();
  changed(*sys::handle_of(open("elsewhere")), "f");
  reconcile();
  EXPECT_EQ(reconciler->counters().outside, 1u);
}

}  // namespace
}  // namespace foxing::mirror
