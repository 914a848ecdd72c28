// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/ingest.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <thread>

#include "core/copy/test_run.h"
#include "core/storage/filesystem.h"
#include "sys/file.h"
#include "sys/process.h"
#include "testing/temp_tree.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Way = Transformation::Way;

/// A directory of the target, and streams that go into it.
class Place {
 public:
  explicit Place(const std::string& path) {
    auto fd = sys::open_at(sys::working_directory(), path, {.directory = true});
    EXPECT_TRUE(fd) << path;
    const auto status = sys::status_of(*fd);
    Pair* pair = *pairs_.of(*fd, status->device(), *fd, status->device());
    directory_.emplace(std::move(*fd), *status, *pair, false, TargetDirectory::Gives{});
  }
  Result<Ingested> ingest(sys::FdView source, const std::string& name, IngestOptions options = {}) {
    auto prepared = Ingest::prepare(*directory_, names_, name, std::move(options));
    if (!prepared) return tl::make_unexpected(std::move(prepared).error());
    auto ingested = prepared->run(source, so_far);
    newest_checkpoint = prepared->newest_checkpoint();
    checkpoint_problem = prepared->checkpoint_problem();
    return ingested;
  }
  TargetDirectory& directory() { return *directory_; }

  std::atomic<std::uint64_t> so_far{0};
  std::string newest_checkpoint;
  std::optional<Error> checkpoint_problem;

 private:
  Pairs pairs_;
  TempNames names_;
  std::optional<TargetDirectory> directory_;
};

class Ingesting : public ::testing::Test {
 protected:
  Ingesting() { world_.dir("target"); }
  ~Ingesting() override { sys::forget_stop_request(); }
  sys::UniqueFd open(const std::string& name) {
    auto file = sys::open_at(sys::working_directory(), world_.at(name));
    EXPECT_TRUE(file);
    return std::move(*file);
  }
  testing::TempTree world_;
};

TEST_F(Ingesting, APipeBecomesAFile) {
  const std::string text = testing::random_bytes(3'333'333, 1);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  sys::UniqueFd out(ends[0]);
  std::thread writer([&text, in = ends[1]] {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = std::min<std::size_t>(1 + at % 70'001, text.size() - at);
      const ssize_t put = ::write(in, text.data() + at, size);
      if (put <= 0) break;
      at += static_cast<std::size_t>(put);
    }
    ::close(in);
  });
  Place place(world_.at("target"));
  const auto ingested = place.ingest(out, "name", {.mode = 0640});
  writer.join();
  ASSERT_TRUE(ingested) << ingested.error().message();
  EXPECT_EQ(ingested->size, Bytes(text.size()));
  EXPECT_EQ(place.so_far, text.size());
  EXPECT_TRUE(world_.read("target/name") == text);
  EXPECT_EQ(world_.mode("target/name"), 0640u);
  EXPECT_THAT(world_.names("target"), ElementsAre("name"));
}

TEST_F(Ingesting, AnEmptyStreamIsAnEmptyFile) {
  world_.file("source", "");
  Place place(world_.at("target"));
  const auto ingested = place.ingest(open("source"), "name");
  ASSERT_TRUE(ingested) << ingested.error().message();
  EXPECT_EQ(world_.read("target/name"), "");
}

TEST_F(Ingesting, AnOldNameIsReplaced) {
  world_.file("source", "new");
  world_.file("target/name", "old", 0600);
  Place place(world_.at("target"));
  ASSERT_TRUE(place.ingest(open("source"), "name", {.mode = 0644, .durable = true}));
  EXPECT_EQ(world_.read("target/name"), "new");
  EXPECT_EQ(world_.mode("target/name"), 0600u) << "as with the shell's >";
}

