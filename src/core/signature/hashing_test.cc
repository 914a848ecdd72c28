// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signature/hashing.h"

#include <gmock/gmock.h>

#include "core/signature/test_support.h"
#include "sys/fault.h"
#include "sys/file.h"

namespace foxing::signature {
namespace {

using testing::random_bytes;
using testing::TempTree;

sys::UniqueFd opened(const TempTree& world, std::string_view name) {
  return std::move(*sys::open_at(sys::working_directory(), world.at(name)));
}
Content built(const std::string& bytes) {
  MerkleBuilder builder;
  builder.update(as_bytes(bytes));
  return content_of(builder.finish());
}

TEST(Hashing, AFileIsWhatItsBytesAre) {
  TempTree world;
  for (const std::size_t size : {0u, 1u, 65535u, 65536u, 65537u, 1000000u}) {
    const std::string bytes = random_bytes(size, size);
    world.file("file", bytes);
    const auto content = hash_file(opened(world, "file"), Bytes(size));
    ASSERT_TRUE(content) << content.error().message();
    EXPECT_EQ(content->leaves, built(bytes).leaves) << size;
    EXPECT_EQ(content->root, built(bytes).root) << size;
  }
}

TEST(Hashing, HolesAreZeros) {
  TempTree world;
  const std::string piece = random_bytes(5000, 7);
  world.sparse_file("file", 3'000'001, {{70'000, piece}, {2'000'000, piece}});
  std::string bytes(3'000'001, '\0');
  bytes.replace(70'000, 5000, piece).replace(2'000'000, 5000, piece);
  const auto content = hash_file(opened(world, "file"), Bytes(bytes.size()));
  ASSERT_TRUE(content) << content.error().message();
  EXPECT_EQ(content->root, built(bytes).root);
}

TEST(Hashing, AHoleIsNotRead) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  TempTree world;
  world.sparse_file("file", 1ULL << 40);
  const sys::UniqueFd file = opened(world, "file");
  if (!*sys::seek_data(file, FileOffset(0))) {
    const sys::FaultPlan plan("pread:1+:EIO");
    EXPECT_TRUE(hash_file(file, Bytes(1ULL << 40)));
  } else {
    GTEST_SKIP() << world.path() << " lies on a filesystem that does not tell holes";
  }
}

TEST(Hashing, PiecesHashedApartAreTheWhole) {
  TempTree world;
  const std::string bytes = random_bytes(10 * 65536 + 123, 5);
  world.file("file", bytes);
  const sys::UniqueFd file = opened(world, "file");
  for (const unsigned leaf_log2 : {16u, 17u}) {
    for (const std::size_t pieces : {1u, 2u, 3u, 7u, 100u}) {
      Leaves leaves{.size = Bytes(bytes.size()), .leaf_log2 = leaf_log2, .hashes = {}};
      for (const ByteRange range : pieces_of(leaves.size, leaf_log2, pieces)) {
        const auto hashes = leaf_hashes_of(file, range, leaf_log2);
        ASSERT_TRUE(hashes) << hashes.error().message();
        leaves.hashes.insert(leaves.hashes.end(), hashes->begin(), hashes->end());
      }
      EXPECT_EQ(root_of(leaves), built(bytes).root) << pieces << " pieces, 2^" << leaf_log2;
    }
  }
  EXPECT_EQ(pieces_of(Bytes(0), 16, 4).size(), 1u);
}

TEST(Hashing, AFileThatGotShorterIsAnError) {
  TempTree world;
  world.file("file", "short");
  const auto content = hash_file(opened(world, "file"), Bytes(6));
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().code, ESTALE);
}

TEST(Hashing, AReadErrorIsAnErrorAndAShortReadIsNot) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  TempTree world;
  const std::string bytes = random_bytes(300'000, 1);
  world.file("file", bytes);
  {
    const sys::FaultPlan plan("pread:1:EIO");
    const auto content = hash_file(opened(world, "file"), Bytes(bytes.size()));
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().code, EIO);
  }
  const sys::FaultPlan plan("pread:*2:short,lseek:1+:EINVAL");
  EXPECT_EQ(hash_file(opened(world, "file"), Bytes(bytes.size()))->root, built(bytes).root);
}

}  // namespace
}  // namespace foxing::signature
