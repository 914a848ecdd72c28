// SPDX-License-Identifier: GPL-2.0-or-later
// Headers, heads, blocks and sections as bytes: they come back as they were, and of bytes that are anything else only errors come.
#include <gtest/gtest.h>

#include <random>

#include "core/archive/crc32c.h"
#include "core/archive/entry.h"
#include "core/archive/record.h"
#include "core/archive/sections.h"
#include "testing/temp_tree.h"

namespace foxing::archive {
namespace {

std::string with_crc(std::string bytes) {
  bytes.resize(bytes.size() - 4);
  ByteWriter(bytes).u32(crc32c(as_bytes(bytes)));
  return bytes;
}

TEST(Header, ComesBackAsItWas) {
  const std::string bytes = encode(Header{.minor = 3, .compatible = 0x80, .chunks = {4096, 8192, 65536}});
  EXPECT_EQ(bytes.size(), kHeaderSize);
  const auto header = decode_header(as_bytes(bytes));
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->minor, 3);
  EXPECT_EQ(header->compatible, 0x80U);
  EXPECT_EQ(header->chunks, (ChunkSizes{4096, 8192, 65536}));
}

TEST(Header, EveryFlippedBitIsNoticed) {
  const std::string bytes = encode(Header{});
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(decode_header(as_bytes(changed))) << bit;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_header(as_bytes(bytes).first(size))) << size;
}

TEST(Header, FeaturesAreAskedAboutAsTheirKindSays) {
  EXPECT_TRUE(decode_header(as_bytes(encode(Header{.compatible = ~0U}))));
  const auto read_only = decode_header(as_bytes(encode(Header{.ro_compatible = 4})));
  ASSERT_TRUE(read_only);
  EXPECT_EQ(may_append(*read_only).error().code, EOPNOTSUPP);
  const auto refused = decode_header(as_bytes(encode(Header{.incompatible = 4})));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EOPNOTSUPP);
  std::string next = encode(Header{});
  next[8] = 3;
  EXPECT_EQ(decode_header(as_bytes(with_crc(next))).error().code, EOPNOTSUPP) << "another major version";
  std::string other("FXAR\2\0\0\0", 8);
  other.resize(64, '\0');
  EXPECT_EQ(decode_header(as_bytes(other)).error().code, EOPNOTSUPP) << "the other program's";
  EXPECT_EQ(decode_header(as_bytes("not an archive, though it is long enough to be one, as anybody can see")).error().code,
            EBADMSG);
}

Head some_head() {
  return {.kind = Kind::chunk,
          .format = codec::Format::zstd,
          .raw_size = 5000,
          .stored_size = 4000,
          .number = 77,
          .id = digest::hash(as_bytes("x")),
          .stored_crc = 9};
}

TEST(Head, ComesBackAsItWas) {
  const std::string bytes = encode(some_head());
  EXPECT_EQ(bytes.size(), kHeadSize);
  const auto head = decode_head(as_bytes(bytes), FileOffset(0), 65536);
  ASSERT_TRUE(head) << head.error().message();
  EXPECT_EQ(head->number, 77U);
  EXPECT_EQ(head->stored_size, 4000U);
  EXPECT_EQ(head->id, some_head().id);
}

TEST(Head, SaysWhereAndWhatIsWrong) {
  std::string bytes = encode(some_head());
  const auto too_large = decode_head(as_bytes(bytes), FileOffset(1234), 4999);
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().detail, "damaged at byte 1234, chunk 77: its sizes make no sense (5000 and 4000 bytes)");
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(decode_head(as_bytes(changed), FileOffset(0), 65536)) << bit;
  }
}

TEST(Head, WhatMakesNoSenseIsRefusedWithARightChecksumToo) {
  const auto refused = [](std::size_t at, char value) {
    std::string bytes = encode(some_head());
    bytes[at] = value;
    return !decode_head(as_bytes(with_crc(bytes)), FileOffset(0), 65536);
  };
  EXPECT_TRUE(refused(4, 0)) << "no such kind";
  EXPECT_TRUE(refused(4, 8)) << "no such kind";
  EXPECT_FALSE(refused(4, static_cast<char>(128))) << "ignorable";
  EXPECT_TRUE(refused(5, 5)) << "no such compression";
  EXPECT_TRUE(refused(5, 0)) << "not compressed, and two sizes";
  EXPECT_TRUE(refused(6, 1)) << "flags";
  EXPECT_TRUE(refused(14, 1)) << "stored larger than raw";
}

