// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/transform.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <random>

#include "core/copy/test_run.h"
#include "sys/file.h"
#include "testing/temp_tree.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::Pair;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(TransformedNames, TheWayBackIsExact) {
  EXPECT_EQ(compressed_name("a.tar", codec::Format::zstd), "a.tar.zst");
  EXPECT_EQ(compressed_name("a.gz", codec::Format::xz), "a.gz.xz");
  for (const char* name : {"a", "a.gz", ".zst", "a.zst.zst", "\xff"})
    for (const auto format : {codec::Format::zstd, codec::Format::lz4, codec::Format::gzip, codec::Format::xz})
      EXPECT_EQ(decompressed_name(compressed_name(name, format)), name);
  EXPECT_EQ(decompressed_name("a.txt"), std::nullopt);
  EXPECT_EQ(decompressed_name(".zst"), std::nullopt);
}

class Writing : public ::testing::Test {
 protected:
  sys::UniqueFd create(const char* name) {
    world_.file(name, "");
    auto file = sys::open_at(sys::working_directory(), world_.at(name), {.access = sys::Access::read_write});
    EXPECT_TRUE(file);
    return std::move(*file);
  }
  /// Writes `text` in pieces of random sizes.
  static void write(ContentWriter& writer, std::string_view text, unsigned seed) {
    std::mt19937 random(seed);
    while (!text.empty()) {
      const std::size_t size = std::min<std::size_t>(random() % 300'000, text.size());
      ASSERT_TRUE(writer.write(bytes_of(text.substr(0, size))));
      text.remove_prefix(size);
    }
  }
  testing::TempTree world_;
};

std::string with_zeros(std::initializer_list<std::pair<std::size_t, char>> runs) {
  std::string text;
  for (const auto& [size, letter] : runs) text.append(size, letter);
  return text;
}

TEST_F(Writing, BlocksOfZerosAreHolesAndTheEndIsExact) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  const std::string text =
      with_zeros({{65536, 'a'}, {65536 * 40, '\0'}, {65536, 'b'}, {4095, '\0'}, {1, 'c'}, {1 << 20, 'd'}, {131072 + 77, '\0'}});
  const sys::UniqueFd file = create("file");
  ContentWriter writer(file, {});
  write(writer, text, seed);
  ASSERT_TRUE(writer.flush());
  EXPECT_TRUE(world_.read("file") == text);
  EXPECT_EQ(writer.size(), Bytes(text.size()));
  EXPECT_EQ(writer.written(), Bytes(65536 + 65536 + (1 << 20) + 4096));  // the 4095 zeros share their block with c
  const auto extents = world_.extents("file");
  ASSERT_FALSE(extents.empty());
  EXPECT_EQ(extents.front(), (std::pair<std::uint64_t, std::uint64_t>(0, 65536)));
  ASSERT_EQ(extents.size(), 2u);
  EXPECT_EQ(extents[1].first, 65536u * 41);
}

TEST_F(Writing, ZerosThatAreToBeWrittenAre) {
  const std::string text = with_zeros({{65536, 'a'}, {1 << 21, '\0'}});
  const sys::UniqueFd file = create("file");
  ContentWriter writer(file, {.zeros = Zeros::written});
  write(writer, text, 1);
  ASSERT_TRUE(writer.flush());
  EXPECT_TRUE(world_.read("file") == text);
  EXPECT_EQ(writer.written(), writer.size());
}

TEST_F(Writing, WhatWasThereIsOverwrittenAlsoByZeros) {
  for (const std::size_t block : {4096U, 65536U}) {
    const std::string text = with_zeros({{70'000, 'a'}, {3 << 20, '\0'}, {5, 'b'}, {200'000, '\0'}});
    world_.file("file", std::string(text.size(), 'x'));
    const auto file = sys::open_at(sys::working_directory(), world_.at("file"), {.access = sys::Access::read_write});
    ASSERT_TRUE(file);
    ContentWriter writer(*file, {.zeros = Zeros::punched, .block = block, .device_size = Bytes(text.size())});
    write(writer, text, 2);
    ASSERT_TRUE(writer.flush());
    EXPECT_TRUE(world_.read("file") == text) << block;
  }
}

TEST_F(Writing, WherePunchingIsRefusedZerosAreWritten) {
  FOXING_NEEDS_FAULTS();
  const std::string text = with_zeros({{70'000, 'a'}, {3 << 20, '\0'}, {200'000, 'b'}});
  for (const char* fault : {"punch_hole:1+:EOPNOTSUPP", "punch_hole:2:EINVAL"}) {
    world_.file("file", std::string(text.size(), 'x'));
    const auto file = sys::open_at(sys::working_directory(), world_.at("file"), {.access = sys::Access::read_write});
    ASSERT_TRUE(file);
    const sys::FaultPlan plan(fault);
    ContentWriter writer(*file, {.zeros = Zeros::punched, .device_size = Bytes(text.size())});
    write(writer, text, 2);
    ASSERT_TRUE(writer.flush());
    EXPECT_TRUE(world_.read("file") == text) << fault;
  }
  world_.file("file", std::string(text.size(), 'x'));
  const auto file = sys::open_at(sys::working_directory(), world_.at("file"), {.access = sys::Access::read_write});
  const sys::FaultPlan plan("punch_hole:1:EIO");
  ContentWriter writer(*file, {.zeros = Zeros::punched, .device_size = Bytes(text.size())});
  EXPECT_EQ(writer.write(bytes_of(text)).error().code, EIO);
}

