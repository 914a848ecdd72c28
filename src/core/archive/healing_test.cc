// SPDX-License-Identifier: GPL-2.0-or-later
// Damage costs what it hits and nothing else: bits flipped in an archive of three snapshots, sectors that cannot be read, and what appending makes of them.
#include <algorithm>

#include "core/archive/test_archive.h"
#include "sys/fault.h"

namespace foxing::archive {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Files = std::map<std::string, std::string>;

struct Record {
  std::uint64_t at;
  Head head;
};

std::vector<Record> records_of(const Archive& archive) {
  std::vector<Record> records;
  for (std::uint64_t at = kHeaderSize; at < archive.end();) {
    const auto head = archive.head(at);
    if (!head) break;
    records.push_back({at, *head});
    at += head->whole_size();
  }
  return records;
}

class ThreeSnapshots : public ::testing::Test {
 protected:
  ThreeSnapshots() {
    world_.file("src/a", testing::random_bytes(700, 1));
    world_.file("src/b/c", std::string(600, 'x'));
    world_.file("src/b/d", testing::random_bytes(700, 2));
    export_to(world_.at("src"), world_.at("archive"), {.chunks = {64, 256, 512}});
    trees_.push_back(contents(world_, "src"));
    for (const char* id : {"second", "third"}) {
      world_.file(std::string("src/b/") + id, testing::random_bytes(500, trees_.size() + 2));
      world_.file("src/a", testing::random_bytes(700, trees_.size() + 7));
      append_to(world_, "src", id);
      trees_.push_back(contents(world_, "src"));
    }
    whole_ = world_.read("archive");
    auto archive = Archive::open(open_file(world_.at("archive")));
    EXPECT_TRUE(archive);
    records_ = records_of(*archive);
    for (const Snapshot& snapshot : archive->snapshots()) {
      snapshots_.push_back(snapshot);
      EntryCursor cursor(*archive, snapshot);
      auto& chunks = chunks_.emplace_back();
      while (const auto item = cursor.next_entry().value())
        for (const archive::Run& run : item->content)
          for (std::uint64_t i = 0; i < run.count; ++i) chunks[item->entry.path].push_back(run.first + i);
    }
  }

  std::string flipped(std::uint64_t at) const {
    std::string bytes = whole_;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    return bytes;
  }

  /// What is restored of snapshot `i`; nothing where it cannot be.
  std::optional<Files> restored(Archive& archive, std::size_t i) {
    if (!archive.snapshots()[i].damage.empty()) return std::nullopt;
    world_.remove("to");
    world_.dir("to");
    Hearing hearing;
    auto restorer = Restorer::into(open_dir(world_.at("to")), "to", all_kept(), hearing);
    const auto done = import_snapshot(archive, archive.snapshots()[i], {}, **restorer);
    EXPECT_TRUE(done) << done.error().message();
    Files files = contents(world_, "to");
    EXPECT_EQ(hearing.problems.empty(), files == trees_[i]) << "what is missing is told, and nothing else";
    return files;
  }

  /// The record in which a flipped bit lies.
  const Record& hit(std::uint64_t at) const {
    return *std::ranges::find_if(records_,
                                 [&](const Record& one) { return at >= one.at && at < one.at + one.head.whole_size(); });
  }
  bool may_be_lost(const Record& hit, std::size_t snapshot, const std::string& path) const {
    const bool within = hit.at >= snapshots_[snapshot].begins_at && hit.at <= snapshots_[snapshot].ends_at;
    if (hit.head.kind == Kind::entries || hit.head.kind == Kind::snapshot_ends) return within;
    if (hit.head.kind != Kind::chunk) return false;
    const auto& chunks = chunks_[snapshot].at(path);
    return std::ranges::find(chunks, hit.head.number) != chunks.end();
  }

