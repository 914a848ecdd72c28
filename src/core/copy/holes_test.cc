// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/holes.h"

#include <gmock/gmock.h>

#include <cstring>
#include <string>
#include <vector>

#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempTree;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

TEST(IsZero, FindsAByteWhereverItIs) {
  // Around 16, where the comparison with itself begins, and at sizes that are no multiple of a word.
  for (const std::size_t size : {0u, 1u, 7u, 15u, 16u, 17u, 31u, 32u, 33u, 63u, 4096u, 4099u}) {
    std::string text(size, '\0');
    EXPECT_TRUE(is_zero(bytes_of(text))) << size;
    for (std::size_t at = 0; at < size; at += size > 64 && at > 40 && at + 40 < size ? 97 : 1) {
      text[at] = '\1';
      EXPECT_FALSE(is_zero(bytes_of(text))) << at << " of " << size;
      text[at] = '\0';
    }
  }
}

TEST(IsZero, IsNotTakenInByAPatternOfSixteen) {
  std::string text(64, '\0');
  for (std::size_t at = 3; at < text.size(); at += 16) text[at] = 'x';
  EXPECT_FALSE(is_zero(bytes_of(text)));
}

struct Written {
  std::uint64_t at;
  std::string text;
  bool operator==(const Written&) const = default;
};
void PrintTo(const Written& run, std::ostream* out) { *out << run.at << '+' << run.text.size(); }

std::vector<Written> runs(const std::string& text, std::uint64_t at, std::size_t block) {
  std::vector<Written> found;
  const auto done = for_each_nonzero_run(
      bytes_of(text), FileOffset(at), block, [&](FileOffset where, std::span<const std::byte> run) -> Result<> {
        found.push_back({where.value, std::string(reinterpret_cast<const char*>(run.data()), run.size())});
        return {};
      });
  EXPECT_TRUE(done);
  return found;
}

TEST(NonzeroRuns, AreWholeBlocksPutTogether) {
  const std::string zeros(8, '\0');
  EXPECT_THAT(runs("", 0, 8), IsEmpty());
  EXPECT_THAT(runs(zeros + zeros, 0, 8), IsEmpty());
  EXPECT_THAT(runs("abcdefgh" + zeros, 0, 8), ElementsAre(Written{0, "abcdefgh"}));
  EXPECT_THAT(runs(zeros + "abcdefgh", 0, 8), ElementsAre(Written{8, "abcdefgh"}));
  EXPECT_THAT(runs("abcdefgh" + zeros + "ijklmnopqrstuvwx", 0, 8),
              ElementsAre(Written{0, "abcdefgh"}, Written{16, "ijklmnopqrstuvwx"}));
}

TEST(NonzeroRuns, ABlockWithOneByteIsWrittenWhole) {
  std::string text(24, '\0');
  text[15] = 'x';
  EXPECT_THAT(runs(text, 0, 8), ElementsAre(Written{8, text.substr(8, 8)}));
}

TEST(NonzeroRuns, BlocksAreThoseOfTheFileAndNotOfTheBuffer) {
  // From offset 6 the first block of 8 has 2 bytes.
  std::string text(18, '\0');
  text[1] = 'a';   // offset 7, block 0
  text[17] = 'b';  // offset 23, block 2
  EXPECT_THAT(runs(text, 6, 8), ElementsAre(Written{6, text.substr(0, 2)}, Written{16, text.substr(10, 8)}));
}

TEST(NonzeroRuns, AShortLastBlockCounts) {
  EXPECT_THAT(runs(std::string(8, '\0') + "abc", 0, 8), ElementsAre(Written{8, "abc"}));
  EXPECT_THAT(runs("abcdefgh" + std::string(3, '\0'), 0, 8), ElementsAre(Written{0, "abcdefgh"}));
}

TEST(NonzeroRuns, EndWithTheFirstErrorOfTheirWriter) {
  int calls = 0;
  const std::string text = "a" + std::string(7, '\0') + std::string(8, '\0') + "b" + std::string(7, '\0');
  const auto done =
      for_each_nonzero_run(bytes_of(text), FileOffset(0), 8, [&](FileOffset, std::span<const std::byte>) -> Result<> {
        ++calls;
        return fail(ENOSPC, "write");
      });
  EXPECT_EQ(done.error().code, ENOSPC);
  EXPECT_EQ(calls, 1);
}

