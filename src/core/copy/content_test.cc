// SPDX-License-Identifier: GPL-2.0-or-later
// The tiers on real files: which one did it, which declined, what is a real error.
#include "core/copy/content.h"

#include <gmock/gmock.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "core/copy/test_run.h"
#include "sys/process.h"

namespace foxing::copy {

void PrintTo(const Attempt& attempt, std::ostream* out) { *out << name_of(attempt.tier) << ' ' << errno_name(attempt.code); }

namespace {

using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;

Plan offer(std::initializer_list<Tier> tiers, Holes holes = Holes::none) {
  Plan plan;
  for (const Tier tier : tiers) plan.add(tier, "test");
  plan.holes = holes;
  return plan;
}

class Content : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kSeed = 11;

  void source(const std::string& content) {
    content_ = content;
    world_.file("source", content);
  }
  Result<Moved> copy(const Plan& plan, Attempts attempts = Attempts::keep) {
    auto from = sys::open_at(sys::working_directory(), world_.at("source"));
    world_.remove("target");
    auto to = sys::create_at(sys::working_directory(), world_.at("target"), 0600);
    EXPECT_TRUE(from && to);
    return copy_content(bench_, plan, *from, *sys::status_of(*from), *to, pair_, attempts);
  }
  bool equal() const { return world_.read("target") == content_; }
  bool ring_is_here() { return bench_.ring() != nullptr; }

  TempTree world_;
  std::string content_;
  Pair pair_;
  Workbench bench_;
};

TEST_F(Content, EveryTierMovesTheSameBytes) {
  source(random_bytes(3'000'001, kSeed));
  for (const Tier tier : {Tier::copy_range, Tier::send, Tier::ring, Tier::plain}) {
    SCOPED_TRACE(name_of(tier));
    if (tier == Tier::ring && !ring_is_here()) continue;  // RingIsMissing covers it
    const auto moved = copy(offer({tier}));
    ASSERT_TRUE(moved);
    EXPECT_EQ(moved->tier, tier);
    EXPECT_EQ(moved->bytes.value, content_.size());
    EXPECT_THAT(moved->attempts, ElementsAre(FieldsAre(tier, 0)));
    EXPECT_TRUE(equal());
  }
}

TEST_F(Content, AttemptsAreKeptOnlyWhereAskedFor) {
  source("text");
  EXPECT_THAT(copy(offer({Tier::send}), Attempts::forget)->attempts, IsEmpty());
}

TEST_F(Content, ACloneMovesNothing) {
  source(random_bytes(1 << 20, kSeed));
  auto from = sys::open_at(sys::working_directory(), world_.at("source"));
  auto to = sys::create_at(sys::working_directory(), world_.at("probe"), 0600);
  if (::ioctl(to->get(), FICLONE, from->get()) != 0)
    GTEST_SKIP() << "the filesystem of " << world_.path() << " shares no blocks (TMPDIR on XFS or btrfs)";
  const auto moved = copy(offer({Tier::clone, Tier::ring, Tier::plain}));
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->tier, Tier::clone);
  EXPECT_EQ(moved->bytes, Bytes(0));
  EXPECT_TRUE(equal());
  EXPECT_FALSE(pair_.clone_declines);
}