  void flip(std::uint64_t at) {
    SCOPED_TRACE("byte " + std::to_string(at) + ", " + name_of(hit(at).head));
    const std::string bytes = flipped(at);
    write_file(world_.at("archive"), bytes);
    EXPECT_FALSE(checked(world_.at("archive")).damages.empty());
    std::vector<std::optional<Files>> before;
    {
      auto archive = Archive::open(open_file(world_.at("archive")));
      ASSERT_TRUE(archive) << archive.error().message();
      ASSERT_EQ(archive->snapshots().size(), 3U);
      for (std::size_t i = 0; i < 3; ++i) {
        before.push_back(restored(*archive, i));
        for (const auto& [path, content] : trees_[i]) {
          const bool there = before[i] && before[i]->contains(path);
          EXPECT_TRUE(there || may_be_lost(hit(at), i, path)) << path << " of snapshot " << i;
          if (there) {
            EXPECT_EQ(before[i]->at(path), content) << path;
          }
        }
      }
    }
    if (!try_append(world_, "src", "zzz")) {
      EXPECT_EQ(world_.read("archive"), bytes) << "what was refused changes nothing";
      return;
    }
    auto archive = Archive::open(open_file(world_.at("archive")));
    ASSERT_TRUE(archive) << archive.error().message();
    ASSERT_EQ(archive->snapshots().size(), 4U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(restored(*archive, i), before[i]) << "snapshot " << i << " behind an append";
  }

  testing::TempTree world_;
  std::string whole_;
  std::vector<Files> trees_;
  std::vector<Record> records_;
  std::vector<Snapshot> snapshots_;
  std::vector<std::map<std::string, std::vector<std::uint64_t>>> chunks_;
};

TEST_F(ThreeSnapshots, ABitCostsTheFilesWhoseRecordItIsIn) {
  std::mt19937_64 random(5);
  for (const Record& record : records_) {
    const std::uint64_t payload = record.head.stored_size;
    for (const std::uint64_t at :
         {std::uint64_t{0}, 4 + random() % 56, std::uint64_t{62}, kHeadSize + random() % payload, kHeadSize + payload - 1})
      flip(record.at + at);
  }
}

TEST_F(ThreeSnapshots, WhatMayBeHiddenIsNotCutOff) {
  // The end leads nowhere, and a head in the middle of the second snapshot stops whoever walks: the third is behind it.
  std::string bytes = whole_;
  bytes.back() = '?';
  const auto chunk = std::ranges::find_if(
      records_, [&](const Record& one) { return one.at > snapshots_[1].begins_at && one.head.kind == Kind::chunk; });
  bytes[chunk->at + 10] = static_cast<char>(bytes[chunk->at + 10] ^ 1);
  write_file(world_.at("archive"), bytes);
  const auto refused = try_append(world_, "src", "zzz");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("fxcp snap check"));
  EXPECT_EQ(world_.read("archive"), bytes);
  // Also with a whole tail, of a footer that cannot be read.
  bytes = whole_;
  bytes[records_.back().at + kHeadSize] = static_cast<char>(bytes[records_.back().at + kHeadSize] ^ 1);
  bytes[chunk->at + 10] = static_cast<char>(bytes[chunk->at + 10] ^ 1);
  write_file(world_.at("archive"), bytes);
  EXPECT_FALSE(try_append(world_, "src", "zzz"));
  EXPECT_EQ(world_.read("archive"), bytes);
  // An archive behind the archive.
  write_file(world_.at("archive"), whole_ + whole_);
  EXPECT_FALSE(try_append(world_, "src", "zzz"));
}

TEST_F(ThreeSnapshots, WhatAnInterruptedAppendLeftIsCutOffEvenIfItHasAnArchiveInIt) {
  world_.file("src/inner", whole_);
  const std::string before = world_.read("archive");
  append_to(world_, "src", "zzz");
  const std::string after = world_.read("archive");
  for (const std::size_t left : {std::size_t{30}, std::size_t{300}, (after.size() - before.size()) / 2}) {
    write_file(world_.at("archive"), std::string_view(after).substr(0, before.size() + left));
    const Checked found = checked(world_.at("archive"));
    EXPECT_THAT(found.damages, ElementsAre(HasSubstr("belong to none"))) << left;
    EXPECT_TRUE(try_append(world_, "src", "zzz")) << left;
    EXPECT_THAT(checked(world_.at("archive")).damages, IsEmpty());
  }
}

TEST_F(ThreeSnapshots, WhatDidNotGetOntoTheDiskIsTakenBack) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "built without FOXING_FAULT_INJECTION";
  {
    const sys::FaultPlan plan("fsync:1:EIO");
    const auto failed = try_append(world_, "src", "zzz");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, EIO);
  }
  EXPECT_EQ(world_.read("archive"), whole_);
}

