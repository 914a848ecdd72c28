// SPDX-License-Identifier: GPL-2.0-or-later
// Trees that are compressed and decompressed on their way: names, notes, comparing, and what goes wrong.
#include "core/copy/packing.h"

#include <gmock/gmock.h>

#include <cstdint>

#include "core/copy/made.h"
#include "core/copy/test_run.h"
#include "core/copy/transform.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;
using Way = Transformation::Way;
using codec::Format;

constexpr timespec kLongAgo{1'000'000'000, 123'456'789};
constexpr Format kFormats[] = {Format::zstd, Format::lz4, Format::gzip, Format::xz};

Transformation compressing(Format format = Format::zstd) {
  return {.way = Way::compress, .codec = {format, format == Format::lz4 ? 0 : 1}};
}
Transformation decompressing(Format format = Format::none) { return {.way = Way::decompress, .codec = {format, 0}}; }

// ---- Names

TEST(PackedNames, OnlyTheSuffixOfTheVeryFormatIsTakenOff) {
  EXPECT_EQ(packed_name("a", compressing()), "a.zst");
  EXPECT_EQ(packed_name("a.zst", compressing()), "a.zst.zst");
  EXPECT_EQ(packed_name("a.zst", decompressing(Format::zstd)), "a");
  EXPECT_EQ(packed_name("a.zst", decompressing(Format::gzip)), "a.zst");
  EXPECT_EQ(packed_name("a", decompressing(Format::zstd)), "a");
  EXPECT_EQ(packed_name("a.zst", {}), "a.zst");
}

TEST(PackedNames, ANameThatWouldBeNoneOrTheProductsOwnStays) {
  for (const char* name : {".zst", "..zst", "...zst", ".foxing_meta.zst", ".foxing_versions.zst"})
    EXPECT_EQ(packed_name(name, decompressing(Format::zstd)), name);
  TempNames names;
  const std::string temporary = names.next() + ".zst";
  EXPECT_EQ(packed_name(temporary, decompressing(Format::zstd)), temporary);
  EXPECT_EQ(packed_name("....zst", decompressing(Format::zstd)), "...");
}

// ---- The note

sys::FileStatus status_of(const TempTree& world, const std::string& name) {
  auto status = sys::status_at(sys::working_directory(), world.at(name));
  EXPECT_TRUE(status);
  return status ? *status : sys::FileStatus{};
}

class Noted : public ::testing::Test {
 protected:
  Noted() {
    world_.file("source", "text of some length");
    world_.file("copy", "packed");
    world_.times("source", kLongAgo, kLongAgo);
    world_.times("copy", kLongAgo, kLongAgo);
    note_ = made_of(status_of(world_, "source"), compressing(), Bytes(6), kLongAgo);
  }
  Data check(const Comparison& how = {}, const Transformation& by = compressing()) {
    return made_check(note_, by, status_of(world_, "source"), status_of(world_, "copy"), how);
  }
  TempTree world_;
  std::optional<Made> note_;
};

TEST_F(Noted, WhatIsLeftIsReadAgain) {
  const auto copy = sys::open_at(sys::working_directory(), world_.at("copy"), {.access = sys::Access::read_write});
  ASSERT_TRUE(copy);
  if (!world_.set_xattr("copy", kMadeAttribute, "1 compress zstd 1 2 3.4")) GTEST_SKIP() << "no user attributes in TMPDIR";
  EXPECT_FALSE(read_made({*copy}));
  for (const auto& how : {compressing(), compressing(Format::xz), decompressing()}) {
    note_ = made_of(status_of(world_, "source"), how, Bytes(6), timespec{-5, 7});
    leave_made({*copy}, *note_);
    const auto read = read_made({*copy});
    ASSERT_TRUE(read);
    EXPECT_EQ(read->way, how.way);
    EXPECT_EQ(read->format, how.way == Way::compress ? how.codec.format : Format::none);
    EXPECT_EQ(read->source.inode, note_->source.inode);
    EXPECT_EQ(read->source.size, Bytes(19));
    EXPECT_EQ(read->source.changed.tv_nsec, note_->source.changed.tv_nsec);
    EXPECT_EQ(read->size, Bytes(6));
    EXPECT_EQ(read->modified.tv_sec, -5);
    EXPECT_EQ(read->modified.tv_nsec, 7);
  }
  for (const char* nonsense :
       {"", "2 compress zstd 1 2 3.4 5.6 7 8.9", "1 compress zip 1 2 3.4 5.6 7 8.9", "1 - - 1 2 3.4 5.6 7 8.9",
        "1 compress zstd 1 2 3.4 5.6 7 8.9 10", "1 compress zstd 1 2 34 5.6 7 8.9", "1 compress zstd x 2 3.4 5.6 7 8.9",
        "1 compress zstd:3 1 2 3.4 5.6 7 8.9"}) {
    ASSERT_TRUE(world_.set_xattr("copy", kMadeAttribute, nonsense));
    EXPECT_FALSE(read_made({*copy})) << nonsense;
  }
}

TEST_F(Noted, SaysSameOnlyOfTheVeryVersionsOfBoth) {
  EXPECT_EQ(check(), Data::same);
  EXPECT_EQ(check({.by = Comparison::By::content}), Data::look);
  EXPECT_EQ(check({.by = Comparison::By::nothing}), Data::differs);
  EXPECT_EQ(check({}, compressing(Format::lz4)), Data::look);
  EXPECT_EQ(check({}, decompressing()), Data::look);

  world_.chmod("source", 0600);  // its ctime moves
  EXPECT_EQ(check(), Data::look);
  EXPECT_EQ(check({.trust_times = true}), Data::same);
  world_.times("source", kLongAgo, {1, 0});
  EXPECT_EQ(check({.trust_times = true}), Data::look);
  world_.file("source", "longer than it was before");
  EXPECT_EQ(check({.trust_times = true}), Data::differs);
}

TEST_F(Noted, ACopyThatIsNotAsItWasLeftDiffers) {
  world_.times("copy", kLongAgo, {kLongAgo.tv_sec, kLongAgo.tv_nsec + 1});
  EXPECT_EQ(check(), Data::differs);
  world_.times("copy", kLongAgo, kLongAgo);
  EXPECT_EQ(check(), Data::same);
  world_.file("copy", "packed and more");
  world_.times("copy", kLongAgo, kLongAgo);
  EXPECT_EQ(check(), Data::differs);
}

TEST_F(Noted, WithoutANoteTheTimeDecidesWhetherALookIsWorthIt) {
  note_.reset();
  EXPECT_EQ(check(), Data::look);
  world_.times("copy", kLongAgo, {1, 0});
  EXPECT_EQ(check(), Data::differs);
}

// ---- Comparing

class Unpacking : public ::testing::Test {
 protected:
  sys::UniqueFd open(const std::string& name) {
    auto fd = sys::open_at(sys::working_directory(), world_.at(name), {.access = sys::Access::read_write});
    EXPECT_TRUE(fd) << name;
    return fd ? std::move(*fd) : sys::UniqueFd();
  }
  void compress(const std::string& plain, const std::string& packed, Format format) {
    world_.file(packed, "");
    const auto done = compress_file(open(plain), status_of(world_, plain).size(), open(packed), compressing(format).codec);
    ASSERT_TRUE(done && *done);
  }
  bool unpacks(const std::string& packed, const std::string& plain, std::optional<Format> format = {}) {
    const auto same = unpacks_to(open(packed), open(plain), status_of(world_, plain).size(), format);
    EXPECT_TRUE(same) << same.error().message();
    return same && *same;
  }
  TempTree world_;
};

TEST_F(Unpacking, OneByteAnywhereIsSeen) {
  const std::uint64_t seed = 7;
  for (const Format format : kFormats) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{65536}, std::size_t{300'001}}) {
      const std::string bytes = random_bytes(size, seed);
      world_.file("plain", bytes);
      compress("plain", "packed", format);
      EXPECT_TRUE(unpacks("packed", "plain"));
      EXPECT_TRUE(unpacks("packed", "plain", format));
      EXPECT_FALSE(unpacks("packed", "plain", format == Format::xz ? Format::zstd : Format::xz));
      for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
        if (size == 0) break;
        std::string other = bytes;
        other[at] = static_cast<char>(other[at] ^ 1);
        world_.file("plain", other);
        EXPECT_FALSE(unpacks("packed", "plain")) << size << " at " << at;
      }
      world_.file("plain", bytes + 'x');
      EXPECT_FALSE(unpacks("packed", "plain")) << "longer";
      if (size > 0) {
        world_.file("plain", bytes.substr(0, size - 1));
        EXPECT_FALSE(unpacks("packed", "plain")) << "shorter";
        EXPECT_FALSE(unpacks("plain", "plain")) << "not compressed";
      }
    }
  }
}

