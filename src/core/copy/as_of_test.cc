// SPDX-License-Identifier: GPL-2.0-or-later
// Notes on directories: what they cover is not asked for again, and nothing that changes hides behind one.
#include "core/copy/as_of.h"

#include <gmock/gmock.h>

#include "core/copy/quick_check.h"
#include "core/copy/test_run.h"
#include "sys/attributes.h"

namespace foxing::copy {
namespace {

using ::testing::IsEmpty;
using testing::TempTree;

class AsOfTest : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.file("source/a", "text");
    world_.file("source/b", "more");
    world_.symlink("source/link", "a");
    sync();
    if (!noted_at_all()) GTEST_SKIP() << "no user attributes, or no ctime of this machine, in " << world_.path();
  }

  /// Until what has happened is surely earlier than what comes.
  void let_the_clock_move() {
    world_.file("now", "");
    let_age(world_, "now");
  }
  std::unique_ptr<TestRun> sync(Options options = archive()) {
    let_the_clock_move();
    auto run = std::make_unique<TestRun>(world_, options);
    run->deleting.emplace();
    run->copy();
    EXPECT_THAT(run->failures(), IsEmpty());
    return run;
  }
  bool noted_at_all() {
    sync();
    return !note().empty();
  }
  std::string note() const {
    const auto fd = sys::open_at(sys::working_directory(), world_.at("target"), {.directory = true});
    std::string value;
    return fd && sys::get_attribute({*fd}, kAsOfAttribute, value) ? value : std::string();
  }
  /// A run in which nobody can be asked for attributes: it fails for the directory itself, and for what the note does not cover.
  bool covered(Options options = archive()) {
    let_the_clock_move();
    TestRun run(world_, options);
    run.faults = "listxattr:1+:EIO";
    run.copy();
    asked_ = run.failures();
    return asked_ == std::vector<std::string>{"failed "};
  }

  TempTree world_;
  std::vector<std::string> asked_;
};

TEST_F(AsOfTest, WhatWasComparedIsNotAskedAgain) { EXPECT_TRUE(covered()) << ::testing::PrintToString(asked_); }

TEST_F(AsOfTest, AFreshDirectoryHasNone) {
  world_.file("source/new/a", "text");
  sync();
  const auto fd = sys::open_at(sys::working_directory(), world_.at("target/new"), {.directory = true});
  ASSERT_TRUE(fd);
  std::string value;
  EXPECT_FALSE(sys::get_attribute({*fd}, kAsOfAttribute, value));
}

/// Another tree with files of the same sizes and times, older than the copies, is compared: from the first run on the root tells what was copied.
TEST_F(AsOfTest, AnotherSourceIsCompared) {
  constexpr timespec kEpoch{1, 0};
  for (const auto& [name, content] : {std::pair{"one/d/f", "one"}, std::pair{"two/d/f", "two"}}) {
    world_.file(name, content);
    world_.times(name, kEpoch, kEpoch);
  }
  let_the_clock_move();
  const auto copy_of = [&](const char* source) {
    TestRun run(world_);
    run.copy(source, "mirror");
    return run.counters.files.load();
  };
  EXPECT_EQ(copy_of("one"), 1u);
  EXPECT_EQ(copy_of("two"), 1u);
  EXPECT_EQ(world_.read("mirror/d/f"), "two");
  EXPECT_EQ(copy_of("two"), 0u);
}

TEST_F(AsOfTest, AnAttributeOfTheSourceIsSeen) {
  ASSERT_EQ(::setxattr(world_.at("source/a").c_str(), "user.new", "1", 1, 0), 0);
  EXPECT_EQ(sync()->counters.updated, 1u);
  char value = 0;
  EXPECT_EQ(::getxattr(world_.at("target/a").c_str(), "user.new", &value, 1), 1);
}

TEST_F(AsOfTest, AnAttributeOfTheTargetIsSeen) {
  ASSERT_EQ(::setxattr(world_.at("target/a").c_str(), "user.new", "1", 1, 0), 0);
  EXPECT_EQ(sync()->counters.updated, 1u);
  EXPECT_LT(::getxattr(world_.at("target/a").c_str(), "user.new", nullptr, 0), 0);
}

TEST_F(AsOfTest, ContentWithItsTimesPutBackIsSeenOnBothSides) {
  for (const char* side : {"source/a", "target/b"}) {
    const struct stat before = world_.status(side);
    world_.overwrite(side, 0, "XX");
    world_.times(side, before.st_atim, before.st_mtim);
    EXPECT_FALSE(covered()) << side;
  }
}

TEST_F(AsOfTest, AnotherFileUnderTheNameIsSeen) {
  // Older than the note, but for its name.
  world_.file("aside", "TEXT");
  const struct stat as = world_.status("source/a");
  world_.times("aside", as.st_atim, as.st_mtim);
  sync();
  ASSERT_EQ(::rename(world_.at("aside").c_str(), world_.at("source/a").c_str()), 0);
  EXPECT_EQ(sync()->counters.files, 1u);
}

TEST_F(AsOfTest, OtherOptionsMakeItVoid) {
  Options other = archive();
  other.decisive = digest::hash(std::as_bytes(std::span("other", 5)));
  EXPECT_FALSE(covered(other));
  sync(other);
  EXPECT_TRUE(covered(other));
  EXPECT_FALSE(covered());
}

