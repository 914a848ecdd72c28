// SPDX-License-Identifier: GPL-2.0-or-later
// --remove-source-files with each call failing once, and then again without: at no moment is anything neither in the source nor whole in the target.
#include <gmock/gmock.h>

#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;

constexpr timespec kLongAgo{1'000'000'000, 123'456'789};

/// Each call fails once, in a tree of everything over an old one.
class EachCallWhileMoving : public ::testing::TestWithParam<const char*> {};

TEST_P(EachCallWhileMoving, NothingIsLost) {
  FOXING_NEEDS_FAULTS();
  const std::string large = random_bytes(70'000, 2);
  const auto expect_somewhere = [&](const TempTree& world, const std::string& name, const std::string& content) {
    const bool kept = world.exists("source/" + name) && world.read("source/" + name) == content;
    const bool moved = world.exists("target/" + name) && world.read("target/" + name) == content &&
                       world.status("target/" + name).st_mtim.tv_sec == kLongAgo.tv_sec && world.mode("target/" + name) == 0640;
    EXPECT_TRUE(kept || moved) << name;
  };
  for (const bool durable : {false, true}) {
    for (const char* code : {"EIO", "EACCES"}) {
      for (int n = 1; n <= (durable ? 5 : 12); ++n) {
        const std::string faults = std::string(GetParam()) + ':' + std::to_string(n) + ':' + code;
        SCOPED_TRACE(faults + (durable ? " durable" : ""));
        TempTree world;
        const auto file = [&](const std::string& name, const std::string& content) {
          world.file("source/" + name, content, 0640);
          world.times("source/" + name, kLongAgo, kLongAgo);
        };
        file("small", "text");
        file("large", large);
        file("dir/linked", "one file");
        world.hard_link("source/dir/linked", "source/dir/again");
        file("there", "equal");
        world.file("target/there", "equal", 0640);
        world.file("target/large", "old");
        world.symlink("source/link", "small");
        Options options = archive();
        options.durable = durable;
        for (const std::string& planned : {faults, std::string()}) {
          TestRun run(world, options);
          run.remove_sources = true;
          run.faults = planned;
          run.copy();
          expect_somewhere(world, "small", "text");
          expect_somewhere(world, "large", large);
          expect_somewhere(world, "dir/linked", "one file");
          expect_somewhere(world, "dir/again", "one file");
          expect_somewhere(world, "there", "equal");
          EXPECT_TRUE(world.exists("source/link") || world.link_target("target/link") == "small");
          if (planned.empty()) {
            EXPECT_THAT(run.failures(), IsEmpty());
          }
        }
        EXPECT_THAT(world.names("source"), ElementsAre("dir"));
        EXPECT_THAT(world.names("source/dir"), IsEmpty());
        EXPECT_EQ(world.status("target/dir/linked").st_ino, world.status("target/dir/again").st_ino);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Calls, EachCallWhileMoving,
                         ::testing::Values("openat", "openat2", "tmpfile", "close", "fstat", "fstatat", "getdents64",
                                           "readlinkat", "pread", "sendfile", "ftruncate", "syncfs", "mkdirat", "symlinkat",
                                           "linkat", "renameat2", "unlinkat", "fchown", "fchmod", "utimensat", "listxattr",
                                           "getxattr", "lseek"),
                         [](const auto& call) { return std::string(call.param); });

}  // namespace
}  // namespace foxing::copy
