// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/reference.h"

#include <gmock/gmock.h>

#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using ::testing::IsEmpty;
using testing::TempTree;

constexpr timespec kLongAgo{1'000'000'000, 5};

class Reference : public ::testing::Test {
 protected:
  Reference() {
    for (const char* name : {"source/same", "source/d/same", "source/changed", "source/mode"}) {
      world_.file(name, "text");
      world_.times(name, kLongAgo, kLongAgo);
    }
    TestRun run(world_);
    run.copy("source", "yesterday");
    world_.file("source/changed", "TEXT");
    world_.times("source/changed", kLongAgo, kLongAgo);
    world_.chmod("source/mode", 0600);
    world_.file("source/new", "new");
  }

  std::unique_ptr<TestRun> sync(References::Use use, Reflink reflink = Reflink::automatic) {
    References references;
    references.use = use;
    references.directories.push_back(*sys::open_at(sys::working_directory(), world_.at("yesterday"), {.directory = true}));
    Options options = archive();
    options.references = &references;
    options.choices.reflink = reflink;
    auto run = std::make_unique<TestRun>(world_, options);
    run->copy("source", "today");
    EXPECT_THAT(run->failures(), IsEmpty());
    return run;
  }
  std::uint64_t inode(const std::string& name) { return world_.status(name).st_ino; }

  TempTree world_;
};

TEST_F(Reference, UnchangedFilesBecomeNamesOfTheEarlierOnes) {
  const auto run = sync(References::Use::link, Reflink::never);
  EXPECT_EQ(inode("today/same"), inode("yesterday/same"));
  EXPECT_EQ(inode("today/d/same"), inode("yesterday/d/same"));
  EXPECT_EQ(run->counters.hard_links, 2u);
}

TEST_F(Reference, WhatDiffersBecomesAFileOfItsOwn) {
  sync(References::Use::link, Reflink::never);
  EXPECT_EQ(world_.read("today/changed"), "TEXT") << "size and time are equal, the data is not";
  EXPECT_EQ(world_.read("yesterday/changed"), "text");
  EXPECT_NE(inode("today/mode"), inode("yesterday/mode"));
  EXPECT_EQ(world_.mode("today/mode"), 0600u);
  EXPECT_EQ(world_.mode("yesterday/mode"), 0644u) << "the earlier copy must not change";
  EXPECT_EQ(world_.read("today/new"), "new");
}

TEST_F(Reference, ASecondRunFindsEverythingEqual) {
  sync(References::Use::link, Reflink::never);
  const auto again = sync(References::Use::link, Reflink::never);
  for (const FileEvent& event : again->events()) {
    const bool equal = event.action == FileEvent::Action::unchanged || event.action == FileEvent::Action::directory;
    EXPECT_TRUE(equal) << event.path << ' ' << static_cast<int>(event.action) << ' ' << event.changes.content
                       << event.changes.accessed << event.changes.mode << event.changes.modified;
  }
  EXPECT_EQ(inode("today/same"), inode("yesterday/same"));
}

TEST_F(Reference, ALaterChangeDoesNotReachTheEarlierCopy) {
  sync(References::Use::link, Reflink::never);
  world_.chmod("source/same", 0611);
  world_.file("source/d/same", "longer text");
  sync(References::Use::link, Reflink::never);
  EXPECT_EQ(world_.mode("today/same"), 0611u);
  EXPECT_EQ(world_.mode("yesterday/same"), 0644u);
  EXPECT_EQ(world_.read("today/d/same"), "longer text");
  EXPECT_EQ(world_.read("yesterday/d/same"), "text");
}

TEST_F(Reference, CopiesAreNeverNames) {
  sync(References::Use::copy, Reflink::never);
  EXPECT_NE(inode("today/same"), inode("yesterday/same"));
  EXPECT_EQ(world_.read("today/same"), "text");
}

TEST_F(Reference, WhatTheReferenceHasIsLeftOut) {
  sync(References::Use::compare);
  EXPECT_FALSE(world_.exists("today/same"));
  EXPECT_FALSE(world_.exists("today/d/same"));
  EXPECT_EQ(world_.read("today/changed"), "TEXT");
  EXPECT_EQ(world_.mode("today/mode"), 0600u);
  EXPECT_EQ(world_.read("today/new"), "new");
}

TEST_F(Reference, NoLinkInItIsFollowed) {
  world_.remove("yesterday/d");
  world_.file("elsewhere/same", "text");
  world_.times("elsewhere/same", kLongAgo, kLongAgo);
  world_.symlink("yesterday/d", "../elsewhere");
  sync(References::Use::link, Reflink::never);
  EXPECT_NE(inode("today/d/same"), inode("elsewhere/same"));
  EXPECT_EQ(world_.read("today/d/same"), "text");
}

TEST_F(Reference, GroupsOfLinksStayGroups) {
  world_.file("source/one", "x");
  world_.hard_link("source/one", "source/two");
  world_.times("source/one", kLongAgo, kLongAgo);
  TestRun run(world_);
  run.copy("source", "yesterday");
  sync(References::Use::link, Reflink::never);
  EXPECT_EQ(inode("today/one"), inode("today/two"));
  EXPECT_EQ(inode("today/one"), inode("yesterday/one"));
}

}  // namespace
}  // namespace foxing::copy
