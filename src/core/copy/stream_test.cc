// SPDX-License-Identifier: GPL-2.0-or-later
// Both ways of streaming, with and without io_uring, have the same promises: so most tests run once for each.
#include "core/copy/stream.h"

#include <gmock/gmock.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "core/copy/test_run.h"
#include "sys/process.h"

namespace foxing::copy {
namespace {

using testing::random_bytes;
using testing::TempTree;

constexpr std::size_t kBuffer = 16 * 1024;
constexpr std::uint64_t kSeed = 7;

enum class Way { ring, buffer };

class Streaming : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (GetParam() == Way::buffer) return;
    auto ring = sys::Ring::create({.buffers = 4, .buffer_size = kBuffer});
    if (!ring) GTEST_SKIP() << "no io_uring here: " << ring.error().message();
    ring_.emplace(std::move(*ring));
  }

  void source(const std::string& content) {
    content_ = content;
    world_.file("source", content);
    open();
  }
  void open() {
    auto from = sys::open_at(sys::working_directory(), world_.at("source"));
    world_.remove("target");
    auto to = sys::create_at(sys::working_directory(), world_.at("target"), 0600);
    ASSERT_TRUE(from && to);
    from_ = std::move(*from);
    to_ = std::move(*to);
  }
  Result<Bytes> stream(ByteRange range, Holes holes = Holes::none, std::size_t block = 4096) {
    const Stream all{from_, to_, range, holes, block};
    return ring_ ? stream_through(*ring_, all) : stream_through(std::span(buffer_), all);
  }
  Result<Bytes> stream(Holes holes = Holes::none) { return stream({FileOffset(0), FileOffset(content_.size())}, holes); }
  /// Faults of reads and of writes have other names with a ring.
  std::string fault(const char* read_or_write, const std::string& rest) const {
    return (ring_ ? std::string("uring_") : std::string("p")) + read_or_write + ':' + rest;
  }

  TempTree world_;
  std::string content_;
  sys::UniqueFd from_;
  sys::UniqueFd to_;
  std::optional<sys::Ring> ring_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kBuffer);
};
INSTANTIATE_TEST_SUITE_P(Ways, Streaming, ::testing::Values(Way::ring, Way::buffer),
                         [](const auto& way) { return way.param == Way::ring ? "Ring" : "Buffer"; });

TEST_P(Streaming, MovesEverySizeAroundTheBuffers) {
  for (const std::size_t size :
       {std::size_t{1}, kBuffer - 1, kBuffer, kBuffer + 1, 4 * kBuffer, 4 * kBuffer + 1, 40 * kBuffer + 77}) {
    SCOPED_TRACE(size);
    source(random_bytes(size, kSeed));
    const auto moved = stream();
    ASSERT_TRUE(moved);
    EXPECT_EQ(moved->value, size);
    EXPECT_EQ(world_.read("target"), content_);
  }
}

TEST_P(Streaming, MovesARangeToTheSamePlaceAndNothingElse) {
  source(random_bytes(10 * kBuffer, kSeed));
  const std::uint64_t begin = kBuffer / 2 + 3;
  const std::uint64_t end = 7 * kBuffer + 11;
  const auto moved = stream({FileOffset(begin), FileOffset(end)});
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->value, end - begin);
  EXPECT_EQ(world_.read("target"), std::string(begin, '\0') + content_.substr(begin, end - begin));
}

TEST_P(Streaming, PiecesBySeveralCallsMakeTheWhole) {
  source(random_bytes(9 * kBuffer + 5, kSeed));
  for (std::uint64_t end = content_.size(); end > 0;) {  // from the end, as a stack gives them
    const std::uint64_t begin = end > 2 * kBuffer ? end - 2 * kBuffer : 0;
    ASSERT_TRUE(stream({FileOffset(begin), FileOffset(end)}));
    end = begin;
  }
  EXPECT_EQ(world_.read("target"), content_);
}

TEST_P(Streaming, AnEmptyRangeIsNothing) {
  source("text");
  const auto moved = stream({FileOffset(2), FileOffset(2)});
  ASSERT_TRUE(moved);
  EXPECT_EQ(*moved, Bytes(0));
  EXPECT_EQ(world_.status("target").st_size, 0);
}

TEST_P(Streaming, EndsWhereTheSourceEnds) {
  source(random_bytes(3 * kBuffer + 9, kSeed));
  const auto moved = stream({FileOffset(0), FileOffset(20 * kBuffer)});
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->value, content_.size());
  EXPECT_EQ(world_.read("target"), content_);
}