TEST_F(ThreeSnapshots, ASectorThatCannotBeReadCostsItsFiles) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "built without FOXING_FAULT_INJECTION";
  int told = 0, ended = 0;
  for (int call = 2; call < 40; ++call) {
    world_.remove("to");
    world_.dir("to");
    Hearing hearing;
    Result<> done;
    {
      const sys::FaultPlan plan("pread:" + std::to_string(call) + ":EIO");
      done = import_from(world_.at("archive"), world_.at("to"), hearing);
    }
    if (!done) {
      EXPECT_EQ(done.error().code, EBADMSG) << call << done.error().message();
      ++ended;
      continue;
    }
    const Files files = contents(world_, "to");
    EXPECT_EQ(hearing.problems.empty(), files == trees_[2]) << call;
    for (const auto& [path, content] : files) EXPECT_EQ(content, trees_[2].at(path)) << call;
    told += hearing.problems.empty() ? 0 : 1;
    Checked hears;
    auto archive = Archive::open(open_file(world_.at("archive")));
    const sys::FaultPlan plan("pread:" + std::to_string(call) + ":EIO");
    EXPECT_TRUE(check(*archive, 0, hears)) << call;
  }
  EXPECT_GT(told, 3);
  EXPECT_LE(ended, 2) << "where the snapshot ends: its head, and what is in it";
}

// ---- Several blocks

class Blocks : public ::testing::Test {
 protected:
  Blocks() {
    for (int i = 0; i < 8; ++i)
      world_.file("src/d" + std::to_string(i) + "/file", testing::random_bytes(1'500'000, static_cast<std::uint64_t>(i) + 1));
    for (int i = 0; i < 8; ++i) world_.file("src/d" + std::to_string(i) + "/small", std::to_string(i), 0640);
    export_to(world_.at("src"), world_.at("archive"), {.now_s = kLater});
    auto archive = Archive::open(open_file(world_.at("archive")));
    EXPECT_TRUE(archive);
    for (const Record& record : records_of(*archive))
      (record.head.kind == Kind::entries ? blocks_ : record.head.kind == Kind::index ? indexes_ : others_).push_back(record);
    EXPECT_GE(blocks_.size(), 3U);
    whole_ = world_.read("archive");
    source_ = contents(world_, "src");
    world_.dir("to");
  }
  void damage_at(std::uint64_t at) {
    std::string bytes = whole_;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_file(world_.at("archive"), bytes);
  }
  const std::int64_t kLater = ::time(nullptr) + 100;  // files younger than two seconds are read in any case
  testing::TempTree world_;
  std::vector<Record> blocks_, indexes_, others_;
  std::string whole_;
  Files source_;
};

TEST_F(Blocks, OneThatIsDamagedCostsWhatIsInItAndNothingBeforeOrBehind) {
  damage_at(blocks_[1].at + kHeadSize + 20);
  Hearing hearing;
  const auto done = import_from(world_.at("archive"), world_.at("to"), hearing);
  ASSERT_TRUE(done) << done.error().message();
  const Files files = contents(world_, "to");
  for (const auto& [path, content] : files) EXPECT_EQ(content, source_.at(path)) << path;
  for (const char* path : {"d0/file", "d0/small", "d1/file", "d6/small", "d7/file", "d7/small"})
    EXPECT_TRUE(files.contains(path)) << path;
  EXPECT_LT(files.size(), source_.size());
  EXPECT_THAT(hearing.problems, Contains(HasSubstr("is not restored")));
  const Checked found = checked(world_.at("archive"));
  EXPECT_THAT(found.damages, Contains(HasSubstr("and before 'd")));

  world_.dir("some");
  auto archive = Archive::open(open_file(world_.at("archive")));
  auto options = all_kept();
  options.dress_root = false;
  Hearing some;
  auto restorer = Restorer::into(open_dir(world_.at("some")), "some", options, some);
  const auto selected = restore_some(*archive, archive->snapshots().back(), *Selection::of("small"), {}, **restorer);
  ASSERT_TRUE(selected) << selected.error().message();
  EXPECT_THAT(world_.names("some"), Contains("d7"));
  EXPECT_EQ(world_.read("some/d7/small"), "7");
  EXPECT_THAT(some.problems, Contains(HasSubstr("is not restored")));
}

