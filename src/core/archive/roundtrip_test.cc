// SPDX-License-Identifier: GPL-2.0-or-later
// Trees into archives and back, in one process: from a file and from a stream, whole and in part.
#include <sys/stat.h>

#include <algorithm>

#include "core/archive/manifest.h"
#include "core/archive/test_archive.h"
#include "sys/fault.h"
#include "sys/names.h"

namespace foxing::archive {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr ChunkSizes kSmall{256, 1024, 4096};

void make_tree(const testing::TempTree& world, const std::string& at) {
  world.dir(at + "/empty", 0750);
  world.file(at + "/a.b", "sorts behind a/");
  world.file(at + "/a/text", std::string(5000, 'x') + "end");
  world.file(at + "/a/same", std::string(5000, 'x') + "end");
  world.file(at + "/a/noise", testing::random_bytes(100'000, 1), 0600);
  world.file(at + "/nothing", "", 04755);
  world.sparse_file(at + "/holes", 1 << 20, {{65536, "data"}, {700'000, "more"}});
  world.sparse_file(at + "/hole", 123'456);
  world.symlink(at + "/link", "/nowhere/" + std::string(200, 'l'));
  world.hard_link(at + "/a/noise", at + "/z");
  world.fifo(at + "/fifo", 0620);
  world.set_xattr(at + "/a/text", "user.note", "value");
  world.times(at + "/a/text", {5, 5}, {-1000, 123'456'789});
  world.times(at + "/link", {6, 6}, {7, 77});
  world.times(at + "/a", {8, 8}, {9, 99});
}

void expect_same(const testing::TempTree& world, const std::string& a, const std::string& b) {
  EXPECT_EQ(contents(world, a), contents(world, b));
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(world.at(a)))
    names.push_back(entry.path().string().substr(world.at(a).size()));
  std::size_t there = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::recursive_directory_iterator(world.at(b))) ++there;
  EXPECT_EQ(there, names.size());
  for (const std::string& name : names) {
    const struct stat one = world.status(a + name), other = world.status(b + name);
    EXPECT_EQ(one.st_mode, other.st_mode) << name;
    EXPECT_EQ(one.st_mtim.tv_sec, other.st_mtim.tv_sec) << name;
    EXPECT_EQ(one.st_mtim.tv_nsec, other.st_mtim.tv_nsec) << name;
    EXPECT_EQ(one.st_size, other.st_size) << name;
    EXPECT_EQ(one.st_nlink, other.st_nlink) << name;
  }
}

TEST(RoundTrip, FromAFileAndFromAStreamWithEveryCodec) {
  testing::TempTree world;
  make_tree(world, "src");
  for (const codec::Codec codec :
       {codec::Codec{codec::Format::zstd, 3}, codec::Codec{codec::Format::lz4, 0}, codec::Codec{codec::Format::gzip, 6},
        codec::Codec{codec::Format::xz, 0}, codec::Codec{codec::Format::none, 0}}) {
    const std::string name(codec::name_of(codec.format));
    SCOPED_TRACE(name);
    export_to(world.at("src"), world.at(name + ".fxar"), {.codec = codec, .workers = 2, .chunks = kSmall});
    Hearing hearing;
    world.dir("file-" + name);
    world.dir("stream-" + name);
    const auto imported = import_from(world.at(name + ".fxar"), world.at("file-" + name), hearing);
    ASSERT_TRUE(imported) << imported.error().message();
    const auto streamed = stream_from(world.at(name + ".fxar"), world.at("stream-" + name), hearing);
    ASSERT_TRUE(streamed) << streamed.error().message();
    EXPECT_THAT(hearing.problems, IsEmpty());
    expect_same(world, "src", "file-" + name);
    expect_same(world, "src", "stream-" + name);
    EXPECT_EQ(world.xattr("stream-" + name + "/a/text", "user.note"), "value");
    EXPECT_EQ(world.status("file-" + name + "/a/noise").st_ino, world.status("file-" + name + "/z").st_ino);
    EXPECT_THAT(checked(world.at(name + ".fxar")).damages, IsEmpty());
  }
}

TEST(RoundTrip, TheSameTreeGivesTheSameBytes) {
  testing::TempTree world;
  make_tree(world, "src");
  export_to(world.at("src"), world.at("one"), {.workers = 0, .chunks = kSmall});
  export_to(world.at("src"), world.at("four"), {.workers = 4, .chunks = kSmall});
  EXPECT_EQ(world.read("one"), world.read("four"));
}

TEST(RoundTrip, TheSameContentIsStoredOnce) {
  testing::TempTree world;
  const std::string content = testing::random_bytes(3'000'000, 2);
  for (int i = 0; i < 5; ++i) world.file("src/file" + std::to_string(i), content);
  export_to(world.at("src"), world.at("archive"));
  EXPECT_LT(world.read("archive").size(), 3'100'000U);
  Hearing hearing;
  world.dir("to");
  ASSERT_TRUE(stream_from(world.at("archive"), world.at("to"), hearing));
  EXPECT_EQ(contents(world, "src"), contents(world, "to"));
}

TEST(RoundTrip, FilesLargerThanABlock) {
  testing::TempTree world;
  world.file("src/large", testing::random_bytes(20'000'000, 3));
  world.file("src/later", "text");
  world.file("src/larger", testing::random_bytes(9'000'000, 4) + testing::random_bytes(9'000'000, 3));
  export_to(world.at("src"), world.at("archive"), {.workers = 2});
  Hearing hearing;
  world.dir("file");
  world.dir("stream");
  ASSERT_TRUE(import_from(world.at("archive"), world.at("file"), hearing));
  ASSERT_TRUE(stream_from(world.at("archive"), world.at("stream"), hearing));
  EXPECT_EQ(contents(world, "src"), contents(world, "file"));
  EXPECT_EQ(contents(world, "src"), contents(world, "stream"));
}

TEST(RoundTrip, WhatIsThereGivesWayAndOthersStay) {
  testing::TempTree world;
  make_tree(world, "src");
  export_to(world.at("src"), world.at("archive"));
  world.file("to/mine", "stays");
  world.file("to/a.b", "old");
  world.symlink("to/a", "/nowhere");  // a link where a directory is to be
  world.file("to/link", "a file where a link is to be");
  world.file("to/outside", "untouched");
  world.symlink("to/nothing", "outside");  // a file is to replace it, not to be written through it
  Hearing hearing;
  ASSERT_TRUE(import_from(world.at("archive"), world.at("to"), hearing));
  EXPECT_THAT(hearing.problems, IsEmpty());
  EXPECT_EQ(world.read("to/mine"), "stays");
  EXPECT_EQ(world.read("to/outside"), "untouched");
  EXPECT_EQ(world.read("to/a.b"), "sorts behind a/");
  EXPECT_EQ(world.status("to/nothing").st_size, 0);
  EXPECT_TRUE(S_ISREG(world.status("to/nothing").st_mode));
  EXPECT_EQ(world.read("to/a/text"), world.read("src/a/text"));
}

TEST(RoundTrip, WhatIsNotReadableIsToldAndTheRestIsThere) {
  if (testing::is_root()) GTEST_SKIP() << "root can read everything";
  testing::TempTree world;
  world.file("src/closed", "secret", 0000);
  world.file("src/open", "text");
  Hearing hearing;
  export_to(world.at("src"), world.at("archive"), {}, &hearing);
  EXPECT_THAT(hearing.problems, ElementsAre(HasSubstr("closed")));
  world.dir("to");
  ASSERT_TRUE(import_from(world.at("archive"), world.at("to"), hearing));
  EXPECT_THAT(world.names("to"), ElementsAre("open"));
}

TEST(RoundTrip, WhatWasTakenBackDoesNotCountAndItsContentMayBeReferredTo) {
  testing::TempTree world;
  const std::string large = testing::random_bytes(9'000'000, 5);
  const sys::UniqueFd out = open_file(world.at("archive"));
  Writer writer(out, {codec::Format::none, 0});
  ASSERT_TRUE(writer.begin_archive({}));
  ASSERT_TRUE(writer.begin_snapshot(named("first")));
  const auto begin = [&](std::string path, sys::FileType type, std::uint64_t size) {
    ASSERT_TRUE(writer.begin({.type = type, .path = std::move(path), .mode = 0755, .size = size}));
  };
  const auto content = [&](std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(bytes.size(), 1'000'000))) {
      const auto piece = as_bytes(bytes.substr(0, 1'000'000));
      ASSERT_TRUE(writer.chunk(piece, digest::hash(piece), {}));
    }
  };
  begin("", sys::FileType::directory, 0);
  ASSERT_TRUE(writer.end());
  begin("changed", sys::FileType::regular, large.size());  // over several blocks
  content(large);
  ASSERT_TRUE(writer.take_back());
  begin("changed", sys::FileType::regular, 100);  // in one: nobody hears of it
  content(testing::random_bytes(100, 6));
  ASSERT_TRUE(writer.take_back());
  begin("changed", sys::FileType::regular, 4);
  content("text");
  ASSERT_TRUE(writer.end());
  begin("later", sys::FileType::regular, large.size() + 100);
  content(large);
  content(testing::random_bytes(100, 6));
  ASSERT_TRUE(writer.end());
  ASSERT_TRUE(writer.end_snapshot());
  ASSERT_TRUE(writer.finish());
  EXPECT_THAT(checked(world.at("archive")).damages, IsEmpty());
  for (const bool stream : {false, true}) {
    world.remove("to");
    world.dir("to");
    Hearing hearing;
    const auto done = stream ? stream_from(world.at("archive"), world.at("to"), hearing)
                             : import_from(world.at("archive"), world.at("to"), hearing);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_THAT(hearing.problems, IsEmpty());
    EXPECT_THAT(world.names("to"), ElementsAre("changed", "later"));
    EXPECT_EQ(world.read("to/changed"), "text");
    EXPECT_EQ(world.read("to/later"), large + testing::random_bytes(100, 6));
  }
  auto archive = Archive::open(open_file(world.at("archive")));
  const auto found = find_entry(*archive, archive->snapshots().back(), "changed");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->entry.size, 4U);
}

TEST(RoundTrip, AFileThatChangedUnderItsSecondNameIsAFileOfItsOwn) {
  testing::TempTree world;
  world.file("src/a", "old text");
  world.hard_link("src/a", "src/b");
  struct Changing final : Observer {
    explicit Changing(testing::TempTree& world) : world_(world) {}
    void problem(const std::string&, const Error&, bool) override {}
    void done(const std::string& path) override {
      if (path == "a") world_.overwrite("src/b", 0, "new text");
    }
    testing::TempTree& world_;
  } changing(world);
  const sys::UniqueFd out = open_file(world.at("archive")), root = open_dir(world.at("src"));
  Writer writer(out, {codec::Format::zstd, 3});
  ASSERT_TRUE(writer.begin_archive({}));
  ASSERT_TRUE(writer.begin_snapshot(named("first")));
  ASSERT_TRUE(export_tree(root, {}, writer, changing));
  ASSERT_TRUE(writer.end_snapshot());
  ASSERT_TRUE(writer.finish());
  Hearing hearing;
  world.dir("to");
  ASSERT_TRUE(import_from(world.at("archive"), world.at("to"), hearing));
  EXPECT_EQ(world.read("to/a"), "old text");
  EXPECT_EQ(world.read("to/b"), "new text");
}

TEST(RoundTrip, WhatIsTooDeepIsLeftOutAndTheArchiveCanBeRead) {
  if (sys::raise_open_file_limit() < 5000) GTEST_SKIP() << "so many files may not be open at once";
  testing::TempTree world;
  world.dir("src");
  world.file("src/z", "text");
  constexpr int kDeep = 4100;
  sys::UniqueFd deepest = open_dir(world.at("src"));
  for (int i = 0; i < kDeep; ++i) {
    ASSERT_TRUE(sys::make_directory_at(deepest, "d", 0755));
    deepest = *sys::open_at(deepest, "d", {.directory = true});
  }
  Hearing hearing;
  {
    const sys::UniqueFd out = open_file(world.at("archive")), root = open_dir(world.at("src"));
    Writer writer(out, {codec::Format::none, 0});
    ASSERT_TRUE(writer.begin_archive({}));
    ASSERT_TRUE(writer.begin_snapshot(named("first")));
    ASSERT_TRUE(export_tree(root, {}, writer, hearing));
    ASSERT_TRUE(writer.end_snapshot());
    ASSERT_TRUE(writer.finish());
  }
  for (int i = 0; i < kDeep; ++i) {
    deepest = *sys::open_at(deepest, "..", {.directory = true});
    ASSERT_TRUE(sys::remove_directory_at(deepest, "d"));
  }
  EXPECT_THAT(hearing.problems, ElementsAre(HasSubstr("lies deeper than an archive allows")));
  EXPECT_THAT(checked(world.at("archive")).damages, IsEmpty());
  auto archive = Archive::open(open_file(world.at("archive")));
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->snapshots().front().entries, 4097U) << "the root, 4095 directories and a file";
}

TEST(RoundTrip, WhatNoFileTakesLeavesNoNameBehind) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "built without FOXING_FAULT_INJECTION";
  testing::TempTree world;
  const sys::UniqueFd out = open_file(world.at("archive"));
  Writer writer(out, {codec::Format::none, 0});
  ASSERT_TRUE(writer.begin_archive({}));
  ASSERT_TRUE(writer.begin_snapshot(named("first")));
  ASSERT_TRUE(writer.begin({.type = sys::FileType::directory, .mode = 0755}));
  ASSERT_TRUE(writer.end());
  ASSERT_TRUE(writer.begin({.path = "changed", .mode = 0644, .size = 4}));
  ASSERT_TRUE(writer.chunk(as_bytes("text"), digest::hash(as_bytes("text")), {}));
  ASSERT_TRUE(writer.take_back());
  ASSERT_TRUE(writer.end_snapshot());
  ASSERT_TRUE(writer.finish());
  for (const char* call : {"openat", "close"}) {
    for (int n = 1; n < 15; ++n) {
      world.remove("to");
      world.dir("to");
      Hearing hearing;
      const sys::UniqueFd in = open_file(world.at("archive"));
      auto restorer = Restorer::into(open_dir(world.at("to")), "to", all_kept(), hearing);
      {
        const sys::FaultPlan plan(std::string("tmpfile:1+:EOPNOTSUPP,") + call + ":" + std::to_string(n) + ":EIO");
        (void)import_stream(in, {}, **restorer).has_value();
      }
      EXPECT_THAT(world.names("to"), IsEmpty()) << call << n;
    }
  }
}

