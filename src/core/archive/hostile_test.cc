// SPDX-License-Identifier: GPL-2.0-or-later
// Archives that somebody made to do harm: with right checksums, and contents that no exporter writes.
#include <algorithm>

#include "core/archive/test_archive.h"

namespace foxing::archive {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Entry entry(std::string path, sys::FileType type) { return {.type = type, .path = std::move(path), .mode = 0755}; }

/// An archive put together entry by entry, with nothing checked.
class Hostile : public ::testing::Test {
 protected:
  Hostile() : out_(open_file(world_.at("archive"))), writer_(out_, {codec::Format::none, 0}) {
    EXPECT_TRUE(writer_.begin_archive({}));
    EXPECT_TRUE(writer_.begin_snapshot(named("first")));
    world_.dir("jail/to");
    world_.file("jail/outside", "untouched");
  }

  void put(Entry what, std::string_view content = {}) {
    EXPECT_TRUE(writer_.begin(std::move(what)));
    if (!content.empty()) {
      EXPECT_TRUE(writer_.chunk(as_bytes(content), digest::hash(as_bytes(content)), {}));
    }
    EXPECT_TRUE(writer_.end());
  }
  void root() { put(entry("", sys::FileType::directory)); }
  void dir(std::string path) { put(entry(std::move(path), sys::FileType::directory)); }
  void file(std::string path, std::string_view content) {
    Entry what = entry(std::move(path), sys::FileType::regular);
    what.size = content.size();
    put(std::move(what), content);
  }
  void link(std::string path, std::string text) {
    Entry what = entry(std::move(path), sys::FileType::symlink);
    what.text = std::move(text);
    put(std::move(what));
  }
  void hard_link(std::string path, std::string first) {
    put({.hard_link = true, .path = std::move(path), .text = std::move(first)});
  }
  void finish() {
    ASSERT_TRUE(writer_.end_snapshot());
    ASSERT_TRUE(writer_.finish());
  }

  /// Both ways of importing end with an error that says `why`, and nothing outside is touched.
  void expect_refused(const std::string& why) {
    finish();
    Hearing hearing;
    for (const bool stream : {false, true}) {
      world_.remove("jail/to");
      world_.dir("jail/to");
      const auto done = stream ? stream_from(world_.at("archive"), world_.at("jail/to"), hearing)
                               : import_from(world_.at("archive"), world_.at("jail/to"), hearing);
      ASSERT_FALSE(done) << why;
      EXPECT_THAT(done.error().detail, HasSubstr(why));
      EXPECT_THAT(done.error().detail, HasSubstr("damaged at byte "));
      expect_jail();
    }
    EXPECT_THAT(checked(world_.at("archive")).damages, Not(IsEmpty()));
  }
  void expect_jail() {
    EXPECT_THAT(world_.names("jail"), ElementsAre("outside", "to"));
    EXPECT_EQ(world_.read("jail/outside"), "untouched");
    EXPECT_THAT(world_.names(), ElementsAre("archive", "jail"));
  }

