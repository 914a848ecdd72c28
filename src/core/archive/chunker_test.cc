// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/chunker.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/little_endian.h"
#include "core/archive/crc32c.h"
#include "core/archive/id_table.h"
#include "core/archive/packing.h"
#include "testing/temp_tree.h"

namespace foxing::archive {
namespace {

std::vector<std::size_t> cuts(const std::string& bytes, ChunkSizes sizes = {}) {
  const Chunker chunker(sizes);
  std::vector<std::size_t> found;
  std::span<const std::byte> left = as_bytes(bytes);
  while (!left.empty()) {
    // No more than it needs: what follows must not matter.
    const std::size_t size = chunker.next(left.first(std::min<std::size_t>(left.size(), sizes.most)));
    found.push_back(size);
    left = left.subspan(size);
  }
  return found;
}

TEST(Chunker, KeepsToItsSizes) {
  const std::string bytes = testing::random_bytes(64 << 20, 1);
  const auto sizes = cuts(bytes);
  std::size_t sum = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    sum += sizes[i];
    EXPECT_LE(sizes[i], 2U << 20);
    EXPECT_TRUE(i + 1 == sizes.size() || sizes[i] >= 2U << 10);
  }
  EXPECT_EQ(sum, bytes.size());
  const double average = static_cast<double>(bytes.size()) / static_cast<double>(sizes.size());
  EXPECT_GT(average, 48 << 10);
  EXPECT_LT(average, 90 << 10);
}

TEST(Chunker, WhatHasNoVarietyIsCutAtTheMaximum) {
  EXPECT_EQ(cuts(std::string(5 << 20, '\0')), (std::vector<std::size_t>{2 << 20, 2 << 20, 1 << 20}));
  EXPECT_EQ(cuts(std::string(100, 'x')), std::vector<std::size_t>{100});
  EXPECT_EQ(cuts(std::string(2048, 'x')), std::vector<std::size_t>{2048});
}

TEST(Chunker, AnInsertionMovesOnlyTheCutsNearIt) {
  const std::string bytes = testing::random_bytes(8 << 20, 2);
  std::string changed = bytes;
  changed.insert(3 << 20, "seventeen letters");
  const auto pieces = [](const std::string& text) {
    std::multiset<std::string> found;
    std::size_t at = 0;
    for (const std::size_t size : cuts(text)) {
      found.insert(text.substr(at, size));
      at += size;
    }
    return found;
  };
  const auto before = pieces(bytes), after = pieces(changed);
  std::size_t missing = 0;
  for (const std::string& piece : after) missing += before.count(piece) == 0 ? 1 : 0;
  EXPECT_LE(missing, 3U);
  EXPECT_GT(after.size(), 80U);
}

// What is written here is in archives: cuts that move cost deduplication, not correctness, and must not move unnoticed.
TEST(Chunker, CutsWhereItAlwaysDid) {
  const auto sizes = cuts(testing::random_bytes(1 << 20, 3));
  EXPECT_EQ(sizes, (std::vector<std::size_t>{78398, 74029, 13269, 88631, 73419, 111039, 148710, 30784, 25079, 87778, 45774, 96422,
                                             85525, 48016, 13254, 28449}));
}

TEST(Chunker, SizesThatMakeNoSenseAreTold) {
  EXPECT_TRUE(ChunkSizes{}.make_sense());
  for (const ChunkSizes& sizes :
       {ChunkSizes{0, 65536, 2097152}, ChunkSizes{2048, 65537, 2097152}, ChunkSizes{2048, 1024, 2097152},
        ChunkSizes{2048, 65536, 1024}, ChunkSizes{2048, 65536, 1U << 25}, ChunkSizes{64, 128, 128}})
    EXPECT_FALSE(sizes.make_sense());
}

TEST(Crc32c, IsTheOneOfThatName) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283U);  // RFC 3720, the usual check value
  EXPECT_EQ(crc32c(as_bytes(std::string(32, '\0'))), 0x8A9136AAU);
  EXPECT_EQ(crc32c({}), 0U);
}

TEST(Crc32c, BothWaysAgree) {
  const std::string bytes = testing::random_bytes(5000, 4);
  for (std::size_t begin = 0; begin < 9; ++begin)
    for (const std::size_t size : {0, 1, 7, 8, 9, 63, 64, 65, 4990}) {
      const auto piece = as_bytes(bytes).subspan(begin, static_cast<std::size_t>(size));
      EXPECT_EQ(crc32c(piece), crc32c_portable(piece));
    }
}

TEST(IdTable, FindsWhatWasPutIn) {
  IdTable table;
  const auto id = [](std::uint32_t i) { return digest::hash(as_bytes(std::to_string(i))); };
  for (std::uint32_t i = 0; i < 10'000; ++i) table.insert(id(i), i);
  table.insert(id(17), 99'999);  // the first stays
  EXPECT_EQ(table.size(), 10'000U);
  for (std::uint32_t i = 0; i < 10'000; ++i) EXPECT_EQ(table.find(id(i)), i);
  for (std::uint32_t i = 10'000; i < 20'000; ++i) EXPECT_FALSE(table.find(id(i)));
}

TEST(Packing, NoiseIsTold) {
  EXPECT_TRUE(looks_like_noise(as_bytes(testing::random_bytes(4096, 5))));
  EXPECT_TRUE(looks_like_noise(as_bytes(testing::random_bytes(1 << 20, 6))));
  std::string text;
  while (text.size() < 65536) text += "some text, line " + std::to_string(text.size()) + "\n";
  EXPECT_FALSE(looks_like_noise(as_bytes(text)));
  EXPECT_FALSE(looks_like_noise(as_bytes(std::string(65536, '\0'))));
  // A noisy half and a quiet one: worth a try.
  EXPECT_FALSE(looks_like_noise(as_bytes(testing::random_bytes(32768, 7) + std::string(32768, ' '))));
}

TEST(Packing, WhatDoesNotShrinkIsStored) {
  Packer packer({codec::Format::zstd, 3});
  const std::string noise = testing::random_bytes(2000, 8);  // too short for a sample
  const auto stored = packer.pack(as_bytes(noise));
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->format, codec::Format::none);
  const auto packed = packer.pack(as_bytes(std::string(2000, 'x')));
  ASSERT_TRUE(packed);
  EXPECT_EQ(packed->format, codec::Format::zstd);
  EXPECT_LT(packed->stored.size(), 100U);
}

}  // namespace
}  // namespace foxing::archive
