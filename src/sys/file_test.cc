// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/file.h"

#include <gmock/gmock.h>

#include <csignal>
#include <cstring>

#include "sys/fault.h"
#include "sys/names.h"
#include "testing/temp_tree.h"

#define FOXING_NEEDS_FAULTS() \
  if (!::foxing::sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)"

namespace foxing::sys {
namespace {

using testing::TempTree;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }
std::span<std::byte> bytes_of(std::string& text) { return std::as_writable_bytes(std::span(text)); }

class Files : public ::testing::Test {
 protected:
  UniqueFd root() {
    auto fd = open_at(working_directory(), world_.path(), {.directory = true});
    EXPECT_TRUE(fd);
    return std::move(*fd);
  }
  int code_of(const Result<UniqueFd>& result) { return result ? 0 : result.error().code; }
  TempTree world_;
};

// ---- Opening

TEST_F(Files, OpenAtFollowsNoLinkUnlessAsked) {
  world_.file("file", "text");
  world_.symlink("link", "file");
  const UniqueFd root = this->root();
  EXPECT_TRUE(open_at(root, "file"));
  EXPECT_EQ(code_of(open_at(root, "link")), ELOOP);
  EXPECT_TRUE(open_at(root, "link", {.links = Links::follow}));
  const auto link = open_at(root, "link", {.access = Access::path});
  ASSERT_TRUE(link);
  EXPECT_EQ(status_of(*link)->type(), FileType::symlink);
  EXPECT_EQ(code_of(open_at(root, "missing")), ENOENT);
}

TEST_F(Files, OpenAtWantsADirectoryWhereOneIsWanted) {
  world_.file("file", "text");
  world_.dir("directory");
  world_.symlink("link", "directory");
  const UniqueFd root = this->root();
  EXPECT_EQ(code_of(open_at(root, "file", {.directory = true})), ENOTDIR);
  EXPECT_TRUE(open_at(root, "directory", {.directory = true}));
  EXPECT_EQ(code_of(open_at(root, "link", {.directory = true})), ENOTDIR);
  EXPECT_TRUE(open_at(root, "link", {.links = Links::follow, .directory = true}));
}

TEST_F(Files, OpenAtNeverWaitsForAFifosOtherEnd) {
  world_.fifo("fifo");
  const UniqueFd root = this->root();
  EXPECT_TRUE(open_at(root, "fifo")) << "this would hang";
  EXPECT_EQ(code_of(open_at(root, "fifo", {.access = Access::write})), ENXIO);
}

TEST_F(Files, DescriptorsAreNotInherited) {
  world_.file("file", "text");
  const UniqueFd root = this->root();
  for (const auto& fd : {open_at(root, "file"), create_at(root, "new", 0600), open_beneath(root, "file")}) {
    ASSERT_TRUE(fd);
    EXPECT_EQ(::fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
  }
}

TEST_F(Files, KeepingTheAccessTimeIsLeftAwayWhereItIsForbidden) {
  FOXING_NEEDS_FAULTS();
  world_.file("file", "text");
  const UniqueFd root = this->root();
  const auto kept = open_at(root, "file", {.keep_atime = true});
  ASSERT_TRUE(kept);
  EXPECT_TRUE(::fcntl(kept->get(), F_GETFL) & O_NOATIME);
  {
    const FaultPlan faults("openat:1:EPERM");
    const auto without = open_at(root, "file", {.keep_atime = true});
    ASSERT_TRUE(without);
    EXPECT_FALSE(::fcntl(without->get(), F_GETFL) & O_NOATIME);
  }
  const FaultPlan faults("openat:1:EACCES");
  EXPECT_EQ(code_of(open_at(root, "file", {.keep_atime = true})), EACCES) << "only EPERM says that O_NOATIME is to blame";
}

TEST_F(Files, ALeasedFileIsWaitedForAndNothingElse) {
  world_.file("file", "text");
  world_.fifo("fifo");
  world_.symlink("link", "file");
  const UniqueFd root = this->root();
  EXPECT_TRUE(open_leased(root, "file", Links::keep));
  EXPECT_EQ(code_of(open_leased(root, "fifo", Links::keep)), ENXIO) << "this would hang";
  EXPECT_EQ(code_of(open_leased(root, "link", Links::keep)), ENXIO);
  EXPECT_TRUE(open_leased(root, "link", Links::follow));
  EXPECT_EQ(code_of(open_leased(root, "missing", Links::keep)), ENOENT);
}

TEST_F(Files, BlockingAgainAndTwice) {
  world_.file("file", "text");
  const UniqueFd file = std::move(*open_at(root(), "file"));
  EXPECT_TRUE(::fcntl(file.get(), F_GETFL) & O_NONBLOCK);
  make_blocking(file);
  EXPECT_FALSE(::fcntl(file.get(), F_GETFL) & O_NONBLOCK);
  const auto other = duplicate(file);
  ASSERT_TRUE(other);
  EXPECT_NE(other->get(), file.get());
  EXPECT_EQ(::fcntl(other->get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(status_of(*other)->key(), status_of(file)->key());
}

/// Both ways of open_beneath, by openat2 and one component at a time, keep the same promises.
class Beneath : public Files, public ::testing::WithParamInterface<bool /* openat2 */> {
 protected:
  void SetUp() override {
    if (!GetParam()) {
      FOXING_NEEDS_FAULTS();
      faults_.emplace("openat2:1+:EPERM");  // as a sandbox answers
    }
    world_.file("a/b/c", "text");
    world_.symlink("a/link", "b");
    world_.symlink("a/b/last", "c");
    world_.symlink("absolute", world_.at("a"));
    world_.file("outside/secret", "secret");
    world_.symlink("a/out", "../outside");
  }
  int code(const char* path, OpenOptions options = {}) { return code_of(open_beneath(root_at("a"), path, options)); }
  UniqueFd root_at(const char* name) {
    auto fd = open_at(working_directory(), world_.at(name), {.directory = true});
    EXPECT_TRUE(fd);
    return std::move(*fd);
  }
  std::optional<FaultPlan> faults_;
};
INSTANTIATE_TEST_SUITE_P(Ways, Beneath, ::testing::Bool(),
                         [](const auto& way) { return way.param ? "Openat2" : "ByComponents"; });

TEST_P(Beneath, OpensWhatLiesBelow) {
  EXPECT_EQ(code("b/c"), 0);
  EXPECT_EQ(code("b", {.directory = true}), 0);
  EXPECT_EQ(code("b/c", {.access = Access::path}), 0);
  EXPECT_EQ(code("b/missing"), ENOENT);
  EXPECT_EQ(code("b/c/d"), ENOTDIR);
}

TEST_P(Beneath, LeavesByNoWay) {
  for (const char* path : {"../outside/secret", "b/../../outside/secret", "..", "/etc/passwd"})
    EXPECT_EQ(code(path), EXDEV) << path;
  for (const char* path : {"out/secret", "link/c", "b/last"}) EXPECT_THAT(code(path), ::testing::AnyOf(ELOOP, ENOTDIR)) << path;
}

TEST_P(Beneath, ALinkAsTheLastComponentIsLookedAtAndNotFollowed) {
  const auto link = open_beneath(root_at("a"), "b/last", {.access = Access::path});
  ASSERT_TRUE(link) << link.error().message();
  EXPECT_EQ(status_of(*link)->type(), FileType::symlink);
}

TEST_F(Files, OpenBeneathGoesOnWhereOpenat2MayNotBeCalled) {
  FOXING_NEEDS_FAULTS();
  world_.file("a/b", "text");
  const UniqueFd root = this->root();
  for (const char* plan : {"openat2:1:EPERM", "openat2:1:EAGAIN", "openat2:1+:EAGAIN", "openat2:1:EINTR"}) {
    const FaultPlan faults(plan);
    EXPECT_TRUE(open_beneath(root, "a/b")) << plan;
  }
  const FaultPlan faults("openat2:1:EACCES");
  EXPECT_EQ(code_of(open_beneath(root, "a/b")), EACCES) << "that is an answer";
}

TEST_F(Files, OpenBeneathTakesPathsLongerThanPathMax) {
  const std::string name(200, 'n');
  std::string path;
  std::vector<UniqueFd> chain;
  chain.push_back(root());
  for (int i = 0; i < 30; ++i) {  // 6 000 bytes
    ASSERT_TRUE(make_directory_at(chain.back(), name, 0700));
    chain.push_back(std::move(*open_at(chain.back(), name, {.directory = true})));
    path += (path.empty() ? "" : "/") + name;
  }
  ASSERT_TRUE(create_at(chain.back(), "file", 0600));
  EXPECT_TRUE(open_beneath(chain.front(), path + "/file"));
  EXPECT_EQ(code_of(open_beneath(chain.front(), path + "/../file")), EXDEV);
}

// ---- Making

TEST_F(Files, CreateAtTakesNoNameThatIsThere) {
  world_.file("file", "text");
  world_.symlink("dangling", "nowhere");
  const UniqueFd root = this->root();
  EXPECT_EQ(code_of(create_at(root, "file", 0600)), EEXIST);
  EXPECT_EQ(code_of(create_at(root, "dangling", 0600)), EEXIST);
  EXPECT_FALSE(world_.exists("nowhere"));
  EXPECT_TRUE(create_at(root, "new", 0640));
}

TEST_F(Files, ANamelessFileHasNoNameUntilItGetsOne) {
  const UniqueFd root = this->root();
  auto file = create_nameless(root, 0600);
  if (!file) GTEST_SKIP() << "the filesystem of " << world_.path() << " has no O_TMPFILE";
  EXPECT_TRUE(world_.names().empty());
  ASSERT_TRUE(write_all(*file, bytes_of("text")));
  ASSERT_TRUE(link_descriptor_at(*file, root, "name"));
  EXPECT_EQ(world_.read("name"), "text");
}

// ---- Reading and writing

TEST_F(Files, ReadsAndWritesWholeAlsoInShortPieces) {
  FOXING_NEEDS_FAULTS();
  const std::string text = testing::random_bytes(10'000, 5);
  for (const char* plan : {"read:1000:EIO", "write:*1:short,pwrite:*1:short,pread:*1:short,read:*1:short",
                           "write:*2:EINTR,pwrite:*2:EINTR,pread:*2:EINTR"}) {
    SCOPED_TRACE(plan);
    world_.remove("file");
    const UniqueFd root = this->root();
    const UniqueFd file = std::move(*create_at(root, "file", 0600));
    const FaultPlan faults(plan);
    ASSERT_TRUE(write_all(file, bytes_of(text)));
    ASSERT_TRUE(write_all_at(file, bytes_of(text), FileOffset(20'000)));
    EXPECT_EQ(world_.read("file"), text + std::string(10'000, '\0') + text);
    std::string again(10'000, 'x');
    EXPECT_EQ(*read_all_at(file, bytes_of(again), FileOffset(20'000)), 10'000u);
    EXPECT_EQ(again, text);
    EXPECT_EQ(*read_all_at(file, bytes_of(again), FileOffset(25'000)), 5'000u) << "up to the end";
    EXPECT_EQ(*read_all_at(file, bytes_of(again), FileOffset(50'000)), 0u);
  }
}

TEST_F(Files, AnErrorOfAnyPieceIsAnError) {
  FOXING_NEEDS_FAULTS();
  const UniqueFd root = this->root();
  const UniqueFd file = std::move(*create_at(root, "file", 0600));
  std::string text(1000, 'x');
  const FaultPlan faults("write:1:short,write:2:EIO,pwrite:1:short,pwrite:2:ENOSPC,pread:1:short,pread:2:EIO");
  EXPECT_EQ(write_all(file, bytes_of(std::as_const(text))).error().code, EIO);
  EXPECT_EQ(write_all_at(file, bytes_of(std::as_const(text)), FileOffset(0)).error().code, ENOSPC);
  EXPECT_EQ(read_all_at(file, bytes_of(text), FileOffset(0)).error().code, EIO);
}

TEST_F(Files, AWriteThatTakesNoByteIsAnErrorAndNoLoop) {
  // /dev/full answers ENOSPC; a write of nothing that is asked for something does not come from a healthy kernel, so only the first is tried.
  const auto full = open_at(working_directory(), "/dev/full", {.access = Access::write});
  if (!full) GTEST_SKIP() << "no /dev/full";
  const auto written = write_all(*full, bytes_of("text"));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ENOSPC);
  EXPECT_STREQ(written.error().operation, "write");
}

TEST_F(Files, ClosingMayFailAndClosesAllTheSame) {
  FOXING_NEEDS_FAULTS();
  const UniqueFd root = this->root();
  for (const char* code : {"ENOSPC", "EIO", "EDQUOT"}) {
    world_.remove("file");
    UniqueFd file = std::move(*create_at(root, "file", 0600));
    const int number = file.get();
    const FaultPlan faults(std::string("close:1:") + code);
    const auto closed = close_written(std::move(file));
    ASSERT_FALSE(closed);
    EXPECT_EQ(errno_name(closed.error().code), code);
    EXPECT_EQ(::fcntl(number, F_GETFD), -1);
  }
  world_.remove("file");
  const FaultPlan faults("close:1:EINTR");
  EXPECT_TRUE(close_written(std::move(*create_at(root, "file", 0600)))) << "closed, and what was written is the kernel's";
}

// ---- The page cache

TEST_F(Files, WhatIsInThePageCacheIsTold) {
  world_.file("file", std::string(100'000, 'x'));
  const UniqueFd root = this->root();
  const UniqueFd file = std::move(*open_at(root, "file"));
  EXPECT_TRUE(is_cached(file, Bytes(100'000))) << "it has just been written";
  ASSERT_TRUE(sync_file(file));
  ASSERT_EQ(::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED), 0);
  if (is_cached(file, Bytes(100'000)))
    GTEST_SKIP() << "the kernel has no cachestat(2), or the filesystem of " << world_.path() << " keeps all in memory";
  EXPECT_FALSE(is_cached(file, Bytes(1)));
  std::byte one[1];
  ASSERT_EQ(::pread(file.get(), one, 1, 0), 1);
  EXPECT_TRUE(is_cached(file, Bytes(1)));
}

// ---- Holes

TEST_F(Files, DataAndHolesAreFound) {
  world_.sparse_file("file", 400'000, {{131'072, std::string(65'536, 'x')}});
  if (world_.extents("file").size() != 1 || world_.extents("file")[0].first == 0)
    GTEST_SKIP() << "the filesystem of " << world_.path() << " does not tell where holes are";
  const UniqueFd root = this->root();
  const UniqueFd file = std::move(*open_at(root, "file"));
  EXPECT_EQ(*seek_data(file, FileOffset(0)), FileOffset(131'072));
  EXPECT_EQ(*seek_data(file, FileOffset(140'000)), FileOffset(140'000));
  EXPECT_EQ(*seek_data(file, FileOffset(250'000)), std::nullopt) << "only a hole follows";
  EXPECT_EQ(*seek_data(file, FileOffset(500'000)), std::nullopt) << "behind the end";
  EXPECT_EQ(*seek_hole(file, FileOffset(0)), FileOffset(0));
  EXPECT_EQ(*seek_hole(file, FileOffset(140'000)), FileOffset(196'608));
  EXPECT_FALSE(seek_hole(file, FileOffset(500'000)));
}

TEST_F(Files, APunchedHoleReadsAsZerosAndKeepsTheSize) {
  world_.file("file", std::string(100'000, 'x'));
  const UniqueFd root = this->root();
  const UniqueFd file = std::move(*open_at(root, "file", {.access = Access::read_write}));
  const auto punched = punch_hole(file, {FileOffset(8192), FileOffset(131'072)});  // beyond the end, to the end of the last block
  if (!punched && punched.error().code == EOPNOTSUPP)
    GTEST_SKIP() << "the filesystem of " << world_.path() << " punches no holes";
  ASSERT_TRUE(punched);
  EXPECT_TRUE(world_.read("file") == std::string(8192, 'x') + std::string(100'000 - 8192, '\0'));
  EXPECT_LE(world_.status("file").st_blocks * 512, 16384) << "the blocks are still there";
  if (kFaultsCanBePlanned) {
    const FaultPlan faults("punch_hole:1:EOPNOTSUPP");
    EXPECT_EQ(punch_hole(file, {FileOffset(0), FileOffset(4096)}).error().code, EOPNOTSUPP);
  }
}

TEST_F(Files, PreallocatingReservesAndDoesNotGrow) {
  const UniqueFd root = this->root();
  const UniqueFd file = std::move(*create_at(root, "file", 0600));
  const auto reserved = preallocate(file, {FileOffset(0), FileOffset(1 << 20)});
  if (!reserved && reserved.error().code == EOPNOTSUPP)
    GTEST_SKIP() << "the filesystem of " << world_.path() << " preallocates nothing";
  ASSERT_TRUE(reserved);
  EXPECT_EQ(world_.status("file").st_size, 0);
  EXPECT_GE(world_.status("file").st_blocks * 512, 1 << 20);
  ASSERT_TRUE(truncate(file, Bytes(12345)));
  EXPECT_EQ(world_.status("file").st_size, 12345);
}

// ---- Moving inside the kernel

TEST_F(Files, CopyRangeAndSendFileMoveWhereTheyAreTold) {
  world_.file("source", "0123456789");
  const UniqueFd root = this->root();
  const UniqueFd source = std::move(*open_at(root, "source"));
  const UniqueFd target = std::move(*create_at(root, "target", 0600));
  EXPECT_EQ(*copy_range(source, FileOffset(2), target, FileOffset(5), 4), 4u);
  EXPECT_EQ(world_.read("target"), std::string("\0\0\0\0\0"
                                               "2345",
                                               9));
  EXPECT_EQ(*copy_range(source, FileOffset(8), target, FileOffset(0), 100), 2u) << "up to the end";
  EXPECT_EQ(*copy_range(source, FileOffset(10), target, FileOffset(0), 100), 0u);
  EXPECT_EQ(*send_file(source, FileOffset(7), target, 100), 3u);
  EXPECT_EQ(world_.read("target"), std::string("789\0\0"
                                               "2345",
                                               9))
      << "to where the target's position is";
  EXPECT_EQ(::lseek(source.get(), 0, SEEK_CUR), 0) << "the source's position stays";
}

TEST_F(Files, SyncingAnswersErrors) {
  FOXING_NEEDS_FAULTS();
  const UniqueFd root = this->root();
  EXPECT_TRUE(sync_file(root));
  const FaultPlan faults("fsync:1:EIO,syncfs:1:EIO,ftruncate:1:EFBIG,ficlone:1:EXDEV,fallocate:1:ENOSPC");
  EXPECT_EQ(sync_file(root).error().code, EIO);
  EXPECT_EQ(sync_filesystem(root).error().code, EIO);
  EXPECT_EQ(truncate(root, Bytes(0)).error().code, EFBIG);
  EXPECT_EQ(clone(root, root).error().code, EXDEV);
  EXPECT_EQ(preallocate(root, {FileOffset(0), FileOffset(1)}).error().code, ENOSPC);
}

}  // namespace
}  // namespace foxing::sys