TEST_F(Unpacking, WhatIsDamagedIsNotTheSame) {
  const std::string bytes = random_bytes(200'000, 11);
  world_.file("plain", bytes);
  for (const Format format : kFormats) {
    compress("plain", "packed", format);
    const std::string packed = world_.read("packed");
    world_.file("packed", packed.substr(0, packed.size() - 1));
    EXPECT_FALSE(unpacks("packed", "plain")) << codec::name_of(format);
    world_.file("packed", packed + "more");
    EXPECT_FALSE(unpacks("packed", "plain")) << codec::name_of(format);
  }
}

// ---- Trees

class PackedTree : public ::testing::Test {
 protected:
  void file(const std::string& name, std::string_view content) {
    world_.file(name, content);
    world_.times(name, kLongAgo, kLongAgo);
  }
  static Options packing(Transformation how) {
    Options options = archive();
    options.packing = Packing(how, {});
    return options;
  }
  std::unique_ptr<TestRun> run(Transformation how, const std::string& source = "source", const std::string& target = "target",
                               std::string faults = {}, unsigned workers = 1) {
    auto run = std::make_unique<TestRun>(world_, packing(how), workers);
    if (deleting_) run->deleting = Deleting{.packing = Packing(how, {})};
    run->faults = std::move(faults);
    run->copy(source, target);
    return run;
  }
  std::vector<std::string> names(const std::string& directory) {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(world_.at(directory))) all.push_back(entry.path().filename());
    std::ranges::sort(all);
    return all;
  }
  TempTree world_;
  bool deleting_ = false;
};

