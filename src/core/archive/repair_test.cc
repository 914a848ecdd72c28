// SPDX-License-Identifier: GPL-2.0-or-later
// Damaged archives, repaired: no whole file is lost, and none that is not whole is saved.
#include <algorithm>
#include <set>

#include "core/archive/repairer.h"
#include "core/archive/test_archive.h"

namespace foxing::archive {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

struct Told final : RepairObserver {
  void lost(const std::string& snapshot, const std::string& path, const std::string& why) override {
    paths.push_back(snapshot + ":" + path);
    reasons.push_back(why);
  }
  void gap(const std::string& snapshot, const std::string& what) override { gaps.push_back(snapshot + ": " + what); }
  std::vector<std::string> paths, reasons, gaps;
};

/// The file "damaged" becomes "repaired".
Result<RepairCounters> repair_it(const testing::TempTree& world, Told& told) {
  const sys::UniqueFd in = open_file(world.at("damaged"));
  world.remove("repaired");
  const sys::UniqueFd out = open_file(world.at("repaired"));
  Survey survey = FOX_TRY(Survey::of(in, [](const Error&) {}));
  Writer writer(out, {codec::Format::zstd, 3});
  FOX_TRY(writer.begin_archive({.chunks = survey.header().chunks}));
  const RepairCounters counters = FOX_TRY(repair(survey, writer, told));
  if (counters.snapshots > 0) FOX_TRY(writer.finish());
  return counters;
}

/// A byte range that is spoilt: the records that it touches are not whole any more.
struct Range {
  std::uint64_t at, end;
};

/// An archive of two snapshots with many records.
class Repair : public ::testing::Test {
 protected:
  Repair() {
    for (std::uint64_t i = 0; i < 24; ++i) {
      const std::string name = "src/d" + std::to_string(i % 5) + "/file" + std::to_string(i);
      world_.file(name, testing::random_bytes(900 + 37 * i, i));
    }
    world_.hard_link("src/d1/file6", "src/other");
    world_.symlink("src/link", "d1");
    world_.sparse_file("src/holes", 1 << 20, {{65536, "data"}});
    export_to(world_.at("src"), world_.at("archive"), {.chunks = {64, 256, 512}});
    firsts_ = contents(world_, "src");
    world_.file("src/d2/file7", testing::random_bytes(1200, 99));
    world_.file("src/d3/new", testing::random_bytes(800, 100));
    append_to(world_, "src", "second");
    whole_ = world_.read("archive");
    seconds_ = contents(world_, "src");
  }

  /// Which files need one of the chunks whose records are touched, straight from the undamaged archive.
  std::set<std::string> hit_by(const std::vector<Range>& ranges) {
    std::set<std::string> hit;
    auto archive = Archive::open(open_file(world_.at("archive")));
    EXPECT_TRUE(archive);
    const auto spoilt = [&](std::uint64_t at, std::uint64_t size) {
      return std::ranges::any_of(ranges, [&](const Range& range) { return range.at < at + size && at < range.end; });
    };
    for (const Snapshot& snapshot : archive->snapshots()) {
      std::set<std::string> lost_names;
      EntryCursor cursor(*archive, snapshot);
      while (auto item = *cursor.next_entry()) {
        bool bad = item->entry.hard_link && lost_names.contains(item->entry.text);
        for (const archive::Run& run : item->content) {
          for (std::uint64_t number = run.first; !run.is_hole() && number < run.first + run.count; ++number) {
            const Placed placed = *archive->place(number);
            bad = bad || spoilt(placed.offset, kHeadSize + placed.stored_size);
          }
        }
        if (bad) hit.insert(snapshot.id + ":" + item->entry.path);
        if (bad) lost_names.insert(item->entry.path);
      }
    }
    return hit;
  }

  /// True where a record that is no chunk is touched: then names may be lost, too.
  bool touches_names(const std::vector<Range>& ranges) {
    auto archive = Archive::open(open_file(world_.at("archive")));
    for (std::uint64_t at = kHeaderSize; at < whole_.size();) {
      const Head head = *archive->head(at);
      const bool names = head.kind == Kind::entries;
      for (const Range& range : ranges)
        if (names && range.at < at + head.whole_size() && at < range.end) return true;
      at += head.whole_size();
    }
    return false;
  }

  /// What the repaired archive has is what was exported.
  void expect_nothing_wrong() {
    EXPECT_THAT(checked(world_.at("repaired")).damages, IsEmpty());
    auto archive = Archive::open(open_file(world_.at("repaired")));
    ASSERT_TRUE(archive) << archive.error().message();
    saved_.clear();
    for (const Snapshot& snapshot : archive->snapshots()) {
      world_.remove("to");
      world_.dir("to");
      Hearing hearing;
      auto restorer = Restorer::into(open_dir(world_.at("to")), "", all_kept(), hearing);
      ASSERT_TRUE(import_snapshot(*archive, snapshot, {}, **restorer));
      EXPECT_THAT(hearing.problems, IsEmpty());
      for (const auto& [name, content] : contents(world_, "to")) {
        const auto first = firsts_.find(name), second = seconds_.find(name);
        const bool is_one = snapshot.id == "first"    ? first != firsts_.end() && first->second == content
                            : snapshot.id == "second" ? second != seconds_.end() && second->second == content
                                                      : (first != firsts_.end() && first->second == content) ||
                                                            (second != seconds_.end() && second->second == content);
        ASSERT_TRUE(is_one) << snapshot.id << ":" << name << " is not what was exported";
        saved_.insert(snapshot.id + ":" + name);
      }
    }
  }