TEST_F(Ingesting, ZerosAreHolesAsAFileOfTheSameKindHasThem) {
  std::string text(5 << 20, '\0');
  text.replace(1 << 20, 65536, std::string(65536, 'a'));
  text.replace(3 << 20, 10, "0123456789");
  world_.file("source", text);
  Place place(world_.at("target"));
  const auto sparse = place.ingest(open("source"), "sparse");
  const auto full = place.ingest(open("source"), "full", {.holes = false});
  ASSERT_TRUE(sparse && full);
  EXPECT_TRUE(world_.read("target/sparse") == text);
  EXPECT_TRUE(world_.read("target/full") == text);
  EXPECT_EQ(sparse->written, Bytes(65536 + 4096));
  EXPECT_EQ(full->written, Bytes(text.size()));
  EXPECT_LT(world_.status("target/sparse").st_blocks * 512, 512 << 10);
  EXPECT_GE(world_.status("target/full").st_blocks * 512, 5 << 20);
  const auto extents = world_.extents("target/sparse");
  ASSERT_EQ(extents.size(), 2u);
  EXPECT_EQ(extents[0].first, 1u << 20);
  EXPECT_EQ(extents[1].first, 3u << 20);
}

TEST_F(Ingesting, WhatIsAnnouncedNeedNotCome) {
  std::string text(2 << 20, '\0');
  text.replace(0, 65536, std::string(65536, 'a'));
  text.replace(1 << 20, 65536, std::string(65536, 'b'));
  world_.file("source", text);
  Place place(world_.at("target"));
  for (const std::uint64_t size : {0U, 1U, 1U << 20, 2U << 20, 64U << 20}) {
    const auto ingested = place.ingest(open("source"), "name", {.size = Bytes(size)});
    ASSERT_TRUE(ingested) << ingested.error().message();
    EXPECT_TRUE(world_.read("target/name") == text) << size;
    EXPECT_LT(world_.status("target/name").st_blocks * 512, 1 << 20) << size << ": zeros are holes, and nothing stays reserved";
  }
}

TEST_F(Ingesting, MoreThanTheDiskHoldsIsRefusedBeforeTheFirstByte) {
  world_.file("source", "content");
  world_.file("target/name", "old");
  Place place(world_.at("target"));
  const auto refused = place.ingest(open("source"), "name", {.size = Bytes(std::uint64_t{1} << 60)});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().code, ::testing::AnyOf(ENOSPC, EFBIG));
  EXPECT_THAT(refused.error().detail, HasSubstr("nothing was written"));
  EXPECT_EQ(place.so_far, 0u);
  EXPECT_THAT(world_.names("target"), ElementsAre("name"));
  EXPECT_EQ(world_.read("target/name"), "old");
}

TEST_F(Ingesting, WhereNothingCanBeReservedTheStreamComesAllTheSame) {
  FOXING_NEEDS_FAULTS();
  world_.file("source", "content");
  Place place(world_.at("target"));
  const sys::UniqueFd source = open("source");
  {
    const sys::FaultPlan plan("fallocate:1:EOPNOTSUPP");
    ASSERT_TRUE(place.ingest(source, "name", {.size = Bytes(1 << 20)}));
  }
  EXPECT_EQ(world_.read("target/name"), "content");
  const sys::FaultPlan plan("fallocate:1:ENOSPC");
  EXPECT_THAT(place.ingest(source, "name", {.size = Bytes(1 << 20)}).error().detail, HasSubstr("nothing was written"));
}

TEST_F(Ingesting, AStopLeavesNothing) {
  world_.file("source", "content");
  world_.file("target/name", "old");
  Place place(world_.at("target"));
  sys::request_stop();
  const auto stopped = place.ingest(open("source"), "name");
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ECANCELED);
  EXPECT_THAT(world_.names("target"), ElementsAre("name"));
  EXPECT_EQ(world_.read("target/name"), "old");
}

TEST_F(Ingesting, CompressedAndBack) {
  const std::string text = testing::random_bytes(1'500'000, 3) + std::string(1'500'000, '\0');
  world_.file("source", text);
  Place place(world_.at("target"));
  for (const char* name : {"zstd", "lz4", "gzip", "xz:0"}) {
    const auto compressed =
        place.ingest(open("source"), "compressed", {.transformation = {Way::compress, *codec::parse_codec(name)}});
    ASSERT_TRUE(compressed) << compressed.error().message();
    EXPECT_EQ(compressed->read, Bytes(text.size()));
    EXPECT_LT(compressed->size, Bytes(1'600'000));
    const auto back = place.ingest(open("target/compressed"), "back", {.transformation = {.way = Way::decompress}});
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_TRUE(world_.read("target/back") == text) << name;
    EXPECT_LT(back->written, Bytes(1'600'000)) << "zeros are holes";
  }
}

