// SPDX-License-Identifier: GPL-2.0-or-later
// Every wrapped call fails, one at a time, while a small tree of everything is copied over an older one.  Whichever it is:
//   - a run that says that all went well has made the target equal;
//   - a name that is there has its old or its new content; nothing of ours is left; nothing outside is touched;
//   - the next run, without faults, ends with an exact copy.
#include <gmock/gmock.h>

#include <sstream>

#include "core/copy/test_run.h"
#include "sys/process.h"

namespace foxing::copy {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;

constexpr const char* kNames[] = {"small",         "empty",           "large",          "holes", "directory",
                                  "directory/new", "directory/other", "directory/fifo", "link"};
constexpr const char* kFiles[] = {"small", "empty", "large", "holes", "directory/new", "directory/other"};

void make_source(const TempTree& world) {
  world.file("source/small", random_bytes(5000, 1), 0640);
  world.file("source/empty", "");
  world.file("source/large", random_bytes(1'300'000, 2));
  world.sparse_file("source/holes", 200'000, {{100'000, "data"}});
  world.file("source/directory/new", "text", 0604);
  world.hard_link("source/directory/new", "source/directory/other");
  world.fifo("source/directory/fifo", 0620);
  world.symlink("source/link", "small");
  world.set_xattr("source/small", "user.name", "value");
  const timespec old{1'222'333'444, 555'666'777};
  for (const char* name : kNames) world.times(std::string("source/") + name, old, old);
}

void make_older_target(const TempTree& world) {
  world.file("outside/precious", "precious");
  world.file("target/small", "old");
  world.symlink("target/large", "../outside/precious");
  world.dir("target/link");
  world.file("target/directory/other", "old");
}

std::string differences(const TempTree& world) {
  std::ostringstream told;
  for (const char* name : kNames) {
    const std::string source = std::string("source/") + name;
    const std::string target = std::string("target/") + name;
    if (!world.exists(target)) {
      told << name << " is missing; ";
      continue;
    }
    const struct stat a = world.status(source);
    const struct stat b = world.status(target);
    if (a.st_mode != b.st_mode) told << name << " has another mode; ";
    if (a.st_mtim.tv_sec != b.st_mtim.tv_sec || a.st_mtim.tv_nsec != b.st_mtim.tv_nsec) told << name << " has another time; ";
    if (S_ISREG(a.st_mode) && S_ISREG(b.st_mode) && world.read(source) != world.read(target))
      told << name << " has another content; ";
  }
  if (world.xattr("source/small", "user.name") != world.xattr("target/small", "user.name"))
    told << "small has other attributes; ";
  const bool linked = world.exists("target/directory/new") && world.exists("target/directory/other") &&
                      world.status("target/directory/new").st_ino == world.status("target/directory/other").st_ino;
  if (!linked) told << "names are not linked; ";
  return told.str();
}

std::vector<std::string> temporary_names(const TempTree& world) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(world.at("target"))) {
    if (TempNames::maker_of(entry.path().filename().string())) found.push_back(entry.path().string());
  }
  return found;
}

/// Old, new, or not there.
void expect_no_half_files(const TempTree& world) {
  for (const char* name : kFiles) {
    const std::string target = std::string("target/") + name;
    if (!world.exists(target) || !S_ISREG(world.status(target).st_mode)) continue;
    const std::string content = world.read(target);
    EXPECT_TRUE(content == "old" || content == world.read(std::string("source/") + name))
        << name << " is half there: " << content.size() << " bytes";
  }
}

class EachCall : public ::testing::TestWithParam<std::tuple<const char*, bool /* durable */>> {};

