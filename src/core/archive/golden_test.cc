// SPDX-License-Identifier: GPL-2.0-or-later
// Archives that earlier versions wrote: tests/golden/archive.  What is in them is read for ever; without compression, the same bytes are still written.
// FOXING_WRITE_GOLDEN=1 writes them, for a new version of the format.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "core/archive/manifest.h"
#include "core/archive/test_archive.h"

namespace foxing::archive {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr codec::Codec kCodecs[] = {{codec::Format::none, 0},
                                    {codec::Format::zstd, 3},
                                    {codec::Format::lz4, 0},
                                    {codec::Format::gzip, 6},
                                    {codec::Format::xz, 6}};

std::string golden_path(const codec::Codec& codec) {
  return std::string(FOXING_GOLDEN) + "/v2-" + std::string(codec::name_of(codec.format)) + ".fxar";
}

std::string text_of(std::size_t size) {
  std::string text;
  while (text.size() < size) text += "golden line " + std::to_string(text.size()) + '\n';
  text.resize(size);
  return text;
}

/// Two snapshots: every kind of entry but sockets and block devices, content that is shared, a hole.
void write_archive(const codec::Codec& codec, const std::string& path) {
  const sys::UniqueFd out = open_file(path);
  Packer packer(codec);
  Writer writer(out, codec);
  const Chunker chunker({256, 1024, 4096});
  const auto put = [&](Entry entry, std::string_view content = {}, std::uint64_t hole = 0) {
    entry.size = content.size() + hole;
    ASSERT_TRUE(writer.begin(std::move(entry)));
    while (!content.empty()) {
      const auto piece = as_bytes(content).first(chunker.next(as_bytes(content)));
      ASSERT_TRUE(writer.chunk(piece, digest::hash(piece), *packer.pack(piece)));
      content.remove_prefix(piece.size());
    }
    if (hole > 0) {
      ASSERT_TRUE(writer.refer_to(archive::Run::hole(hole)));
    }
    ASSERT_TRUE(writer.end());
  };
  const timespec then{1'700'000'000, 123'456'789}, before{-86400, 1};
  ASSERT_TRUE(writer.begin_archive({.chunks = chunker.sizes()}));
  ASSERT_TRUE(writer.begin_snapshot({.id = "2026-03-12T101500", .seconds = 1'773'310'500, .device = 7}));
  put({.type = sys::FileType::directory, .path = "", .mode = 0755, .modified = then});
  put({.path = "a", .mode = 0640, .owner = 1000, .group = 1000, .modified = then, .changed = then, .inode = 4242}, text_of(6000));
  put({.type = sys::FileType::directory, .path = "d", .mode = 01777, .modified = before});
  put({.leads_links = true,
       .path = "d/again",
       .mode = 0644,
       .modified = before,
       .attributes = {{"user.empty", ""}, {"user.note", std::string("\0\xff", 2)}}},
      text_of(6000));
  put({.type = sys::FileType::fifo, .path = "d/fifo", .mode = 0600, .modified = then});
  put({.hard_link = true, .path = "d/hard", .text = "d/again"});
  put({.path = "d/hole", .mode = 0644, .modified = then}, "begins", 1 << 20);
  put({.type = sys::FileType::symlink, .path = "d/link", .mode = 0777, .modified = then, .text = "../a"});
  put({.type = sys::FileType::character_device, .path = "d/null", .mode = 0666, .modified = then, .major = 1, .minor = 3});
  put({.path = "e", .mode = 0400, .modified = then}, "");
  ASSERT_TRUE(writer.end_snapshot());
  ASSERT_TRUE(writer.finish());
  ASSERT_TRUE(writer.begin_snapshot({.id = "2026-03-13T101500", .seconds = 1'773'396'900, .device = 7}));
  put({.type = sys::FileType::directory, .path = "", .mode = 0700, .modified = then});
  put({.path = "a", .mode = 0640, .modified = then}, text_of(3000) + "inserted" + text_of(6000).substr(3000));
  put({.path = "b", .mode = 0640, .modified = then}, text_of(6000));
  ASSERT_TRUE(writer.end_snapshot());
  ASSERT_TRUE(writer.finish());
}

TEST(Golden, IsReadAsItWas) {
  testing::TempTree world;
  for (const codec::Codec& codec : kCodecs) {
    const std::string path = golden_path(codec);
    SCOPED_TRACE(path);
    if (std::getenv("FOXING_WRITE_GOLDEN") != nullptr) {
      std::filesystem::remove(path);
      write_archive(codec, path);
    }
    // A copy: archives are opened for writing here.
    std::ifstream file(path, std::ios::binary);
    write_file(world.at("archive"), std::string(std::istreambuf_iterator<char>(file), {}));
    EXPECT_THAT(checked(world.at("archive")).damages, IsEmpty());
    auto archive = Archive::open(open_file(world.at("archive")));
    ASSERT_TRUE(archive) << archive.error().message();
    ASSERT_EQ(archive->snapshots().size(), 2U);
    EXPECT_EQ(archive->snapshots()[0].id, "2026-03-12T101500");
    EXPECT_EQ(archive->snapshots()[0].entries, 10U);
    world.remove("one");
    world.remove("two");
    world.dir("one");
    world.dir("two");
    Hearing hearing;
    RestoreOptions how = all_kept();
    if (!testing::is_root()) how.policy.owner = how.policy.group = false;
    auto one = Restorer::into(open_dir(world.at("one")), "", how, hearing);
    ASSERT_TRUE(import_snapshot(*archive, archive->snapshots()[0], {}, **one));
    auto two = Restorer::into(open_dir(world.at("two")), "", how, hearing);
    ASSERT_TRUE(import_snapshot(*archive, archive->snapshots()[1], {}, **two));
    EXPECT_THAT(hearing.problems, ElementsAre("d/null: is a character device; --devices makes it"));
    EXPECT_THAT(world.names("one"), ElementsAre("a", "d", "e"));
    EXPECT_THAT(world.names("one/d"), ElementsAre("again", "fifo", "hard", "hole", "link"));
    EXPECT_EQ(world.read("one/a"), text_of(6000));
    EXPECT_EQ(world.read("one/d/again"), text_of(6000));
    EXPECT_EQ(world.status("one/d/hard").st_ino, world.status("one/d/again").st_ino);
    EXPECT_EQ(world.read("one/d/hole"), "begins" + std::string(1 << 20, '\0'));
    EXPECT_EQ(world.link_target("one/d/link"), "../a");
    EXPECT_EQ(world.mode("one/a"), 0640U);
    EXPECT_EQ(world.mode("one/d"), 01777U);
    EXPECT_EQ(world.status("one/d").st_mtim.tv_sec, -86400);
    EXPECT_EQ(world.status("one/a").st_mtim.tv_nsec, 123'456'789);
    EXPECT_EQ(world.xattr("one/d/again", "user.note"), std::string("\0\xff", 2));
    EXPECT_EQ(world.read("two/a"), text_of(3000) + "inserted" + text_of(6000).substr(3000));
    EXPECT_EQ(world.read("two/b"), text_of(6000));
  }
}

TEST(Golden, TheSameBytesAreWritten) {
  testing::TempTree world;
  write_archive({codec::Format::none, 0}, world.at("archive"));
  std::ifstream file(golden_path({codec::Format::none, 0}), std::ios::binary);
  EXPECT_TRUE(world.read("archive") == std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace
}  // namespace foxing::archive
