// SPDX-License-Identifier: GPL-2.0-or-later
// A world that changes under the copy: files that are written, swapped, removed; links that lead outside.
// Nothing here is a race: the change happens at a known moment, on the worker's own thread or while the kernel holds its read.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>

#include <atomic>
#include <thread>

#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::random_bytes;
using testing::TempTree;

// ---- The source changes between being listed and being copied

TEST(Swapped, AFileForALinkToASecretIsNotRead) {
  TempTree world;
  world.file("outside", "secret");
  world.file("source/file", "text");
  world.file("source/rest", "rest");
  TestRun run(world);
  run.before = [&](const std::string& path) {
    if (path != "file") return;
    world.remove("source/file");
    world.symlink("source/file", "../outside");
  };
  run.copy();
  EXPECT_THAT(run.failures(), ElementsAre("changed_while_read file"));
  EXPECT_THAT(world.names("target"), ElementsAre("rest"));
}

TEST(Swapped, AFileForAFifoDoesNotHang) {
  TempTree world;
  world.file("source/file", "text");
  TestRun run(world);
  run.before = [&](const std::string& path) {
    if (path != "file") return;
    world.remove("source/file");
    world.fifo("source/file");
  };
  run.copy();
  EXPECT_THAT(run.failures(), ElementsAre("changed_while_read file"));
  EXPECT_THAT(world.names("target"), IsEmpty());
}

TEST(Swapped, AFifoOrALinkForAFileIsToldAndNotOpened) {
  TempTree world;
  world.fifo("source/fifo");
  world.symlink("source/link", "x");
  TestRun run(world);
  run.before = [&](const std::string& path) {
    if (path.empty() || path.ends_with('/')) return;
    world.remove("source/" + path);
    world.file("source/" + path, "text");
  };
  run.copy();
  EXPECT_THAT(run.failures(), ElementsAre("changed_while_read fifo", "changed_while_read link"));
}

/// The files of a directory are visited before its subdirectories are opened: there is the moment.
class SwappedDirectory : public ::testing::Test {
 protected:
  SwappedDirectory() {
    world_.file("outside/secret", "secret");
    world_.file("source/file", "text");
    world_.file("source/directory/inside", "inside");
  }
  void run_with(const std::function<void()>& swap) {
    run_.before = [swap](const std::string& path) {
      if (path == "file") swap();
    };
    run_.copy();
  }
  TempTree world_;
  TestRun run_{world_};
};

TEST_F(SwappedDirectory, ForALinkIsCopiedAsTheLinkItIsNow) {
  run_with([&] {
    world_.rename("source/directory", "source-directory");
    world_.symlink("source/directory", "../outside");
  });
  EXPECT_THAT(run_.failures(), IsEmpty());
  EXPECT_EQ(world_.link_target("target/directory"), "../outside");
}

TEST_F(SwappedDirectory, ForAFileIsCopiedAsThat) {
  run_with([&] {
    world_.remove("source/directory");
    world_.file("source/directory", "now a file");
  });
  EXPECT_THAT(run_.failures(), IsEmpty());
  EXPECT_EQ(world_.read("target/directory"), "now a file");
}

TEST_F(SwappedDirectory, ThatIsGoneIsANote) {
  run_with([&] { world_.remove("source/directory"); });
  EXPECT_THAT(run_.failures(), IsEmpty());
  EXPECT_THAT(run_.notes(), ElementsAre("vanished directory"));
  EXPECT_THAT(world_.names("target"), ElementsAre("file"));
}

TEST(Vanished, FilesOfEveryTypeAreNotesAndNotFailures) {
  TempTree world;
  world.file("source/file", "text");
  world.symlink("source/link", "x");
  world.fifo("source/fifo");
  world.file("source/stays", "stays");
  TestRun run(world);
  run.before = [&](const std::string& path) {
    if (path == "file" || path == "link" || path == "fifo") world.remove("source/" + path);
  };
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_THAT(run.notes(), ElementsAre("vanished fifo", "vanished file", "vanished link"));
  EXPECT_THAT(world.names("target"), ElementsAre("stays"));
}

// ---- The target is swapped under the copy

TEST(SwappedTarget, ADirectoryForALinkOutsideGetsNothingThere) {
  for (const unsigned workers : {1u, 2u}) {
    TempTree world;
    world.dir("outside");
    world.file("source/directory/file", "text");
    world.file("source/directory/deeper/file", "text");
    world.symlink("source/directory/link", "x");
    world.fifo("source/directory/fifo");
    TestRun run(world, archive(), workers);
    run.inside = [&](const std::string& path) {
      if (path != "directory") return;
      world.rename("target/directory", "moved");
      world.symlink("target/directory", "../outside");
    };
    run.copy();
    EXPECT_THAT(world.names("outside"), IsEmpty());
    EXPECT_EQ(world.read("moved/file"), "text") << "it goes on in the directory it had opened";
    EXPECT_EQ(world.read("moved/deeper/file"), "text");
  }
}

