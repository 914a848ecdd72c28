// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/ring.h"

#include <gmock/gmock.h>

#include <cstring>
#include <optional>
#include <set>

#include "sys/fault.h"
#include "sys/file.h"
#include "testing/temp_tree.h"

#define FOXING_NEEDS_FAULTS() \
  if (!::foxing::sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)"

namespace foxing::sys {
namespace {

using testing::TempTree;

constexpr unsigned kBuffers = 4;
constexpr std::size_t kSize = 8192;

class Rings : public ::testing::Test {
 protected:
  void SetUp() override {
    auto ring = Ring::create({.buffers = kBuffers, .buffer_size = kSize});
    if (!ring) GTEST_SKIP() << "no io_uring here: " << ring.error().message();
    ring_.emplace(std::move(*ring));
    content_ = testing::random_bytes(100'000, 17);
    world_.file("source", content_);
    source_ = std::move(*open_at(working_directory(), world_.at("source")));
    target_ = std::move(*create_at(working_directory(), world_.at("target"), 0600));
  }
  std::string in_buffer(unsigned index, std::size_t length) {
    return {reinterpret_cast<const char*>(ring_->buffer(index).data()), length};
  }
  TempTree world_;
  std::string content_;
  UniqueFd source_;
  UniqueFd target_;
  std::optional<Ring> ring_;
};

TEST_F(Rings, HasTheShapeItWasAskedFor) {
  EXPECT_EQ(ring_->shape().buffers, kBuffers);
  EXPECT_EQ(ring_->buffer(0).size(), kSize);
  EXPECT_NE(ring_->buffer(0).data(), ring_->buffer(1).data());
  EXPECT_EQ(ring_->in_flight(), 0u);
}

TEST_F(Rings, ReadsIntoAndWritesFromPartsOfItsBuffers) {
  ring_->queue_read(source_, 2, 100, 5000, FileOffset(777));
  EXPECT_EQ(ring_->in_flight(), 1u);
  const auto read = ring_->next();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->buffer, 2u);
  EXPECT_EQ(read->result, 5000);
  EXPECT_EQ(ring_->in_flight(), 0u);
  EXPECT_EQ(in_buffer(2, 5100).substr(100), content_.substr(777, 5000));

  ring_->queue_write(target_, 2, 200, 300, FileOffset(10));
  EXPECT_EQ(ring_->next()->result, 300);
  EXPECT_EQ(world_.read("target"), std::string(10, '\0') + content_.substr(877, 300));
}

TEST_F(Rings, SeveralAtOnceEachAnsweredOnceForItsBuffer) {
  for (int round = 0; round < 50; ++round) {
    for (unsigned i = 0; i < kBuffers; ++i)
      ring_->queue_read(source_, i, 0, kSize, FileOffset(i * kSize + static_cast<unsigned>(round)));
    EXPECT_EQ(ring_->in_flight(), kBuffers);
    std::set<unsigned> answered;
    while (ring_->in_flight() > 0) {
      const auto done = ring_->next();
      ASSERT_TRUE(done);
      ASSERT_EQ(done->result, static_cast<int>(kSize));
      EXPECT_TRUE(answered.insert(done->buffer).second);
      EXPECT_EQ(in_buffer(done->buffer, kSize), content_.substr(done->buffer * kSize + static_cast<unsigned>(round), kSize));
    }
    EXPECT_EQ(answered.size(), kBuffers);
  }
}

TEST_F(Rings, TheEndIsAShortReadAndThenNothing) {
  ring_->queue_read(source_, 0, 0, kSize, FileOffset(99'990));
  EXPECT_EQ(ring_->next()->result, 10);
  ring_->queue_read(source_, 0, 0, kSize, FileOffset(100'000));
  EXPECT_EQ(ring_->next()->result, 0);
}

TEST_F(Rings, ErrorsAreOfTheOperation) {
  ring_->queue_write(source_, 0, 0, 10, FileOffset(0));  // opened for reading
  EXPECT_EQ(ring_->next()->result, -EBADF);
  EXPECT_EQ(world_.read("source"), content_);
}

TEST_F(Rings, FaultsArePlannedForOperationsAndHaveNoEffect) {
  FOXING_NEEDS_FAULTS();
  const FaultPlan faults("uring_read:2:EIO,uring_write:1:ENOSPC,uring_write:2:short,uring_read:3:short");
  ring_->queue_read(source_, 0, 0, 1000, FileOffset(0));
  EXPECT_EQ(ring_->next()->result, 1000);
  ring_->queue_read(source_, 1, 0, 1000, FileOffset(0));
  EXPECT_EQ(ring_->next()->result, -EIO);
  ring_->queue_read(source_, 1, 0, 1000, FileOffset(0));
  EXPECT_EQ(ring_->next()->result, 500);
  ring_->queue_write(target_, 0, 0, 1000, FileOffset(0));
  EXPECT_EQ(ring_->next()->result, -ENOSPC);
  EXPECT_EQ(world_.status("target").st_size, 0);
  ring_->queue_write(target_, 0, 0, 1000, FileOffset(0));
  EXPECT_EQ(ring_->next()->result, 500);
  EXPECT_EQ(world_.status("target").st_size, 500);
}

/// Buffers are freed with the ring: a read that comes later would write into somebody else's memory.
TEST_F(Rings, GoingAwayItWaitsForWhatIsInFlight) {
  for (unsigned i = 0; i < kBuffers; ++i) ring_->queue_write(target_, i, 0, kSize, FileOffset(i * kSize));
  ring_.reset();
  EXPECT_EQ(world_.status("target").st_size, static_cast<off_t>(kBuffers * kSize));
}

TEST_F(Rings, MovesAsAWhole) {
  ring_->queue_read(source_, 0, 0, 10, FileOffset(0));
  Ring other = std::move(*ring_);
  EXPECT_EQ(other.in_flight(), 1u);
  EXPECT_EQ(other.next()->result, 10);
}

TEST(RingCreation, AnswersWhatTheKernelAnswers) {
  FOXING_NEEDS_FAULTS();
  for (const char* code : {"ENOSYS", "EPERM", "ENOMEM"}) {
    const FaultPlan faults(std::string("io_uring_setup:1:") + code);
    const auto ring = Ring::create({.buffers = 2, .buffer_size = 4096});
    ASSERT_FALSE(ring);
    EXPECT_EQ(errno_name(ring.error().code), code);
  }
}

}  // namespace
}  // namespace foxing::sys
