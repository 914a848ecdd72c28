// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/status.h"

#include <gmock/gmock.h>
#include <sys/sysmacros.h>

#include "sys/fault.h"
#include "sys/file.h"
#include "testing/temp_tree.h"

namespace foxing::sys {
namespace {

using testing::TempTree;

TEST(FileType, IsToldByTheMode) {
  EXPECT_EQ(file_type(S_IFREG | 0644), FileType::regular);
  EXPECT_EQ(file_type(S_IFDIR), FileType::directory);
  EXPECT_EQ(file_type(S_IFLNK | 0777), FileType::symlink);
  EXPECT_EQ(file_type(S_IFIFO), FileType::fifo);
  EXPECT_EQ(file_type(S_IFSOCK), FileType::socket);
  EXPECT_EQ(file_type(S_IFCHR), FileType::character_device);
  EXPECT_EQ(file_type(S_IFBLK), FileType::block_device);
  EXPECT_EQ(file_type(0), FileType::unknown);
  EXPECT_STREQ(name_of(FileType::symlink), "symbolic link");
  EXPECT_STREQ(name_of(FileType::unknown), "file of unknown type");
}

TEST(Status, IsWhatStatTells) {
  TempTree world;
  world.sparse_file("file", 1 << 20, {{0, "text"}});
  world.chmod("file", 04750);
  world.hard_link("file", "other");
  world.times("file", {1, 2}, {3, 4});
  const auto status = status_at(working_directory(), world.at("file"));
  ASSERT_TRUE(status);
  const struct stat raw = world.status("file");
  EXPECT_EQ(status->type(), FileType::regular);
  EXPECT_EQ(status->permissions(), 04750u);
  EXPECT_EQ(status->size(), 1_MiB);
  EXPECT_EQ(status->allocated(), Bytes(static_cast<std::uint64_t>(raw.st_blocks) * 512));
  EXPECT_EQ(status->links(), 2u);
  EXPECT_EQ(status->owner(), raw.st_uid);
  EXPECT_EQ(status->inode(), InodeNo(raw.st_ino));
  EXPECT_EQ(status->device(), DeviceId::from_stat(raw.st_dev));
  EXPECT_EQ(status->accessed().tv_nsec, 2);
  EXPECT_EQ(status->modified().tv_sec, 3);
  const auto opened = open_at(working_directory(), world.at("file"));
  EXPECT_EQ(status_of(*opened)->key(), status->key());
}

TEST(Status, OfALinkOrOfWhatItPointsTo) {
  TempTree world;
  world.file("file", "text");
  world.symlink("link", "file");
  world.symlink("dangling", "nowhere");
  EXPECT_EQ(status_at(working_directory(), world.at("link"))->type(), FileType::symlink);
  EXPECT_EQ(status_at(working_directory(), world.at("link"), Links::follow)->type(), FileType::regular);
  EXPECT_TRUE(status_at(working_directory(), world.at("dangling")));
  EXPECT_EQ(status_at(working_directory(), world.at("dangling"), Links::follow).error().code, ENOENT);
}

TEST(SameVersion, ChangesWithEverythingThatStatShows) {
  FileStatus base;
  base.raw.st_dev = 1;
  base.raw.st_ino = 2;
  base.raw.st_size = 3;
  base.raw.st_mtim = {4, 5};
  base.raw.st_ctim = {6, 7};
  EXPECT_TRUE(same_version(base, base));
  const auto altered = [&](auto change) {
    FileStatus other = base;
    change(other.raw);
    return !same_version(base, other) && !same_version(other, base);
  };
  EXPECT_TRUE(altered([](struct stat& s) { s.st_dev = 9; }));
  EXPECT_TRUE(altered([](struct stat& s) { s.st_ino = 9; }));
  EXPECT_TRUE(altered([](struct stat& s) { s.st_size = 9; }));
  EXPECT_TRUE(altered([](struct stat& s) { s.st_mtim.tv_sec = 9; }));
  EXPECT_TRUE(altered([](struct stat& s) { s.st_mtim.tv_nsec = 9; }));
  EXPECT_TRUE(altered([](struct stat& s) { s.st_ctim.tv_sec = 9; }));
  EXPECT_TRUE(altered([](struct stat& s) { s.st_ctim.tv_nsec = 9; }));
  FileStatus read = base;
  read.raw.st_atim = {9, 9};
  read.raw.st_blocks = 9;
  EXPECT_TRUE(same_version(base, read)) << "reading it is no change";
}

TEST(Status, ErrorsAreErrors) {
  if (!kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  TempTree world;
  const auto root = open_at(working_directory(), world.path(), {.directory = true});
  const FaultPlan faults("fstat:1:EIO,fstatat:1:EACCES,fstatfs:1:EIO");
  EXPECT_EQ(status_of(*root).error().code, EIO);
  EXPECT_EQ(status_at(*root, ".").error().code, EACCES);
  EXPECT_EQ(filesystem_of(*root).error().code, EIO);
  EXPECT_GT(filesystem_of(*root)->f_bsize, 0);
}

}  // namespace
}  // namespace foxing::sys
