// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/digest/digest.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

namespace foxing::digest {
namespace {

struct Vector {
  std::size_t length;
  std::string_view digest;
};
constexpr Vector kVectors[] = {
#include "core/digest/blake3_vectors.inc"
};

std::vector<std::byte> input_of(std::size_t length) {
  std::vector<std::byte> bytes(length);
  for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::byte>(i % 251);
  return bytes;
}

TEST(Digest, AgreesWithTheOfficialTestVectors) {
  ASSERT_EQ(std::size(kVectors), 35u);
  for (const Vector& vector : kVectors) EXPECT_EQ(hash(input_of(vector.length)).hex(), vector.digest) << vector.length;
}

TEST(Digest, PiecesOfOddSizesGiveTheSameAsOnePiece) {
  const std::vector<std::byte> input = input_of(102400);
  for (const std::size_t size : {1u, 7u, 63u, 64u, 65u, 1023u, 1024u, 1025u, 4095u, 16385u, 65537u}) {
    Blake3 stream;
    for (std::span<const std::byte> rest = input; !rest.empty();) {
      const std::size_t piece = std::min(size, rest.size());
      stream.update(rest.first(piece)).update({});
      rest = rest.subspan(piece);
    }
    EXPECT_EQ(stream.finish(), hash(input)) << "pieces of " << size;
  }
}

TEST(Digest, PiecesOfRandomSizesGiveTheSameAsOnePiece) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    const std::vector<std::byte> input = input_of(random() % 70000);
    Blake3 stream;
    for (std::span<const std::byte> rest = input; !rest.empty();) {
      const std::size_t piece = std::min<std::size_t>(random() % 5000, rest.size());
      stream.update(rest.first(piece));
      rest = rest.subspan(piece);
    }
    ASSERT_EQ(stream.finish(), hash(input)) << input.size() << " bytes";
  }
}

TEST(Digest, FinishingDoesNotEndTheStream) {
  const std::vector<std::byte> input = input_of(3000);
  Blake3 stream;
  stream.update(std::span(input).first(1500));
  EXPECT_EQ(stream.finish(), hash(std::span(input).first(1500)));
  stream.update(std::span(input).subspan(1500));
  EXPECT_EQ(stream.finish(), hash(input));
}

TEST(Digest, ACopyGoesItsOwnWay) {
  const std::vector<std::byte> input = input_of(5000);
  Blake3 first;
  first.update(std::span(input).first(2000));
  Blake3 second = first;
  first.update(std::span(input).subspan(2000));
  EXPECT_EQ(second.finish(), hash(std::span(input).first(2000)));
  EXPECT_EQ(first.finish(), hash(input));
}

TEST(Digest, OneChangedBitChangesIt) {
  std::vector<std::byte> input = input_of(100000);
  const Digest before = hash(input);
  input[77777] ^= std::byte{1};
  EXPECT_NE(hash(input), before);
  EXPECT_NE(before, Digest{});
}

TEST(Digest, ManyThreadsAtOnceFromTheFirstByteOn) {
  const std::vector<std::byte> input = input_of(31744);
  std::vector<Digest> digests(8);
  std::vector<std::thread> threads;
  for (Digest& digest : digests) threads.emplace_back([&] { digest = hash(input); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(digests, testing::Each(hash(input)));
}

}  // namespace
}  // namespace foxing::digest