TEST_F(Writing, NothingGoesBehindTheEndOfADevice) {
  world_.file("file", std::string(3 << 20, 'x'));
  const auto file = sys::open_at(sys::working_directory(), world_.at("file"), {.access = sys::Access::read_write});
  ASSERT_TRUE(file);
  ContentWriter writer(*file, {.zeros = Zeros::punched, .device_size = Bytes(2 << 20)});
  const std::string text(2 << 20, 'a');
  ASSERT_TRUE(writer.write(bytes_of(text)));
  Result<> more = writer.write(bytes_of("b"));
  if (more) more = writer.flush();
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, ENOSPC);
  EXPECT_EQ(world_.read("file")[2 << 20], 'x');
}

// ---- Regular files

class Files : public Writing {
 protected:
  sys::UniqueFd open(const char* name) {
    auto file = sys::open_at(sys::working_directory(), world_.at(name));
    EXPECT_TRUE(file);
    return std::move(*file);
  }
};

TEST_F(Files, ThereAndBackIsTheSame) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  for (const std::size_t size : {0U, 1U, 100U, 65536U, 3'000'000U}) {
    const std::string text = testing::random_bytes(size / 2, seed) + std::string(size - size / 2, '\0');
    world_.file("source", text);
    for (const char* name : {"zstd", "lz4", "gzip", "xz:0"}) {
      std::atomic<std::uint64_t> so_far{0};
      const auto compressed =
          compress_file(open("source"), Bytes(size), create("compressed"), *codec::parse_codec(name), &so_far);
      ASSERT_TRUE(compressed && *compressed) << name;
      EXPECT_EQ((*compressed)->read, Bytes(size));
      EXPECT_EQ((*compressed)->size.value, world_.read("compressed").size());
      EXPECT_EQ(so_far, size);
      const auto back = decompress_file(open("compressed"), create("back"), Zeros::left_out);
      ASSERT_TRUE(back) << name << ": " << back.error().message();
      EXPECT_EQ(back->size, Bytes(size));
      EXPECT_TRUE(world_.read("back") == text) << name << " " << size;
      EXPECT_TRUE(size < 1'000'000 || back->written < Bytes(size / 2 + 5000)) << "zeros are holes";
    }
  }
}

TEST_F(Files, OneThatBecameShorterGivesNothing) {
  world_.file("source", "content");
  for (const char* name : {"zstd", "lz4", "gzip", "xz"}) {
    const auto compressed = compress_file(open("source"), Bytes(8), create("compressed"), *codec::parse_codec(name));
    ASSERT_TRUE(compressed) << name;
    EXPECT_FALSE(*compressed) << name;
  }
}

TEST_F(Files, WhatIsNotCompressedIsSaidSo) {
  for (const char* text : {"", "a", "this is not compressed"}) {
    world_.file("source", text);
    const auto back = decompress_file(open("source"), create("back"), Zeros::left_out);
    ASSERT_FALSE(back) << text;
    EXPECT_EQ(back.error().code, EBADMSG);
    EXPECT_THAT(back.error().detail, HasSubstr(*text == '\0' ? "nothing to decompress" : "not compressed by"));
  }
}

TEST_F(Files, ErrorsOfReadAndWriteAreHandedOn) {
  FOXING_NEEDS_FAULTS();
  world_.file("source", testing::random_bytes(2'000'000, 1));
  for (const auto& [fault, code] : {std::pair{"read:2:EIO", EIO}, std::pair{"pwrite:1:ENOSPC", ENOSPC}}) {
    const sys::UniqueFd source = open("source");
    const sys::UniqueFd target = create("compressed");
    const sys::FaultPlan plan(fault);
    const auto compressed = compress_file(source, Bytes(2'000'000), target, *codec::parse_codec("lz4"));
    ASSERT_FALSE(compressed) << fault;
    EXPECT_EQ(compressed.error().code, code);
  }
}

TEST_F(Files, ShortReadsAndWritesChangeNothing) {
  FOXING_NEEDS_FAULTS();
  const std::string text = testing::random_bytes(3'000'000, 1);
  world_.file("source", text);
  {
    const sys::UniqueFd source = open("source");
    const sys::UniqueFd target = create("compressed");
    const sys::FaultPlan plan("read:*2:short,pwrite:*3:short,read:*5:EINTR,pwrite:*7:EINTR");
    ASSERT_TRUE(compress_file(source, Bytes(text.size()), target, *codec::parse_codec("zstd")));
  }
  const sys::UniqueFd source = open("compressed");
  const sys::UniqueFd target = create("back");
  const sys::FaultPlan plan("read:*2:short,pwrite:*3:short,read:*5:EINTR,pwrite:*7:EINTR,read:3:EAGAIN,poll:2:EINTR");
  ASSERT_TRUE(decompress_file(source, target, Zeros::written));
  EXPECT_TRUE(world_.read("back") == text);
}

}  // namespace
}  // namespace foxing::copy