// ---- Blocks

Item file(std::string path, std::vector<archive::Run> content, std::uint64_t size, bool more = false) {
  return {.what = Item::What::begins,
          .entry = {.path = std::move(path), .mode = 0644, .size = size},
          .content = std::move(content),
          .more = more};
}

std::vector<Item> all_items(const std::string& payload) {
  std::vector<Item> items;
  auto reader = BlockReader::open(payload);
  EXPECT_TRUE(reader);
  while (auto item = reader->next()) {
    if (!*item) return items;
    items.push_back(std::move(**item));
  }
  ADD_FAILURE() << "not whole";
  return items;
}

TEST(Block, ComesBackAsItWas) {
  Entry root{.type = sys::FileType::directory,
             .path = "",
             .mode = 01777,
             .owner = 5,
             .group = 4294967294,
             .modified = {-7, 999'999'999}};
  root.attributes = {{"system.posix_acl_default", std::string("\0\1\2", 3)}, {"user.x", ""}};
  Entry link{.type = sys::FileType::symlink, .path = "l", .mode = 0777, .text = "../elsewhere"};
  Entry device{.type = sys::FileType::block_device, .path = "m", .mode = 0660, .major = 259, .minor = 1'000'000};
  Entry again{.hard_link = true, .path = "n", .text = "a/file"};
  BlockWriter writer(100);
  writer.add({.entry = root});
  writer.add(file("a/file", {{100, 3}, {5, 2}, archive::Run::hole(4096), {7, 1}, {103, 1}}, 1 << 20));
  writer.add({.entry = link});
  writer.add({.entry = device});
  writer.add({.entry = again});
  writer.add(file("o", {{104, 1}}, 9, true));
  const auto items = all_items(writer.finish(5));
  ASSERT_EQ(items.size(), 6U);
  EXPECT_EQ(items[0].entry.attributes, root.attributes);
  EXPECT_EQ(items[0].entry.modified.tv_sec, -7);
  EXPECT_EQ(items[0].entry.group, 4294967294U);
  const std::vector<archive::Run> content = items[1].content;
  std::vector<std::uint64_t> numbers;
  for (const archive::Run& run : content)
    for (std::uint64_t i = 0; i < (run.is_hole() ? 1 : run.count); ++i)
      numbers.push_back(run.is_hole() ? run.count : run.first + i);
  EXPECT_EQ(numbers, (std::vector<std::uint64_t>{100, 101, 102, 5, 6, 4096, 7, 103}));
  EXPECT_EQ(items[2].entry.text, "../elsewhere");
  EXPECT_EQ(items[3].entry.minor, 1'000'000U);
  EXPECT_TRUE(items[4].entry.hard_link);
  EXPECT_TRUE(items[5].more);
}

TEST(Block, RefersToNothingThatHasNotCome) {
  for (const std::vector<archive::Run>& content :
       {std::vector<archive::Run>{{100, 2}}, {{101, 1}}, {{5000, 1}}, {{100, 1}, {101, 1}}}) {
    BlockWriter writer(100);
    writer.add(file("a", content, 10));
    const std::string payload = writer.finish(1);
    auto reader = BlockReader::open(payload);
    ASSERT_TRUE(reader);
    EXPECT_FALSE(reader->next());
  }
}

TEST(Block, AnyBytesAreAnErrorAtWorst) {
  BlockWriter writer(0);
  writer.add({.entry = {.type = sys::FileType::directory}});
  writer.add(file("directory/file", {{0, 3}, archive::Run::hole(77)}, 1000));
  writer.add({.entry = {.hard_link = true, .path = "directory/other", .text = "directory/file"}});
  const std::string payload = writer.finish(3);
  const auto read = [](const std::string& bytes) {
    auto reader = BlockReader::open(bytes);
    while (reader) {
      const auto item = reader->next();
      if (!item || !*item) return;
    }
  };
  std::mt19937_64 random(11);
  for (std::size_t size = 0; size <= payload.size(); ++size) read(payload.substr(0, size));
  for (int i = 0; i < 50'000; ++i) {
    std::string changed = payload;
    for (int k = 0; k < 3; ++k) changed[random() % changed.size()] = static_cast<char>(random());
    read(changed);
  }
}