TEST_F(Blocks, OneThatIsDamagedStopsNoAppend) {
  damage_at(blocks_[1].at + kHeadSize + 20);
  const auto appended = try_append(world_, "src", "second", kLater);
  ASSERT_TRUE(appended) << appended.error().message();
  EXPECT_GT(appended->unchanged, 4U);
  EXPECT_LT(appended->unchanged, 14U);
  Hearing hearing;
  ASSERT_TRUE(import_from(world_.at("archive"), world_.at("to"), hearing));
  EXPECT_THAT(hearing.problems, IsEmpty());
  EXPECT_EQ(contents(world_, "to"), source_);
}

TEST_F(Blocks, AnIndexThatIsDamagedCostsNothing) {
  for (const std::uint64_t at : {indexes_[0].at + 5, indexes_[0].at + kHeadSize + 100}) {
    damage_at(at);
    world_.remove("to");
    world_.dir("to");
    Hearing hearing;
    const auto done = import_from(world_.at("archive"), world_.at("to"), hearing);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_THAT(hearing.problems, IsEmpty());
    EXPECT_EQ(contents(world_, "to"), source_);
    EXPECT_THAT(checked(world_.at("archive")).damages, Each(HasSubstr("damaged at byte")));
    EXPECT_TRUE(try_append(world_, "src", "second"));
  }
}

TEST_F(Blocks, ADamagedIndexIsNotLearntFromAnArchiveWithinTheArchive) {
  // The index and the head of a chunk are damaged, and what the chunk holds is an archive itself, whose chunks have the same numbers.
  testing::TempTree world;
  world.dir("src");
  world.file("inner/a", testing::random_bytes(30'000, 50));
  world.file("inner/b", testing::random_bytes(30'000, 51));
  export_to(world.at("inner"), world.at("src/inner.fxar.d"), {.codec = {codec::Format::none, 0}});
  world.file("src/z", testing::random_bytes(30'000, 52));
  export_to(world.at("src"), world.at("archive"), {.codec = {codec::Format::none, 0}});
  std::string bytes = world.read("archive");
  {
    auto archive = Archive::open(open_file(world.at("archive")));
    const auto records = records_of(*archive);
    const auto chunk = std::ranges::find(records, Kind::chunk, [](const Record& one) { return one.head.kind; });
    const auto index = std::ranges::find(records, Kind::index, [](const Record& one) { return one.head.kind; });
    bytes[chunk->at + 10] = static_cast<char>(bytes[chunk->at + 10] ^ 1);
    bytes[index->at + kHeadSize] = static_cast<char>(bytes[index->at + kHeadSize] ^ 1);
  }
  write_file(world.at("archive"), bytes);
  world.dir("to");
  Hearing hearing;
  ASSERT_TRUE(import_from(world.at("archive"), world.at("to"), hearing));
  for (const auto& [path, content] : contents(world, "to")) EXPECT_EQ(content, contents(world, "src").at(path)) << path;
  EXPECT_THAT(hearing.problems, Contains(HasSubstr("inner.fxar.d")));
}

TEST_F(Blocks, WhatEndsARunLeavesDirectoriesAsTheyAreToBe) {
  ::chmod(world_.at("src/d0").c_str(), 0751);
  export_to(world_.at("src"), world_.at("archive2"));
  RestoreOptions how = all_kept();
  how.most_bytes = 2'000'000;
  Hearing hearing;
  const auto done = import_from(world_.at("archive2"), world_.at("to"), hearing, how);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, EFBIG);
  EXPECT_EQ(world_.mode("to/d0"), 0751U);
  EXPECT_EQ(world_.mode("to/d1"), 0755U);
}

}  // namespace
}  // namespace foxing::archive