TEST_F(PackedTree, ThereAndBackAndTheSecondRunsDoNothing) {
  const std::string noise = random_bytes(3'000'000, 3);
  for (const Format format : kFormats) {
    world_.remove("source");
    world_.remove("target");
    world_.remove("back");
    file("source/text", std::string(100'000, 'a'));
    file("source/empty", "");
    file("source/sub/noise.gz", noise);
    world_.hard_link("source/text", "source/sub/text");
    world_.symlink("source/link", "text");

    const auto first = run(compressing(format));
    EXPECT_THAT(first->failures(), IsEmpty());
    EXPECT_EQ(first->counters.packed_files, 3u);
    EXPECT_EQ(first->counters.hard_links, 1u);
    EXPECT_EQ(first->event("text").tier, Tier::codec);
    const std::string suffix(codec::suffix_of(format));
    EXPECT_TRUE(world_.exists("target/sub/noise.gz" + suffix));
    EXPECT_FALSE(world_.exists("target/text"));
    EXPECT_EQ(world_.status("target/text" + suffix).st_ino, world_.status("target/sub/text" + suffix).st_ino);
    EXPECT_EQ(world_.status("target/empty" + suffix).st_mtim.tv_nsec, kLongAgo.tv_nsec);
    const auto again = run(compressing(format));
    EXPECT_EQ(again->counters.files, 0u);
    EXPECT_EQ(again->counters.updated, 0u);

    EXPECT_THAT(run(decompressing(), "target", "back")->failures(), IsEmpty());
    EXPECT_EQ(world_.read("back/text"), std::string(100'000, 'a'));
    EXPECT_EQ(world_.read("back/empty"), "");
    EXPECT_EQ(world_.read("back/sub/noise.gz"), noise);
    EXPECT_EQ(world_.status("back/text").st_ino, world_.status("back/sub/text").st_ino);
    EXPECT_EQ(run(decompressing(), "target", "back")->counters.files, 0u);
  }
}

TEST_F(PackedTree, WhereNoNoteCanBeLeftItLooksAndLeavesAlone) {
  FOXING_NEEDS_FAULTS();
  file("source/a", std::string(100'000, 'a'));
  run(compressing(), "source", "target", "setxattr:1+:EOPNOTSUPP");
  const auto inode = world_.status("target/a.zst").st_ino;
  for (int i = 0; i < 2; ++i) {
    const auto again = run(compressing(), "source", "target", "setxattr:1+:EOPNOTSUPP,getxattr:1+:EOPNOTSUPP");
    EXPECT_EQ(again->counters.files, 0u);
    EXPECT_EQ(world_.status("target/a.zst").st_ino, inode);
  }
  file("source/a", std::string(100'000, 'b'));
  EXPECT_EQ(run(compressing(), "source", "target", "setxattr:1+:EOPNOTSUPP,getxattr:1+:EOPNOTSUPP")->counters.files, 1u);
  EXPECT_NE(world_.status("target/a.zst").st_ino, inode);
}

TEST_F(PackedTree, WhatIsDamagedFailsAloneAndLeavesTheOldVersion) {
  file("source/a", random_bytes(200'000, 5));
  file("source/b", "text b");
  run(compressing());
  run(decompressing(), "target", "back");
  std::string packed = world_.read("target/a.zst");
  file("target/a.zst", packed.substr(0, packed.size() / 2));
  file("target/c.zst", packed.substr(0, 10));
  file("target/b.zst", "not compressed any more");
  const auto broken = run(decompressing(), "target", "back");
  EXPECT_THAT(broken->failures(), ElementsAre("failed a.zst", "failed c.zst"));
  EXPECT_THAT(names("back"), ElementsAre("a", "b", "b.zst"));
  EXPECT_EQ(world_.read("back/a"), world_.read("source/a"));
  EXPECT_EQ(world_.read("back/b.zst"), "not compressed any more");
}

TEST_F(PackedTree, AFullTargetStopsTheRunAndLeavesNothing) {
  FOXING_NEEDS_FAULTS();
  file("source/a", random_bytes(3'000'000, 9));
  auto full = run(compressing(), "source", "target", "pwrite:2:ENOSPC");
  EXPECT_TRUE(full->no_space);
  EXPECT_THAT(full->failures(), ElementsAre("no_space a.zst"));
  EXPECT_THAT(names("target"), IsEmpty());
  full.reset();  // which has asked for a stop
  EXPECT_EQ(run(compressing())->counters.packed_files, 1u);
  const auto bomb = run(decompressing(), "target", "back", "pwrite:2:ENOSPC");
  EXPECT_TRUE(bomb->no_space);
  EXPECT_THAT(names("back"), IsEmpty());
}

TEST_F(PackedTree, OfTwoEntriesWithOneNameTheSameOneHasItAlways) {
  file("plain/a", "of zstd");
  run(compressing(), "plain", "zstd");
  file("plain/a", "of gzip");
  run(compressing(Format::gzip), "plain", "gzip");
  for (const unsigned workers : {1u, 3u}) {
    for (int i = 0; i < 3; ++i) {
      world_.remove("source");
      world_.remove("target");
      world_.file("source/b.gz", world_.read("gzip/a.gz"));
      world_.file("source/b.zst", world_.read("zstd/a.zst"));
      world_.file("source/a.gz", world_.read("gzip/a.gz"));
      world_.file("source/a", "plain");
      world_.dir("source/d");
      world_.file("source/d.gz", world_.read("gzip/a.gz"));
      for (int pass = 0; pass < 2; ++pass) {  // the second one finds a target that is there
        const auto both = run(decompressing(), "source", "target", {}, workers);
        EXPECT_THAT(both->failures(), ElementsAre("in_the_way a.gz", "in_the_way b.gz", "in_the_way d.gz"));
        EXPECT_EQ(world_.read("target/a"), "plain");
        EXPECT_EQ(world_.read("target/b"), "of zstd");
        EXPECT_EQ(world_.status("target/d").st_mode & S_IFMT, static_cast<mode_t>(S_IFDIR));
        EXPECT_THAT(names("target"), ElementsAre("a", "b", "d"));
      }
    }
  }
}

TEST_F(PackedTree, ALinkThatHasTheNameKeepsIt) {
  file("source/a", "text");
  world_.symlink("source/a.zst", "elsewhere");
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_THAT(run(compressing())->failures(), ElementsAre("in_the_way a"));
    EXPECT_THAT(names("target"), ElementsAre("a.zst"));
    EXPECT_EQ(world_.status("target/a.zst").st_mode & S_IFMT, static_cast<mode_t>(S_IFLNK));
  }
}

TEST_F(PackedTree, DeletingJudgesNamesAsTheyAreMade) {
  file("source/a", "text");
  file("source/sub/b.zst", "text b");
  run(compressing());
  deleting_ = true;
  world_.file("target/a", "an older copy, not compressed");
  world_.file("target/a.gz", "of another codec");
  world_.file("target/sub/b.zst", "one suffix too few");
  world_.file("target/gone.zst", "of what was deleted");
  world_.symlink("target/link.zst", "a link");
  const auto compressed = run(compressing());
  EXPECT_THAT(compressed->failures(), IsEmpty());
  EXPECT_EQ(compressed->counters.deleted, 5u);
  EXPECT_EQ(compressed->counters.files, 0u);
  EXPECT_THAT(names("target"), ElementsAre("a.zst", "sub"));
  EXPECT_THAT(names("target/sub"), ElementsAre("b.zst.zst"));

  run(decompressing(), "target", "back");
  world_.file("back/a.zst", "left by a run without --decompress");
  world_.file("back/sub/b", "one suffix too few");
  EXPECT_EQ(run(decompressing(), "target", "back")->counters.deleted, 2u);
  EXPECT_THAT(names("back"), ElementsAre("a", "sub"));
  EXPECT_THAT(names("back/sub"), ElementsAre("b.zst"));
}

TEST_F(PackedTree, ACopyOfWhatCannotBeReadNowIsNotDeleted) {
  FOXING_NEEDS_FAULTS();
  file("source/a", "text");
  run(compressing());
  run(decompressing(), "target", "back");
  deleting_ = true;
  const auto blind = run(decompressing(), "target", "back", "pread:1+:EIO");
  EXPECT_THAT(names("back"), ElementsAre("a"));
  EXPECT_EQ(blind->counters.deleted, 0u);
}

TEST_F(PackedTree, AFileThatChangesWhileItIsReadIsReadAgain) {
  file("source/a", std::string(5'000'000, 'a'));
  TestRun changing(world_, packing(compressing()));
  bool once = true;
  changing.looked = [&] {
    if (std::exchange(once, false)) world_.overwrite("source/a", 4'000'000, "changed");
  };
  changing.copy();
  EXPECT_THAT(changing.failures(), IsEmpty());
  run(decompressing(), "target", "back");
  EXPECT_EQ(world_.read("back/a"), world_.read("source/a"));
}

TEST_F(PackedTree, AFileThatIsAlwaysCutShortIsNotStored) {
  file("source/a", std::string(5'000'000, 'a'));
  TestRun cutting(world_, packing(compressing()));
  std::uintmax_t size = 5'000'000;
  cutting.looked = [&] { std::filesystem::resize_file(world_.at("source/a"), size -= 1000); };
  cutting.copy();
  EXPECT_THAT(cutting.failures(), ElementsAre("changed_while_read a"));
  EXPECT_THAT(names("target"), IsEmpty());
}

TEST_F(PackedTree, ADryRunTouchesNothing) {
  file("source/a", "text");
  file("source/b", "text b");
  run(compressing());
  file("source/a", "changed");
  world_.chmod("source/b", 0600);
  const struct stat before = world_.status("target/b.zst");
  Options options = packing(compressing());
  options.dry_run = true;
  TestRun dry(world_, options);
  dry.copy();
  EXPECT_EQ(dry.counters.files, 1u);
  EXPECT_EQ(dry.counters.updated, 1u);
  EXPECT_EQ(world_.status("target/b.zst").st_ctim.tv_nsec, before.st_ctim.tv_nsec);
  EXPECT_THAT(names("target"), ElementsAre("a.zst", "b.zst"));
}

}  // namespace
}  // namespace foxing::copy
