// SPDX-License-Identifier: GPL-2.0-or-later
// Directories that need no look: when they are believed, and everything that must make them be looked at.
#include <gmock/gmock.h>

#include "core/copy/test_run.h"
#include "core/signature/store.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::random_bytes;
using testing::TempTree;

constexpr timespec kLongAgo{1'000'000'000, 123'456'789};

class Pruned : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.file("probe", "");
    if (!world_.set_xattr("probe", "user.probe", "x")) GTEST_SKIP() << "no user attributes on " << world_.path();
    world_.file("source/top", "top");
    world_.file("source/a/one", "one");
    world_.file("source/a/two", random_bytes(70'000, 1));
    world_.file("source/a/deep/er/three", "three");
    world_.symlink("source/a/deep/link", "er");
    world_.dir("source/a/empty");
    world_.file("source/b/four", "four");
    for (const char* name : {"top", "a/one", "a/two", "a/deep/er/three", "b/four"})
      world_.times(std::string("source/") + name, kLongAgo, kLongAgo);
    settle();
    run();
    ASSERT_EQ(hashes(), kAll) << "the first run leaves them all";
  }
  static inline const std::vector<std::string> kAll{"", "a", "a/deep", "a/deep/er", "a/empty", "b"};

  /// All of the source is old enough to be believed.
  void settle() {
    world_.file("clock", "");
    let_age(world_, "clock");
  }
  std::unique_ptr<TestRun> prepared(Options options = signing()) {
    auto run = std::make_unique<TestRun>(world_, options);
    run->hashed_as = decisive_;
    run->deleting = Deleting{};
    return run;
  }
  /// A run that must go well.
  std::unique_ptr<TestRun> run(Options options = signing()) {
    auto run = prepared(options);
    run->copy();
    EXPECT_THAT(run->failures(), IsEmpty());
    return run;
  }
  /// The directories of the target that have a hash.
  std::vector<std::string> hashes() const {
    std::vector<std::string> found;
    for (const std::string& name : kAll) {
      if (world_.exists("target/" + name) && world_.xattr("target/" + name, signature::kDirHashAttribute) != "(none)")
        found.push_back(name);
    }
    return found;
  }
  template <class Do>
  void unnoticed(const std::string& name, Do what) {
    const struct stat before = world_.status(name);
    what();
    world_.times(name, before.st_atim, before.st_mtim);
  }
  std::string content(const std::string& name) { return world_.read(name); }

  TempTree world_;
  std::string decisive_ = "options";
};

TEST_F(Pruned, AnUnchangedTreeIsNotLookedAt) {
  // Whatever others do below it in the target stays: that is what pruning assumes.
  unnoticed("target/a/deep", [&] { world_.file("target/a/deep/extra", "extra"); });
  const auto again = run();
  EXPECT_EQ(again->counters.pruned, 1u);
  EXPECT_EQ(again->counters.entries, 12u);
  EXPECT_EQ(again->counters.directories, 6u);
  EXPECT_EQ(again->counters.unchanged, 6u);
  EXPECT_EQ(again->counters.files, 0u);
  EXPECT_TRUE(world_.exists("target/a/deep/extra"));
  EXPECT_EQ(hashes(), kAll);
}

TEST_F(Pruned, WhatIsNotBelievedIsLookedAt) {
  unnoticed("target/a/deep", [&] { world_.file("target/a/deep/extra", "extra"); });
  auto looking = prepared();
  looking->believes = false;
  looking->copy();
  EXPECT_EQ(looking->counters.pruned, 0u);
  EXPECT_FALSE(world_.exists("target/a/deep/extra"));
  EXPECT_EQ(hashes(), kAll);
}

TEST_F(Pruned, OtherOptionsLookAtEverything) {
  decisive_ = "other options";
  EXPECT_EQ(run()->counters.pruned, 0u);
  EXPECT_EQ(run()->counters.pruned, 1u);
  decisive_ = "options";
  EXPECT_EQ(run()->counters.pruned, 0u);
}

TEST_F(Pruned, ADryRunPrunesAndChangesNothing) {
  Options options = signing();
  options.dry_run = true;
  world_.file("source/b/new", "new");
  const auto dry = run(options);
  EXPECT_EQ(dry->counters.pruned, 1u);
  EXPECT_EQ(dry->counters.files, 1u);
  EXPECT_FALSE(world_.exists("target/b/new"));
  EXPECT_EQ(hashes(), kAll);
}

TEST_F(Pruned, RunsThatLeaveNoSignaturesBelieveAndForget) {
  world_.file("source/b/new", "new");
  settle();
  const auto plain = run(archive());
  EXPECT_EQ(plain->counters.pruned, 1u);
  EXPECT_THAT(hashes(), ElementsAre("a", "a/deep", "a/deep/er", "a/empty"));
}

TEST_F(Pruned, AccessTimesOfDirectoriesDoNotCount) {
  world_.times("source/a", {1'500'000'000, 0}, world_.status("source/a").st_mtim);
  world_.times("source", {1'500'000'000, 0}, world_.status("source").st_mtim);
  // Setting them has moved ctime: a's is in the root's hash, the root's in none.
  EXPECT_EQ(run()->counters.pruned, 2u) << "a and b";
  world_.times("target", {1'400'000'000, 0}, world_.status("target").st_mtim);
  settle();
  run();
  EXPECT_EQ(run()->counters.pruned, 1u);
}

// ---- Every change below

struct Change {
  const char* name;
  void (*make)(const TempTree& world);
};
class AnyChange : public Pruned, public ::testing::WithParamInterface<Change> {};
INSTANTIATE_TEST_SUITE_P(
    Kinds, AnyChange,
    ::testing::Values(
        Change{"edit",
               [](const TempTree& world) {
                 const struct stat before = world.status("source/a/deep/er/three");
                 world.overwrite("source/a/deep/er/three", 0, "THREE");
                 world.times("source/a/deep/er/three", before.st_atim, before.st_mtim);
               }},
        Change{"mode", [](const TempTree& world) { world.chmod("source/a/deep/er/three", 0600); }},
        Change{"mode_of_a_directory", [](const TempTree& world) { world.chmod("source/a/deep/er", 0711); }},
        Change{"attribute", [](const TempTree& world) { world.set_xattr("source/a/deep/er/three", "user.new", "x"); }},
        Change{"attribute_of_a_directory", [](const TempTree& world) { world.set_xattr("source/a/deep/er", "user.new", "x"); }},
        Change{"rename",
               [](const TempTree& world) {
                 const struct stat before = world.status("source/a/deep/er");
                 world.rename("source/a/deep/er/three", "source/a/deep/er/drei");
                 world.times("source/a/deep/er", before.st_atim, before.st_mtim);
               }},
        Change{"new_empty_file",
               [](const TempTree& world) {
                 const struct stat before = world.status("source/a/deep/er");
                 world.file("source/a/deep/er/new", "");
                 world.times("source/a/deep/er", before.st_atim, before.st_mtim);
               }},
        Change{"new_directory", [](const TempTree& world) { world.dir("source/a/deep/er/new"); }},
        Change{"deleted", [](const TempTree& world) { world.remove("source/a/deep/er/three"); }},
        Change{"deleted_directory", [](const TempTree& world) { world.remove("source/a/deep/er"); }},
        Change{"link_text",
               [](const TempTree& world) {
                 const struct stat before = world.status("source/a/deep/link");
                 const struct stat directory = world.status("source/a/deep");
                 world.remove("source/a/deep/link");
                 world.symlink("source/a/deep/link", "re");
                 world.times("source/a/deep/link", before.st_atim, before.st_mtim);
                 world.times("source/a/deep", directory.st_atim, directory.st_mtim);
               }},
        Change{"hard_link", [](const TempTree& world) { world.hard_link("source/a/deep/er/three", "source/a/deep/er/3"); }},
        Change{"hard_link_elsewhere", [](const TempTree& world) { world.hard_link("source/a/deep/er/three", "source/b/3"); }},
        Change{"retyped",
               [](const TempTree& world) {
                 world.remove("source/a/deep/er/three");
                 world.fifo("source/a/deep/er/three");
               }}),
    [](const auto& change) { return change.param.name; });

TEST_P(AnyChange, IsFollowedAndAfterwardsBelieved) {
  GetParam().make(world_);
  settle();
  const auto changed = run();
  EXPECT_THAT(world_.names("target/a/deep"), world_.names("source/a/deep"));
  if (world_.exists("source/a/deep/er")) {
    EXPECT_THAT(world_.names("target/a/deep/er"), world_.names("source/a/deep/er"));
    EXPECT_EQ(world_.mode("target/a/deep/er"), world_.mode("source/a/deep/er"));
    EXPECT_EQ(world_.xattr("target/a/deep/er", "user.new"), world_.xattr("source/a/deep/er", "user.new"));
    for (const std::string& name : world_.names("source/a/deep/er")) {
      const std::string source = "source/a/deep/er/" + name, target = "target/a/deep/er/" + name;
      const struct stat a = world_.status(source), b = world_.status(target);
      EXPECT_EQ(a.st_mode, b.st_mode) << name;
      EXPECT_EQ(a.st_nlink, b.st_nlink) << name;
      EXPECT_EQ(world_.xattr(source, "user.new"), world_.xattr(target, "user.new")) << name;
      if (S_ISREG(a.st_mode)) {
        EXPECT_EQ(world_.read(source), world_.read(target)) << name;
      }
    }
  }
  EXPECT_EQ(world_.link_target("target/a/deep/link"), world_.link_target("source/a/deep/link"));
  EXPECT_EQ(run()->counters.files, 0u);
  EXPECT_EQ(run()->counters.pruned, 1u) << "the change has been followed: all is believed again";
}

TEST_F(Pruned, AHardLinkThatMovesWithItsDirectoryStaysOne) {
  world_.hard_link("source/a/one", "source/b/uno");
  settle();
  run();
  world_.rename("source/b", "source/c");  // leaves ctime of uno alone, and a as it was
  settle();
  run();
  EXPECT_EQ(world_.status("target/a/one").st_ino, world_.status("target/c/uno").st_ino);
  // Where all names lie below, the directory that holds them all is believed.
  EXPECT_EQ(run()->counters.pruned, 1u);
  Options apart = signing();
  apart.hard_links = false;
  decisive_ = "without hard links";
  run(apart);
  EXPECT_EQ(run(apart)->counters.pruned, 1u);
}

// ---- What prevents that a hash is stored

TEST_F(Pruned, AFailureBelowLeavesNoHashAbove) {
  FOXING_NEEDS_FAULTS();
  world_.file("source/a/deep/er/new", random_bytes(5000, 3));
  settle();
  auto failing = prepared();
  failing->faults = "tmpfile:1+:EACCES";
  failing->copy();
  EXPECT_THAT(failing->failures(), Not(IsEmpty()));
  EXPECT_THAT(hashes(), ElementsAre("a/empty", "b")) << "neither a/deep/er nor what lies above it";
  EXPECT_EQ(run()->counters.files, 1u);
  EXPECT_EQ(hashes(), kAll);
}

TEST_F(Pruned, AnAttributeThatIsLostLeavesNoHashAbove) {
  FOXING_NEEDS_FAULTS();
  world_.set_xattr("source/a/deep/er/three", "user.large", "x");
  settle();
  auto losing = prepared(archive());
  losing->faults = "setxattr:1+:ENOSPC";
  losing->copy();
  EXPECT_THAT(hashes(), ElementsAre("a/empty", "b"));
  run();
  EXPECT_EQ(world_.xattr("target/a/deep/er/three", "user.large"), "x");
}

TEST_F(Pruned, WhatVanishesWhileItIsCopiedLeavesNoHashAbove) {
  world_.file("source/a/deep/er/new", "new");
  settle();
  auto run = prepared();
  run->before = [&](const std::string& path) {
    if (path == "a/deep/er/new") world_.remove("source/a/deep/er/new");
  };
  run->copy();
  EXPECT_THAT(hashes(), ElementsAre("a/empty", "b"));
}

TEST_F(Pruned, AStopLeavesNoHashOfWhatWasNotDone) {
  world_.file("source/a/deep/er/new", "new");
  settle();
  auto run = prepared();
  run->before = [&](const std::string& path) {
    if (path == "a/deep/er/new") sys::request_stop();
  };
  run->copy();
  for (const std::string& name : hashes()) EXPECT_THAT(name, ::testing::AnyOf("a/empty", "b"));
}

TEST_F(Pruned, NoHashIsLeftWhileAnythingBelowChanges) {
  world_.file("source/a/deep/er/new", "new");
  settle();
  auto run = prepared();
  std::vector<std::string> meanwhile{"not asked"};
  run->before = [&](const std::string& path) {
    if (path == "a/deep/er/new") meanwhile = hashes();
  };
  run->copy();
  for (const std::string& name : meanwhile) EXPECT_THAT(name, ::testing::AnyOf("a/empty", "b"));
  EXPECT_EQ(hashes(), kAll);
}

TEST_F(Pruned, ADeletionThatFailsLeavesNoHashAbove) {
  FOXING_NEEDS_FAULTS();
  world_.remove("source/a/deep/er/three");
  settle();
  auto failing = prepared();
  failing->faults = "unlinkat:1+:EPERM";
  failing->copy();
  EXPECT_THAT(failing->failures(), Not(IsEmpty()));
  EXPECT_TRUE(world_.exists("target/a/deep/er/three"));
  EXPECT_THAT(hashes(), ElementsAre("a/empty", "b"));
  run();
  EXPECT_FALSE(world_.exists("target/a/deep/er/three"));
}

TEST_F(Pruned, NothingIsStoredWhenTheTargetDoesNotGetToDisk) {
  FOXING_NEEDS_FAULTS();
  world_.file("source/a/deep/er/new", "new");
  settle();
  auto failing = prepared();
  failing->faults = "syncfs:1+:EIO";
  failing->copy();
  EXPECT_THAT(failing->failures(), ElementsAre("failed hashes"));
  EXPECT_THAT(hashes(), ElementsAre("a/empty", "b"));
}

TEST_F(Pruned, AfterAFailedFlushNothingIsStoredAnyMore) {
  FOXING_NEEDS_FAULTS();
  Subtrees subtrees({});
  const Pruning pruning{.subtrees = &subtrees, .options = {}, .store = true};
  {
    walk::Walk walk(subtrees, {.workers = 1, .descriptor_limit = 100});
    auto from = sys::open_at(sys::working_directory(), world_.at("source"), {.directory = true});
    const auto status = sys::status_of(*from);
    walk.add_root(std::move(*from), *status, "source", nullptr);
    walk.run();
  }
  signature::Store store;
  TempNames names;
  DirectoryHashes hashes(pruning, store, names);
  auto root = sys::open_at(sys::working_directory(), world_.at("target"), {.directory = true});
  auto fd = sys::duplicate(*root);
  const auto status = sys::status_of(*root);
  Pairs pairs;
  Pair* pair = *pairs.of(*root, status->device(), *root, status->device());
  TargetDirectory target(std::move(*fd), *status, *pair, false, {});
  const FileKey source = sys::status_at(sys::working_directory(), world_.at("source"))->key();
  ASSERT_TRUE(hashes.forget(target));
  ASSERT_TRUE(hashes.note(source, target, *root));
  {
    const sys::FaultPlan faults("syncfs:1:EIO");  // told once
    EXPECT_FALSE(hashes.flush(*root));
  }
  ASSERT_TRUE(hashes.note(source, target, *root));
  EXPECT_TRUE(hashes.flush(*root));
  EXPECT_EQ(world_.xattr("target", signature::kDirHashAttribute), "(none)");
}

TEST_F(Pruned, WhatWasTouchedAMomentAgoIsNotStored) {
  auto run = prepared();
  world_.file("source/a/deep/er/new", "new");
  run->between = [&] { settle(); };  // what counts is the moment of the look
  run->copy();
  EXPECT_THAT(hashes(), ElementsAre("a/empty", "b"));
}

TEST_F(Pruned, WhatChangesAfterTheLookIsSeenByTheNextRun) {
  decisive_ = "others";  // so that all is visited
  auto run_meanwhile = prepared();
  run_meanwhile->between = [&] { unnoticed("source/b/four", [&] { world_.overwrite("source/b/four", 0, "FOUR"); }); };
  // Overwritten once more when it has been copied.
  run_meanwhile->copy();
  unnoticed("source/b/four", [&] { world_.overwrite("source/b/four", 0, "four"); });
  settle();
  EXPECT_GE(run()->counters.files, 1u);
  EXPECT_EQ(world_.read("target/b/four"), "four");
}

// ---- Where a hash is not what it seems

TEST_F(Pruned, AHashOnACopiedDirectoryIsNotBelieved) {
  ASSERT_EQ(std::system(("cp -a '" + world_.at("target") + "' '" + world_.at("elsewhere") + "'").c_str()), 0);
  ASSERT_NE(world_.xattr("elsewhere/a", signature::kDirHashAttribute), "(none)") << "cp takes it along";
  unnoticed("elsewhere/a/deep/er", [&] { world_.remove("elsewhere/a/deep/er/three"); });
  auto there = prepared();
  there->copy("source", "elsewhere");
  EXPECT_EQ(there->counters.pruned, 0u);
  EXPECT_EQ(world_.read("elsewhere/a/deep/er/three"), "three");
}

TEST_F(Pruned, AForgedHashIsNotBelieved) {
  unnoticed("target/a/deep/er", [&] { world_.remove("target/a/deep/er/three"); });
  world_.set_xattr("source/a/deep/er", "user.reason to look", "x");
  const std::string whole = world_.xattr("target/a", signature::kDirHashAttribute);
  ASSERT_EQ(whole.size(), 64u);
  const std::string of_another = world_.xattr("target/b", signature::kDirHashAttribute);
  for (const std::string& forged : {random_bytes(64, 5), whole.substr(0, 40), std::string(), of_another, whole + 'x'}) {
    for (const char* name : {"target", "target/a", "target/a/deep", "target/a/deep/er"})
      world_.set_xattr(name, signature::kDirHashAttribute, forged);
    run();
    EXPECT_EQ(world_.read("target/a/deep/er/three"), "three");
    unnoticed("target/a/deep/er", [&] { world_.remove("target/a/deep/er/three"); });
    world_.set_xattr("source/a/deep/er", "user.reason to look", std::to_string(forged.size()) + forged.substr(0, 1));
  }
}

TEST_F(Pruned, AnotherDirectoryInItsPlaceIsNotBelieved) {
  world_.rename("target/a", "aside");
  world_.dir("target/a");
  world_.set_xattr("target/a", signature::kDirHashAttribute, world_.xattr("aside", signature::kDirHashAttribute));
  run();
  EXPECT_EQ(world_.read("target/a/deep/er/three"), "three");
}

TEST_F(Pruned, TheDirectoryItselfMustBeEqualToo) {
  world_.chmod("target", 0700);
  EXPECT_EQ(run()->counters.pruned, 2u) << "a and b; the root was put right";
  EXPECT_EQ(world_.mode("target"), world_.mode("source"));
}

TEST_F(Pruned, ADirectoryWithoutAHashIsEnteredAndWhatLiesBelowIsBelieved) {
  ASSERT_EQ(::lremovexattr(world_.at("target").c_str(), signature::kDirHashAttribute), 0);
  EXPECT_EQ(run()->counters.pruned, 2u);
  EXPECT_EQ(hashes(), kAll);
}

TEST_F(Pruned, WithoutAttributesHashesLieInTheSidecar) {
  FOXING_NEEDS_FAULTS();
  world_.remove("target");
  const auto run_there = [&] {
    auto run = prepared();
    run->faults = "setxattr:1+:EOPNOTSUPP,getxattr:1+:EOPNOTSUPP,listxattr:1+:EOPNOTSUPP,removexattr:1+:EOPNOTSUPP";
    run->copy();
    EXPECT_THAT(run->failures(), IsEmpty());
    return run;
  };
  run_there();
  EXPECT_TRUE(world_.exists("target/a/empty/.foxing_meta"));
  EXPECT_EQ(run_there()->counters.pruned, 1u);
  unnoticed("source/a/one", [&] { world_.overwrite("source/a/one", 0, "ONE"); });
  settle();
  EXPECT_EQ(run_there()->counters.files, 1u);
  EXPECT_EQ(world_.read("target/a/one"), "ONE");
  EXPECT_EQ(run_there()->counters.pruned, 1u);
}

TEST(SubtreesOfAWalk, KnowWhichLinksLeaveThem) {
  TempTree world;
  world.file("source/in/a", "a");
  world.hard_link("source/in/a", "source/in/sub/b");
  world.file("source/out/c", "c");
  world.hard_link("source/out/c", "outside");
  world.file("source/single/d", "d");
  Subtrees subtrees({});
  walk::Walk walk(subtrees, {.workers = 2, .descriptor_limit = 100});
  auto from = sys::open_at(sys::working_directory(), world.at("source"), {.directory = true});
  const auto status = sys::status_of(*from);
  walk.add_root(std::move(*from), *status, "source", nullptr);
  walk.run();
  const auto leave = [&](const std::string& name) {
    const Subtree* found = subtrees.find(sys::status_at(sys::working_directory(), world.at(name))->key());
    EXPECT_NE(found, nullptr) << name;
    return found == nullptr || found->links_elsewhere != 0;
  };
  EXPECT_FALSE(leave("source/in"));
  EXPECT_TRUE(leave("source/in/sub"));
  EXPECT_TRUE(leave("source/out"));
  EXPECT_FALSE(leave("source/single"));
  EXPECT_TRUE(leave("source"));
}

}  // namespace
}  // namespace foxing::copy