TEST_F(Ingesting, WhatCannotBeDecompressedLeavesNothing) {
  world_.file("plain", "this is not compressed");
  world_.file("empty", "");
  Place place(world_.at("target"));
  world_.file("source", testing::random_bytes(3'000'000, 5));
  ASSERT_TRUE(place.ingest(open("source"), "whole", {.transformation = {Way::compress, {codec::Format::zstd, 3}}}));
  const std::string whole = world_.read("target/whole");
  world_.file("cut", whole.substr(0, whole.size() - 1));
  world_.file("followed", whole + "x");
  world_.remove("target/whole");
  for (const char* name : {"plain", "empty", "cut", "followed"}) {
    const auto refused = place.ingest(open(name), "name", {.transformation = {.way = Way::decompress}});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, EBADMSG) << name;
    EXPECT_THAT(world_.names("target"), IsEmpty()) << name;
  }
}

// ---- Planned faults

struct Fault {
  const char* plan;
  int code;
};
class IngestFaults : public Ingesting, public ::testing::WithParamInterface<Fault> {};

TEST_P(IngestFaults, TheOldFileStaysAndNothingElse) {
  FOXING_NEEDS_FAULTS();
  world_.file("source", testing::random_bytes(2'500'000, 1) + std::string(500'000, '\0'));
  world_.file("target/name", "old");
  Place place(world_.at("target"));
  const sys::UniqueFd source = open("source");
  for (const char* also : {"", ",tmpfile:1+:EOPNOTSUPP"}) {
    const sys::FaultPlan plan(std::string(GetParam().plan) + also);
    const auto ingested = place.ingest(source, "name", {.durable = true});
    ASSERT_FALSE(ingested) << GetParam().plan << also;
    EXPECT_EQ(ingested.error().code, GetParam().code);
    EXPECT_THAT(world_.names("target"), ElementsAre("name")) << GetParam().plan << also;
    EXPECT_EQ(world_.read("target/name"), "old");
    ASSERT_TRUE(sys::set_position(source, FileOffset(0)));
  }
}
INSTANTIATE_TEST_SUITE_P(Each, IngestFaults,
                         ::testing::Values(Fault{"read:1:EIO", EIO}, Fault{"read:3:EIO", EIO}, Fault{"pwrite:1:ENOSPC", ENOSPC},
                                           Fault{"pwrite:3:EIO", EIO}, Fault{"pwrite:2+:EDQUOT", EDQUOT},
                                           Fault{"ftruncate:1:EIO", EIO}, Fault{"fsync:1:EIO", EIO},
                                           Fault{"poll:2:ENOMEM", ENOMEM}, Fault{"renameat2:1:EIO", EIO}),
                         [](const auto& fault) {
                           std::string name = fault.param.plan;
                           for (char& letter : name)
                             if (::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
                           return name;
                         });

TEST_F(Ingesting, InterruptionsAndShortTransfersChangeNothing) {
  FOXING_NEEDS_FAULTS();
  const std::string text = testing::random_bytes(3'000'001, 1);
  world_.file("source", text);
  Place place(world_.at("target"));
  const sys::UniqueFd source = open("source");
  const sys::FaultPlan plan("read:*2:short,read:*3:EINTR,read:7:EAGAIN,pwrite:*2:short,pwrite:*3:EINTR,poll:*2:EINTR");
  ASSERT_TRUE(place.ingest(source, "name"));
  EXPECT_TRUE(world_.read("target/name") == text);
}

// ---- Checkpoints

/// A filesystem of its own in an image, in a mount namespace of this process.
class LoopFilesystem {
 public:
  LoopFilesystem(const testing::TempTree& world, const std::string& type) {
    if (!testing::is_root()) {
      why_not = "needs root";
      return;
    }
    static const bool private_mounts =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!private_mounts) {
      why_not = "mount namespaces are not allowed here";
      return;
    }
    path_ = world.at(type);
    world.dir(type);
    const std::string make = type == "xfs" ? "mkfs.xfs -q -m reflink=1 " : type == "ext4" ? "mkfs.ext4 -q -F " : "mkfs.btrfs -q ";
    const std::string command = "PATH=$PATH:/usr/sbin:/sbin; truncate -s 400M " + path_ + ".img && " + make + path_ +
                                ".img >/dev/null && mount -o loop " + path_ + ".img " + path_;
    mounted_ = std::system(command.c_str()) == 0;
    if (!mounted_) why_not = "no loop-mounted " + type + " here";
  }
  ~LoopFilesystem() {
    if (!mounted_) return;
    EXPECT_EQ(::umount2(path_.c_str(), 0), 0) << std::strerror(errno);
  }
  LoopFilesystem(const LoopFilesystem&) = delete;
  LoopFilesystem& operator=(const LoopFilesystem&) = delete;

  std::string why_not;

 private:
  std::string path_;
  bool mounted_ = false;
};

/// A clock that goes on by one second each time somebody looks, and lets the test look too.
struct Clock {
  std::chrono::steady_clock::time_point at{};
  std::function<void()> looking = [] {};
  std::function<std::chrono::steady_clock::time_point()> reader() {
    return [this] {
      looking();
      return at += std::chrono::seconds(1);
    };
  }
};

class CheckpointsOn : public Ingesting, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    filesystem_.emplace(world_, GetParam());
    if (!filesystem_->why_not.empty()) GTEST_SKIP() << filesystem_->why_not;
  }
  std::string at(const std::string& name) const { return std::string(GetParam()) + "/" + name; }
  std::optional<LoopFilesystem> filesystem_;
};
INSTANTIATE_TEST_SUITE_P(Loop, CheckpointsOn, ::testing::Values("xfs", "btrfs"), [](const auto& type) { return type.param; });