// ---- In part

std::vector<std::string> restored(const testing::TempTree& world, const std::string& pattern, const std::string& to) {
  world.dir(to);
  auto archive = Archive::open(open_file(world.at("archive")));
  EXPECT_TRUE(archive);
  Hearing hearing;
  auto options = all_kept();
  options.dress_root = false;
  auto restorer = Restorer::into(open_dir(world.at(to)), to, options, hearing);
  const auto selection = Selection::of(pattern);
  EXPECT_TRUE(selection);
  const auto found = restore_some(*archive, archive->snapshots().back(), *selection, {.workers = 1}, **restorer);
  EXPECT_TRUE(found) << found.error().message();
  EXPECT_THAT(hearing.problems, IsEmpty());
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(world.at(to)))
    names.push_back(entry.path().string().substr(world.at(to).size() + 1));
  std::ranges::sort(names);
  return names;
}

TEST(Restore, OnlyWhatIsSelectedAndTheWayThere) {
  testing::TempTree world;
  make_tree(world, "src");
  world.file("src/d/e/f/g", "deep");
  world.file("src/d/e/other", "other");
  export_to(world.at("src"), world.at("archive"), {.chunks = kSmall});
  EXPECT_THAT(restored(world, "a/text", "1"), ElementsAre("a", "a/text"));
  EXPECT_EQ(world.read("1/a/text"), world.read("src/a/text"));
  EXPECT_EQ(world.status("1/a").st_mtim.tv_nsec, 99);
  EXPECT_THAT(restored(world, "/d/e/f/g", "2"), ElementsAre("d", "d/e", "d/e/f", "d/e/f/g"));
  EXPECT_THAT(restored(world, "g", "3"), ElementsAre("d", "d/e", "d/e/f", "d/e/f/g"));
  EXPECT_THAT(restored(world, "d/e", "4"), ElementsAre("d", "d/e", "d/e/f", "d/e/f/g", "d/e/other"));
  EXPECT_THAT(restored(world, "d/*/f", "5"), ElementsAre("d", "d/e", "d/e/f", "d/e/f/g"));
  EXPECT_THAT(restored(world, "*e*t*", "6"), ElementsAre("a", "a/text", "empty"));
  EXPECT_THAT(restored(world, "nowhere/at/all", "7"), IsEmpty());
  EXPECT_THAT(restored(world, "z", "8"), ElementsAre("z")) << "a name whose first name is not selected";
  EXPECT_EQ(world.read("8/z"), world.read("src/z"));
}

TEST(Restore, FindsOneOfManyWithoutReadingTheOthers) {
  testing::TempTree world;
  for (int i = 0; i < 12'000; ++i) world.file("src/d" + std::to_string(i % 50) + "/file" + std::to_string(i), std::to_string(i));
  export_to(world.at("src"), world.at("archive"));
  auto archive = Archive::open(open_file(world.at("archive")));
  ASSERT_TRUE(archive);
  const Snapshot& snapshot = archive->snapshots().back();
  for (const int i : {0, 17, 4096, 11'999}) {
    const std::string path = "d" + std::to_string(i % 50) + "/file" + std::to_string(i);
    const auto item = find_entry(*archive, snapshot, path);
    ASSERT_TRUE(item && *item) << path;
    EXPECT_EQ((*item)->entry.path, path);
    EXPECT_EQ((*item)->entry.size, std::to_string(i).size());
  }
  const auto none = find_entry(*archive, snapshot, "d17/file");
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  EXPECT_EQ(snapshot.entries, 12'051U);
}

}  // namespace
}  // namespace foxing::archive
