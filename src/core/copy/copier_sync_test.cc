// SPDX-License-Identifier: GPL-2.0-or-later
// The second run: what is equal is left alone, what differs is brought up to date, and nothing is overlooked.
#include <gmock/gmock.h>

#include "core/copy/copier.h"
#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;

constexpr timespec kLongAgo{1'000'000'000, 123'456'789};

class Sync : public ::testing::Test {
 protected:
  void settle(const std::string& name) { world_.times(name, kLongAgo, kLongAgo); }
  /// A file whose times are old; its ctime is now.
  void file(const std::string& name, std::string_view content) {
    world_.file("source/" + name, content);
    settle("source/" + name);
  }
  /// One run, which must go well.
  std::unique_ptr<TestRun> sync(Options options = archive()) {
    auto run = std::make_unique<TestRun>(world_, options);
    run->deleting = deleting_;
    run->keep = keep_;
    run->keep_in = keep_in_;
    run->copy();
    EXPECT_THAT(run->failures(), IsEmpty());
    return run;
  }
  std::uint64_t inode(const std::string& name) { return world_.status(name).st_ino; }
  /// Times are put back after something was done to a file, as a careful forger does.
  template <class Do>
  void unnoticed(const std::string& name, Do what) {
    const struct stat before = world_.status(name);
    what();
    world_.times(name, before.st_atim, before.st_mtim);
  }

  TempTree world_;
  std::optional<Deleting> deleting_;
  std::optional<Keeper::Options> keep_;
  std::string keep_in_;
};

TEST_F(Sync, ASecondRunMovesNothing) {
  file("a", "text");
  file("deep/er/b", random_bytes(100'000, 1));
  world_.symlink("source/link", "a");
  world_.fifo("source/fifo");
  world_.hard_link("source/a", "source/also a");
  sync();
  const auto a = inode("target/a");
  const auto link = inode("target/link");
  const auto again = sync();
  EXPECT_EQ(again->counters.files, 0u);
  EXPECT_EQ(again->counters.symlinks + again->counters.specials + again->counters.hard_links, 0u);
  EXPECT_EQ(again->counters.updated, 0u);
  EXPECT_EQ(again->counters.unchanged, 5u);
  EXPECT_EQ(inode("target/a"), a);
  EXPECT_EQ(inode("target/link"), link);
}

TEST_F(Sync, AnEditThatPutsSizeAndTimesBackIsFound) {
  file("a", "text");
  sync();
  unnoticed("source/a", [&] { world_.overwrite("source/a", 0, "TEXT"); });
  const auto run = sync();
  EXPECT_EQ(world_.read("target/a"), "TEXT");
  EXPECT_EQ(run->counters.files, 1u);
  EXPECT_TRUE(run->event("a").changes.content);
  EXPECT_FALSE(run->event("a").changes.modified);
}

TEST_F(Sync, TrustTimesOverlooksIt) {
  file("a", "text");
  sync();
  unnoticed("source/a", [&] { world_.overwrite("source/a", 0, "TEXT"); });
  Options options = archive();
  options.compare.trust_times = true;
  sync(options);
  EXPECT_EQ(world_.read("target/a"), "text");
}

TEST_F(Sync, ATouchedFileIsNotCopied) {
  file("a", "text");
  sync();
  const auto before = inode("target/a");
  world_.times("source/a", kLongAgo, {2'000'000'000, 5});
  const auto run = sync();
  EXPECT_EQ(run->counters.files, 0u);
  EXPECT_EQ(run->counters.updated, 1u);
  EXPECT_EQ(inode("target/a"), before);
  EXPECT_EQ(world_.status("target/a").st_mtim.tv_sec, 2'000'000'000);
  EXPECT_TRUE(run->event("a").changes.modified);
  EXPECT_EQ(run->event("a").action, FileEvent::Action::attributes);
}

TEST_F(Sync, AttributesAloneAreSetWithoutACopy) {
  file("a", "text");
  world_.symlink("source/link", "a");
  sync();
  const auto before = inode("target/a");
  world_.chmod("source/a", 0751);
  world_.times("source/link", kLongAgo, kLongAgo);
  const auto run = sync();
  EXPECT_EQ(run->counters.files, 0u);
  EXPECT_EQ(run->counters.updated, 2u);
  EXPECT_EQ(inode("target/a"), before);
  EXPECT_EQ(world_.mode("target/a"), 0751u);
  EXPECT_TRUE(run->event("a").changes.mode);
  EXPECT_EQ(world_.status("target/link").st_mtim.tv_sec, kLongAgo.tv_sec);
  EXPECT_EQ(sync()->counters.updated, 0u);
}

TEST_F(Sync, ExtendedAttributesAloneToo) {
  file("a", "text");
  sync();
  if (!world_.set_xattr("source/a", "user.one", "1"))
    GTEST_SKIP() << "the filesystem of " << world_.path() << " has no user attributes";
  world_.set_xattr("target/a", "user.two", "2");
  const auto run = sync();
  EXPECT_EQ(run->counters.updated, 1u);
  EXPECT_TRUE(run->event("a").changes.xattrs);
  EXPECT_EQ(world_.xattr("target/a", "user.one"), "1");
  EXPECT_EQ(world_.xattr("target/a", "user.two"), "(none)");
}

TEST_F(Sync, TheTargetIsPutRightWhenItWasChanged) {
  file("a", "text");
  sync();
  world_.overwrite("target/a", 0, "evil");  // its time moves
  sync();
  EXPECT_EQ(world_.read("target/a"), "text");
}

TEST_F(Sync, LooksOnlyOnce) {
  file("a", "text");
  sync();
  if (!world_.set_xattr("source/a", "user.probe", "1"))
    GTEST_SKIP() << "the filesystem of " << world_.path() << " has no user attributes";
  sync();
  EXPECT_NE(world_.xattr("target/a", "user.foxing.seen"), "(none)");
  unnoticed("target/a", [&] { world_.overwrite("target/a", 0, "mark"); });
  sync();
  EXPECT_EQ(world_.read("target/a"), "mark") << "it was read again";
  unnoticed("source/a", [&] { world_.overwrite("source/a", 0, "TEXT"); });
  sync();
  EXPECT_EQ(world_.read("target/a"), "TEXT") << "the note spoke of an older version";
}

TEST_F(Sync, AnEditIsFoundWhateverMovedTheTargetsCtimeSince) {
  file("a", "text");
  file("b", "text");
  world_.hard_link("source/b", "source/c");
  sync();
  unnoticed("source/a", [&] { world_.overwrite("source/a", 0, "AAAA"); });
  unnoticed("source/b", [&] { world_.overwrite("source/b", 0, "BBBB"); });
  world_.remove("source/c");
  world_.chmod("target/a", 0600);
  world_.chmod("target/a", 0644);
  world_.remove("target/c");  // moves the ctime of target/b
  sync();
  EXPECT_EQ(world_.read("target/a"), "AAAA");
  EXPECT_EQ(world_.read("target/b"), "BBBB");
}

TEST_F(Sync, WithoutPermsExistingModesStay) {
  file("d/f", "text");
  sync();
  world_.chmod("target/d/f", 0600);
  world_.chmod("target/d", 02770);
  world_.times("source/d/f", kLongAgo, {5, 5});
  Options options = archive();
  options.keep.mode = options.keep.acls = false;
  sync(options);
  EXPECT_EQ(world_.mode("target/d/f"), 0600u);
  EXPECT_EQ(world_.mode("target/d"), 02770u);
  file("d/f", "another text");
  sync(options);
  EXPECT_EQ(world_.read("target/d/f"), "another text");
  EXPECT_EQ(world_.mode("target/d/f"), 0600u) << "a replaced file keeps the mode of the old one";
}

TEST_F(Sync, IgnoreExistingLeavesAFileInThePlaceOfADirectory) {
  world_.file("target/n", "precious");
  file("n/f", "1");
  Options options = archive();
  options.compare.only_new = true;
  sync(options);
  EXPECT_EQ(world_.read("target/n"), "precious");
}

// ---- Large files

class InPlace : public Sync {
 protected:
  InPlace() {
    options_.delta.in_place = true;
    options_.delta.smallest = 64_KiB;
    content_ = random_bytes(300'000, 7);
    file("large", content_);
    sync();
    content_[150'000] ^= 1;
    file("large", content_);
  }
  Options options_ = archive();
  std::string content_;
};

TEST_F(InPlace, OnlyTheChangedBlockIsWrittenIntoTheSameFile) {
  const auto before = inode("target/large");
  const auto run = sync(options_);
  EXPECT_EQ(inode("target/large"), before);
  EXPECT_EQ(world_.read("target/large"), content_);
  EXPECT_EQ(run->counters.bytes_moved, 4096u);
  EXPECT_EQ(world_.xattr("target/large", "user.foxing.dirty"), "(none)");
  EXPECT_EQ(world_.status("target/large").st_mtim.tv_sec, kLongAgo.tv_sec);
  EXPECT_EQ(sync(options_)->counters.files, 0u);
}

TEST_F(InPlace, OtherNamesOfTheFileKeepTheOldVersion) {
  world_.hard_link("target/large", "another name");
  sync(options_);
  EXPECT_EQ(world_.read("target/large"), content_);
  EXPECT_NE(world_.read("another name"), content_);
}

TEST_F(InPlace, WhatIsToBeKeptIsReplacedInstead) {
  keep_ = Keeper::Options{.suffix = "~"};
  sync(options_);
  EXPECT_EQ(world_.read("target/large"), content_);
  EXPECT_NE(world_.read("target/large~"), content_);
}

TEST_F(InPlace, AFailureLeavesAMarkAndNoSetuidAndTheNextRunRepairs) {
  FOXING_NEEDS_FAULTS();
  world_.chmod("target/large", 04755);
  TestRun run(world_, options_);
  run.faults = "pwrite:1:EIO";
  run.copy();
  EXPECT_FALSE(run.failures().empty());
  EXPECT_EQ(world_.mode("target/large") & 07000u, 0u);
  EXPECT_NE(world_.xattr("target/large", "user.foxing.dirty"), "(none)");
  Options by_size = options_;
  by_size.compare.by = Comparison::By::size;
  sync(by_size);
  EXPECT_EQ(world_.read("target/large"), content_) << "half changed, and believed for its size";
}

TEST_F(Sync, TypesChange) {
  file("file to link", "1");
  file("file to directory", "1");
  file("directory to file/x", "1");
  world_.symlink("source/link to file", "somewhere");
  world_.fifo("source/fifo to link");
  sync();
  for (const char* name : {"file to link", "file to directory", "directory to file", "link to file", "fifo to link"})
    world_.remove(std::string("source/") + name);
  world_.symlink("source/file to link", "x");
  file("file to directory/inside", "2");
  file("directory to file", "3");
  file("link to file", "4");
  world_.symlink("source/fifo to link", "y");
  deleting_.emplace();
  const auto run = sync();
  EXPECT_EQ(world_.link_target("target/file to link"), "x");
  EXPECT_EQ(world_.read("target/file to directory/inside"), "2");
  EXPECT_EQ(world_.read("target/directory to file"), "3");
  EXPECT_EQ(world_.read("target/link to file"), "4");
  EXPECT_EQ(world_.link_target("target/fifo to link"), "y");
  EXPECT_TRUE(run->event("link to file").changes.created);
}

TEST_F(Sync, AFullDirectoryStaysInTheWayWithoutDelete) {
  file("d/x", "1");
  sync();
  world_.remove("source/d");
  file("d", "2");
  TestRun run(world_);
  run.copy();
  EXPECT_THAT(run.failures(), ElementsAre("in_the_way d"));
  EXPECT_EQ(world_.read("target/d/x"), "1");
}

TEST_F(Sync, LinkTextsAreCompared) {
  world_.symlink("source/link", "one");
  settle("source/link");
  sync();
  world_.remove("source/link");
  world_.symlink("source/link", "two");
  settle("source/link");
  EXPECT_EQ(sync()->counters.symlinks, 1u);
  EXPECT_EQ(world_.link_target("target/link"), "two");
}

// ---- Hard links

TEST_F(Sync, GroupsOfLinksAreSplit) {
  file("a", "text");
  world_.hard_link("source/a", "source/b");
  sync();
  EXPECT_EQ(inode("target/a"), inode("target/b"));
  world_.remove("source/b");
  file("b", "text");
  sync();
  EXPECT_NE(inode("target/a"), inode("target/b"));
  EXPECT_EQ(world_.status("target/a").st_nlink, 1u);
  EXPECT_EQ(sync()->counters.files, 0u);
}

TEST_F(Sync, GroupsOfLinksAreMerged) {
  file("a", "text");
  file("b", "text");
  sync();
  EXPECT_NE(inode("target/a"), inode("target/b"));
  world_.remove("source/b");
  world_.hard_link("source/a", "source/b");
  sync();
  EXPECT_EQ(inode("target/a"), inode("target/b"));
}

TEST_F(Sync, GroupsOfLinksAreDealtAnew) {
  for (const char* name : {"a", "c"}) file(name, "text");
  world_.hard_link("source/a", "source/b");
  world_.hard_link("source/c", "source/d");
  sync();
  world_.remove("source/b");
  world_.remove("source/d");
  world_.hard_link("source/a", "source/d");
  world_.hard_link("source/c", "source/b");
  sync();
  EXPECT_EQ(inode("target/a"), inode("target/d"));
  EXPECT_EQ(inode("target/b"), inode("target/c"));
  EXPECT_NE(inode("target/a"), inode("target/b"));
  EXPECT_EQ(world_.read("target/b"), "text");
}

TEST_F(Sync, NamesOutsideOfTheTargetKeepTheirFile) {
  file("a", "text");
  sync();
  world_.hard_link("target/a", "snapshot of a");
  world_.chmod("source/a", 0600);
  sync();
  EXPECT_EQ(world_.mode("target/a"), 0600u);
  EXPECT_EQ(world_.mode("snapshot of a"), 0644u) << "another name of the old version was changed with it";
  EXPECT_EQ(world_.read("snapshot of a"), "text");
}

// ---- Options that choose

TEST_F(Sync, UpdateLeavesWhatIsNewer) {
  file("a", "old");
  sync();
  world_.file("target/a", "newer here");
  Options options = archive();
  options.compare.newer_stays = true;
  EXPECT_EQ(sync(options)->counters.skipped, 1u);
  EXPECT_EQ(world_.read("target/a"), "newer here");
}

TEST_F(Sync, ExistingMakesNothingNew) {
  file("a", "one");
  sync();
  file("a", "two2");
  file("b", "new");
  file("d/c", "new");
  Options options = archive();
  options.compare.only_existing = true;
  sync(options);
  EXPECT_EQ(world_.read("target/a"), "two2");
  EXPECT_FALSE(world_.exists("target/b"));
  EXPECT_FALSE(world_.exists("target/d"));
}

TEST_F(Sync, IgnoreExistingTouchesNothingOld) {
  file("a", "one");
  sync();
  file("a", "two2");
  file("b", "new");
  Options options = archive();
  options.compare.only_new = true;
  sync(options);
  EXPECT_EQ(world_.read("target/a"), "one");
  EXPECT_EQ(world_.read("target/b"), "new");
}

TEST_F(Sync, SizesAreLimitedAlsoInNewDirectories) {
  file("d/small", "1");
  file("d/middle", "22");
  file("d/large", "333");
  Options options = archive();
  options.compare.smallest = Bytes(2);
  options.compare.largest = Bytes(2);
  EXPECT_EQ(sync(options)->counters.skipped, 2u);
  EXPECT_TRUE(world_.exists("target/d/middle"));
  EXPECT_FALSE(world_.exists("target/d/small"));
  EXPECT_FALSE(world_.exists("target/d/large"));
}

TEST_F(Sync, SizeOnlyAndChecksumAndAlways) {
  file("a", "text");
  sync();
  world_.file("source/a", "TEXT");
  Options size = archive();
  size.compare.by = Comparison::By::size;
  EXPECT_EQ(sync(size)->counters.files, 0u);
  EXPECT_EQ(world_.read("target/a"), "text");
  unnoticed("target/a", [&] {});
  Options content = archive();
  content.compare.by = Comparison::By::content;
  content.compare.trust_times = true;
  EXPECT_EQ(sync(content)->counters.files, 1u);
  EXPECT_EQ(world_.read("target/a"), "TEXT");
  Options always = archive();
  always.compare.by = Comparison::By::nothing;
  EXPECT_EQ(sync(always)->counters.files, 1u);
}

// ---- Dry runs

TEST_F(Sync, ADryRunSaysTheSameAndWritesNothing) {
  file("same", "1");
  file("changed", "1");
  file("mode", "1");
  file("d/same", "1");
  sync();
  file("changed", "2");
  world_.chmod("source/mode", 0600);
  file("new", "1");
  file("e/new", "1");
  world_.file("target/extra", "1");
  deleting_.emplace();
  Options options = archive();
  options.dry_run = true;
  deleting_->dry_run = true;
  const auto dry = sync(options);
  EXPECT_EQ(world_.read("target/changed"), "1");
  EXPECT_EQ(world_.mode("target/mode"), 0644u);
  EXPECT_FALSE(world_.exists("target/new"));
  EXPECT_TRUE(world_.exists("target/extra"));
  deleting_->dry_run = false;
  const auto real = sync();
  EXPECT_EQ(dry->counters.files, real->counters.files);
  EXPECT_EQ(dry->counters.unchanged, real->counters.unchanged);
  EXPECT_EQ(dry->counters.updated, real->counters.updated);
  EXPECT_EQ(dry->counters.deleted, real->counters.deleted);
  EXPECT_EQ(real->counters.deleted, 1u);
}

/// Sources with hard links, each beside a target in some other state.
void make_links(TempTree& world) {
  world.file("source/new", "new");
  world.hard_link("source/new", "source/new2");
  world.file("source/d/deep", "deep");
  world.hard_link("source/d/deep", "source/d/deep2");
  world.file("source/half", "half");
  world.hard_link("source/half", "source/half2");
  world.file("source/apart", "apart");
  world.hard_link("source/apart", "source/apart2");
  world.file("source/equal", "equal");
  world.hard_link("source/equal", "source/equal2");
  world.file("source/changed", "changed");
  world.hard_link("source/changed", "source/changed2");
  world.file("source/alone", "alone");
  world.symlink("source/link", "text");
  world.hard_link("source/link", "source/link2");
}

TEST_F(Sync, ADryRunTellsLinksFromCopies) {
  for (const unsigned workers : {1u, 4u}) {
    for (const bool only_new : {false, true}) {
      TempTree world;
      make_links(world);
      world.dir("target");
      {
        TestRun first(world, archive(), 1);
        first.copy();
      }
      for (const char* name : {"new", "new2", "d/deep", "d/deep2", "half2"}) world.remove(std::string("target/") + name);
      world.remove("target/d");
      world.remove("target/apart2");
      world.file("target/apart2", "apart");
      world.remove("source/changed");
      world.remove("source/changed2");
      world.file("source/changed", "changed again");
      world.hard_link("source/changed", "source/changed2");
      Options options = archive();
      options.compare.only_new = only_new;
      options.dry_run = true;
      const auto before = world.names("target");
      TestRun dry(world, options, workers);
      dry.copy();
      EXPECT_EQ(world.names("target"), before);
      options.dry_run = false;
      TestRun real(world, options, workers);
      real.copy();
      const std::string which = "workers " + std::to_string(workers) + (only_new ? ", only new" : "");
      EXPECT_THAT(dry.failures(), IsEmpty()) << which;
      EXPECT_EQ(dry.counters.files, real.counters.files) << which;
      EXPECT_EQ(dry.counters.bytes, real.counters.bytes) << which;
      EXPECT_EQ(dry.counters.hard_links, real.counters.hard_links) << which;
      EXPECT_EQ(dry.counters.unchanged, real.counters.unchanged) << which;
      EXPECT_EQ(dry.counters.symlinks, real.counters.symlinks) << which;
      EXPECT_EQ(dry.counters.skipped, real.counters.skipped) << which;
      EXPECT_EQ(real.counters.hard_links, only_new ? 2u : 5u) << which;
    }
  }
}

// ---- What is kept

TEST_F(Sync, BackupsBesideTheOriginal) {
  file("a", "one");
  sync();
  file("a", "two2");
  keep_ = Keeper::Options{.suffix = "~"};
  deleting_.emplace();
  sync();
  EXPECT_EQ(world_.read("target/a"), "two2");
  EXPECT_EQ(world_.read("target/a~"), "one");
  file("a", "three");
  sync();
  EXPECT_EQ(world_.read("target/a~"), "two2");
}

TEST_F(Sync, BackupsBelowAnotherDirectory) {
  file("d/a", "one");
  file("d/gone", "gone");
  file("tree/x/y", "gone too");
  sync();
  file("d/a", "two2");
  world_.remove("source/d/gone");
  world_.remove("source/tree");
  world_.dir("kept");
  keep_ = Keeper::Options{};
  keep_in_ = "kept";
  deleting_.emplace();
  sync();
  EXPECT_EQ(world_.read("kept/d/a"), "one");
  EXPECT_EQ(world_.read("kept/d/gone"), "gone");
  EXPECT_EQ(world_.read("kept/tree/x/y"), "gone too");
  EXPECT_FALSE(world_.exists("target/tree"));
}

TEST_F(Sync, TheTrashKeepsEveryVersion) {
  world_.dir("kept");
  keep_ = Keeper::Options{.replaced = false};
  keep_in_ = "kept";
  deleting_.emplace();
  for (const char* text : {"one", "two"}) {
    world_.file("source/keep", "1");
    world_.file("target/w", text);
    sync();
  }
  EXPECT_EQ(world_.read("kept/w"), "one");
  EXPECT_EQ(world_.read("kept/w.1"), "two");
}

TEST_F(Sync, AKeptDirectoryGivesWayToAFile) {
  file("d/a", "one");
  sync();
  world_.remove("source/d");
  file("d", "two");
  world_.dir("kept");
  keep_ = Keeper::Options{};
  keep_in_ = "kept";
  sync();
  EXPECT_EQ(world_.read("target/d"), "two");
  EXPECT_EQ(world_.read("kept/d/a"), "one");
}

}  // namespace
}  // namespace foxing::copy
