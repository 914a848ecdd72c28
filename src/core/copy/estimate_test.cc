// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/estimate.h"

#include <gmock/gmock.h>

#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using testing::TempTree;

void look(const TempTree& world, Estimate& estimate, unsigned workers = 2) {
  walk::Walk walk(estimate, {.workers = workers});
  auto fd = sys::open_at(sys::working_directory(), world.at("source"), {.directory = true});
  const auto status = sys::status_of(*fd);
  walk.add_root(std::move(*fd), *status, world.at("source"), nullptr);
  walk.run();
}

TEST(Estimate, AddsUpRegularFiles) {
  TempTree world;
  world.file("source/a", std::string(1000, 'x'));
  world.file("source/deep/er/b", std::string(70000, 'x'));
  world.file("source/empty", "");
  world.symlink("source/link", "a");
  world.fifo("source/fifo");
  Estimate estimate({});
  look(world, estimate);
  EXPECT_EQ(estimate.files(), 3u);
  EXPECT_EQ(estimate.bytes(), Bytes(71000));
  EXPECT_FALSE(estimate.complete()) << "only the caller knows";
  estimate.mark_complete();
  EXPECT_TRUE(estimate.complete());
}

TEST(Estimate, AFileWithSeveralNamesCountsOnce) {
  TempTree world;
  world.file("source/a/x", std::string(5000, 'x'));
  world.hard_link("source/a/x", "source/b/y");
  world.hard_link("source/a/x", "source/b/z");
  world.file("source/c", std::string(10, 'x'));
  Estimate estimate({});
  look(world, estimate);
  EXPECT_EQ(estimate.files(), 2u);
  EXPECT_EQ(estimate.bytes(), Bytes(5010));
}

TEST(Estimate, HolesTakeNoRoomUnlessTheyAreFilled) {
  TempTree world;
  world.sparse_file("source/holes", 64 << 20, {{0, std::string(4096, 'x')}});
  const Bytes allocated(static_cast<std::uint64_t>(world.status("source/holes").st_blocks) * 512);
  if (allocated >= 32_MiB) GTEST_SKIP() << "the filesystem of " << world.path() << " makes no holes";
  Estimate keeps({});
  look(world, keeps);
  EXPECT_EQ(keeps.bytes(), 64_MiB);
  EXPECT_EQ(keeps.room(), allocated);
  Estimate fills({.sparse_never = true});
  look(world, fills);
  EXPECT_EQ(fills.room(), 64_MiB);
}

TEST(Estimate, DataIsCountedInsteadOfReservedBlocksWhereAskedFor) {
  TempTree world;
  world.file("source/file", std::string(2 << 20, 'x'));
  const int fd = ::open(world.at("source/file").c_str(), O_WRONLY | O_CLOEXEC);
  const bool reserved = ::fallocate(fd, 0, 8 << 20, 8 << 20) == 0;  // behind a hole, and of zeros
  ::fsync(fd);
  ::close(fd);
  const auto data = world.extents("source/file");
  if (!reserved || data.size() != 1 || data[0].second != 2 << 20)
    GTEST_SKIP() << "the filesystem of " << world.path() << " does not tell reserved blocks from data";
  Estimate blocks({});
  look(world, blocks);
  EXPECT_GE(blocks.room(), 10_MiB);
  Estimate by_data({.by_data = true});
  look(world, by_data);
  EXPECT_EQ(by_data.room(), 2_MiB);
}

TEST(Estimate, WhatSharesItsBlocksTakesNoRoom) {
  TempTree world;
  world.file("source/small", std::string(8192, 'x'));
  world.file("source/large", std::string(200'000, 'x'));
  Estimate estimate({.shared_from = Bytes(100'000)});
  look(world, estimate);
  EXPECT_EQ(estimate.bytes(), Bytes(208'192));
  EXPECT_LE(estimate.room(), Bytes(8192));
  EXPECT_GT(estimate.room(), Bytes(0));
}

TEST(Estimate, WhatVanishesIsNotCounted) {
  FOXING_NEEDS_FAULTS();
  TempTree world;
  world.file("source/a", "text");
  Estimate estimate({});
  const sys::FaultPlan faults("fstatat:1:ENOENT");
  look(world, estimate, 1);
  EXPECT_EQ(estimate.files(), 0u);
}

}  // namespace
}  // namespace foxing::copy