TEST_P(Streaming, KeepsTheHolesOfTheSource) {
  const std::string data = random_bytes(65536, kSeed);
  world_.sparse_file("source", 20 * 65536, {{2 * 65536, data}, {9 * 65536, data}});
  const auto before = world_.extents("source");
  if (before.size() != 2) GTEST_SKIP() << "the filesystem of " << world_.path() << " does not tell where holes are";
  open();
  content_ = world_.read("source");
  const auto moved = stream(Holes::as_source);
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->value, 2 * 65536u) << "holes were read";
  ASSERT_TRUE(sys::truncate(to_, Bytes(content_.size())));
  EXPECT_EQ(world_.read("target"), content_);
  ::fsync(to_.get());
  EXPECT_EQ(world_.extents("target"), before);
}

TEST_P(Streaming, MakesHolesWhereBlocksAreZero) {
  source(random_bytes(5 * 4096, kSeed) + std::string(7 * 4096, '\0') + "x" + std::string(30 * 4096, '\0') +
         random_bytes(10, kSeed));
  const auto moved = stream(Holes::scan_zeros);
  ASSERT_TRUE(moved);
  // The last bytes lie in the second of two blocks that are not all zero.
  EXPECT_EQ(moved->value, 5 * 4096u + 4096u + 11u);
  EXPECT_EQ(world_.read("target"), content_);
}

TEST_P(Streaming, ZerosOnlyIsNothingToWrite) {
  source(std::string(5 * kBuffer + 100, '\0'));
  const auto moved = stream(Holes::scan_zeros);
  ASSERT_TRUE(moved);
  EXPECT_EQ(*moved, Bytes(0));
  EXPECT_EQ(world_.status("target").st_size, 0) << "the size is the caller's";
}

TEST_P(Streaming, RandomHolesRandomBlocks) {
  std::mt19937 random(kSeed);
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE("seed 7, round " + std::to_string(round));
    std::string content = random_bytes(1 + random() % (12 * kBuffer), random());
    for (int hole = 0; hole < 6; ++hole) {
      const std::size_t begin = random() % content.size();
      const std::size_t size = std::min<std::size_t>(random() % 20000, content.size() - begin);
      content.replace(begin, size, size, '\0');
    }
    source(content);
    const std::size_t block = std::size_t{512} << (random() % 4);
    ASSERT_TRUE(stream({FileOffset(0), FileOffset(content.size())}, Holes::scan_zeros, block));
    ASSERT_TRUE(sys::truncate(to_, Bytes(content.size())));
    ASSERT_EQ(world_.read("target"), content);
  }
}

TEST_P(Streaming, AStopEndsIt) {
  source(random_bytes(8 * kBuffer, kSeed));
  sys::request_stop();
  const auto moved = stream();
  sys::forget_stop_request();
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, ECANCELED);
}

// ---- Faults

TEST_P(Streaming, ShortReadsAndWritesChangeNothing) {
  FOXING_NEEDS_FAULTS();
  const char* const often[] = {"*1:short", "*2:short", "*3:EINTR", "1:short"};
  for (const char* when : often) {
    for (const char* call : {"read", "write"}) {
      // Every transfer cut in half for ever would go down to single bytes: a small file.
      source(random_bytes(2 * kBuffer + 333, kSeed));
      SCOPED_TRACE(fault(call, when));
      const sys::FaultPlan faults(fault(call, when));
      const auto moved = stream();
      ASSERT_TRUE(moved);
      EXPECT_EQ(moved->value, content_.size());
      EXPECT_EQ(world_.read("target"), content_);
    }
  }
}

TEST_P(Streaming, ShortTransfersWithHolesChangeNothing) {
  FOXING_NEEDS_FAULTS();
  source(random_bytes(3 * 4096, kSeed) + std::string(3 * 4096, '\0') + random_bytes(2 * kBuffer, kSeed) +
         std::string(5000, '\0') + "end");
  for (const char* when : {"*1:short", "*2:short", "*2:EAGAIN"}) {
    if (std::string(when).ends_with("EAGAIN") && !ring_) continue;  // only a ring is answered so for a file
    for (const char* call : {"read", "write"}) {
      open();
      SCOPED_TRACE(fault(call, when));
      const sys::FaultPlan faults(fault(call, when));
      const auto moved = stream(Holes::scan_zeros);
      ASSERT_TRUE(moved);
      EXPECT_EQ(world_.read("target"), content_);
    }
  }
}