// Another run copies the same to the same new target, and is a little faster.
TEST(SwappedTarget, WhatAnotherRunHasMadeIsComparedAndReplaced) {
  for (const unsigned workers : {1u, 2u}) {
    TempTree world;
    for (const char* in : {"source/d/", "source/d/sub/"}) {
      for (const char* name : {"a", "b", "c"}) world.file(std::string(in) + name, "text");
      world.symlink(std::string(in) + "link", "a");
      world.fifo(std::string(in) + "fifo");
    }
    world.hard_link("source/d/a", "source/d/sub/linked");
    TestRun run(world, archive(), workers);
    run.inside = [&](const std::string& path) {
      if (path == "d") {
        world.file("target/d/a", "half");
        world.symlink("target/d/link", "elsewhere");
        world.file("target/d/fifo", "no fifo");
        world.dir("target/d/sub", 0700);
      } else if (path == "d/sub") {
        for (const char* name : {"b", "linked"}) world.file(std::string("target/d/sub/") + name, "text");
      }
    };
    run.copy();
    EXPECT_THAT(run.failures(), IsEmpty());
    EXPECT_EQ(world.read("target/d/a"), "text");
    EXPECT_EQ(world.status("target/d/a").st_ino, world.status("target/d/sub/linked").st_ino);
    EXPECT_EQ(world.status("target/d/sub").st_mode, world.status("source/d/sub").st_mode);
    EXPECT_EQ(world.status("target/d").st_mtim.tv_nsec, world.status("source/d").st_mtim.tv_nsec);
    for (const char* in : {"target/d", "target/d/sub"})
      EXPECT_TRUE(S_ISFIFO(world.status(std::string(in) + "/fifo").st_mode)) << in;
    TestRun again(world, archive(), workers);
    again.copy();
    EXPECT_EQ(again.counters.files + again.counters.symlinks + again.counters.specials + again.counters.hard_links, 0u);
  }
}

TEST(SwappedTarget, ANameThatBecomesALinkIsReplacedAndNotWrittenThrough) {
  TempTree world;
  world.file("outside", "precious");
  world.file("source/file", "text");
  world.dir("target");
  TestRun run(world);
  run.before = [&](const std::string& path) {
    if (path == "file") world.symlink("target/file", "../outside");
  };
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_EQ(world.read("outside"), "precious");
  EXPECT_EQ(world.read("target/file"), "text");
}

TEST(SwappedTarget, ADirectoryNameThatBecomesALinkOutsideIsReplaced) {
  TempTree world;
  world.file("outside/precious", "precious");
  world.file("source/directory/file", "text");
  world.symlink("target/directory", "../outside");
  TestRun run(world);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_THAT(world.names("outside"), ElementsAre("precious"));
  EXPECT_EQ(world.read("target/directory/file"), "text");
}

TEST(SwappedTarget, WithKeepDirlinksTheLinkServesAsTheDirectory) {
  TempTree world;
  world.dir("elsewhere");
  world.file("source/directory/file", "text");
  world.symlink("target/directory", "../elsewhere");
  Options options = archive();
  options.keep_dirlinks = true;
  TestRun run(world, options);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_EQ(world.read("elsewhere/file"), "text");
  EXPECT_EQ(world.link_target("target/directory"), "../elsewhere");
}

TEST(SwappedTarget, TheFirstNameOfALinkedFileIsNotTrustedByName) {
  TempTree world;
  world.file("outside", "precious");
  world.file("source/first", "text");
  world.hard_link("source/first", "source/directory/second");
  TestRun run(world);
  run.before = [&](const std::string& path) {
    if (path != "directory/second") return;
    world.remove("target/first");
    world.hard_link("outside", "target/first");
  };
  run.copy();
  EXPECT_EQ(world.status("outside").st_nlink, 2u) << "the precious file has got another name";
  EXPECT_THAT(run.failures(), ElementsAre("hard_link directory/second"));
}

TEST(SwappedTarget, TheWayToTheFirstNameIsNotFollowedThroughLinks) {
  TempTree world;
  world.file("outside/first", "precious");
  world.file("source/a/first", "text");
  world.hard_link("source/a/first", "source/b/second");
  TestRun run(world);
  std::string other;  // the one of the two that comes second
  run.before = [&](const std::string& path) {
    if (path != "a/first" && path != "b/second") return;
    if (other.empty()) {
      other = path == "a/first" ? "b/second" : "a/first";
      return;
    }
    const std::string done = path == "a/first" ? "b" : "a";
    world.rename("target/" + done, "moved");
    world.rename("outside/first", path == "a/first" ? "outside/second" : "outside/first");
    world.symlink("target/" + done, "../outside");
  };
  run.copy();
  const std::string name = other == "b/second" ? "outside/first" : "outside/second";
  EXPECT_EQ(world.status(name).st_nlink, 1u);
  EXPECT_THAT(run.failures(), ElementsAre("hard_link " + other));
}