TEST_P(CheckpointsOn, TheNewestStayWhileTheStreamComesAndNoneWhenItIsThere) {
  const std::string text = testing::random_bytes(8 << 20, 1);
  world_.file("source", text);
  std::map<std::string, std::string> seen;
  std::size_t most = 0;
  Clock clock;
  clock.looking = [&] {
    std::size_t there = 0;
    for (const std::string& name : world_.names(GetParam())) {
      ++there;
      const std::string content = world_.read(at(name));
      EXPECT_TRUE(text.starts_with(content)) << name;
      const auto [known, fresh] = seen.emplace(name, content);
      EXPECT_TRUE(fresh || known->second == content) << name << " has changed";
    }
    most = std::max(most, there);
  };
  Place place(world_.at(GetParam()));
  const auto ingested = place.ingest(open("source"), "name",
                                     {.checkpoint = {{.interval = std::chrono::seconds(1), .keep = 2}}, .now = clock.reader()});
  ASSERT_TRUE(ingested) << ingested.error().message();
  EXPECT_FALSE(place.checkpoint_problem);
  EXPECT_EQ(ingested->checkpoints, 8u);  // one behind each piece of 1 MiB
  EXPECT_EQ(most, 2u);
  EXPECT_GE(seen.size(), 6u);
  EXPECT_EQ(seen.at("name.checkpoint-3").size(), 3u << 20);
  EXPECT_THAT(world_.names(GetParam()), ElementsAre("name"));
  EXPECT_TRUE(world_.read(at("name")) == text);
}

TEST_P(CheckpointsOn, AnIntervalIsWaitedFor) {
  world_.file("source", testing::random_bytes(8 << 20, 1));
  Clock clock;
  Place place(world_.at(GetParam()));
  const auto ingested =
      place.ingest(open("source"), "name", {.checkpoint = {{.interval = std::chrono::seconds(3)}}, .now = clock.reader()});
  ASSERT_TRUE(ingested) << ingested.error().message();
  EXPECT_EQ(ingested->checkpoints, 2u);
}

TEST_P(CheckpointsOn, AStreamThatFailsLeavesThem) {
  FOXING_NEEDS_FAULTS();
  const std::string text = testing::random_bytes(8 << 20, 1);
  world_.file("source", text);
  world_.file(at("name.checkpoint-41"), "of a run that died");
  Clock clock;
  Place place(world_.at(GetParam()));
  const sys::UniqueFd source = open("source");
  const sys::FaultPlan plan("read:6:EIO");
  const auto failed =
      place.ingest(source, "name", {.mode = 0600, .checkpoint = {{.interval = std::chrono::seconds(1)}}, .now = clock.reader()});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, EIO);
  EXPECT_EQ(place.newest_checkpoint, "name.checkpoint-46");
  EXPECT_THAT(world_.names(GetParam()),
              ElementsAre("name.checkpoint-41", "name.checkpoint-44", "name.checkpoint-45", "name.checkpoint-46"));
  EXPECT_TRUE(world_.read(at("name.checkpoint-46")) == text.substr(0, 5 << 20));
  EXPECT_EQ(world_.mode(at("name.checkpoint-46")), 0600u);
  EXPECT_EQ(world_.read(at("name.checkpoint-41")), "of a run that died");
}

