// SPDX-License-Identifier: GPL-2.0-or-later
// The fuzzer's seeds, and changes of them: briefly, without clang.  `make fuzz` does it at length.
// FOXING_WRITE_SEEDS=DIR writes the seeds.
#include "core/archive/archive_fuzz.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "core/archive/test_archive.h"

namespace foxing::archive {
namespace {

std::vector<std::string> seeds() {
  BlockWriter block(3);
  block.add({.entry = {.type = sys::FileType::directory, .mode = 0755, .attributes = {{"user.a", "b"}}}});
  block.add({.entry = {.leads_links = true, .path = "a", .mode = 0644, .size = 9},
             .content = {{3, 2}, archive::Run::hole(5), {1, 1}},
             .more = true});
  block.add({.what = Item::What::continues, .content = {{5, 1}}});
  block.add({.entry = {.hard_link = true, .path = "b", .text = "a"}});
  block.add({.entry = {.type = sys::FileType::symlink, .path = "c", .text = "a"}});
  block.add({.entry = {.type = sys::FileType::block_device, .path = "d", .major = 8, .minor = 1}});
  std::string directory;
  append_block_place(directory, {64, 2, ""});
  append_block_place(directory, {640, 2, "a/b"});
  const std::string footer = encode_footer({.snapshots = {100, 200}, .indexes = {{50, 0, 7}}, .chunks = 7}, 300);
  std::vector<std::string> all = {"h" + encode(Header{}),
                                  "r" + encode(Head{.kind = Kind::chunk, .raw_size = 5, .stored_size = 5}),
                                  "e" + block.finish(3),
                                  "i" + encode_index({{digest::hash({}), 64, 10, 10}}),
                                  "d" + directory,
                                  "s" + encode_snapshot_ends({.id = "x", .directories = {5, 6}}),
                                  "f" + footer};
  for (const char* name : {"none", "zstd"}) {
    std::ifstream file(std::string(FOXING_GOLDEN) + "/v2-" + name + ".fxar", std::ios::binary);
    all.push_back("a" + std::string(std::istreambuf_iterator<char>(file), {}));
  }
  return all;
}

TEST(Fuzz, SeedsAndSomeChangesOfThem) {
  const auto all = seeds();
  if (const char* place = std::getenv("FOXING_WRITE_SEEDS"); place != nullptr)
    for (std::size_t i = 0; i < all.size(); ++i)
      std::ofstream(std::string(place) + "/seed" + std::to_string(i), std::ios::binary) << all[i];
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const std::string& one : all) {
    ASSERT_GT(one.size(), 20U);
    read_anything(one);
    const int rounds = one.front() == 'a' ? 300 : 5'000;
    for (int i = 0; i < rounds; ++i) {
      std::string changed = one;
      for (std::uint64_t k = random() % 4 + 1; k > 0; --k) {
        const std::size_t at = 1 + random() % (changed.size() - 1);
        switch (random() % 4) {
          case 0: changed[at] = static_cast<char>(random()); break;
          case 1: changed[at] = static_cast<char>(changed[at] ^ (1 << random() % 8)); break;
          case 2: changed.resize(std::max<std::size_t>(2, at)); break;
          default: changed.insert(at, one.substr(1 + random() % (one.size() - 1), random() % 40)); break;
        }
      }
      read_anything(changed);
    }
  }
}

}  // namespace
}  // namespace foxing::archive