TEST_P(EachCall, FailsWithoutHarm) {
  FOXING_NEEDS_FAULTS();
  const auto& [call, durable] = GetParam();
  Options options = archive();
  options.durable = durable;
  int failed_runs = 0;
  for (const char* code : {"EIO", "ENOSPC", "EACCES"}) {
    for (int n = 1; n <= 14; ++n) {
      const std::string faults = std::string(call) + ':' + std::to_string(n) + ':' + code;
      SCOPED_TRACE(faults);
      TempTree world;
      make_source(world);
      make_older_target(world);
      {
        TestRun run(world, options);
        run.faults = faults;
        run.copy();
        if (run.failures().empty()) {
          EXPECT_EQ(differences(world), "") << "and nothing was said";
        } else {
          ++failed_runs;
        }
      }
      expect_no_half_files(world);
      if (std::string(call) != "unlinkat") {
        EXPECT_THAT(temporary_names(world), IsEmpty());
      }
      EXPECT_THAT(world.names("outside"), ElementsAre("precious"));
      EXPECT_EQ(world.read("outside/precious"), "precious");

      TestRun again(world, options);
      again.copy();
      EXPECT_THAT(again.failures(), IsEmpty());
      EXPECT_EQ(differences(world), "");
      if (::testing::Test::HasFailure()) return;  // one is enough to read
    }
  }
  // io_uring and sendfile have stand-ins, and no call of unlinkat has to succeed.
  const bool may_be_absorbed = std::string(call) == "io_uring_setup" || std::string(call) == "unlinkat" ||
                               std::string(call) == "ficlone" || std::string(call) == "fstatfs" || std::string(call) == "pread" ||
                               std::string(call) == "pwrite" || std::string(call) == "syncfs" || std::string(call) == "fsync" ||
                               std::string(call) == "uring_read" || std::string(call) == "uring_write" ||
                               std::string(call) == "openat2";
  if (!may_be_absorbed) {
    EXPECT_GT(failed_runs, 0) << "no fault of this call was ever met";
  }
}
INSTANTIATE_TEST_SUITE_P(
    Calls, EachCall,
    ::testing::Combine(::testing::Values("openat", "openat2", "tmpfile", "close", "fstat", "fstatat", "getdents64", "readlinkat",
                                         "pread", "pwrite", "lseek", "ftruncate", "ficlone", "sendfile", "mkdirat", "symlinkat",
                                         "mknodat", "linkat", "renameat2", "unlinkat", "fchmod", "utimensat", "listxattr",
                                         "getxattr", "setxattr", "fstatfs", "io_uring_setup", "uring_read", "uring_write"),
                       ::testing::Values(false)),
    [](const auto& row) { return std::string(std::get<0>(row.param)) + (std::get<1>(row.param) ? "Durable" : ""); });
INSTANTIATE_TEST_SUITE_P(DurableCalls, EachCall,
                         ::testing::Combine(::testing::Values("syncfs", "linkat", "renameat2", "close", "openat"),
                                            ::testing::Values(true)),
                         [](const auto& row) {
                           return std::string(std::get<0>(row.param)) + (std::get<1>(row.param) ? "Durable" : "");
                         });

// ---- A full target

