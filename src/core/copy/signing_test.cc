// SPDX-License-Identifier: GPL-2.0-or-later
// Signatures as the copier leaves and believes them: whole runs on real files.
#include <gmock/gmock.h>

#include "core/copy/delta.h"
#include "core/copy/test_run.h"
#include "core/signature/hashing.h"
#include "core/signature/store.h"

namespace foxing::copy {
namespace {

using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;

constexpr timespec kLongAgo{1'000'000'000, 123'456'789};

class Signing : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.file("probe", "");
    if (!world_.set_xattr("probe", "user.probe", "x")) GTEST_SKIP() << "no user attributes on " << world_.path();
  }
  /// A file with old times that have settled.
  void file(const std::string& name, std::string_view content) {
    world_.file("source/" + name, content);
    world_.times("source/" + name, kLongAgo, kLongAgo);
    let_age(world_, "source/" + name);
  }
  std::unique_ptr<TestRun> sync(Options options = signing()) {
    auto run = std::make_unique<TestRun>(world_, options);
    run->copy();
    EXPECT_THAT(run->failures(), IsEmpty());
    let_window_pass();
    return run;
  }
  /// What the signature of a file in the target says now.
  signature::Found<signature::FileSignature> signature_on(const std::string& name) {
    const auto directory = sys::open_at(sys::working_directory(), world_.at("target"), {.directory = true});
    const auto file = sys::open_beneath(*directory, name, {.keep_atime = true});
    EXPECT_TRUE(file);
    if (!file) return {};
    signature::Sidecar sidecar;
    return signature::Store().read({*directory, sidecar, name, {*file}}, *sys::status_of(*file));
  }
  /// It holds, and is that of the file's bytes.
  void expect_signed(const std::string& name) {
    const auto found = signature_on(name);
    ASSERT_TRUE(found.value) << name << " has no signature that holds: " << static_cast<int>(found.ignored);
    const auto file = sys::open_at(sys::working_directory(), world_.at("target/" + name), {.keep_atime = true});
    const auto content = signature::hash_file(*file, sys::status_of(*file)->size());
    ASSERT_TRUE(content);
    EXPECT_EQ(found.value->root, content->root) << name;
  }
  template <class Do>
  void unnoticed(const std::string& name, Do what) {
    const struct stat before = world_.status(name);
    what();
    world_.times(name, before.st_atim, before.st_mtim);
  }