  std::set<std::string> all_files() const {
    std::set<std::string> all;
    for (const auto& [name, content] : firsts_) all.insert("first:" + name);
    for (const auto& [name, content] : seconds_) all.insert("second:" + name);
    return all;
  }

  testing::TempTree world_;
  std::string whole_;
  std::map<std::string, std::string> firsts_, seconds_;
  std::set<std::string> saved_;
};

TEST_F(Repair, NothingIsLostOfAWholeArchiveNorWithoutFooterAndIndexes) {
  auto archive = Archive::open(open_file(world_.at("archive")));
  ASSERT_TRUE(archive);
  std::string without = whole_;
  for (std::uint64_t at = kHeaderSize; at < whole_.size();) {
    const Head head = *archive->head(at);
    const bool spares = head.kind == Kind::index || head.kind == Kind::directory || head.kind == Kind::footer;
    if (spares) std::fill_n(without.begin() + static_cast<std::ptrdiff_t>(at), head.whole_size(), '\0');
    at += head.whole_size();
  }
  for (const std::string& bytes : {whole_, whole_.substr(0, whole_.size() - 1), without}) {
    write_file(world_.at("damaged"), bytes);
    Told told;
    const auto done = repair_it(world_, told);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_THAT(told.paths, IsEmpty());
    EXPECT_THAT(told.gaps, IsEmpty());
    expect_nothing_wrong();
    EXPECT_EQ(saved_, all_files());
  }
}

TEST_F(Repair, RandomDamage) {
  for (std::uint64_t seed = 0; seed < 80; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::string changed = whole_;
    std::vector<Range> ranges;
    for (std::uint64_t i = 0, count = 1 + random() % 4; i < count; ++i) {
      const std::uint64_t at = random() % changed.size();
      const std::uint64_t size = std::min<std::uint64_t>(1 + random() % (seed % 2 == 0 ? 40 : 1500), changed.size() - at);
      for (std::uint64_t k = at; k < at + size; ++k)
        changed[k] = static_cast<char>(changed[k] ^ static_cast<char>(1 + random() % 255));
      ranges.push_back({at, at + size});
    }
    write_file(world_.at("damaged"), changed);
    Told told;
    const auto done = repair_it(world_, told);
    ASSERT_TRUE(done) << done.error().message();
    if (done->snapshots == 0) continue;
    expect_nothing_wrong();
    const std::set<std::string> hit = hit_by(ranges);
    for (const std::string& name : hit) EXPECT_FALSE(saved_.contains(name)) << name;
    if (touches_names(ranges)) {
      EXPECT_THAT(told.gaps, Not(IsEmpty()));
      continue;
    }
    // Where beginning and end of a snapshot are lost its files are there under another name of the snapshot.
    if (std::ranges::any_of(saved_, [](const std::string& name) { return name.find("nameless") != std::string::npos; })) continue;
    for (const std::string& name : all_files()) EXPECT_EQ(saved_.contains(name), !hit.contains(name)) << name;
    for (const std::string& name : hit) EXPECT_THAT(told.paths, Contains(name));
  }
}

TEST_F(Repair, CutShortAnywhere) {
  auto archive = Archive::open(open_file(world_.at("archive")));
  ASSERT_TRUE(archive);
  const auto ends = archive->footer().snapshots;
  const std::uint64_t begins = archive->snapshots()[1].begins_at;
  for (std::size_t size = whole_.size() / 50; size < whole_.size(); size += whole_.size() / 50) {
    SCOPED_TRACE(size);
    write_file(world_.at("damaged"), std::string_view(whole_).substr(0, size));
    Told told;
    const auto done = repair_it(world_, told);
    ASSERT_TRUE(done) << done.error().message();
    if (done->snapshots == 0) continue;
    expect_nothing_wrong();
    const std::set<std::string> hit = hit_by({{size, whole_.size()}});
    for (const std::string& name : hit) EXPECT_FALSE(saved_.contains(name)) << name;
    // Cut between the snapshots nothing says that there was a second one.
    if (size < ends[0] || (size > begins + 300 && size < ends[1])) {
      EXPECT_THAT(told.gaps, Not(IsEmpty()));
    }
  }
}

TEST_F(Repair, BytesThatAreMissingInTheMiddle) {
  const std::size_t at = whole_.size() / 3;
  write_file(world_.at("damaged"), whole_.substr(0, at) + whole_.substr(at + 777));
  Told told;
  const auto done = repair_it(world_, told);
  ASSERT_TRUE(done) << done.error().message();
  expect_nothing_wrong();
  const std::set<std::string> hit = hit_by({{at, at + 777}});
  for (const std::string& name : all_files()) EXPECT_EQ(saved_.contains(name), !hit.contains(name)) << name;
}

TEST_F(Repair, WithoutItsHeader) {
  write_file(world_.at("damaged"), std::string(kHeaderSize, 'x') + whole_.substr(kHeaderSize));
  Told told;
  ASSERT_TRUE(repair_it(world_, told));
  expect_nothing_wrong();
  EXPECT_EQ(saved_, all_files());
  write_file(world_.at("damaged"), "no archive at all, and long enough to have a header: " + std::string(500, 'x'));
  EXPECT_FALSE(repair_it(world_, told));
}

TEST_F(Repair, ABlockOfEntriesThatIsLost) {
  auto archive = Archive::open(open_file(world_.at("archive")));
  std::string changed = whole_;
  // The first: the root and the directories are in it.
  const std::uint64_t at =
      archive->snapshots().front().begins_at + archive->head(archive->snapshots().front().begins_at)->whole_size();
  ASSERT_EQ(archive->head(at)->kind, Kind::entries);
  changed[at + kHeadSize] = static_cast<char>(changed[at + kHeadSize] ^ 1);
  write_file(world_.at("damaged"), changed);
  Told told;
  ASSERT_TRUE(repair_it(world_, told));
  EXPECT_THAT(told.gaps, Contains(HasSubstr("from '' on are lost")));
  expect_nothing_wrong();
  for (const auto& [name, content] : seconds_) {
    const bool there = saved_.contains("second:" + name);
    const bool first_has_it = firsts_.contains(name) && firsts_.at(name) == content;
    EXPECT_TRUE(there || !first_has_it || !hit_by({{at, at + 1}}).contains("second:" + name)) << name;
  }
}

/// Text is stored as it is: the archive has whole archives in it.
TEST(RepairNested, AnArchiveInTheArchiveIsNoSourceOfChunks) {
  for (const auto& [without_index, size] : {std::pair(false, 400), {true, 400}, {false, 30'000}, {true, 30'000}}) {
    SCOPED_TRACE(::testing::Message() << without_index << ' ' << size);
    testing::TempTree world;
    for (int i = 0; i < 6; ++i)
      world.file("inner/evil" + std::to_string(i),
                 testing::random_bytes(static_cast<std::size_t>(size), 1000 + static_cast<std::uint64_t>(i)));
    export_to(world.at("inner"), world.at("nested"), {.codec = {codec::Format::none, 0}, .chunks = {64, 256, 512}});
    for (int i = 0; i < 6; ++i)
      world.file("src/a" + std::to_string(i), testing::random_bytes(400, static_cast<std::uint64_t>(i)));
    world.file("src/nested", world.read("nested"));
    for (int i = 0; i < 6; ++i)
      world.file("src/z" + std::to_string(i), testing::random_bytes(400, 50 + static_cast<std::uint64_t>(i)));
    export_to(world.at("src"), world.at("archive"), {.codec = {codec::Format::none, 0}});
    const auto source = contents(world, "src");
    const std::string whole = world.read("archive");
    auto archive = Archive::open(open_file(world.at("archive")));
    ASSERT_TRUE(archive);
    for (std::uint64_t number = 0; number < archive->footer().chunks; ++number) {
      SCOPED_TRACE(number);
      std::string changed = whole;
      changed[archive->place(number)->offset] ^= 1;  // its head
      for (const IndexPlace& index : archive->footer().indexes)
        if (without_index) changed[index.offset + kHeadSize] ^= 1;
      write_file(world.at("damaged"), changed);
      Told told;
      ASSERT_TRUE(repair_it(world, told));
      world.remove("to");
      world.dir("to");
      Hearing hearing;
      ASSERT_TRUE(import_from(world.at("repaired"), world.at("to"), hearing));
      auto expected = source;
      ASSERT_THAT(told.paths, SizeIs(1)) << ::testing::PrintToString(told.reasons) << ::testing::PrintToString(told.gaps);
      expected.erase(told.paths.front().substr(std::string("first:").size()));
      EXPECT_EQ(contents(world, "to"), expected);
    }
  }
}

TEST(RepairHardLinks, NamesOfAFileThatIsLostAreLost) {
  testing::TempTree world;
  world.file("src/a", testing::random_bytes(5000, 1));
  world.file("src/c", testing::random_bytes(5000, 2));
  world.hard_link("src/a", "src/b");
  export_to(world.at("src"), world.at("archive"), {.codec = {codec::Format::none, 0}});
  std::string bytes = world.read("archive");
  const std::size_t at = bytes.find(world.read("src/a"));
  ASSERT_NE(at, std::string::npos);
  bytes[at + 10] ^= 1;
  write_file(world.at("damaged"), bytes);
  Told told;
  const auto done = repair_it(world, told);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->files, 1U);
  EXPECT_THAT(told.paths, ElementsAre("first:a", "first:b"));
  EXPECT_THAT(told.reasons, ElementsAre(HasSubstr("chunk 0"), HasSubstr("another name of 'a'")));
}

}  // namespace
}  // namespace foxing::archive
