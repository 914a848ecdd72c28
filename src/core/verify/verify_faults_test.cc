// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel might answer: whichever call fails, the trees are not called the same.
#include "core/verify/test_comparison.h"

namespace foxing::verify {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;

void make_world(const TempTree& world) {
  world.file("a/file", random_bytes(400000, 5));
  world.sparse_file("a/sub/holes", 1 << 20, {{300000, "data"}});
  world.symlink("a/sub/link", "somewhere");
  world.fifo("a/fifo");
  world.set_xattr("a/file", "user.one", "1");
  mirror(world);
}

TEST(VerifyFaults, NoFailedCallIsTakenForTheSame) {
  FOXING_NEEDS_FAULTS();
  TempTree world;
  make_world(world);
  Options options = everything();
  options.content = Content::extent;
  for (const char* call :
       {"openat", "fstat", "fstatat", "fstatfs", "getdents64", "pread", "readlinkat", "lseek", "listxattr", "getxattr"}) {
    int failed = 0;
    for (int n = 1; n < 80; ++n) {
      TestComparison compared(world, options);
      compared.faults = std::string(call) + ':' + std::to_string(n) + ":EIO";
      compared.run();
      if (compared.same()) {
        // Past the last call: from here on nothing fails.
        EXPECT_EQ(compared.counters.of(Class::same), 6u) << call << ' ' << n;
        EXPECT_THAT(compared.notes(), IsEmpty());
        TestComparison later(world, options);
        later.faults = std::string(call) + ':' + std::to_string(n + 1) + ":EIO";
        later.run();
        EXPECT_TRUE(later.same()) << call << ' ' << n << " was passed over";
        break;
      }
      ++failed;
      EXPECT_GE(compared.refused + compared.counters.of(Class::unreadable), 1u) << call << ' ' << n;
      EXPECT_LT(failed, 79);
    }
    // A filesystem without extended attributes has none to read, one without holes is not asked for any.
    const bool may_be_spared = std::string_view(call) == "getxattr" || std::string_view(call) == "lseek";
    EXPECT_TRUE(failed > 0 || may_be_spared) << call;
  }
}

TEST(VerifyFaults, AnErrorOfReadingNamesItsSide) {
  FOXING_NEEDS_FAULTS();
  TempTree world;
  world.file("a/file", "text");
  mirror(world);
  for (const int n : {1, 2}) {
    TestComparison compared(world);
    compared.faults = "pread:" + std::to_string(n) + ":EIO";
    compared.run();
    EXPECT_THAT(compared.told(), ElementsAre("unreadable file"));
    EXPECT_EQ(compared.events().front().path, world.at(n == 1 ? "a/file" : "b/file"));
    EXPECT_EQ(compared.events().front().error->code, EIO);
    EXPECT_EQ(compared.counters.of(Class::same), 1u) << "the others are compared all the same";
  }
}

TEST(VerifyFaults, SharedFilesFailOnce) {
  FOXING_NEEDS_FAULTS();
  TempTree world;
  world.file("a/file", random_bytes(40 << 20, 6));
  mirror(world);
  TestComparison compared(world, everything(), 4);
  compared.faults = "pread:20+:EIO";
  compared.run();
  EXPECT_THAT(compared.told(), ElementsAre("unreadable file"));
}

TEST(VerifyFaults, ShortReadsAndInterruptionsChangeNothing) {
  FOXING_NEEDS_FAULTS();
  TempTree world;
  make_world(world);
  for (const char* faults : {"pread:*2:short", "pread:*3:EINTR", "openat:*2:EINTR,fstat:*2:EINTR,getdents64:*2:EINTR"}) {
    TestComparison compared(world);
    compared.faults = faults;
    compared.run();
    EXPECT_THAT(compared.told(), IsEmpty()) << faults;
  }
}

TEST(VerifyFaults, WithoutTheRightToKeepAccessTimesItReadsAllTheSame) {
  FOXING_NEEDS_FAULTS();
  TempTree world;
  world.file("a/file", "text");
  mirror(world);
  TestComparison compared(world);
  compared.faults = "openat:1:EPERM";
  compared.run();
  EXPECT_THAT(compared.told(), IsEmpty());
}

}  // namespace
}  // namespace foxing::verify
