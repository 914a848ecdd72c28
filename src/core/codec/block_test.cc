// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/codec/block.h"

#include <gtest/gtest.h>

#include <string>

#include "base/little_endian.h"
#include "testing/temp_tree.h"

namespace foxing::codec {
namespace {

constexpr Codec kCodecs[] = {{Format::none, 0}, {Format::zstd, 3}, {Format::zstd, 19},
                             {Format::lz4, 0},  {Format::gzip, 6}, {Format::xz, 6}};

std::string text_of(std::size_t size) {
  std::string text;
  while (text.size() < size) text += "line " + std::to_string(text.size() % 997) + '\n';
  text.resize(size);
  return text;
}

TEST(Block, ComesBackAsItWas) {
  for (const Codec& codec : kCodecs) {
    SCOPED_TRACE(to_string(codec));
    BlockPacker packer(codec);
    BlockUnpacker unpacker;
    for (const std::size_t size : {0UL, 1UL, 100UL, 65536UL, 3'000'000UL}) {
      for (const std::string& bytes : {text_of(size), testing::random_bytes(size, size)}) {
        std::string packed, back;
        ASSERT_TRUE(packer.pack(as_bytes(bytes), packed));
        ASSERT_TRUE(unpacker.unpack(codec.format, as_bytes(packed), bytes.size(), back).has_value());
        EXPECT_EQ(back, bytes);
      }
    }
  }
}

TEST(Block, DoesNotDependOnWhatCameBefore) {
  for (const Codec& codec : kCodecs) {
    BlockPacker used(codec), fresh(codec);
    std::string other, one, two;
    ASSERT_TRUE(used.pack(as_bytes(text_of(100'000)), other));
    ASSERT_TRUE(used.pack(as_bytes(text_of(5'000)), one));
    ASSERT_TRUE(fresh.pack(as_bytes(text_of(5'000)), two));
    EXPECT_EQ(one, two) << to_string(codec);
  }
}

TEST(Block, AnotherSizeThanAnnouncedIsDamage) {
  const std::string bytes = text_of(10'000);
  for (const Codec& codec : kCodecs) {
    BlockPacker packer(codec);
    BlockUnpacker unpacker;
    std::string packed, out;
    ASSERT_TRUE(packer.pack(as_bytes(bytes), packed));
    for (const std::size_t size : {0UL, 1UL, 9'999UL, 10'001UL, 1'000'000UL}) {
      const auto done = unpacker.unpack(codec.format, as_bytes(packed), size, out);
      ASSERT_FALSE(done) << to_string(codec) << ' ' << size;
      EXPECT_EQ(done.error().code, EBADMSG) << to_string(codec) << ' ' << size << ' ' << done.error().message();
    }
    ASSERT_TRUE(unpacker.unpack(codec.format, as_bytes(packed), bytes.size(), out)) << "it works again after an error";
    EXPECT_EQ(out, bytes);
  }
}

TEST(Block, CutShortOrChangedIsAnError) {
  const std::string bytes = text_of(2'000);
  for (const Codec& codec : kCodecs) {
    if (codec.format == Format::none) continue;
    BlockPacker packer(codec);
    BlockUnpacker unpacker;
    std::string packed, out;
    ASSERT_TRUE(packer.pack(as_bytes(bytes), packed));
    for (std::size_t size = 0; size < packed.size(); ++size)
      EXPECT_FALSE(unpacker.unpack(codec.format, as_bytes(packed).first(size), bytes.size(), out))
          << to_string(codec) << ' ' << size;
    // Not every flipped bit is noticed without a checksum of the content; none may do harm.
    for (std::size_t bit = 0; bit < packed.size() * 8; ++bit) {
      std::string changed = packed;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
      const auto done = unpacker.unpack(codec.format, as_bytes(changed), bytes.size(), out);
      EXPECT_TRUE(!done || out.size() == bytes.size());
    }
    std::string longer = packed + "garbage";
    EXPECT_FALSE(unpacker.unpack(codec.format, as_bytes(longer), bytes.size(), out)) << to_string(codec);
  }
}

}  // namespace
}  // namespace foxing::codec
