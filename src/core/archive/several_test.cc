// SPDX-License-Identifier: GPL-2.0-or-later
// Archives of several snapshots through a pipe: the target becomes what it becomes from the file.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "core/archive/test_archive.h"

namespace foxing::archive {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Everything below a directory that a snapshot keeps, as lines.
std::vector<std::string> picture(const testing::TempTree& world, const std::string& path) {
  std::vector<std::string> lines;
  const std::string root = world.at(path);
  std::map<ino_t, std::string> first_names;
  std::vector<std::string> names{""};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
    names.push_back(entry.path().string().substr(root.size()));
  std::ranges::sort(names);
  for (const std::string& name : names) {
    struct stat status{};
    EXPECT_EQ(::lstat((root + name).c_str(), &status), 0) << name;
    std::string line = name + " " + std::to_string(status.st_mode) + " " + std::to_string(status.st_mtim.tv_sec) + "." +
                       std::to_string(status.st_mtim.tv_nsec);
    if (S_ISREG(status.st_mode)) {
      line += " " + digest::hash(as_bytes(world.read(root + name))).hex() + " " +
              first_names.emplace(status.st_ino, name).first->second;
    }
    if (S_ISLNK(status.st_mode)) line += " -> " + std::filesystem::read_symlink(root + name).string();
    lines.push_back(line);
  }
  return lines;
}

/// Three snapshots of a tree in which everything changes that can.
class Several : public ::testing::Test {
 protected:
  Several() {
    world_.file("src/same", bytes(1));
    world_.file("src/goes", bytes(2));
    world_.file("src/moves", bytes(3));
    world_.file("src/grows", bytes(4));
    world_.file("src/dir/inner", bytes(5));
    world_.file("src/dir/deep/file", bytes(6));
    world_.file("src/becomes_dir", "file");
    world_.file("src/becomes_file/inside", bytes(7));
    world_.symlink("src/link", "same");
    world_.hard_link("src/grows", "src/other_name");
    world_.hard_link("src/same", "src/same_too");
    world_.sparse_file("src/holes", 3 << 20, {{1 << 20, "data"}});
    export_to(world_.at("src"), world_.at("archive"));
    pictures_.push_back(picture(world_, "src"));

    world_.remove("src/goes");
    world_.rename("src/moves", "src/a_moved");  // its chunks lie in a file that goes
    world_.file("src/grows", bytes(4) + "more");  // under both names
    world_.remove("src/dir/deep");
    world_.remove("src/becomes_dir");
    world_.file("src/becomes_dir/x", bytes(7));  // the content of a file that goes
    world_.remove("src/becomes_file");
    world_.file("src/becomes_file", bytes(6));
    world_.remove("src/link");
    world_.symlink("src/link", "dir");
    append_to(world_, "src", "second");
    pictures_.push_back(picture(world_, "src"));

    world_.file("src/goes", bytes(2));  // again, and not new
    world_.file("src/new/file", bytes(8));
    world_.remove("src/other_name");
    world_.file("src/other_name", bytes(3));
    world_.hard_link("src/same", "src/same_three");
    append_to(world_, "src", "third");
    pictures_.push_back(picture(world_, "src"));
  }
  static std::string bytes(std::uint64_t seed) { return testing::random_bytes(300'000, seed); }

  void restored(const std::string& wanted, const std::vector<std::string>& expected) {
    SCOPED_TRACE(wanted);
    world_.remove("to");
    world_.dir("to");
    Hearing hearing;
    const auto done = stream_from(world_.at("archive"), world_.at("to"), hearing, all_kept(), wanted);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_THAT(hearing.problems, IsEmpty());
    EXPECT_EQ(picture(world_, "to"), expected);
  }

  testing::TempTree world_;
  std::vector<std::vector<std::string>> pictures_;
};

TEST_F(Several, TheNewestWinsOrTheOneThatIsMeant) {
  restored("", pictures_[2]);
  restored("first", pictures_[0]);
  restored("second", pictures_[1]);
  restored("third", pictures_[2]);
  Hearing hearing;
  world_.remove("to");
  world_.dir("to");
  const auto none = stream_from(world_.at("archive"), world_.at("to"), hearing, all_kept(), "fourth");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().detail, HasSubstr("the first is first, the last third"));
  EXPECT_THAT(world_.names("to"), IsEmpty());
}

TEST_F(Several, WhereSomethingCouldNotBeKeptAllIsDoneAgain) {
  // A device is refused while the first arrives: what is in place is not relied on.
  if (!testing::is_root()) GTEST_SKIP() << "needs root, for a device";
  ASSERT_EQ(::mknod(world_.at("src/device").c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
  ASSERT_EQ(::unlink(world_.at("archive").c_str()), 0);
  export_to(world_.at("src"), world_.at("archive"));
  world_.remove("src/device");
  world_.file("src/same", "changed");
  append_to(world_, "src", "second");
  Hearing hearing;
  world_.dir("to");
  ASSERT_TRUE(stream_from(world_.at("archive"), world_.at("to"), hearing));
  EXPECT_THAT(hearing.problems, ElementsAre(HasSubstr("--devices makes it")));
  EXPECT_EQ(picture(world_, "to"), picture(world_, "src"));
}

TEST_F(Several, OtherNamesStayAndWhatWasReplacedIsTold) {
  world_.file("to/own", "own");
  world_.file("to/dir/own", "own");
  world_.file("to/becomes_file/own", "own");
  world_.file("to/dir/deep/file", "was there");
  Hearing hearing;
  ASSERT_TRUE(stream_from(world_.at("archive"), world_.at("to"), hearing, all_kept(), "")) << "a directory that is in use stays";
  EXPECT_THAT(hearing.problems, Contains(HasSubstr("dir/deep/file: an older snapshot took the place")));
  EXPECT_THAT(hearing.problems, Contains(HasSubstr("becomes_file")));
  EXPECT_EQ(world_.read("to/own"), "own");
  EXPECT_EQ(world_.read("to/dir/own"), "own");
  EXPECT_EQ(world_.read("to/becomes_file/own"), "own");
  EXPECT_EQ(world_.read("to/dir/deep/file"), bytes(6));
}

TEST_F(Several, CutShortTheNewestThatIsWholeIsThere) {
  const std::string whole = world_.read("archive");
  auto archive = Archive::open(open_file(world_.at("archive")));
  ASSERT_TRUE(archive);
  const auto ends = archive->footer().snapshots;
  for (std::size_t size = ends[0]; size < whole.size(); size += 1 + (whole.size() - ends[0]) / 40) {
    SCOPED_TRACE(size);
    write_file(world_.at("short"), std::string_view(whole).substr(0, size));
    world_.remove("to");
    world_.dir("to");
    Hearing hearing;
    const auto done = stream_from(world_.at("short"), world_.at("to"), hearing);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, EBADMSG) << done.error().message();
    std::size_t ended = 0;
    while (ended < 3 && size > ends[ended] + archive->head(ends[ended])->whole_size()) ++ended;
    if (ended > 0) {
      EXPECT_EQ(picture(world_, "to"), pictures_[ended - 1]);
    }
    for (const std::string& name : world_.names("to")) EXPECT_FALSE(name.starts_with(".tmp."));
  }
}

TEST_F(Several, NoMoreContentThanIsAllowed) {
  RestoreOptions how = all_kept();
  how.most_bytes = 1'000'000;
  Hearing hearing;
  world_.dir("to");
  const auto done = stream_from(world_.at("archive"), world_.at("to"), hearing, how);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, EFBIG);
}

TEST(SeveralHostile, NamesOfSnapshotsThatDoNotAscend) {
  testing::TempTree world;
  world.file("src/a", "text");
  export_to(world.at("src"), world.at("archive"));
  append_to(world, "src", "earlier");  // sorts before "first"
  Hearing hearing;
  world.dir("to");
  const auto done = stream_from(world.at("archive"), world.at("to"), hearing);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().detail, HasSubstr("not behind that of the snapshot before it"));
  EXPECT_EQ(world.read("to/a"), "text");
}

}  // namespace
}  // namespace foxing::archive