// ---- Changed while it is read

/// Once the file has been looked at, and before it is read; only the first time.
void change_once(TestRun& run, std::function<void()> change) {
  run.looked = [change = std::move(change), done = std::make_shared<std::atomic<bool>>(false)] {
    if (!done->exchange(true)) change();
  };
}

class Changing : public ::testing::TestWithParam<std::size_t> {
 protected:
  Changing() { world_.file("source/file", random_bytes(GetParam(), 3)); }
  void expect_equal(unsigned retries) {
    EXPECT_THAT(run_.failures(), IsEmpty());
    EXPECT_EQ(run_.counters.retries, retries);
    EXPECT_EQ(world_.read("target/file"), world_.read("source/file"));
    EXPECT_EQ(world_.status("target/file").st_mtim.tv_nsec, world_.status("source/file").st_mtim.tv_nsec);
    EXPECT_EQ(world_.status("target/file").st_size, world_.status("source/file").st_size);
    EXPECT_THAT(world_.names("target"), ElementsAre("file"));
  }
  TempTree world_;
  TestRun run_{world_};
};
INSTANTIATE_TEST_SUITE_P(Sizes, Changing, ::testing::Values(1000, 300'000, 3'000'000));

TEST_P(Changing, OnceIsReadAgain) {
  change_once(run_, [&] { world_.overwrite("source/file", GetParam() / 2, "changed"); });
  run_.copy();
  expect_equal(1);
}

TEST_P(Changing, AFileThatGrowsOnceIsReadAgainToItsEnd) {
  change_once(run_, [&] { world_.overwrite("source/file", GetParam(), random_bytes(5000, 4)); });
  run_.copy();
  expect_equal(1);
}

TEST_P(Changing, AFileThatShrinksIsReadAgain) {
  change_once(run_, [&] { ASSERT_EQ(::truncate(world_.at("source/file").c_str(), static_cast<off_t>(GetParam() / 3)), 0); });
  run_.copy();
  expect_equal(1);
}

TEST_P(Changing, ADifferentModeIsNoticedToo) {
  change_once(run_, [&] { world_.chmod("source/file", 0600); });
  run_.copy();
  expect_equal(1);
  EXPECT_EQ(world_.mode("target/file"), 0600u);
}

TEST_P(Changing, ALinkMadeMeanwhileDoesNoHarm) {
  change_once(run_, [&] { world_.hard_link("source/file", "elsewhere"); });
  run_.copy();
  expect_equal(1);
}

TEST(ChangingLinks, ALinkRemovedMeanwhileStillLinksTheOthersAndEndsTheirDirectories) {
  TempTree world;
  world.file("source/a/first", random_bytes(3'000'000, 3));
  world.hard_link("source/a/first", "source/b/second");
  world.hard_link("source/a/first", "source/b/third");
  world.chmod("source/b", 0751);
  TestRun run(world);
  change_once(run, [&] { world.remove("source/b/third"); });
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_EQ(world.status("target/a/first").st_ino, world.status("target/b/second").st_ino);
  EXPECT_EQ(world.mode("target/b"), 0751u);
}

// ---- Changed each time it is read

/// Calls `change` whenever somebody reads the file, before the read is allowed to go on: fanotify(7), FAN_ACCESS_PERM.
/// To be gone before the test itself reads it.
class OnEachRead {
 public:
  OnEachRead(const std::string& path, std::function<void()> change) : change_(std::move(change)) {
    group_ = ::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_LARGEFILE | O_CLOEXEC);
    if (group_ < 0 || ::fanotify_mark(group_, FAN_MARK_ADD, FAN_ACCESS_PERM, AT_FDCWD, path.c_str()) != 0) {
      problem_ = std::string("fanotify with permission events is not to be had here: ") + std::strerror(errno);
      return;
    }
    stop_ = ::eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { serve(); });
  }
  ~OnEachRead() {
    if (thread_.joinable()) {
      const std::uint64_t one = 1;
      EXPECT_EQ(::write(stop_, &one, sizeof one), ssize_t{sizeof one});
      thread_.join();
      ::close(stop_);
    }
    if (group_ >= 0) ::close(group_);
  }
  const std::string& problem() const { return problem_; }

 private:
  void serve() {
    while (true) {
      pollfd waiting[2] = {{stop_, POLLIN, 0}, {group_, POLLIN, 0}};
      ::poll(waiting, 2, -1);
      if (waiting[0].revents != 0) return;
      alignas(fanotify_event_metadata) char buffer[4096];
      ssize_t length = ::read(group_, buffer, sizeof buffer);
      for (auto* event = reinterpret_cast<fanotify_event_metadata*>(buffer); FAN_EVENT_OK(event, length);
           event = FAN_EVENT_NEXT(event, length)) {
        change_();
        const fanotify_response answer{.fd = event->fd, .response = FAN_ALLOW};
        EXPECT_EQ(::write(group_, &answer, sizeof answer), ssize_t{sizeof answer});
        ::close(event->fd);
      }
    }
  }

  std::function<void()> change_;
  std::string problem_;
  int group_ = -1;
  int stop_ = -1;
  std::thread thread_;
};