/// Random worlds: what the runs leave out is zero, what they give is what was there, and no whole zero block is given.
TEST(NonzeroRuns, LeaveOutExactlyTheZeroBlocks) {
  std::mt19937 random(20260611);
  SCOPED_TRACE("seed 20260611");
  for (int round = 0; round < 300; ++round) {
    const std::size_t block = std::size_t{1} << (3 + random() % 4);
    const std::uint64_t at = random() % 100;
    std::string text(random() % 400, '\0');
    for (char& byte : text) {
      if (random() % 20 == 0) byte = static_cast<char>(random());
    }
    std::string again(text.size(), '\0');
    std::size_t written = 0;
    for (const Written& run : runs(text, at, block)) {
      again.replace(run.at - at, run.text.size(), run.text);
      written += run.text.size();
    }
    ASSERT_EQ(again, text) << "round " << round;
    std::size_t needed = 0;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t size = std::min(block - (at + begin) % block, text.size() - begin);
      if (text.substr(begin, size) != std::string(size, '\0')) needed += size;
      begin += size;
    }
    ASSERT_EQ(written, needed) << "round " << round;
  }
}

// ---- DataRanges

std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges(const TempTree& world, ByteRange range, bool holes_count) {
  auto file = sys::open_at(sys::working_directory(), world.at("file"));
  EXPECT_TRUE(file);
  DataRanges data(*file, range, holes_count);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
  while (true) {
    const auto next = data.next();
    EXPECT_TRUE(next);
    if (!next || !*next) return found;
    found.emplace_back((*next)->begin.value, (*next)->end.value);
  }
}

ByteRange range(std::uint64_t begin, std::uint64_t end) { return {FileOffset(begin), FileOffset(end)}; }
std::pair<std::uint64_t, std::uint64_t> piece(std::uint64_t begin, std::uint64_t end) { return {begin, end}; }

class DataRangesOnDisk : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kK64 = 65536;
  void SetUp() override {
    const std::string block(kK64, 'x');
    world_.sparse_file("file", 8 * kK64, {{1 * kK64, block}, {4 * kK64, block}});
    if (world_.extents("file") != std::vector{piece(kK64, 2 * kK64), piece(4 * kK64, 5 * kK64)}) {
      GTEST_SKIP() << "the filesystem of " << world_.path() << " does not tell where holes are";
    }
  }
  TempTree world_;
};

TEST_F(DataRangesOnDisk, AreWhatTheFilesystemTells) {
  EXPECT_THAT(ranges(world_, range(0, 8 * kK64), true), ElementsAre(piece(kK64, 2 * kK64), piece(4 * kK64, 5 * kK64)));
}

TEST_F(DataRangesOnDisk, AreCutToTheRange) {
  EXPECT_THAT(ranges(world_, range(kK64 + 10, 4 * kK64 + 20), true),
              ElementsAre(piece(kK64 + 10, 2 * kK64), piece(4 * kK64, 4 * kK64 + 20)));
  EXPECT_THAT(ranges(world_, range(2 * kK64, 4 * kK64), true), IsEmpty());
  EXPECT_THAT(ranges(world_, range(5 * kK64, 8 * kK64), true), IsEmpty());
}

TEST_F(DataRangesOnDisk, AreOnePieceWhereHolesDoNotCount) {
  EXPECT_THAT(ranges(world_, range(0, 8 * kK64), false), ElementsAre(piece(0, 8 * kK64)));
  EXPECT_THAT(ranges(world_, range(5, 5), false), IsEmpty());
}

TEST_F(DataRangesOnDisk, AnErrorOfLseekIsAnError) {
  FOXING_NEEDS_FAULTS();
  auto file = sys::open_at(sys::working_directory(), world_.at("file"));
  for (const char* plan : {"lseek:1:EIO", "lseek:2:EIO"}) {  // SEEK_DATA, SEEK_HOLE
    const sys::FaultPlan faults(plan);
    DataRanges data(*file, range(0, 8 * kK64), true);
    const auto next = data.next();
    ASSERT_FALSE(next) << plan;
    EXPECT_EQ(next.error().code, EIO);
  }
}

}  // namespace
}  // namespace foxing::copy