TEST_F(AsOfTest, NotBelievedWhereThatIsWanted) {
  Options options = archive();
  options.notes = false;
  EXPECT_FALSE(covered(options));
  for (const auto by : {Comparison::By::content, Comparison::By::nothing}) {
    options = archive();
    options.compare.by = by;
    EXPECT_FALSE(covered(options));
  }
}

TEST_F(AsOfTest, NothingIsNotedAfterAFailure) {
  world_.overwrite("source/a", 0, "other");
  const std::string before = note();
  let_the_clock_move();
  TestRun run(world_);
  run.faults = "tmpfile:1+:EIO";
  run.copy();
  ASSERT_FALSE(run.failures().empty());
  EXPECT_EQ(note(), before);
}

TEST_F(AsOfTest, BoundToBothDirectories) {
  const auto fd = sys::open_at(sys::working_directory(), world_.at("target"), {.directory = true});
  ASSERT_TRUE(fd);
  const struct stat source = world_.status("source");
  const auto target = sys::status_of(*fd);
  ASSERT_TRUE(target);
  const AsOf right{{DeviceId(source.st_dev), InodeNo(source.st_ino)}, target->inode(), {}};
  ASSERT_TRUE(read_as_of(*fd, right).equal);
  AsOf wrong = right;
  wrong.target = InodeNo(right.target.value + 1);
  EXPECT_FALSE(read_as_of(*fd, wrong).equal) << "a copy of the attribute on another directory";
  EXPECT_FALSE(read_as_of(*fd, wrong).of_another_source) << "and that says nothing of this one";
  wrong = right;
  wrong.source.inode = InodeNo(right.source.inode.value + 1);
  EXPECT_FALSE(read_as_of(*fd, wrong).equal);
  EXPECT_TRUE(read_as_of(*fd, wrong).of_another_source);
  wrong = right;
  wrong.source.device = DeviceId(right.source.device.value + 1);
  EXPECT_FALSE(read_as_of(*fd, wrong).equal);
  EXPECT_FALSE(read_as_of(*fd, wrong).of_another_source) << "devices are numbered anew when a machine starts";
}

TEST_F(AsOfTest, WhatIsNoNoteOrOfTheFutureIsIgnored) {
  const auto fd = sys::open_at(sys::working_directory(), world_.at("target"), {.directory = true});
  ASSERT_TRUE(fd);
  const AsOf what{{DeviceId(1), InodeNo(2)}, InodeNo(3), {}};
  const std::string options(16, '0');
  const std::string good = "1 1 2 3 1000.000000005 " + options;
  const auto read = [&](const std::string& text) {
    EXPECT_TRUE(sys::set_attribute({*fd}, kAsOfAttribute, text));
    return read_as_of(*fd, what);
  };
  ASSERT_TRUE(read(good).equal);
  EXPECT_EQ(read(good).equal->tv_nsec, 5);
  for (const std::string& text :
       {std::string(), std::string("1"), std::string("1 1 7 3 1000"), good + " ", "1 1 2 3 1000 " + options,
        "1 1 2 3 1000. " + options, "1 1 2 3 .5 " + options, "1 1 2 3 1000.1000000000 " + options, "1 1 2 3 1000.-5 " + options,
        "2 1 2 3 1000.000000005 " + options, "1 1 2 3 99999999999.000000005 " + options,
        "1 1 2 3 99999999999999999999.0 " + options}) {
    EXPECT_FALSE(read(text).equal) << text;
    EXPECT_FALSE(read(text).of_another_source) << text;
  }
}

/// Two directories whose files have equal sizes and times, as reproducible builds make them.
TEST_F(AsOfTest, DirectoriesThatChangePlacesAreCompared) {
  constexpr timespec kEpoch{1, 0};
  for (const auto& [name, content] : {std::pair{"source/new/f", "two"}, std::pair{"source/old/f", "one"}}) {
    world_.file(name, content);
    world_.times(name, kEpoch, kEpoch);
  }
  sync();
  sync();
  const auto move = [&](const char* from, const char* to) {
    ASSERT_EQ(::rename(world_.at(from).c_str(), world_.at(to).c_str()), 0);
  };
  move("source/new", "aside");
  move("source/old", "source/new");
  move("aside", "source/old");
  EXPECT_EQ(sync()->counters.files, 2u);
  EXPECT_EQ(world_.read("target/new/f"), "one");
  EXPECT_EQ(world_.read("target/old/f"), "two");
  const auto again = sync();
  EXPECT_EQ(again->counters.files, 0u);
}

}  // namespace
/// What tells another source gives way even where nothing was compared, or the next run would have to look at what this one copied.
TEST_F(AsOfTest, ANoteOfAnotherSourceGivesWay) {
  world_.file("source/place/old", "text");
  sync();
  sync();
  world_.file("other/new", "content");
  ASSERT_EQ(::rename(world_.at("source/place").c_str(), world_.at("away").c_str()), 0);
  ASSERT_EQ(::rename(world_.at("other").c_str(), world_.at("source/place").c_str()), 0);
  EXPECT_EQ(sync()->counters.files, 1u);
  const auto fd = sys::open_at(sys::working_directory(), world_.at("target/place"), {.directory = true});
  ASSERT_TRUE(fd);
  const auto target = sys::status_of(*fd);
  ASSERT_TRUE(target);
  const struct stat source = world_.status("source/place");
  const AsOf now{{DeviceId(source.st_dev), InodeNo(source.st_ino)}, target->inode(), {}};
  EXPECT_FALSE(read_as_of(*fd, now).of_another_source);
}

}  // namespace foxing::copy