TEST(AlwaysChanging, AFileIsToldAndItsOldVersionStays) {
  for (const std::size_t size : {1000u, 3'000'000u}) {
    TempTree world;
    world.file("source/file", random_bytes(size, 5));
    world.file("target/file", "old");
    TestRun run(world);
    const int fd = ::open(world.at("source/file").c_str(), O_WRONLY | O_CLOEXEC);
    char byte = 'a';
    std::optional<OnEachRead> writer(std::in_place, world.at("source/file"), [&] { EXPECT_EQ(::pwrite(fd, &++byte, 1, 0), 1); });
    if (!writer->problem().empty()) GTEST_SKIP() << writer->problem();
    run.copy();
    writer.reset();
    ::close(fd);
    EXPECT_THAT(run.failures(), ElementsAre("changed_while_read file")) << size;
    EXPECT_EQ(run.counters.retries, 2u) << "three readings in all";
    EXPECT_EQ(world.read("target/file"), "old");
    EXPECT_THAT(world.names("target"), ElementsAre("file"));
  }
}

TEST(AlwaysChanging, ALogThatOnlyGrowsIsStoredAsFarAsItWentAndTold) {
  TempTree world;
  world.file("source/log", "start\n");
  TestRun run(world);
  const int fd = ::open(world.at("source/log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  std::optional<OnEachRead> writer(std::in_place, world.at("source/log"), [&] { EXPECT_EQ(::write(fd, "line\n", 5), 5); });
  if (!writer->problem().empty()) GTEST_SKIP() << writer->problem();
  run.copy();
  writer.reset();
  ::close(fd);
  EXPECT_THAT(run.failures(), ElementsAre("changed_while_read log"));
  const std::string stored = world.read("target/log");
  EXPECT_THAT(stored, ::testing::StartsWith("start\n"));
  EXPECT_THAT(world.read("source/log"), ::testing::StartsWith(stored));
}

TEST(AlwaysChanging, ALargeFileThatIsSplitEndsToo) {
  TempTree world;
  world.file("source/file", random_bytes(40'000'000, 6));
  TestRun run(world, archive(), 2);
  const int fd = ::open(world.at("source/file").c_str(), O_WRONLY | O_CLOEXEC);
  char byte = 'a';
  std::optional<OnEachRead> writer(std::in_place, world.at("source/file"), [&] {
    // Were it to go on for ever this lets it end, and the count tells.
    if (run.retries_so_far() < 20) {
      EXPECT_EQ(::pwrite(fd, &++byte, 1, 0), 1);
    }
  });
  if (!writer->problem().empty()) GTEST_SKIP() << writer->problem();
  run.copy();
  writer.reset();
  ::close(fd);
  EXPECT_EQ(run.counters.retries, 2u) << "three readings in all";
  EXPECT_THAT(run.failures(), ElementsAre("changed_while_read file"));
  EXPECT_THAT(world.names("target"), IsEmpty());
}

TEST(AlwaysChanging, ALargeFileThatIsCutWhileItsPiecesAreReadIsReadAgain) {
  TempTree world;
  world.file("source/file", random_bytes(40'000'000, 6));
  TestRun run(world, archive(), 2);
  std::atomic<bool> cut{false};
  std::optional<OnEachRead> writer(std::in_place, world.at("source/file"), [&] {
    if (!cut.exchange(true)) {
      EXPECT_EQ(::truncate(world.at("source/file").c_str(), 20'000'000), 0);
    }
  });
  if (!writer->problem().empty()) GTEST_SKIP() << writer->problem();
  run.copy();
  writer.reset();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_EQ(run.counters.retries, 1u);
  EXPECT_EQ(world.read("target/file"), world.read("source/file"));
}

}  // namespace
}  // namespace foxing::copy