TEST_F(Content, ATierThatDeclinesGivesWayToTheNext) {
  FOXING_NEEDS_FAULTS();
  source(random_bytes(200'000, kSeed));
  struct Case {
    Tier tier;
    const char* call;
    const char* code;
  };
  const Case cases[] = {
      {Tier::clone, "ficlone", "EOPNOTSUPP"},
      {Tier::clone, "ficlone", "EXDEV"},
      {Tier::clone, "ficlone", "EINVAL"},
      {Tier::clone, "ficlone", "ETXTBSY"},
      {Tier::clone, "ficlone", "EAGAIN"},
      {Tier::clone, "ficlone", "ENOTTY"},
      {Tier::clone, "ficlone", "EPERM"},
      {Tier::copy_range, "copy_file_range", "EXDEV"},
      {Tier::copy_range, "copy_file_range", "EINVAL"},
      {Tier::copy_range, "copy_file_range", "ENOSYS"},
      {Tier::copy_range, "copy_file_range", "EBADF"},
      {Tier::send, "sendfile", "EINVAL"},
      {Tier::send, "sendfile", "ENOSYS"},
      {Tier::ring, "uring_read", "EINVAL"},
      {Tier::ring, "uring_write", "EOPNOTSUPP"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(std::string(one.call) + ' ' + one.code);
    if (one.tier == Tier::ring && !ring_is_here()) continue;
    const sys::FaultPlan faults(std::string(one.call) + ":1:" + one.code);
    const auto moved = copy(offer({one.tier, Tier::plain}));
    ASSERT_TRUE(moved) << moved.error().message();
    EXPECT_EQ(moved->tier, Tier::plain);
    ASSERT_EQ(moved->attempts.size(), 2u);
    EXPECT_EQ(moved->attempts[0].tier, one.tier);
    EXPECT_EQ(errno_name(moved->attempts[0].code), one.code);
    EXPECT_EQ(moved->attempts[1].code, 0);
    EXPECT_TRUE(equal());
  }
}

/// A tier that has written some of the file and declines then: the next one writes all of it.
TEST_F(Content, WhatADecliningTierLeftIsWrittenAgain) {
  FOXING_NEEDS_FAULTS();
  source(random_bytes(600'000, kSeed));
  for (const char* plan : {"copy_file_range:1:short,copy_file_range:2:EINVAL", "sendfile:1:short,sendfile:2:EINVAL",
                           "copy_file_range:1:short,copy_file_range:2:ENOSYS"}) {
    SCOPED_TRACE(plan);
    const Tier first = plan[0] == 'c' ? Tier::copy_range : Tier::send;
    for (const Tier second : {Tier::plain, Tier::ring}) {
      if (second == Tier::ring && !ring_is_here()) continue;
      const sys::FaultPlan faults(plan);
      const auto moved = copy(offer({first, second}));
      ASSERT_TRUE(moved);
      EXPECT_EQ(moved->tier, second);
      EXPECT_TRUE(equal());
    }
  }
}

TEST_F(Content, WhatATierLeftUnderAHoleIsNotSeen) {
  FOXING_NEEDS_FAULTS();
  if (!ring_is_here()) GTEST_SKIP() << "no io_uring here";
  source(random_bytes(300'000, kSeed) + std::string(300'000, '\0') + random_bytes(300'000, kSeed + 1));
  const sys::FaultPlan faults("uring_write:2:EINVAL");
  const auto moved = copy(offer({Tier::ring, Tier::plain}, Holes::scan_zeros));
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->tier, Tier::plain);
  EXPECT_TRUE(equal());
}

/// Real errors end the file: the next tier would meet them too, or hide them.
TEST_F(Content, RealErrorsEndTheFileAtAnyPosition) {
  FOXING_NEEDS_FAULTS();
  source(random_bytes(1'100'000, kSeed));
  struct Case {
    Tier tier;
    const char* call;
  };
  const Case cases[] = {{Tier::clone, "ficlone"},   {Tier::copy_range, "copy_file_range"}, {Tier::send, "sendfile"},
                        {Tier::ring, "uring_read"}, {Tier::ring, "uring_write"},           {Tier::plain, "pread"},
                        {Tier::plain, "pwrite"}};
  for (const Case& one : cases) {
    if (one.tier == Tier::ring && !ring_is_here()) continue;
    for (const char* code : {"EIO", "ENOSPC", "EDQUOT", "EFBIG", "EROFS", "ESTALE"}) {
      for (int n = 1; n <= 3; ++n) {
        SCOPED_TRACE(std::string(one.call) + ' ' + std::to_string(n) + ' ' + code);
        if (one.tier == Tier::clone && n > 1) break;  // one call is all
        std::string plan = std::string(one.call) + ':' + std::to_string(n) + ':' + code;
        // One call moves it all: make several of it.
        for (int i = 1; i < n && (one.tier == Tier::copy_range || one.tier == Tier::send); ++i)
          plan += std::string(",") + one.call + ':' + std::to_string(i) + ":short";
        const sys::FaultPlan faults(plan);
        const auto moved = copy(offer({one.tier, Tier::plain}));
        ASSERT_FALSE(moved) << "went on with " << name_of(moved->tier);
        EXPECT_EQ(errno_name(moved.error().code), code);
      }
    }
  }
}

TEST_F(Content, TheLastTierMayNotDecline) {
  FOXING_NEEDS_FAULTS();
  source(random_bytes(1000, kSeed));
  {
    const sys::FaultPlan faults("ficlone:1:EOPNOTSUPP");  // --reflink=always
    const auto moved = copy(offer({Tier::clone}));
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().code, EOPNOTSUPP);
    EXPECT_STREQ(moved.error().operation, "reflink");
    EXPECT_THAT(moved.error().message(), ::testing::HasSubstr("no way of copying is left"));
  }
  const sys::FaultPlan faults("pread:1:EINVAL");
  const auto moved = copy(offer({Tier::plain}));
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, EINVAL);
}

TEST_F(Content, OnlyWhatCanNeverWorkIsRemembered) {
  FOXING_NEEDS_FAULTS();
  source(random_bytes(1000, kSeed));
  for (const char* code : {"EINVAL", "ETXTBSY", "EAGAIN", "EPERM"}) {
    const sys::FaultPlan faults(std::string("ficlone:1:") + code + ",copy_file_range:1:" + code);
    ASSERT_TRUE(copy(offer({Tier::clone, Tier::copy_range, Tier::plain}))) << code;
    EXPECT_FALSE(pair_.clone_declines) << code;
    EXPECT_FALSE(pair_.copy_range_declines) << code;
  }
  for (const char* code : {"EXDEV", "EOPNOTSUPP", "ENOSYS", "ENOTTY"}) {
    pair_.clone_declines = pair_.copy_range_declines = false;
    const sys::FaultPlan faults(std::string("ficlone:1:") + code + ",copy_file_range:1:" + code);
    ASSERT_TRUE(copy(offer({Tier::clone, Tier::copy_range, Tier::plain}))) << code;
    EXPECT_TRUE(pair_.clone_declines) << code;
    EXPECT_TRUE(pair_.copy_range_declines) << code;
  }
}

TEST_F(Content, ARefusalInTheMiddleIsAboutOneFile) {
  FOXING_NEEDS_FAULTS();
  source(random_bytes(1000, kSeed));
  const sys::FaultPlan faults("copy_file_range:1:short,copy_file_range:2:EXDEV");
  ASSERT_TRUE(copy(offer({Tier::copy_range, Tier::plain})));
  EXPECT_FALSE(pair_.copy_range_declines);
  EXPECT_TRUE(equal());
}

TEST_F(Content, WithoutIoUringItIsReadAndWritten) {
  FOXING_NEEDS_FAULTS();
  source(random_bytes(700'000, kSeed));
  for (const char* code : {"ENOSYS", "EPERM", "ENOMEM"}) {
    SCOPED_TRACE(code);
    Workbench without;
    const sys::FaultPlan faults(std::string("io_uring_setup:1:") + code);
    auto from = sys::open_at(sys::working_directory(), world_.at("source"));
    world_.remove("target");
    auto to = sys::create_at(sys::working_directory(), world_.at("target"), 0600);
    const auto moved =
        copy_content(without, offer({Tier::ring, Tier::plain}), *from, *sys::status_of(*from), *to, pair_, Attempts::keep);
    ASSERT_TRUE(moved);
    EXPECT_THAT(moved->attempts, ElementsAre(FieldsAre(Tier::ring, ENOSYS), FieldsAre(Tier::plain, 0)));
    EXPECT_TRUE(equal());
    EXPECT_EQ(without.ring(), nullptr) << "it is asked for once";  // the plan fails only the first call

    const auto piece =
        copy_piece(without, offer({Tier::ring, Tier::plain}), *from, *to, {FileOffset(1000), FileOffset(5000)}, pair_);
    ASSERT_TRUE(piece);
    EXPECT_EQ(piece->tier, Tier::plain);
    EXPECT_EQ(piece->bytes, Bytes(4000));
  }
}

TEST_F(Content, EndsInAHoleWithItsSize) {
  world_.sparse_file("source", 1 << 20, {{4096, "data"}});
  content_ = world_.read("source");
  for (const Tier tier : {Tier::ring, Tier::plain}) {
    if (tier == Tier::ring && !ring_is_here()) continue;
    for (const Holes holes : {Holes::as_source, Holes::scan_zeros}) {
      ASSERT_TRUE(copy(offer({tier}, holes)));
      EXPECT_EQ(world_.status("target").st_size, 1 << 20);
      EXPECT_TRUE(equal());
      EXPECT_LT(world_.status("target").st_blocks * 512, 1 << 19) << "the holes are filled";
    }
  }
}

TEST_F(Content, AFailingTruncateIsAFailure) {
  FOXING_NEEDS_FAULTS();
  world_.sparse_file("source", 1 << 20, {{4096, "data"}});
  const sys::FaultPlan faults("ftruncate:1:EIO");
  const auto moved = copy(offer({Tier::plain}, Holes::as_source));
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, EIO);
}

TEST_F(Content, ReadsToTheEndWhereTheSizeMeansNothing) {
  source(random_bytes(600'000, kSeed));
  auto from = sys::open_at(sys::working_directory(), world_.at("source"));
  auto to = sys::create_at(sys::working_directory(), world_.at("target"), 0600);
  sys::FileStatus status = *sys::status_of(*from);
  status.raw.st_size = 0;  // as /proc would say
  Plan plan = offer({Tier::plain});
  plan.until_end = true;
  const auto moved = copy_content(bench_, plan, *from, status, *to, pair_, Attempts::forget);
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->bytes.value, content_.size());
  EXPECT_TRUE(equal());
}

TEST_F(Content, CopyFileRangeThatMovesNothingIsNotBelieved) {
  // procfs and some FUSE filesystems answer 0 at once: reading tells.  Here the file is simply shorter than its status says.
  source("short");
  auto from = sys::open_at(sys::working_directory(), world_.at("source"));
  auto to = sys::create_at(sys::working_directory(), world_.at("target"), 0600);
  sys::FileStatus status = *sys::status_of(*from);
  status.raw.st_size = 100;
  const auto moved = copy_content(bench_, offer({Tier::copy_range, Tier::plain}), *from, status, *to, pair_, Attempts::keep);
  ASSERT_TRUE(moved);
  EXPECT_THAT(moved->attempts, ElementsAre(FieldsAre(Tier::copy_range, 0), FieldsAre(Tier::plain, 0)));
  EXPECT_EQ(moved->tier, Tier::plain);
  EXPECT_TRUE(equal());
}

TEST_F(Content, AStopEndsEveryTier) {
  source(random_bytes(100'000, kSeed));
  sys::request_stop();
  for (const Tier tier : {Tier::copy_range, Tier::send, Tier::ring, Tier::plain}) {
    const auto moved = copy(offer({tier, Tier::plain}));
    if (tier == Tier::ring && !ring_is_here()) continue;
    EXPECT_FALSE(moved) << name_of(tier);
    if (!moved) {
      EXPECT_EQ(moved.error().code, ECANCELED);
    }
  }
  sys::forget_stop_request();
}

TEST(IsReal, KnowsWhatNoOtherTierGetsPast) {
  for (const int code : {EIO, ENOSPC, EDQUOT, EROFS, EFBIG, ESTALE, ENODEV, EUCLEAN, ECANCELED})
    EXPECT_TRUE(is_real(code)) << errno_name(code);
  for (const int code : {0, EXDEV, EOPNOTSUPP, ENOSYS, EINVAL, EPERM, EACCES, ETXTBSY, EAGAIN, ENOTTY, EBADF, ENOMEM, ENXIO}) {
    EXPECT_FALSE(is_real(code)) << errno_name(code);
  }
}

}  // namespace
}  // namespace foxing::copy