TEST(Paths, OrderAndShape) {
  EXPECT_LT(compare_paths("a", "a/b"), 0);
  EXPECT_LT(compare_paths("a/b", "a.b"), 0) << "what is in a directory comes right behind it";
  EXPECT_LT(compare_paths("a/b", "a\1"), 0);
  EXPECT_EQ(compare_paths("a/b", "a/b"), 0);
  EXPECT_LT(compare_paths("", "a"), 0);
  EXPECT_GT(compare_paths("\xff", "a"), 0);
  for (const char* good : {"a", "a/b", "...", "a/.b", "a b/\n", "-"}) EXPECT_TRUE(is_valid_path(good)) << good;
  for (const char* bad : {"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "./a", "a/."})
    EXPECT_FALSE(is_valid_path(bad)) << bad;
  EXPECT_FALSE(is_valid_path(std::string("a\0b", 3)));
}

// ---- Sections

TEST(Entries, WeighWhatTheyTakeAndNotOnlyWhatTheySay) {
  Entry entry{.path = "a"};
  for (int i = 0; i < 1000; ++i) entry.attributes.emplace_back("n", "");
  EXPECT_GE(entry.weight(), 1000 * sizeof(entry.attributes.front()));
}

TEST(Sections, ComeBackAsTheyWere) {
  Snapshot snapshot{.id = "2026-03-12T101500",
                    .seconds = -5,
                    .nanoseconds = 7,
                    .device = 9,
                    .first_chunk = 3,
                    .begins_at = 64,
                    .entries = 10,
                    .files = 8,
                    .content = 1000,
                    .new_content = 900,
                    .stored = 800,
                    .end_chunk = 20,
                    .directories = {500, 600}};
  const auto back = decode_snapshot_ends(encode_snapshot_ends(snapshot));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->id, snapshot.id);
  EXPECT_EQ(back->directories, snapshot.directories);
  EXPECT_EQ(back->stored, 800U);
  EXPECT_TRUE(decode_snapshot_begins(encode_snapshot_begins(snapshot)));
  Snapshot odd = snapshot;
  odd.id = "../x";
  EXPECT_FALSE(decode_snapshot_begins(encode_snapshot_begins(odd)));

  const Footer footer{.snapshots = {100, 200}, .indexes = {{50, 0, 16384}, {150, 16384, 5}}, .chunks = 16389};
  const std::string bytes = encode_footer(footer, 12345);
  const auto decoded = decode_footer(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->indexes[1].first, 16384U);
  const auto tail = decode_tail(bytes.substr(bytes.size() - kTailSize));
  ASSERT_TRUE(tail);
  EXPECT_EQ(tail->footer, 12345U);
  EXPECT_EQ(tail->payload, bytes.size());
  Footer gap = footer;
  gap.indexes[1].first = 16385;
  EXPECT_FALSE(decode_footer(encode_footer(gap, 0)));
}

TEST(Sections, AnyBytesAreAnErrorAtWorst) {
  std::string directory;
  append_block_place(directory, {64, 2, ""});
  append_block_place(directory, {6400, 2, "a/b"});
  const std::vector<std::string> payloads = {encode_snapshot_ends({.id = "x", .directories = {1, 2, 3}}),
                                             encode_footer({.snapshots = {1, 2}, .indexes = {{5, 0, 7}}, .chunks = 7}, 5),
                                             encode_index({{digest::hash({}), 1, 2, 3}, {digest::hash({}), 4, 5, 6}}), directory};
  std::mt19937_64 random(12);
  for (const std::string& payload : payloads)
    for (int i = 0; i < 20'000; ++i) {
      std::string changed = payload.substr(0, random() % 4 == 0 ? random() % (payload.size() + 1) : payload.size());
      for (int k = 0; k < 2 && !changed.empty(); ++k) changed[random() % changed.size()] = static_cast<char>(random());
      (void)decode_snapshot_ends(changed).has_value();
      (void)decode_footer(changed).has_value();
      (void)decode_index(changed).has_value();
      (void)decode_directory(changed).has_value();
    }
}

}  // namespace
}  // namespace foxing::archive