  TempTree world_;
};

TEST_F(Signing, EveryRegularFileHasASignatureThatHoldsAfterTheCopy) {
  file("small", "text");
  file("empty", "");
  file("deep/er/large", random_bytes(3'000'000, 1));
  const auto run = sync();
  for (const char* name : {"small", "empty", "deep/er/large"}) expect_signed(name);
  EXPECT_EQ(run->counters.signed_files, 3u);
  EXPECT_EQ(run->counters.signatures_ignored, 0u);
  const auto again = sync();
  EXPECT_EQ(again->counters.signed_files, 0u);
  EXPECT_EQ(again->counters.signatures_ignored, 0u);
  EXPECT_EQ(again->counters.unchanged, 3u);
}

TEST_F(Signing, NoneIsLeftUnlessAsked) {
  file("a", "text");
  sync(archive());
  EXPECT_EQ(world_.xattr("target/a", signature::kSigAttribute), "(none)");
}

TEST_F(Signing, WhatWasCopiedBeforeIsSignedWithoutACopy) {
  file("a", random_bytes(200'000, 2));
  sync(archive());
  const auto run = sync();
  EXPECT_EQ(run->counters.files, 0u);
  EXPECT_EQ(run->counters.signed_files, 1u);
  expect_signed("a");
}

TEST_F(Signing, DirectoriesAreNotCountedAsFiles) {
  file("a/b", "text");
  let_age(world_, "source/a");
  TestRun run(world_, signing());
  run.hashed_as = "options";
  run.copy();
  EXPECT_EQ(run.counters.signed_files, 1u);
  EXPECT_EQ(run.counters.hashed_directories, 2u);
}

TEST_F(Signing, AFileWithSeveralNamesIsSignedWhenItHasThemAll) {
  world_.file("source/a", "text");
  world_.hard_link("source/a", "source/b");
  world_.hard_link("source/a", "source/sub/c");
  file("other", "x");
  sync();
  EXPECT_EQ(world_.status("target/a").st_nlink, 3u);
  for (const char* name : {"a", "b", "sub/c"}) expect_signed(name);
  // One more name, made by a later run.
  world_.hard_link("source/a", "source/d");
  sync();
  EXPECT_EQ(world_.status("target/a").st_nlink, 4u);
  expect_signed("d");
}

TEST_F(Signing, AttributesThatWeSetLeaveTheSignatureValid) {
  file("a", random_bytes(100'000, 3));
  sync();
  world_.chmod("source/a", 0640);
  world_.set_xattr("source/a", "user.colour", "blue");
  let_age(world_, "source/a");
  const auto run = sync();
  EXPECT_EQ(run->counters.updated, 1u);
  EXPECT_EQ(run->counters.files, 0u);
  expect_signed("a");
  EXPECT_EQ(sync()->counters.signatures_ignored, 0u);
}

TEST_F(Signing, OnFilesystemsWithoutAttributesTheyLieBeside) {
  FOXING_NEEDS_FAULTS();
  file("sub/a", random_bytes(100'000, 4));
  const std::string none = "setxattr:1+:EOPNOTSUPP,getxattr:1+:EOPNOTSUPP,listxattr:1+:EOPNOTSUPP,removexattr:1+:EOPNOTSUPP";
  const auto run_there = [&] {
    auto run = std::make_unique<TestRun>(world_, signing());
    run->faults = none;
    run->copy();
    EXPECT_THAT(run->failures(), IsEmpty());
    let_window_pass();
    return run;
  };
  EXPECT_EQ(run_there()->counters.signed_files, 1u);
  EXPECT_TRUE(world_.exists("target/sub/.foxing_meta"));
  EXPECT_EQ(world_.status("target/sub").st_mtim.tv_sec, world_.status("source/sub").st_mtim.tv_sec);
  const auto again = run_there();
  EXPECT_EQ(again->counters.signed_files, 0u);
  EXPECT_EQ(again->counters.unchanged, 1u);
  unnoticed("target/sub/a", [&] { world_.overwrite("target/sub/a", 10, "damage"); });
  EXPECT_EQ(run_there()->counters.files, 1u);
  EXPECT_TRUE(world_.read("target/sub/a") == world_.read("source/sub/a"));
}

// ---- Stale, damaged, of other files

TEST_F(Signing, ATargetThatWasTouchedBehindItsTimesIsFoundAndPutRight) {
  file("a", "text");
  sync();
  unnoticed("target/a", [&] { world_.overwrite("target/a", 0, "TEXT"); });
  sync(archive());
  EXPECT_EQ(world_.read("target/a"), "TEXT") << "the quick check alone cannot see it";
  const auto run = sync();
  EXPECT_EQ(run->counters.signatures_ignored, 1u) << "counted once";
  EXPECT_EQ(run->counters.files, 1u);
  EXPECT_EQ(world_.read("target/a"), "text");
  expect_signed("a");
}

TEST_F(Signing, AnInnocentTouchIsLookedAtAndSignedAgain) {
  file("a", random_bytes(100'000, 5));
  sync();
  const auto inode = world_.status("target/a").st_ino;
  world_.chmod("target/a", 0600);
  world_.chmod("target/a", 0644);
  const auto run = sync();
  EXPECT_EQ(run->counters.files, 0u);
  EXPECT_EQ(run->counters.signatures_ignored, 1u);
  EXPECT_EQ(run->counters.signed_files, 1u);
  EXPECT_EQ(world_.status("target/a").st_ino, inode);
  expect_signed("a");
}

TEST_F(Signing, ASourceThatWasEditedBehindItsTimesIsFound) {
  file("a", random_bytes(200'000, 6));
  sync();
  unnoticed("source/a", [&] { world_.overwrite("source/a", 100'000, "edited"); });
  let_age(world_, "source/a");
  const auto run = sync();
  EXPECT_EQ(run->counters.files, 1u);
  EXPECT_TRUE(world_.read("target/a") == world_.read("source/a"));
  expect_signed("a");
}

TEST_F(Signing, ASourceWithAnotherTimeAndTheSameDataIsKnownByItsHash) {
  file("a", random_bytes(200'000, 7));
  sync();
  world_.times("source/a", kLongAgo, {2'000'000'000, 1});
  let_age(world_, "source/a");
  const auto inode = world_.status("target/a").st_ino;
  const auto run = sync();
  EXPECT_EQ(run->counters.updated, 1u);
  EXPECT_EQ(world_.status("target/a").st_ino, inode);
  expect_signed("a");
}

/// Whoever is copied while it moves: the signature must speak of the copy and promise nothing about the source.
TEST_F(Signing, ASourceOfThisVeryMomentIsNotKnownByItsTimes) {
  world_.file("source/a", "text");  // ctime: now
  sync();
  const auto found = signature_on("a");
  ASSERT_TRUE(found.value);
  EXPECT_EQ(found.value->source.changed.tv_sec, 0);
  expect_signed("a");
  let_age(world_, "source/a");
  sync();
  EXPECT_EQ(signature_on("a").value->source.changed.tv_sec, world_.status("source/a").st_ctim.tv_sec);
}

/// --size-only and --trust-times call equal what they have not looked at: no later run may take that for a comparison.
TEST_F(Signing, WhatAnOptionCalledEqualIsNotVouchedFor) {
  for (const bool by_size : {true, false}) {
    file("a", "text");
    sync();
    if (by_size) {
      file("a", "TEXT");
      world_.times("source/a", kLongAgo, {1'100'000'000, 1});
    } else {
      unnoticed("source/a", [&] { world_.overwrite("source/a", 0, "TEXT"); });
    }
    let_age(world_, "source/a");
    Options less = signing();
    if (by_size) {
      less.compare.by = Comparison::By::size;
    } else {
      less.compare.trust_times = true;
    }
    EXPECT_EQ(sync(less)->counters.files, 0u);
    EXPECT_EQ(sync(less)->counters.files, 0u);
    EXPECT_EQ(world_.read("target/a"), "text");
    sync();
    EXPECT_EQ(world_.read("target/a"), "TEXT") << (by_size ? "--size-only" : "--trust-times");
    world_.remove("source/a");
    world_.remove("target");
  }
}

class Forged : public Signing, public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Kinds, Forged,
                         ::testing::Values("garbage", "cut", "empty", "of another file", "its leaves of another file"),
                         [](const auto& kind) {
                           std::string name = kind.param;
                           std::ranges::replace(name, ' ', '_');
                           return name;
                         });

TEST_P(Forged, IsNeverBelieved) {
  const std::string kind = GetParam();
  file("a", random_bytes(3'000'000, 8));
  file("b", random_bytes(3'000'000, 9));
  sync();
  // In the target a has b's bytes, and the signature says otherwise.
  unnoticed("target/a", [&] { world_.overwrite("target/a", 0, world_.read("source/b")); });
  std::string forged = world_.xattr("target/a", signature::kSigAttribute);
  if (kind == "garbage") forged = random_bytes(144, 10);
  if (kind == "cut") forged.resize(100);
  if (kind == "empty") forged.clear();
  if (kind == "of another file") forged = world_.xattr("target/b", signature::kSigAttribute);
  if (kind == "its leaves of another file")
    world_.set_xattr("target/a", signature::kMerkleAttribute, world_.xattr("target/b", signature::kMerkleAttribute));
  ASSERT_TRUE(world_.set_xattr("target/a", signature::kSigAttribute, forged));
  Options options = signing();
  if (kind == "its leaves of another file")
    options.compare.by = Comparison::By::content;  // the record itself holds: it is in the window
  const auto run = sync(options);
  EXPECT_TRUE(world_.read("target/a") == world_.read("source/a"));
  EXPECT_EQ(run->counters.files, 1u);
  expect_signed("a");
}

/// Same size, same times, older than the copy: only the signature knows which file was copied.
TEST_F(Signing, AnotherFileOfTheSourceUnderTheNameIsSeen) {
  constexpr timespec kEpoch{1, 0};
  for (const auto& [name, content] : {std::pair{"source/f", "one"}, std::pair{"other/f", "two"}}) {
    world_.file(name, content);
    world_.times(name, kEpoch, kEpoch);
  }
  let_age(world_, "other/f");
  sync();
  ASSERT_EQ(::removexattr(world_.at("target").c_str(), kAsOfAttribute), 0);  // so that it is the signature that tells
  TestRun run(world_, signing());
  run.copy("other", "target");
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_EQ(world_.read("target/f"), "two");
}

// ---- Changed in place, by what the leaves leave open

class SignedInPlace : public Signing {
 protected:
  SignedInPlace() {
    options_.delta.in_place = true;
    options_.delta.smallest = 256_KiB;
    options_.durable = true;
  }
  void SetUp() override {
    Signing::SetUp();
    file("image", random_bytes(2'000'000, 11));
    sync(options_);
    world_.overwrite("source/image", 1'000'000, random_bytes(1000, 12));
    let_age(world_, "source/image");
  }
  void expect_equal() {
    EXPECT_TRUE(world_.read("target/image") == world_.read("source/image"));
    expect_signed("image");
    EXPECT_EQ(world_.xattr("target/image", kDirtyAttribute), "(none)");
  }
  Options options_ = signing();
};

TEST_F(SignedInPlace, TheSignatureHoldsAfterwards) {
  const auto run = sync(options_);
  EXPECT_EQ(run->counters.delta_files, 1u);
  expect_equal();
  EXPECT_EQ(sync(options_)->counters.files, 0u);
}

/// A power failure may keep the signature and lose the data.
TEST_F(SignedInPlace, WhatMayNotBeOnDiskIsNotVouchedFor) {
  options_.durable = false;
  EXPECT_EQ(sync(options_)->counters.delta_files, 1u);
  EXPECT_FALSE(signature_on("image").value);
  const auto again = sync(options_);
  EXPECT_EQ(again->counters.files, 0u);
  expect_equal();
}

TEST_F(SignedInPlace, StaleLeavesAreNotUsed) {
  unnoticed("target/image", [&] { world_.overwrite("target/image", 10, "damage where the source is as before"); });
  const auto run = sync(options_);
  EXPECT_GE(run->counters.signatures_ignored, 1u);
  expect_equal();
}

TEST_F(SignedInPlace, DamagedLeavesAreNotUsed) {
  std::string leaves = world_.xattr("target/image", signature::kMerkleAttribute);
  ASSERT_GT(leaves.size(), 100u);
  leaves[60] = static_cast<char>(leaves[60] ^ 1);
  world_.set_xattr("target/image", signature::kMerkleAttribute, leaves);
  const auto run = sync(options_);
  EXPECT_GE(run->counters.signatures_ignored, 1u);
  expect_equal();
}

TEST_F(SignedInPlace, LeavesCopiedFromAnotherFileAreNotUsed) {
  file("other", random_bytes(2'000'000, 13));
  sync(options_);
  unnoticed("source/image", [&] { world_.overwrite("source/image", 5, "again"); });
  let_age(world_, "source/image");
  for (const char* attribute : {signature::kMerkleAttribute, signature::kSigAttribute})
    world_.set_xattr("target/image", attribute, world_.xattr("target/other", attribute));
  sync(options_);
  expect_equal();
}

TEST_F(SignedInPlace, AFileMarkedAsHalfChangedIsReadWholeWhateverItsSignatureSays) {
  world_.set_xattr("target/image", kDirtyAttribute, "1");
  world_.overwrite("target/image", 10, "half");
  sync(options_);
  expect_equal();
}

TEST(LargeLeaves, HaveTheHashThatAFoldedTreeHas) {
  for (const std::size_t size : {1u, 65'536u, 65'537u, 131'072u, 300'000u}) {
    const std::string bytes = random_bytes(size, static_cast<unsigned>(size));
    const std::span data(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size());
    TempTree world;
    world.file("file", bytes);
    const auto file = sys::open_at(sys::working_directory(), world.at("file"));
    signature::Leaves leaves = signature::hash_file(*file, Bytes(size))->leaves;
    while (leaves.hashes.size() > 1) leaves = signature::folded(std::move(leaves), leaves.leaf_log2 + 1);
    EXPECT_EQ(hash_of_large_leaf(data), leaves.hashes.front().bytes) << size;
  }
}

}  // namespace
}  // namespace foxing::copy
