// SPDX-License-Identifier: GPL-2.0-or-later
// Damaged archives: cut short at every byte, a bit changed in every byte.  What is restored is what was exported, or nothing.
#include <algorithm>

#include "core/archive/manifest.h"
#include "core/archive/test_archive.h"

namespace foxing::archive {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Few bytes, and yet everything in it: three blocks, chunks in some order, an index, a directory.
class Damage : public ::testing::Test {
 protected:
  Damage() {
    world_.file("src/a", testing::random_bytes(700, 1));
    world_.file("src/b/c", std::string(600, 'x'));
    world_.file("src/b/d", testing::random_bytes(700, 1));
    world_.symlink("src/l", "a");
    export_to(world_.at("src"), world_.at("archive"), {.chunks = {64, 256, 512}});
    whole_ = world_.read("archive");
    source_ = contents(world_, "src");
    auto archive = Archive::open(open_file(world_.at("archive")));
    ends_at_ = archive->snapshots().back().ends_at;
    ends_behind_ = ends_at_ + archive->head(ends_at_)->whole_size();
  }

  /// Every restored file is one of the source's, whole.
  void expect_nothing_wrong(const std::string& target, const std::string& what) {
    EXPECT_EQ(world_.mode(target), 0755U) << what;  // of the target as it was, and of the snapshot's root
    for (const auto& [name, content] : contents(world_, target)) {
      const auto original = source_.find(name);
      ASSERT_TRUE(original != source_.end()) << what << name;
      ASSERT_EQ(original->second, content) << what << name;
    }
    for (const std::string& name : world_.names(target)) EXPECT_FALSE(name.starts_with(".tmp.")) << what;
  }

  std::string fresh_target() {
    world_.remove("to");
    world_.dir("to");
    return world_.at("to");
  }

  testing::TempTree world_;
  std::string whole_;
  std::uint64_t ends_at_ = 0, ends_behind_ = 0;  // the record at the end of the snapshot
  std::map<std::string, std::string> source_;
};

TEST_F(Damage, CutShortAtEveryByte) {
  ASSERT_LT(whole_.size(), 8000U);
  for (std::size_t size = 0; size < whole_.size(); ++size) {
    const std::string what = "cut at " + std::to_string(size) + ": ";
    write_file(world_.at("damaged"), std::string_view(whole_).substr(0, size));
    Hearing hearing;
    const auto streamed = stream_from(world_.at("damaged"), fresh_target(), hearing);
    ASSERT_FALSE(streamed) << what;
    EXPECT_EQ(streamed.error().code, EBADMSG) << what << streamed.error().message();
    EXPECT_THAT(streamed.error().detail,
                ::testing::AnyOf(HasSubstr("byte "), HasSubstr("is not an FXAR archive"), HasSubstr("cut short")))
        << what;
    expect_nothing_wrong("to", what);
    EXPECT_THAT(checked(world_.at("damaged")).damages, Not(IsEmpty())) << what;
    const auto imported = import_from(world_.at("damaged"), fresh_target(), hearing);
    if (imported) {
      EXPECT_EQ(contents(world_, "to"), source_) << what;
    }
    expect_nothing_wrong("to", what);
  }
}

TEST_F(Damage, ABitInEveryByte) {
  for (std::size_t at = 0; at < whole_.size(); ++at) {
    const std::string what = "a bit of byte " + std::to_string(at) + ": ";
    std::string changed = whole_;
    changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
    write_file(world_.at("damaged"), changed);
    Hearing hearing;
    ASSERT_FALSE(stream_from(world_.at("damaged"), fresh_target(), hearing)) << what;
    expect_nothing_wrong("to", what);
    EXPECT_THAT(checked(world_.at("damaged")).damages, Not(IsEmpty())) << what;
    Hearing of_import;
    const auto imported = import_from(world_.at("damaged"), fresh_target(), of_import);
    // Only the header, and the end of the one snapshot, are needed for all.
    if (at >= kHeaderSize && (at < ends_at_ || at >= ends_behind_)) {
      ASSERT_TRUE(imported) << what << imported.error().message();
    }
    if (imported) {
      EXPECT_EQ(of_import.problems.empty(), contents(world_, "to") == source_) << what;
    }
    expect_nothing_wrong("to", what);
  }
}

TEST_F(Damage, SeveralBytesAtOnce) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 500; ++i) {
    std::string changed = whole_;
    const std::size_t at = random() % changed.size(), size = std::min<std::size_t>(1 + random() % 200, changed.size() - at);
    for (std::size_t k = 0; k < size; ++k) changed[at + k] = static_cast<char>(random());
    write_file(world_.at("damaged"), changed);
    Hearing hearing;
    EXPECT_FALSE(stream_from(world_.at("damaged"), fresh_target(), hearing));
    expect_nothing_wrong("to", "stream ");
    (void)import_from(world_.at("damaged"), fresh_target(), hearing);
    expect_nothing_wrong("to", "file ");
    EXPECT_THAT(checked(world_.at("damaged")).damages, Not(IsEmpty()));
  }
}

