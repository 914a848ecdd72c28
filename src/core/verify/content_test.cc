// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/verify/content.h"

#include "core/verify/not_compared.h"
#include "core/verify/test_comparison.h"

namespace foxing::verify {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;

// ---- Every byte counts.

TEST(Content, AChangedByteIsFoundWhereverItLies) {
  const std::uint64_t seed = 20261124;
  SCOPED_TRACE(seed);
  for (const std::size_t size :
       {1ul, 2ul, 4095ul, 4096ul, 4097ul, 65535ul, 65536ul, 65537ul, 262144ul, 262145ul, 1048577ul, 9437184ul}) {
    TempTree world;
    const std::string content = random_bytes(size, seed + size);
    world.file("a/f", content);
    mirror(world);
    {
      TestComparison compared(world);
      compared.run();
      EXPECT_THAT(compared.told(), IsEmpty()) << size;
      EXPECT_EQ(compared.counters.bytes_read, 2 * size);
    }
    const struct stat before = world.status("b/f");
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
      const char flipped = static_cast<char>(content[at] ^ 1);
      world.overwrite("b/f", at, {&flipped, 1});
      world.times("b/f", before.st_atim, before.st_mtim);  // size and time say that nothing has happened
      for (const unsigned workers : {1u, 3u}) {
        TestComparison compared(world, everything(), workers);
        compared.run();
        EXPECT_THAT(compared.told(), ElementsAre("differs f: content@" + std::to_string(at))) << size << ' ' << workers;
      }
      world.overwrite("b/f", at, {&content[at], 1});
      world.times("b/f", before.st_atim, before.st_mtim);
    }
  }
}

TEST(Content, EmptyFilesAreTheSame) {
  TempTree world;
  world.file("a/f", "");
  mirror(world);
  TestComparison compared(world);
  compared.run();
  EXPECT_THAT(compared.told(), IsEmpty());
  EXPECT_EQ(compared.counters.of(Class::same), 2u);
}

TEST(Content, WithSizeAloneNothingIsRead) {
  TempTree world;
  world.file("a/f", "text");
  world.file("a/g", "text");
  mirror(world);
  const struct stat before = world.status("b/f");
  world.overwrite("b/f", 1, "X");
  world.times("b/f", before.st_atim, before.st_mtim);
  world.file("b/g", "texts");
  world.times("b/g", before.st_atim, world.status("a/g").st_mtim);
  Options options = everything();
  options.content = Content::size;
  TestComparison compared(world, options);
  compared.run();
  EXPECT_THAT(compared.told(), ElementsAre("differs g: size"));
  EXPECT_EQ(compared.counters.bytes_read, 0u);
}

TEST(Content, FilesWithoutASizeAreReadToTheirEnd) {
  const std::string path = "/proc/self/mountinfo";
  auto a = sys::open_at(sys::working_directory(), path), b = sys::open_at(sys::working_directory(), path);
  auto other = sys::open_at(sys::working_directory(), "/proc/self/status");
  if (!a || !b || !other) GTEST_SKIP() << "no /proc";
  Bench bench;
  std::atomic<std::uint64_t> read{0};
  FirstDifference none, some;
  EXPECT_TRUE(compare_until_end({*a, *b}, bench, none, read));
  EXPECT_FALSE(none.get());
  EXPECT_GT(read, 0u);
  EXPECT_TRUE(compare_until_end({*a, *other}, bench, some, read));
  EXPECT_EQ(some.get(), FileOffset(0));
}

// ---- Holes.

TEST(Content, HolesAndZerosAreTheSameContent) {
  for (const unsigned workers : {1u, 3u}) {
    TempTree world;
    const std::uint64_t size = 12 << 20;
    world.sparse_file("a/f", size, {{0, "begin"}, {5 << 20, "middle"}});
    world.dir("b");
    std::string dense(size, '\0');
    dense.replace(0, 5, "begin");
    dense.replace(5 << 20, 6, "middle");
    world.file("b/f", dense);
    for (const char* name : {"f", ""}) {
      const struct stat status = world.status(std::string("a/") + name);
      world.times(std::string("b/") + name, status.st_atim, status.st_mtim);
    }
    TestComparison compared(world, everything(), workers);
    compared.run();
    EXPECT_THAT(compared.told(), IsEmpty());
    EXPECT_GE(compared.counters.bytes_read, 2 * size) << "one side has data everywhere: all of it is read";

    Options options = everything();
    options.content = Content::extent;
    TestComparison extents(world, options, workers);
    extents.run();
    if (world.extents("a/f") == world.extents("b/f")) GTEST_SKIP() << "no holes below " << world.path();
    ASSERT_EQ(extents.told().size(), 1u);
    EXPECT_THAT(extents.told()[0], ::testing::StartsWith("differs f: holes@"));
  }
}

TEST(Content, AByteInTheHoleOfTheOtherSideIsFound) {
  for (const unsigned workers : {1u, 3u}) {
    for (const std::uint64_t at : {0ul, 300000ul, (7ul << 20) + 3, (12ul << 20) - 1}) {
      TempTree world;
      world.sparse_file("a/f", 12 << 20, {{1 << 20, "data"}});
      mirror(world);
      const struct stat before = world.status("b/f");
      world.overwrite("b/f", at, "x");
      world.times("b/f", before.st_atim, before.st_mtim);
      TestComparison compared(world, everything(), workers);
      compared.run();
      EXPECT_THAT(compared.told(), ElementsAre("differs f: content@" + std::to_string(at)));
    }
  }
}

TEST(Content, WhatBothSidesCallAHoleIsPassedOver) {
  for (const unsigned workers : {1u, 3u}) {
    TempTree world;
    world.sparse_file("a/f", 1ull << 40, {{1ull << 35, "data"}});
    if (world.extents("a/f").size() != 1 || world.extents("a/f")[0].first == 0) GTEST_SKIP() << "no holes below " << world.path();
    mirror(world);
    Options options = everything();
    options.content = Content::extent;
    TestComparison compared(world, options, workers);
    compared.run();
    EXPECT_THAT(compared.told(), IsEmpty());
    EXPECT_GT(compared.counters.bytes_read, 0u);
    EXPECT_LT(compared.counters.bytes_read, 64u << 20);
  }
}

// ---- Names that are nobody's.

TEST(NotCompared, OnlyNamesOfOurOwn) {
  EXPECT_TRUE(is_not_compared(".foxing_versions"));
  EXPECT_TRUE(is_not_compared(".foxing_meta"));
  EXPECT_TRUE(is_not_compared(".tmp.66786370-1234-8abc-9def-0123456789ab"));
  for (const char* name : {".foxing", ".foxing_versions2", ".tmp.", ".tmp.notes", ".tmp.66786370-1234-4abc-9def-0123456789ab",
                           ".tmp.66786370-1234-8abc-7def-0123456789ab", ".tmp.66786371-1234-8abc-9def-0123456789ab",
                           ".tmp.66786370-1234-8abc-9def-0123456789aB", ".tmp.66786370-1234-8abc-9def-0123456789ab0",
                           ".tmp.66786370-1234-8abc-9def-0123456789a"}) {
    EXPECT_FALSE(is_not_compared(name)) << name;
  }
}

}  // namespace
}  // namespace foxing::verify