TEST_P(CheckpointsOn, ACompressedOneCanBeRead) {
  FOXING_NEEDS_FAULTS();
  const std::string text = testing::random_bytes(4 << 20, 1);
  world_.file("source", text);
  for (const char* codec : {"zstd", "lz4", "gzip", "xz:0"}) {
    Clock clock;
    Place place(world_.at(GetParam()));
    const sys::UniqueFd source = open("source");
    {
      const sys::FaultPlan plan("read:5:EIO");
      ASSERT_FALSE(place.ingest(source, "name",
                                {.transformation = {Way::compress, *codec::parse_codec(codec)},
                                 .checkpoint = {{.interval = std::chrono::seconds(1), .keep = 1}},
                                 .now = clock.reader()}));
    }
    const auto back = place.ingest(open(at(place.newest_checkpoint)), "back", {.transformation = {.way = Way::decompress}});
    ASSERT_TRUE(back) << codec << ": " << back.error().message();
    EXPECT_TRUE(world_.read(at("back")) == text) << codec << " " << place.newest_checkpoint;
  }
}

TEST_P(CheckpointsOn, OneThatFailsDoesNotEndTheStream) {
  FOXING_NEEDS_FAULTS();
  const std::string text = testing::random_bytes(4 << 20, 1);
  world_.file("source", text);
  Clock clock;
  Place place(world_.at(GetParam()));
  const sys::UniqueFd source = open("source");
  const sys::FaultPlan plan("ficlone:3:ENOSPC");
  const auto ingested =
      place.ingest(source, "name", {.checkpoint = {{.interval = std::chrono::seconds(1)}}, .now = clock.reader()});
  ASSERT_TRUE(ingested) << ingested.error().message();
  EXPECT_EQ(ingested->checkpoints, 3u);
  ASSERT_TRUE(place.checkpoint_problem);
  EXPECT_EQ(place.checkpoint_problem->code, ENOSPC);
  EXPECT_THAT(world_.names(GetParam()), ElementsAre("name"));
  EXPECT_TRUE(world_.read(at("name")) == text);
}

TEST_P(CheckpointsOn, HolesAndReservedRoomGoTogetherWithThem) {
  std::string text(8 << 20, '\0');
  text.replace(5 << 20, 65536, std::string(65536, 'a'));
  world_.file("source", text);
  Clock clock;
  Place place(world_.at(GetParam()));
  const auto ingested =
      place.ingest(open("source"), "name",
                   {.size = Bytes(64 << 20), .checkpoint = {{.interval = std::chrono::seconds(1)}}, .now = clock.reader()});
  ASSERT_TRUE(ingested) << ingested.error().message();
  EXPECT_TRUE(world_.read(at("name")) == text);
  EXPECT_LT(world_.status(at("name")).st_blocks * 512, 1 << 20);
}

TEST_F(Ingesting, CheckpointsAreRefusedWhereBlocksAreNotShared) {
  const LoopFilesystem ext4(world_, "ext4");
  if (!ext4.why_not.empty()) GTEST_SKIP() << ext4.why_not;
  world_.remove("ext4/lost+found");
  world_.file("source", "content");
  Place place(world_.at("ext4"));
  const auto refused = place.ingest(open("source"), "name", {.checkpoint = {{.interval = std::chrono::seconds(1)}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EOPNOTSUPP);
  EXPECT_THAT(refused.error().detail, HasSubstr("lies on ext4"));
  EXPECT_THAT(world_.names("ext4"), IsEmpty());
  EXPECT_EQ(place.so_far, 0u);
}

TEST_F(Ingesting, ANameThatHasNoRoomForCheckpointsIsRefused) {
  world_.file("source", "content");
  Place place(world_.at("target"));
  const auto refused =
      place.ingest(open("source"), std::string(240, 'n'), {.checkpoint = {{.interval = std::chrono::seconds(1)}}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENAMETOOLONG);
  EXPECT_THAT(world_.names("target"), IsEmpty());
}

}  // namespace
}  // namespace foxing::copy
