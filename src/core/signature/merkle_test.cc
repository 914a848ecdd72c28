// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signature/merkle.h"

#include <gmock/gmock.h>

#include "core/signature/test_support.h"

namespace foxing::signature {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::random_bytes;

constexpr std::size_t kSize = kLeaf.value;

/// By the definition, with nothing clever.
LeafHash naive_node(std::string_view bytes, unsigned level) {
  if (level == 0) return hash_of_leaf(as_bytes(bytes));
  const std::size_t half = kSize << (level - 1);
  if (bytes.size() <= half) return naive_node(bytes, level - 1);
  return hash_of_pair(naive_node(bytes.substr(0, half), level - 1), naive_node(bytes.substr(half), level - 1));
}
Leaves naive(std::string_view bytes, unsigned leaf_log2) {
  Leaves leaves{.size = Bytes(bytes.size()), .leaf_log2 = leaf_log2, .hashes = {}};
  const std::size_t leaf = std::size_t{1} << leaf_log2;
  std::size_t at = 0;
  do {
    leaves.hashes.push_back(naive_node(bytes.substr(at, leaf), leaf_log2 - kLeafLog2));
    at += leaf;
  } while (at < bytes.size());
  return leaves;
}

TEST(Merkle, BuiltInAnyPiecesIsTheNaiveTree) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kSize - 1, kSize, kSize + 1, 2 * kSize, 3 * kSize, 5 * kSize + 7,
                                 16 * kSize, 17 * kSize - 1}) {
    const std::string bytes = random_bytes(size, random());
    for (const std::size_t most : {std::size_t{2}, std::size_t{4}, std::size_t{4094}}) {
      MerkleBuilder builder(kLeafLog2, most);
      for (std::string_view rest = bytes; !rest.empty();) {
        const std::size_t piece = std::min<std::size_t>(rest.size(), 1 + random() % (3 * kSize));
        builder.update(as_bytes(rest.substr(0, piece)));
        rest.remove_prefix(piece);
      }
      const Leaves built = builder.finish();
      EXPECT_EQ(built.leaf_log2, leaf_log2_for(Bytes(size), most)) << size << " bytes, at most " << most;
      EXPECT_EQ(built, naive(bytes, built.leaf_log2)) << size << " bytes, at most " << most;
    }
  }
}

TEST(Merkle, ZerosAreHashedAsIfTheyWereThere) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    std::string bytes;
    MerkleBuilder builder(kLeafLog2 + static_cast<unsigned>(random() % 3), 4 << (random() % 4));
    for (int part = 0; part < 5; ++part) {
      const std::size_t hole = random() % (6 * kSize);
      bytes.append(hole, '\0');
      builder.zeros(Bytes(hole));
      const std::string data = random_bytes(random() % kSize, random());
      bytes += data;
      builder.update(as_bytes(data));
    }
    const Leaves built = builder.finish();
    ASSERT_EQ(built, naive(bytes, built.leaf_log2)) << "round " << round;
  }
}

TEST(Merkle, FoldingKeepsTheRootAndGivesTheLargerLeaves) {
  const std::string bytes = random_bytes(13 * kSize + 100, 1);
  const Leaves fine = naive(bytes, kLeafLog2);
  for (unsigned log2 = kLeafLog2; log2 < kLeafLog2 + 6; ++log2) {
    EXPECT_EQ(folded(fine, log2), naive(bytes, log2)) << log2;
    EXPECT_EQ(root_of(folded(fine, log2)), root_of(fine)) << log2;
  }
}

TEST(Merkle, TheRootBindsTheLength) {
  EXPECT_NE(content_of(naive(std::string(10, '\0'), kLeafLog2)).root, content_of(naive(std::string(11, '\0'), kLeafLog2)).root);
  Leaves leaves = naive("x", kLeafLog2);
  const digest::Digest root = root_of(leaves);
  leaves.size = Bytes(2);
  EXPECT_NE(root_of(leaves), root);
}

TEST(Merkle, NoFileSizeIsACliff) {
  for (std::uint64_t size = 1; size <= 1ULL << 44; size *= 2) {
    for (const std::uint64_t near : {size - 1, size, size + 1}) {
      const unsigned log2 = leaf_log2_for(Bytes(near));
      const std::uint64_t count = leaves_of(Bytes(near), log2);
      ASSERT_LE(count, kMostLeaves) << near;
      ASSERT_GE(count << log2, near);
      if (log2 > kLeafLog2) {
        ASSERT_GT(leaves_of(Bytes(near), log2 - 1), kMostLeaves) << near << ": no larger than needed";
      }
    }
  }
  EXPECT_EQ(leaves_of(Bytes(0), 16), 1u);
  EXPECT_EQ(leaf_log2_for(Bytes(1ULL << 44)), 33u);
  EXPECT_LE(leaves_of(Bytes(~0ULL), leaf_log2_for(Bytes(~0ULL))), kMostLeaves);
}