TEST(DamagedChunk, CostsTheFilesThatHaveIt) {
  testing::TempTree world;
  world.file("src/a", "a" + std::string(3000, 'a'));
  world.file("src/b", testing::random_bytes(5000, 1));
  world.file("src/c", testing::random_bytes(5000, 1));
  world.file("src/d", "d" + std::string(3000, 'd'));
  export_to(world.at("src"), world.at("archive"), {.codec = {codec::Format::none, 0}});
  std::string bytes = world.read("archive");
  const std::size_t at = bytes.find(testing::random_bytes(5000, 1));
  ASSERT_NE(at, std::string::npos);
  bytes[at + 100] = static_cast<char>(bytes[at + 100] ^ 1);
  write_file(world.at("archive"), bytes);
  const Checked found = checked(world.at("archive"));
  EXPECT_THAT(found.hit, ElementsAre("b", "c"));
  EXPECT_THAT(found.damages, ElementsAre(HasSubstr("chunk 1: the checksum of its data is wrong")));
  Hearing hearing;
  world.dir("to");
  ASSERT_TRUE(import_from(world.at("archive"), world.at("to"), hearing));
  EXPECT_THAT(world.names("to"), ElementsAre("a", "d"));
  EXPECT_THAT(hearing.problems, ElementsAre(HasSubstr("chunk 1"), HasSubstr("chunk 1")));
}

TEST(DamagedHead, CostsTheFilesThatHaveItsChunk) {
  testing::TempTree world;
  for (const char* name : {"src/a", "src/b", "src/c"})
    world.file(name, name + testing::random_bytes(5000, 9).substr(0, 4000) + name);
  export_to(world.at("src"), world.at("archive"), {.codec = {codec::Format::none, 0}});
  std::string bytes = world.read("archive");
  const std::size_t at = bytes.find(world.read("src/b"));
  ASSERT_NE(at, std::string::npos);
  bytes[at - 10] = static_cast<char>(bytes[at - 10] ^ 1);  // in the head before it
  write_file(world.at("archive"), bytes);
  const Checked found = checked(world.at("archive"));
  EXPECT_THAT(found.hit, ElementsAre("b"));
  Hearing hearing;
  world.dir("to");
  ASSERT_TRUE(import_from(world.at("archive"), world.at("to"), hearing));
  EXPECT_THAT(world.names("to"), ElementsAre("a", "c"));
}

// ---- Appending

std::vector<std::string> ids_of(const Archive& archive) {
  std::vector<std::string> ids;
  for (const Snapshot& snapshot : archive.snapshots()) ids.push_back(snapshot.id);
  return ids;
}

