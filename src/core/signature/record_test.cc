// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signature/record.h"

#include <gmock/gmock.h>

#include <limits>

#include "base/own_names.h"
#include "core/signature/test_support.h"

namespace foxing::signature {
namespace {

TEST(OwnNames, AreRecognizedAndOthersAreNot) {
  EXPECT_TRUE(is_own_name(".foxing_meta"));
  EXPECT_TRUE(is_own_name(".foxing_versions"));
  for (const char* other : {"", ".foxing", ".foxing_meta2", "foxing_meta", ".foxing_version"})
    EXPECT_FALSE(is_own_name(other)) << other;
  EXPECT_TRUE(is_own_attribute("user.foxing.sig"));
  for (const char* other : {"user.foxing", "user.foxin.g", "trusted.foxing.sig", "user.foxingsig"})
    EXPECT_FALSE(is_own_attribute(other)) << other;
}

TEST(Record, ReadsWhatItWroteAndTheGoldenBytes) {
  const std::string bytes = encode(sample_signature());
  ASSERT_EQ(bytes.size(), kRecordSize);
  EXPECT_EQ(bytes, golden("sig-v1", bytes));
  const auto found = decode_signature(golden("sig-v1", bytes));
  ASSERT_TRUE(found.value) << name_of(found.ignored);
  EXPECT_EQ(encode(*found.value), bytes);
  EXPECT_EQ(found.value->target.modified.tv_sec, -5);
  EXPECT_EQ(found.value->target.inode.value, 0x1122334455667788u);
  EXPECT_EQ(found.value->source.changed.tv_nsec, 1);
  EXPECT_EQ(found.value->leaves, 4u);
}

TEST(Record, OnlyAWholeOneCounts) {
  expect_only_whole(encode(sample_signature()),
                    [](const std::string& bytes) { return decode_signature(bytes).value.has_value(); });
}

TEST(Record, OfAnotherVersionOrWithUnknownFlagsIsForeign) {
  std::string bytes = encode(sample_signature());
  bytes[4] = 2;
  EXPECT_EQ(decode_signature(bytes).ignored, Ignored::foreign);
  bytes = encode(sample_signature());
  bytes[6] = 1;
  EXPECT_EQ(decode_signature(resealed(bytes, kRecordSize)).ignored, Ignored::foreign);
}

TEST(Record, NumbersThatMakeNoSenseAreDamageEvenWithARightChecksum) {
  const auto forged = [](auto change) {
    FileSignature signature = sample_signature();
    change(signature);
    return decode_signature(encode(signature)).ignored;
  };
  EXPECT_TRUE(decode_signature(encode(sample_signature())).value);
  EXPECT_EQ(forged([](auto& s) { s.target.modified.tv_nsec = 1'000'000'000; }), Ignored::damaged);
  EXPECT_EQ(forged([](auto& s) { s.written_at_ns = -1; }), Ignored::damaged);
  EXPECT_EQ(forged([](auto& s) { s.written_at_ns = std::numeric_limits<std::int64_t>::max(); }), Ignored::damaged);
  EXPECT_EQ(forged([](auto& s) { s.leaf_log2 = 64; }), Ignored::damaged);
  EXPECT_EQ(forged([](auto& s) { s.leaf_log2 = 15; }), Ignored::damaged);
  EXPECT_EQ(forged([](auto& s) { s.leaves = 3; }), Ignored::damaged);
  EXPECT_EQ(forged([](auto& s) { s.target.size = Bytes(~0ULL); }), Ignored::damaged);
}

TEST(Window, HasTwoEdges) {
  const std::int64_t at = 1'000'000'000'000'000'000;
  const auto time = [](std::int64_t ns) { return timespec{ns / 1'000'000'000, ns % 1'000'000'000}; };
  EXPECT_TRUE(in_window(at, time(at)));
  EXPECT_TRUE(in_window(at, time(at - kTick_ns)));
  EXPECT_FALSE(in_window(at, time(at - kTick_ns - 1)));
  EXPECT_TRUE(in_window(at, time(at + kWindow_ns)));
  EXPECT_FALSE(in_window(at, time(at + kWindow_ns + 1)));
}

TEST(Window, TimesFarOffDoNotOverflow) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  for (const std::int64_t at : {kLeast, std::int64_t{-1}, std::int64_t{0}, kMost - kWindow_ns, kMost}) {
    for (const std::int64_t seconds : {kLeast, std::int64_t{-1}, kMost / 1'000'000'000, kMost})
      EXPECT_FALSE(in_window(at, {seconds, 999'999'999}));
  }
  EXPECT_TRUE(in_window(0, {0, 0}));
}

TEST(State, EachPartCounts) {
  sys::FileStatus status;
  status.raw.st_size = 10;
  status.raw.st_mtim = {5, 6};
  status.raw.st_ino = 7;
  const TargetState same{.size = Bytes(10), .modified = {5, 6}, .inode = InodeNo(7), .generation = 8};
  EXPECT_TRUE(same_state(same, status, 8));
  EXPECT_TRUE(same_state(same, status, 0)) << "unknown is not compared";
  EXPECT_FALSE(same_state(same, status, 9));
  status.raw.st_size = 11;
  EXPECT_FALSE(same_state(same, status, 8));
  status.raw.st_size = 10;
  status.raw.st_mtim = {5, 7};
  EXPECT_FALSE(same_state(same, status, 8));
  status.raw.st_mtim = {5, 6};
  status.raw.st_ino = 8;
  EXPECT_FALSE(same_state(same, status, 8));
}

}  // namespace
}  // namespace foxing::signature