TEST(Merkle, SixteenTebibytesOfHoleTakeNoTimeAndFit) {
  MerkleBuilder builder;
  builder.zeros(Bytes(1ULL << 44));
  builder.update(as_bytes("end"));
  const Leaves leaves = builder.finish();
  EXPECT_EQ(leaves.leaf_log2, leaf_log2_for(leaves.size));
  EXPECT_EQ(leaves.hashes.size(), leaves_of(leaves.size, leaves.leaf_log2));
  EXPECT_EQ(leaves.hashes.front(), hash_of_zeros(leaves.leaf_log2 - kLeafLog2));
  EXPECT_LE(encode(leaves).size(), 65536u);
}

TEST(Merkle, DifferencesAreJoinedRangesOfTheNewVersion) {
  const auto range = [](std::uint64_t begin, std::uint64_t end) { return ByteRange{FileOffset(begin), FileOffset(end)}; };
  const std::string old = random_bytes(6 * kSize + 10, 1);
  std::string now = old;
  EXPECT_THAT(differences(naive(old, 16), naive(now, 16)), IsEmpty());
  now[kSize] ^= 1;
  now[2 * kSize] ^= 1;
  now[5 * kSize] ^= 1;
  EXPECT_THAT(differences(naive(old, 16), naive(now, 16)), ElementsAre(range(kSize, 3 * kSize), range(5 * kSize, 6 * kSize)));
  EXPECT_THAT(differences(naive(old, 18), naive(now, 16)), ElementsAre(range(0, now.size()))) << "by the coarser leaves";
  EXPECT_THAT(differences(naive(old, 16), naive(old + "more", 16)), ElementsAre(range(6 * kSize, 6 * kSize + 14)));
  EXPECT_THAT(differences(naive(old, 16), naive(old.substr(0, 6 * kSize), 16)), IsEmpty()) << "what is gone has no range";
  EXPECT_THAT(differences(naive(old, 16), naive("", 16)), IsEmpty());
  EXPECT_THAT(differences(naive("", 16), naive("abc", 16)), ElementsAre(range(0, 3)));
}

TEST(Merkle, AShortLeafThatLooksLikeAPairOfHashesIsADifference) {
  // The old file ends in 32 bytes that are the hashes of the two leaves that the new one has there.
  const std::string now = random_bytes(2 * kSize, 3);
  const Leaves fine = naive(now, 16);
  std::string old;
  for (const LeafHash& hash : fine.hashes) Writer(old).bytes(hash.bytes);
  ASSERT_EQ(naive(old, 17).hashes, naive(now, 17).hashes) << "the trap is set";
  EXPECT_THAT(differences(naive(old, 17), naive(now, 17)), ElementsAre(ByteRange{FileOffset(0), FileOffset(2 * kSize)}));
}

TEST(LeavesRecord, ReadsWhatItWroteAndTheGoldenBytes) {
  const std::string bytes = encode(sample_leaves());
  ASSERT_EQ(bytes.size(), kLeavesHeaderSize + 4 * 16);
  EXPECT_EQ(bytes, golden("merkle-v1", bytes));
  const auto found = decode_leaves(golden("merkle-v1", bytes), sample_signature());
  ASSERT_TRUE(found.value) << name_of(found.ignored);
  EXPECT_EQ(*found.value, sample_leaves());
}

TEST(LeavesRecord, OnlyAWholeOneCounts) {
  expect_only_whole(encode(sample_leaves()),
                    [](const std::string& bytes) { return decode_leaves(bytes, sample_signature()).value.has_value(); });
}

TEST(LeavesRecord, OfOtherContentIsStale) {
  Leaves other = sample_leaves();
  other.hashes[2].bytes[0] ^= std::byte{1};
  EXPECT_EQ(decode_leaves(encode(other), sample_signature()).ignored, Ignored::stale);
  EXPECT_EQ(decode_leaves(encode(folded(sample_leaves(), 17)), sample_signature()).ignored, Ignored::stale)
      << "not the size that the signature names";
}

TEST(LeavesRecord, ACountThatLiesIsRefused) {
  std::string bytes = encode(sample_leaves());
  for (const int lie : {0, 3, 5, 255}) {
    bytes[12] = static_cast<char>(lie);
    bytes[15] = static_cast<char>(lie == 255 ? lie : 0);
    EXPECT_FALSE(decode_leaves(resealed(bytes, kLeavesHeaderSize), sample_signature()).value);
  }
}

}  // namespace
}  // namespace foxing::signature
