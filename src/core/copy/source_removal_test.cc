// SPDX-License-Identifier: GPL-2.0-or-later
// --remove-source-files: no name goes from the source that the target has not whole.
#include "core/copy/source_removal.h"

#include <gmock/gmock.h>

#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;

constexpr timespec kLongAgo{1'000'000'000, 123'456'789};

class Removal : public ::testing::Test {
 protected:
  void file(const std::string& name, std::string_view content) {
    world_.file("source/" + name, content);
    world_.times("source/" + name, kLongAgo, kLongAgo);
  }
  std::unique_ptr<TestRun> run(const Options& options = archive(), const std::string& faults = "") {
    auto run = std::make_unique<TestRun>(world_, options);
    run->remove_sources = true;
    run->faults = faults;
    run->copy();
    return run;
  }
  TempTree world_;
};

TEST_F(Removal, EverythingButDirectoriesGoes) {
  file("a", "text");
  file("dir/large", random_bytes(2'000'000, 1));
  file("dir/new\nline", "x");
  world_.symlink("source/link", "nowhere");
  world_.fifo("source/dir/fifo");
  const auto done = run();
  EXPECT_THAT(done->failures(), IsEmpty());
  EXPECT_EQ(done->removed.removed, 5u);
  EXPECT_THAT(world_.names("source"), ElementsAre("dir"));
  EXPECT_THAT(world_.names("source/dir"), IsEmpty());
  EXPECT_EQ(world_.read("target/a"), "text");
  EXPECT_EQ(world_.read("target/dir/large").size(), 2'000'000u);
  EXPECT_EQ(world_.read("target/dir/new\nline"), "x");
  EXPECT_EQ(world_.link_target("target/link"), "nowhere");
  EXPECT_TRUE(world_.exists("target/dir/fifo"));
  EXPECT_THAT(run()->failures(), IsEmpty());
  EXPECT_EQ(world_.read("target/a"), "text");
}

TEST_F(Removal, ADryRunRemovesNothing) {
  file("a", "text");
  Options options = archive();
  options.dry_run = true;
  const auto done = run(options);
  EXPECT_EQ(done->removed.removed, 1u);
  EXPECT_EQ(world_.read("source/a"), "text");
  EXPECT_FALSE(world_.exists("target/a"));
}

TEST_F(Removal, WhatIsThereAlreadyIsComparedByItsBytes) {
  file("same", "text");
  file("forged", "right");
  TestRun first(world_);
  first.copy();
  // Later than every change of the source, and of its size and time: the quick check sees nothing.
  world_.overwrite("target/forged", 0, "wrong");
  world_.times("target/forged", kLongAgo, kLongAgo);
  EXPECT_THAT(run()->failures(), IsEmpty());
  EXPECT_THAT(world_.names("source"), IsEmpty());
  EXPECT_EQ(world_.read("target/forged"), "right");
  EXPECT_EQ(world_.read("target/same"), "text");
}

TEST_F(Removal, SizesAreNeverEnough) {
  file("forged", "right");
  world_.file("target/forged", "wrong");
  Options options = archive();
  options.compare.by = Comparison::By::size;
  options.compare.trust_times = true;
  run(options);
  EXPECT_TRUE(world_.exists("source/forged") || world_.read("target/forged") == "right");
}

TEST_F(Removal, WhatHasChangedSinceStays) {
  file("a", "text");
  file("b", "text");
  world_.dir("source/z");
  TestRun run(world_);
  run.remove_sources = true;
  run.before = [&](const std::string& path) {
    if (path != "z/") return;
    world_.overwrite("source/a", 0, "TEXT");  // and the time put back
    world_.times("source/a", kLongAgo, kLongAgo);
  };
  run.copy();
  EXPECT_THAT(run.failures(), ElementsAre("changed_while_read a"));
  EXPECT_THAT(world_.names("source"), ElementsAre("a", "z"));
  EXPECT_EQ(run.removed.removed, 1u);
  EXPECT_EQ(run.removed.kept, 1u);
}

TEST_F(Removal, AnotherFileOfTheNameStays) {
  file("a", "text");
  world_.dir("source/z");
  TestRun run(world_);
  run.remove_sources = true;
  run.before = [&](const std::string& path) {
    if (path != "z/") return;
    world_.file("source/new", "other");
    world_.rename("source/new", "source/a");
  };
  run.copy();
  EXPECT_EQ(world_.read("source/a"), "other");
  EXPECT_EQ(run.failures().size(), 1u);
}

TEST_F(Removal, ADirectoryThatWasSwappedIsNotTouched) {
  file("dir/a", "text");
  file("elsewhere/a", "precious");
  world_.rename("source/elsewhere", "elsewhere");
  TestRun run(world_);
  run.remove_sources = true;
  run.before = [&](const std::string&) {};
  // When everything has been copied, and before anything is removed.
  bool swapped = false;
  run.looked = [&] {
    if (swapped || !world_.exists("target/dir/a")) return;
    swapped = true;
    world_.rename("source/dir", "moved");
    world_.symlink("source/dir", "../elsewhere");
  };
  run.copy();
  if (!swapped) GTEST_SKIP() << "the moment did not come";
  EXPECT_EQ(world_.read("elsewhere/a"), "precious");
  EXPECT_EQ(world_.read("moved/a"), "text");
}

TEST_F(Removal, NamesOfOneFileGoTogether) {
  file("a", "text");
  world_.hard_link("source/a", "source/b");
  world_.hard_link("source/a", "source/dir/c");
  world_.hard_link("source/a", "outside");
  EXPECT_THAT(run()->failures(), IsEmpty());
  EXPECT_THAT(world_.names("source"), ElementsAre("dir"));
  EXPECT_THAT(world_.names("source/dir"), IsEmpty());
  EXPECT_EQ(world_.read("outside"), "text");
  EXPECT_EQ(world_.status("target/a").st_ino, world_.status("target/dir/c").st_ino);
}

TEST_F(Removal, OneNameThatIsNotPlacedKeepsThemAll) {
  file("a", "text");
  world_.hard_link("source/a", "source/b");
  file("other", "goes");
  world_.file("target/b/in the way", "x");
  const auto done = run();
  EXPECT_THAT(done->failures().size(), 2u);
  EXPECT_THAT(world_.names("source"), ElementsAre("a", "b"));
}

TEST_F(Removal, ALinkThatBecameAFileOfItsOwnKeepsThemAll) {
  FOXING_NEEDS_FAULTS();
  file("a", "text");
  world_.hard_link("source/a", "source/b");
  run(archive(), "linkat:2:EMLINK");
  EXPECT_THAT(world_.names("source"), ElementsAre("a", "b"));
}

TEST_F(Removal, ANameThatCouldNotBeLookedAtKeepsGroupsThatMayBeItsOwn) {
  FOXING_NEEDS_FAULTS();
  file("a", "text");
  world_.hard_link("source/a", "source/b");
  for (int n = 1; n <= 6; ++n) {
    SCOPED_TRACE(n);
    world_.remove("target");
    const auto done = run(archive(), "openat:" + std::to_string(n) + ":EIO");
    if (done->failures().empty()) break;
    EXPECT_THAT(world_.names("source"), ElementsAre("a", "b"));
  }
}

TEST_F(Removal, WithoutHardLinksEachNameIsItsOwn) {
  file("a", "text");
  world_.hard_link("source/a", "source/b");
  Options options = archive();
  options.hard_links = false;
  EXPECT_THAT(run(options)->failures(), IsEmpty());
  EXPECT_THAT(world_.names("source"), IsEmpty());
  EXPECT_EQ(world_.read("target/b"), "text");
}

TEST_F(Removal, WhatLostSomethingStays) {
  FOXING_NEEDS_FAULTS();
  file("a", "text");
  if (!world_.set_xattr("source/a", "user.name", "value")) GTEST_SKIP() << "no attributes here";
  const auto done = run(archive(), "setxattr:1+:EOPNOTSUPP");
  EXPECT_THAT(done->failures(), ElementsAre("xattr a"));
  EXPECT_EQ(world_.read("source/a"), "text");
}

TEST_F(Removal, WhatAnOptionLeftAloneStays) {
  file("a", "text");
  world_.file("target/a", "newer");
  file("new", "text");
  Options options = archive();
  options.compare.only_existing = true;
  options.compare.newer_stays = true;
  run(options);
  EXPECT_THAT(world_.names("source"), ElementsAre("a", "new"));
  options = archive();
  options.compare.only_new = true;
  run(options);
  EXPECT_THAT(world_.names("source"), ElementsAre("a"));
  options = archive();
  options.compare.smallest = Bytes(100);
  run(options);
  EXPECT_THAT(world_.names("source"), ElementsAre("a"));
}

TEST_F(Removal, WhatOnlyAReferenceHasStays) {
  file("a", "text");
  world_.file("reference/a", "text");
  world_.times("reference/a", kLongAgo, kLongAgo);
  References references{.use = References::Use::compare, .directories = {}};
  references.directories.push_back(*sys::open_at(sys::working_directory(), world_.at("reference"), {.directory = true}));
  Options options = archive();
  options.references = &references;
  run(options);
  EXPECT_FALSE(world_.exists("target/a"));
  EXPECT_EQ(world_.read("source/a"), "text");
}

TEST_F(Removal, AReferenceIsComparedByItsBytes) {
  file("a", "right");
  for (const auto use : {References::Use::link, References::Use::copy}) {
    if (!world_.exists("source/a")) file("a", "right");
    world_.remove("reference");
    world_.remove("target");
    world_.file("reference/a", "wrong");
    world_.times("reference/a", kLongAgo, kLongAgo);
    References references{.use = use, .directories = {}};
    references.directories.push_back(*sys::open_at(sys::working_directory(), world_.at("reference"), {.directory = true}));
    Options options = archive();
    options.references = &references;
    run(options);
    EXPECT_EQ(world_.read("target/a"), "right");
  }
}

TEST_F(Removal, TheFileItselfUnderItsOtherNameStays) {
  file("a", "text");
  world_.dir("target");
  world_.hard_link("source/a", "target/a");
  run();
  EXPECT_EQ(world_.read("source/a"), "text");
}

TEST_F(Removal, WithoutAFlushNothingGoes) {
  FOXING_NEEDS_FAULTS();
  file("a", "text");
  EXPECT_EQ(run(archive(), "syncfs:1+:EIO")->failures().size(), 1u);
  EXPECT_EQ(world_.read("source/a"), "text");
  Options options = archive();
  options.durable = true;
  for (const char* fault : {"syncfs:1:EIO", "syncfs:2:EIO"}) {
    world_.remove("target");
    run(options, fault);
    EXPECT_EQ(world_.read("source/a"), "text") << fault;
  }
}

TEST_F(Removal, AFailureToRemoveIsSaid) {
  FOXING_NEEDS_FAULTS();
  file("a", "text");
  file("b", "text");
  const auto done = run(archive(), "unlinkat:1:EACCES");
  EXPECT_EQ(done->failures().size(), 1u);
  EXPECT_EQ(done->removed.removed, 1u);
  EXPECT_EQ(done->removed.kept, 1u);
}

}  // namespace
}  // namespace foxing::copy