class Full : public ::testing::Test {
 protected:
  Full() {
    for (int i = 0; i < 10; ++i)
      world_.file("source/f" + std::to_string(i), random_bytes(100'000, static_cast<std::uint64_t>(i)));
  }
  void expect_whole_files(std::size_t count) {
    EXPECT_EQ(world_.names("target").size(), count);
    for (const std::string& name : world_.names("target"))
      EXPECT_EQ(world_.read("target/" + name), world_.read("source/" + name));
  }
  TempTree world_;
};

TEST_F(Full, ATargetWithoutRoomEndsTheRunLeavesWhatIsThereAndSaysSo) {
  FOXING_NEEDS_FAULTS();
  TestRun run(world_);
  run.faults = "sendfile:4+:ENOSPC";
  run.copy();
  EXPECT_TRUE(run.no_space);
  ASSERT_EQ(run.failures().size(), 1u) << "the others would only say the same";
  EXPECT_EQ(run.problems()[0].kind, ProblemKind::no_space);
  EXPECT_EQ(run.counters.files, 3u);
  expect_whole_files(3);
}

TEST_F(Full, AQuotaIsOneOwnersAndTheFilesOfOthersGoOn) {
  FOXING_NEEDS_FAULTS();
  TestRun run(world_);
  run.faults = "sendfile:4:EDQUOT";
  run.copy();
  EXPECT_FALSE(run.no_space);
  ASSERT_EQ(run.failures().size(), 1u);
  EXPECT_EQ(run.problems()[0].kind, ProblemKind::no_space);
  expect_whole_files(9);
}

// ---- Hard links that fail

class LinksThatFail : public ::testing::TestWithParam<bool /* durable */> {
 protected:
  LinksThatFail() {
    options_.durable = GetParam();
    world_.file("source/a/x", random_bytes(3000, 1));
    world_.hard_link("source/a/x", "source/b/x");
    world_.hard_link("source/a/x", "source/c/x");
  }
  TempTree world_;
  Options options_ = archive();
};
INSTANTIATE_TEST_SUITE_P(Durable, LinksThatFail, ::testing::Bool(),
                         [](const auto& way) { return way.param ? "Durable" : "Usual"; });

TEST_P(LinksThatFail, EveryNameThatIsBarredIsTold) {
  for (const char* name : {"a", "b", "c"}) world_.file(std::string("target/") + name + "/x/inside", "in the way");
  for (const unsigned workers : {1u, 2u}) {
    TestRun run(world_, options_, workers);
    run.copy();
    EXPECT_EQ(run.failures().size(), 3u) << ::testing::PrintToString(run.failures());
    for (const char* name : {"a", "b", "c"})
      EXPECT_EQ(world_.names(std::string("target/") + name + "/x"), std::vector<std::string>{"inside"});
  }
}

TEST_P(LinksThatFail, OneNameThatIsBarredDoesNotBarTheOthers) {
  for (const char* barred : {"a", "b", "c"}) {
    TempTree& world = world_;
    world.remove("target");
    world.file(std::string("target/") + barred + "/x/inside", "in the way");
    TestRun run(world, options_, 2);
    run.copy();
    EXPECT_EQ(run.failures().size(), 1u) << ::testing::PrintToString(run.failures());
    std::vector<ino_t> inodes;
    for (const char* name : {"a", "b", "c"}) {
      if (std::string(name) == barred) continue;
      EXPECT_EQ(world.read(std::string("target/") + name + "/x"), world.read("source/a/x"));
      inodes.push_back(world.status(std::string("target/") + name + "/x").st_ino);
    }
    EXPECT_EQ(inodes[0], inodes[1]);
  }
}

TEST_P(LinksThatFail, WhereLinksAreRefusedTheContentIsThereAndTheLossIsTold) {
  FOXING_NEEDS_FAULTS();
  // Without O_TMPFILE no file needs linkat to get its own name: only the links are refused.
  for (const char* code : {"EMLINK", "EPERM", "EOPNOTSUPP", "EXDEV"}) {
    world_.remove("target");
    TestRun run(world_, options_);
    run.faults = std::string("tmpfile:1+:EOPNOTSUPP,linkat:1+:") + code;
    run.copy();
    EXPECT_THAT(run.failures(), ::testing::SizeIs(2)) << code;
    EXPECT_THAT(run.failures(), Each(::testing::StartsWith("hard_link")));
    for (const char* name : {"a/x", "b/x", "c/x"})
      EXPECT_EQ(world_.read(std::string("target/") + name), world_.read("source/a/x")) << code;
  }
}

TEST_P(LinksThatFail, ManyNamesOfAFileThatCannotBeReadEndWithoutRecursion) {
  FOXING_NEEDS_FAULTS();
  TempTree world;
  world.file("source/name", random_bytes(3'000'000, 1));  // large: pieces of it wait while the names are met
  constexpr int kLinks = 3000;
  for (int i = 1; i < kLinks; ++i) world.hard_link("source/name", "source/name" + std::to_string(i));
  TestRun run(world, options_, 2);
  run.faults = "sendfile:1+:EIO,uring_read:1+:EIO,pread:1+:EIO";
  run.copy();
  EXPECT_EQ(run.failures().size(), unsigned{kLinks});
  EXPECT_THAT(world.names("target"), IsEmpty());
}

// ---- Directories

TEST(Subtree, ThatCannotBeReadIsToldAndTheRestIsCopied) {
  FOXING_NEEDS_FAULTS();
  TempTree world;
  world.file("source/a/file", "text");
  world.file("source/b/file", "text");
  TestRun run(world);
  run.faults = "getdents64:3:EIO";  // the root is read twice: its names, its end
  run.copy();
  ASSERT_EQ(run.problems().size(), 1u);
  EXPECT_EQ(run.problems()[0].kind, ProblemKind::unreadable);
  EXPECT_EQ(run.counters.files, 1u);
}

TEST(Stop, LeavesWholeFilesAndNothingElse) {
  TempTree world;
  for (int i = 0; i < 50; ++i) world.file("source/f" + std::to_string(i), random_bytes(10'000, static_cast<std::uint64_t>(i)));
  TestRun run(world);
  int visited = 0;
  run.before = [&](const std::string& path) {
    if (!path.empty() && path != "/" && ++visited == 20) sys::request_stop();
  };
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty()) << "the run says itself that it was stopped";
  EXPECT_THAT(temporary_names(world), IsEmpty());
  EXPECT_LT(world.names("target").size(), 21u);
  EXPECT_GT(world.names("target").size(), 0u);
  for (const std::string& name : world.names("target")) EXPECT_EQ(world.read("target/" + name), world.read("source/" + name));
}

}  // namespace
}  // namespace foxing::copy