  testing::TempTree world_;
  sys::UniqueFd out_;
  Writer writer_;
};

TEST_F(Hostile, PathsThatLeadOut) {
  root();
  file("../outside", "evil");
  expect_refused("a path is not allowed");
}
TEST_F(Hostile, AbsolutePaths) {
  root();
  file(world_.at("jail/outside"), "evil");
  expect_refused("a path is not allowed");
}
TEST_F(Hostile, PathsThatLeadOutInTheMiddle) {
  root();
  dir("a");
  file("a/../../outside", "evil");
  expect_refused("a path is not allowed");
}
TEST_F(Hostile, NamesWithANul) {
  root();
  file(std::string("a\0b", 3), "evil");
  expect_refused("a path is not allowed");
}
TEST_F(Hostile, OurOwnNames) {
  root();
  file(".foxing_meta", "what later runs would believe");
  expect_refused("a path is not allowed");
}
TEST_F(Hostile, OurOwnNamesInTheMiddle) {
  root();
  dir("a");
  dir("a/.foxing_versions");
  expect_refused("a path is not allowed");
}
TEST_F(Hostile, NamesOfOurTemporaryFiles) {
  root();
  file(copy::TempNames().next(), "what --cleanup would remove");
  expect_refused("a path is not allowed");
}
TEST_F(Hostile, DirectoriesThatAreClaimedOverAndOver) {
  root();
  finish();
  Snapshot snapshot;
  {
    auto archive = Archive::open(open_file(world_.at("archive")));
    snapshot = archive->snapshots().front();
  }
  snapshot.directories.resize(100'000, snapshot.directories.front());
  std::string bytes = world_.read("archive").substr(0, snapshot.ends_at);
  Packer packer({codec::Format::zstd, 3});
  bytes += *make_record(Kind::snapshot_ends, 0, encode_snapshot_ends(snapshot), packer);
  const std::string footer = encode_footer({.snapshots = {snapshot.ends_at}}, bytes.size());
  bytes += encode(head_for(Kind::footer, 1, as_bytes(footer), digest::hash(as_bytes(footer)), {})) + footer;
  write_file(world_.at("archive"), bytes);
  const auto archive = Archive::open(open_file(world_.at("archive")));
  ASSERT_TRUE(archive) << archive.error().message();
  EXPECT_THAT(archive->snapshots().front().damage, HasSubstr("its numbers make no sense"));
  EXPECT_THAT(archive->snapshots().front().directories, IsEmpty());
  EXPECT_EQ(archive->snapshots().front().id, "first");
  EXPECT_THAT(checked(world_.at("archive")).damages, Not(IsEmpty()));
}
TEST_F(Hostile, FilesBelowASymbolicLink) {
  root();
  link("a", "..");
  file("a/outside", "evil");
  expect_refused("not a directory of the archive");
}
TEST_F(Hostile, ADirectoryInThePlaceOfASymbolicLink) {
  root();
  link("a", "..");
  dir("a");
  file("a/outside", "evil");
  expect_refused("out of order, or one comes twice");
}
TEST_F(Hostile, DirectoriesThatDidNotCome) {
  root();
  file("a/b", "evil");
  expect_refused("not a directory of the archive");
}
TEST_F(Hostile, NamesThatComeTwice) {
  root();
  file("a", "one");
  file("a", "two");
  expect_refused("out of order, or one comes twice");
}
TEST_F(Hostile, NoRoot) {
  file("a", "one");
  expect_refused("the first entry is not the root directory");
}
TEST_F(Hostile, ARootThatIsNoDirectory) {
  link("", "/etc");
  expect_refused("the first entry is not the root directory");
}
TEST_F(Hostile, HardLinksThatLeadOut) {
  root();
  hard_link("a", "../outside");
  expect_refused("a hard link leads to a path that is not allowed");
}
TEST_F(Hostile, NestedTooDeeply) {
  root();
  std::string path;
  for (int i = 0; i < 4096; ++i) {
    path += path.empty() ? "d" : "/d";
    dir(path);
  }
  expect_refused("nested too deeply");
}

TEST_F(Hostile, HardLinksToWhatWasThere) {
  // The name leads, in the target, to a file that was there before, behind a link that was there before.
  root();
  dir("a");
  hard_link("b", "a/outside");
  finish();
  Hearing hearing;
  world_.symlink("jail/to/a", "..");
  ASSERT_TRUE(import_from(world_.at("archive"), world_.at("jail/to"), hearing));
  EXPECT_THAT(hearing.problems, ElementsAre(HasSubstr("which was not restored")));
  EXPECT_EQ(world_.status("jail/outside").st_nlink, 1U);
}

TEST_F(Hostile, SizesThatLie) {
  root();
  Entry more = entry("a", sys::FileType::regular), less = entry("b", sys::FileType::regular),
        huge = entry("c", sys::FileType::regular);
  more.size = 10;
  less.size = 2;
  huge.size = INT64_MAX;
  put(more, "text");
  put(less, "text");
  put(huge);
  file("d", "text");
  finish();
  EXPECT_THAT(checked(world_.at("archive")).hit, ElementsAre("a", "b", "c"));
  for (const bool stream : {false, true}) {
    Hearing hearing;
    world_.remove("jail/to");
    world_.dir("jail/to");
    const auto done = stream ? stream_from(world_.at("archive"), world_.at("jail/to"), hearing)
                             : import_from(world_.at("archive"), world_.at("jail/to"), hearing);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_THAT(world_.names("jail/to"), ElementsAre("d"));
    EXPECT_THAT(hearing.problems, ElementsAre(HasSubstr("less content"), HasSubstr("more content"), HasSubstr("less content")));
  }
}

TEST_F(Hostile, ContentThatIsNotWhatItsIdSays) {
  root();
  Entry what = entry("a", sys::FileType::regular);
  what.size = 4;
  ASSERT_TRUE(writer_.begin(what));
  ASSERT_TRUE(writer_.chunk(as_bytes("evil"), digest::hash(as_bytes("good")), {}));
  ASSERT_TRUE(writer_.end());
  finish();
  Hearing hearing;
  ASSERT_TRUE(import_from(world_.at("archive"), world_.at("jail/to"), hearing));
  EXPECT_THAT(world_.names("jail/to"), IsEmpty());
  EXPECT_THAT(hearing.problems, ElementsAre(HasSubstr("its BLAKE3 is another one")));
  EXPECT_FALSE(stream_from(world_.at("archive"), world_.at("jail/to"), hearing));
  EXPECT_THAT(world_.names("jail/to"), IsEmpty());
}

TEST_F(Hostile, MoreThanIsAllowedIsNotWritten) {
  root();
  const std::string chunk(1000, 'x');
  for (int i = 0; i < 100; ++i) file("file" + std::to_string(100 + i), chunk);  // one chunk, a hundred times
  finish();
  RestoreOptions how = all_kept();
  how.most_bytes = 10'500;
  for (const bool stream : {false, true}) {
    Hearing hearing;
    world_.remove("jail/to");
    world_.dir("jail/to");
    const auto done = stream ? stream_from(world_.at("archive"), world_.at("jail/to"), hearing, how)
                             : import_from(world_.at("archive"), world_.at("jail/to"), hearing, how);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, EFBIG);
    EXPECT_EQ(world_.names("jail/to").size(), 10U);
  }
}

TEST_F(Hostile, DevicesAreMadeOnlyWhereThatIsAsked) {
  root();
  Entry device = entry("a", sys::FileType::character_device);
  device.major = 1;
  device.minor = 3;
  put(device);
  file("b", "text");
  finish();
  Hearing hearing;
  ASSERT_TRUE(import_from(world_.at("archive"), world_.at("jail/to"), hearing));
  EXPECT_THAT(world_.names("jail/to"), ElementsAre("b"));
  EXPECT_THAT(hearing.problems, ElementsAre(HasSubstr("--devices makes it")));
}

TEST_F(Hostile, OurOwnAttributesAreNotTaken) {
  root();
  Entry what = entry("a", sys::FileType::regular);
  what.attributes = {{"system.nonsense", "x"}, {"user.foxing.sig", "a forged signature"}};
  put(what);
  finish();
  Hearing hearing;
  ASSERT_TRUE(import_from(world_.at("archive"), world_.at("jail/to"), hearing));
  EXPECT_EQ(world_.xattr("jail/to/a", "user.foxing.sig"), "(none)");
}

TEST_F(Hostile, SomebodyTakesTheTargetsDirectoriesAway) {
  root();
  dir("a");
  for (int i = 0; i < 3; ++i) file("a/file" + std::to_string(i), "text");
  finish();
  // Between two entries the directory is moved and a link out of the tree takes its name: files go on into the directory that was opened.
  struct Moving final : Observer {
    explicit Moving(testing::TempTree& world) : world_(world) {}
    void problem(const std::string&, const Error&, bool) override {}
    void done(const std::string& path) override {
      if (path != "a/file0") return;
      world_.rename("jail/to/a", "jail/to/moved");
      world_.symlink("jail/to/a", "..");
    }
    testing::TempTree& world_;
  } moving(world_);
  auto opened = Archive::open(open_file(world_.at("archive")));
  auto restorer = Restorer::into(open_dir(world_.at("jail/to")), "", all_kept(), moving);
  ASSERT_TRUE(import_snapshot(*opened, opened->snapshots().back(), {}, **restorer));
  expect_jail();
  EXPECT_THAT(world_.names("jail/to/moved"), ElementsAre("file0", "file1", "file2"));
}

}  // namespace
}  // namespace foxing::archive