TEST(Append, StoresOnlyWhatIsNewAndKeepsWhatWas) {
  testing::TempTree world;
  const std::string large = testing::random_bytes(2'000'000, 1);
  world.file("src/large", large);
  world.file("src/small", "one");
  export_to(world.at("src"), world.at("archive"));
  const std::string first = world.read("archive");
  world.file("src/small", "two");
  world.file("src/large", large.substr(0, 1'000'000) + "inserted" + large.substr(1'000'000));
  append_to(world, "src", "second");
  const std::string both = world.read("archive");
  EXPECT_EQ(both.substr(0, first.size()), first) << "nothing that was written is changed";
  EXPECT_LT(both.size() - first.size(), 400'000U);
  EXPECT_THAT(checked(world.at("archive")).damages, IsEmpty());
  auto archive = Archive::open(open_file(world.at("archive")));
  ASSERT_TRUE(archive);
  EXPECT_THAT(ids_of(*archive), ElementsAre("first", "second"));
  for (const Snapshot& snapshot : archive->snapshots()) {
    world.dir(snapshot.id);
    Hearing hearing;
    auto restorer = Restorer::into(open_dir(world.at(snapshot.id)), "", all_kept(), hearing);
    ASSERT_TRUE(import_snapshot(*archive, snapshot, {}, **restorer));
  }
  EXPECT_EQ(world.read("first/small"), "one");
  EXPECT_EQ(world.read("first/large"), large);
  EXPECT_EQ(contents(world, "second"), contents(world, "src"));
}

TEST(Append, CutShortAnywhereTheOldArchiveIsWhole) {
  testing::TempTree world;
  world.file("src/a", testing::random_bytes(700, 1));
  export_to(world.at("src"), world.at("archive"), {.chunks = {64, 256, 512}});
  const std::string first = world.read("archive");
  const auto before = contents(world, "src");
  world.file("src/b", testing::random_bytes(700, 2));
  append_to(world, "src", "second");
  const std::string both = world.read("archive");
  for (std::size_t size = first.size(); size < both.size(); ++size) {
    write_file(world.at("archive"), std::string_view(both).substr(0, size));
    auto archive = Archive::open(open_file(world.at("archive")));
    ASSERT_TRUE(archive) << size;
    EXPECT_EQ(archive->snapshots().front().id, "first");
    // The second counts from the moment when its end is there.
    ASSERT_LE(archive->snapshots().size(), 2U);
    world.remove("to");
    world.dir("to");
    Hearing hearing;
    ASSERT_TRUE(import_from(world.at("archive"), world.at("to"), hearing)) << size;
    EXPECT_THAT(hearing.problems, IsEmpty());
    EXPECT_EQ(contents(world, "to"), archive->snapshots().size() == 1 ? before : contents(world, "src")) << size;
    if (size % 37 == 0) {
      append_to(world, "src", "third");
      EXPECT_THAT(checked(world.at("archive")).damages, IsEmpty()) << size;
    }
  }
}

TEST(Append, WhatIsLeftOfAKilledOneIsNoLeadIntoGarbage) {
  testing::TempTree world;
  world.file("src/a", "text");
  export_to(world.at("src"), world.at("archive"));
  const std::string first = world.read("archive");
  for (const std::string& garbage : {std::string(5000, '\0'), testing::random_bytes(5000, 1), first, first.substr(64)}) {
    write_file(world.at("archive"), first + garbage);
    auto archive = Archive::open(open_file(world.at("archive")));
    ASSERT_TRUE(archive);
    EXPECT_EQ(archive->snapshots().front().id, "first");
  }
}

TEST(Append, FilesThatHaveNotChangedAreNotRead) {
  testing::TempTree world;
  for (int i = 0; i < 20; ++i)
    world.file("src/d/file" + std::to_string(i), testing::random_bytes(10'000, static_cast<std::uint64_t>(i)));
  world.hard_link("src/d/file3", "src/link");
  // Files younger than two seconds are read in any case; the snapshot is told to have begun later.
  const sys::UniqueFd out = open_file(world.at("archive")), root = open_dir(world.at("src"));
  const auto later = [&](Writer& writer, EntryCursor* previous, std::uint64_t device) {
    Hearing hearing;
    const ExportOptions options{.now_s = ::time(nullptr) + 100, .previous = previous, .previous_device = device};
    const auto done = export_tree(root, options, writer, hearing);
    EXPECT_TRUE(done);
    return *done;
  };
  Snapshot snapshot = named("first");
  snapshot.device = sys::status_of(root)->device().value;
  {
    Writer writer(out, {codec::Format::zstd, 3});
    ASSERT_TRUE(writer.begin_archive({}));
    ASSERT_TRUE(writer.begin_snapshot(snapshot));
    EXPECT_EQ(later(writer, nullptr, 0).bytes_read, 200'000U);
    ASSERT_TRUE(writer.end_snapshot());
    ASSERT_TRUE(writer.finish());
  }
  world.overwrite("src/d/file7", 5, "changed");
  auto appending = Appending::to(out, {codec::Format::zstd, 3});
  ASSERT_TRUE(appending);
  ExportOptions before;
  (*appending)->prepare(before);
  Writer& writer = **(*appending)->begin();
  snapshot.id = "second";
  ASSERT_TRUE(writer.begin_snapshot(snapshot));
  const ExportCounters counters = later(writer, before.previous, before.previous_device);
  ASSERT_TRUE(writer.end_snapshot());
  ASSERT_TRUE(writer.finish());
  ASSERT_TRUE((*appending)->commit());
  EXPECT_EQ(counters.bytes_read, 10'000U);
  EXPECT_EQ(counters.unchanged, 19U);
  Hearing hearing;
  world.dir("to");
  ASSERT_TRUE(import_from(world.at("archive"), world.at("to"), hearing));
  EXPECT_THAT(hearing.problems, IsEmpty());
  EXPECT_EQ(contents(world, "to"), contents(world, "src"));
  EXPECT_EQ(world.status("to/link").st_ino, world.status("to/d/file3").st_ino);
}

}  // namespace
}  // namespace foxing::archive