/// Every position: the n-th call fails, for n up to where none is left to fail.
TEST_P(Streaming, AnErrorAtAnyPositionIsAnsweredAndLeavesTheRingUsable) {
  FOXING_NEEDS_FAULTS();
  source(random_bytes(9 * kBuffer + 1, kSeed));
  for (const char* call : {"read", "write"}) {
    int failures = 0;
    for (int n = 1;; ++n) {
      ASSERT_LT(n, 200) << "the error is never reached or never ends";
      open();
      {
        const sys::FaultPlan faults(fault(call, std::to_string(n) + ":EIO"));
        const auto moved = stream();
        if (moved) break;
        ASSERT_EQ(moved.error().code, EIO) << call << ' ' << n;
        EXPECT_STREQ(moved.error().operation, call);
      }
      ++failures;
      if (ring_) {
        EXPECT_EQ(ring_->in_flight(), 0u) << "a buffer is still in use";
      }
      open();
      ASSERT_TRUE(stream());
      ASSERT_EQ(world_.read("target"), content_) << "after an error in " << call << ' ' << n;
    }
    EXPECT_GE(failures, 10) << call << ": a buffer each, and the rest";
    EXPECT_EQ(world_.read("target"), content_);
  }
}

TEST_P(Streaming, AFullTargetIsSaidAsThat) {
  FOXING_NEEDS_FAULTS();
  source(random_bytes(3 * kBuffer, kSeed));
  for (const char* code : {"ENOSPC", "EDQUOT"}) {
    const sys::FaultPlan faults(fault("write", std::string("2+:") + code));
    const auto moved = stream();
    ASSERT_FALSE(moved);
    EXPECT_EQ(errno_name(moved.error().code), code);
  }
}

TEST_P(Streaming, AnErrorOfSeekDataEndsItWithoutAWriteMore) {
  FOXING_NEEDS_FAULTS();
  world_.sparse_file("source", 20 * 65536, {{65536, "data"}, {9 * 65536, "data"}});
  if (world_.extents("source").size() != 2)
    GTEST_SKIP() << "the filesystem of " << world_.path() << " does not tell where holes are";
  content_ = world_.read("source");
  for (int n = 1; n <= 4; ++n) {
    open();
    const sys::FaultPlan faults("lseek:" + std::to_string(n) + ":EIO");
    const auto moved = stream(Holes::as_source);
    ASSERT_FALSE(moved) << n;
    EXPECT_EQ(moved.error().code, EIO);
    if (ring_) {
      EXPECT_EQ(ring_->in_flight(), 0u);
    }
  }
}

// ---- Until the end

class StreamUntilEnd : public ::testing::Test {
 protected:
  Result<Bytes> stream(const std::string& path, Bytes limit = 1_GiB) {
    auto from = sys::open_at(sys::working_directory(), path);
    world_.remove("target");
    auto to = sys::create_at(sys::working_directory(), world_.at("target"), 0600);
    EXPECT_TRUE(from && to);
    return stream_until_end(buffer_, *from, *to, limit);
  }
  TempTree world_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(1000);
};

TEST_F(StreamUntilEnd, ReadsWhatProcSaysIsEmpty) {
  std::ostringstream version;
  version << std::ifstream("/proc/version").rdbuf();
  buffer_.resize(50);
  const auto moved = stream("/proc/version");
  ASSERT_TRUE(moved);
  EXPECT_GT(*moved, Bytes(50));
  EXPECT_EQ(world_.read("target"), version.str());
}

TEST_F(StreamUntilEnd, AnEmptyFileIsEmpty) {
  world_.file("source", "");
  const auto moved = stream(world_.at("source"));
  ASSERT_TRUE(moved);
  EXPECT_EQ(*moved, Bytes(0));
}

TEST_F(StreamUntilEnd, StopsAtTheLimit) {
  world_.file("source", random_bytes(5000, kSeed));
  EXPECT_EQ(stream(world_.at("source"), Bytes(5000))->value, 5000u);
  const auto moved = stream(world_.at("source"), Bytes(4999));
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, EFBIG);
  const auto endless = stream("/dev/zero", Bytes(100000));
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code, EFBIG);
}

TEST_F(StreamUntilEnd, ShortTransfersChangeNothingAndErrorsAreAnswered) {
  FOXING_NEEDS_FAULTS();
  const std::string content = random_bytes(7777, kSeed);
  world_.file("source", content);
  for (const char* plan : {"read:*2:short", "write:*1:short", "read:*3:EINTR,write:*2:EINTR"}) {
    const sys::FaultPlan faults(plan);
    ASSERT_TRUE(stream(world_.at("source"))) << plan;
    EXPECT_EQ(world_.read("target"), content) << plan;
  }
  for (const char* call : {"read", "write"}) {
    for (int n = 1; n <= 8; ++n) {
      const sys::FaultPlan faults(std::string(call) + ':' + std::to_string(n) + ":EIO");
      const auto moved = stream(world_.at("source"));
      ASSERT_FALSE(moved) << call << n;
      EXPECT_EQ(moved.error().code, EIO);
    }
  }
}

TEST_F(StreamUntilEnd, AStopEndsIt) {
  world_.file("source", "text");
  sys::request_stop();
  const auto moved = stream(world_.at("source"));
  sys::forget_stop_request();
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, ECANCELED);
}

}  // namespace
}  // namespace foxing::copy
