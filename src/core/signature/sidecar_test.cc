// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signature/sidecar.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/own_names.h"
#include "core/signature/test_support.h"
#include "sys/fault.h"
#include "sys/file.h"

namespace foxing::signature {
namespace {

using ::testing::ElementsAre;
using testing::TempTree;

SidecarContent sample_content() {
  SidecarContent content;
  content.entries["large"] = {.changed = {10, 20}, .signature = encode(sample_signature()), .leaves = encode(sample_leaves())};
  content.entries["small"] = {.changed = {-1, 5}, .signature = encode(sample_signature()), .leaves = {}};
  content.entries["\xff\n"] = {.changed = {0, 0}, .signature = encode(sample_signature()), .leaves = {}};
  content.dir_signature = encode(DirSignature{.fingerprint = 1, .entries = 3, .subtree = digest::hash({})});
  return content;
}

sys::UniqueFd opened(const TempTree& world) {
  return std::move(*sys::open_at(sys::working_directory(), world.path(), {.directory = true}));
}

TEST(SidecarFormat, ReadsWhatItWroteAndTheGoldenBytes) {
  const std::string bytes = encode(sample_content());
  EXPECT_EQ(bytes, golden("sidecar-v1", bytes));
  const auto found = decode_sidecar(golden("sidecar-v1", bytes));
  ASSERT_TRUE(found.value) << name_of(found.ignored);
  EXPECT_EQ(encode(*found.value), bytes);
  EXPECT_EQ(found.value->entries.at("large").leaves, encode(sample_leaves()));
  EXPECT_EQ(found.value->entries.at("small").changed.tv_sec, -1);
  EXPECT_EQ(found.value->dir_signature, sample_content().dir_signature);
}

TEST(SidecarFormat, OnlyAWholeOneCounts) {
  expect_only_whole(encode(sample_content()), [](const std::string& bytes) { return decode_sidecar(bytes).value.has_value(); });
  EXPECT_TRUE(decode_sidecar(encode(SidecarContent{})).value);
}

TEST(SidecarFormat, ForgedOffsetsNeverLeadOutside) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::string good = encode(sample_content());
  for (int round = 0; round < 3000; ++round) {
    std::string bad = good;
    for (unsigned change = 0; change <= random() % 3; ++change) {
      const std::size_t at = 8 + random() % (bad.size() - 8);
      bad[at] = static_cast<char>(random() % 2 == 0 ? 0xFF : random());
    }
    const auto found = decode_sidecar(resealed(bad, 88));  // must not crash; what it says is a forger's affair
    if (found.value) {
      for (const auto& [name, entry] : found.value->entries) (void)decode_leaves(entry.leaves, sample_signature());
    }
  }
}

TEST(Sidecar, WritesOnceAndReadsAgain) {
  TempTree world;
  const sys::UniqueFd directory = opened(world);
  const SidecarContent content = sample_content();
  {
    Sidecar sidecar;
    ASSERT_TRUE(sidecar.save(directory, ".tmp.x")) << "nothing to do";
    EXPECT_FALSE(world.exists(kSidecarName));
    for (const auto& [name, entry] : content.entries) sidecar.put(directory, name, entry);
    sidecar.put_dir_signature(directory, content.dir_signature);
    ASSERT_TRUE(sidecar.save(directory, ".tmp.x"));
    EXPECT_THAT(world.names(), ElementsAre(kSidecarName));
    const ino_t inode = world.status(kSidecarName).st_ino;
    ASSERT_TRUE(sidecar.save(directory, ".tmp.x"));
    EXPECT_EQ(world.status(kSidecarName).st_ino, inode) << "unchanged, so not written";
  }
  Sidecar again;
  EXPECT_EQ(again.find(directory, "large")->leaves, content.entries.at("large").leaves);
  EXPECT_EQ(again.dir_signature(directory), content.dir_signature);
  EXPECT_FALSE(again.find(directory, "other"));
  EXPECT_EQ(again.ignored(), Ignored::absent);
  for (const auto& [name, entry] : content.entries) again.remove(directory, name);
  again.put_dir_signature(directory, "");
  ASSERT_TRUE(again.save(directory, ".tmp.x"));
  EXPECT_FALSE(world.exists(kSidecarName)) << "an empty one goes away";
}

TEST(Sidecar, ADamagedForeignOrStrangeOneIsIgnoredAndReplaced) {
  const std::string good = encode(sample_content());
  std::string foreign = good;
  foreign[4] = 9;
  std::string damaged = good;
  damaged[100] ^= 1;
  const auto expect = [](Ignored why, auto make) {
    TempTree world;
    make(world);
    const sys::UniqueFd directory = opened(world);
    Sidecar sidecar;
    EXPECT_FALSE(sidecar.find(directory, "large"));
    EXPECT_EQ(sidecar.ignored(), why);
    sidecar.put(directory, "new", {.changed = {}, .signature = encode(sample_signature()), .leaves = {}});
    if (!world.status(kSidecarName).st_nlink || (world.status(kSidecarName).st_mode & S_IFMT) == S_IFDIR) return;
    ASSERT_TRUE(sidecar.save(directory, ".tmp.x"));
    Sidecar again;
    EXPECT_TRUE(again.find(directory, "new"));
  };
  expect(Ignored::foreign, [&](const TempTree& world) { world.file(kSidecarName, foreign); });
  expect(Ignored::damaged, [&](const TempTree& world) { world.file(kSidecarName, damaged); });
  expect(Ignored::damaged, [&](const TempTree& world) { world.file(kSidecarName, ""); });
  expect(Ignored::unreadable, [&](const TempTree& world) { world.fifo(kSidecarName); });
  expect(Ignored::unreadable, [&](const TempTree& world) { world.dir(kSidecarName); });
  expect(Ignored::unreadable, [&](const TempTree& world) {
    world.file("elsewhere", good);
    world.symlink(kSidecarName, "elsewhere");
  });
  expect(Ignored::unreadable, [&](const TempTree& world) { world.sparse_file(kSidecarName, 5ULL << 30); });
}

TEST(Sidecar, WhenItCannotBeWrittenTheOldOneStaysAndNoLitter) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  TempTree world;
  world.file(kSidecarName, "old");
  const sys::UniqueFd directory = opened(world);
  for (const char* fault : {"write:1:ENOSPC", "close:1:EIO", "renameat2:1:EACCES", "openat:2:EROFS"}) {
    Sidecar sidecar;
    const sys::FaultPlan plan(fault);
    sidecar.put(directory, "new", {.changed = {}, .signature = encode(sample_signature()), .leaves = {}});
    EXPECT_FALSE(sidecar.save(directory, ".tmp.x")) << fault;
    EXPECT_EQ(world.read(kSidecarName), "old") << fault;
    EXPECT_THAT(world.names(), ElementsAre(kSidecarName)) << fault;
  }
}

TEST(Sidecar, SeveralWorkersMayUseOne) {
  TempTree world;
  const sys::UniqueFd directory = opened(world);
  Sidecar sidecar;
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&, worker] {
      for (int i = 0; i < 200; ++i) {
        const std::string name = std::to_string(worker) + '-' + std::to_string(i);
        sidecar.use();
        sidecar.put(directory, name, {.changed = {worker, i}, .signature = encode(sample_signature()), .leaves = {}});
        EXPECT_TRUE(sidecar.find(directory, name));
        if (i % 2 == 1) sidecar.remove(directory, name);
        if (i % 50 == 0) {
          EXPECT_TRUE(sidecar.save(directory, ".tmp." + std::to_string(worker)));
        }
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  ASSERT_TRUE(sidecar.save(directory, ".tmp.x"));
  EXPECT_EQ(decode_sidecar(world.read(kSidecarName)).value->entries.size(), 400u);
}

}  // namespace
}  // namespace foxing::signature
