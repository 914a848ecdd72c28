// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/walk/walk.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <map>
#include <mutex>
#include <set>

#include "sys/fault.h"
#include "sys/file.h"
#include "sys/process.h"
#include "testing/temp_tree.h"

#define FOXING_NEEDS_FAULTS() \
  if (!::foxing::sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)"

namespace foxing::walk {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempTree;
using ::testing::UnorderedElementsAre;

/// Remembers what it is told and checks the order that walk.h promises, for every directory.
class Recorder final : public Visitor {
 public:
  std::function<void(const std::string& path)> entering;
  std::function<void(const Hold&, const std::string& path)> visiting;
  std::function<Descend(const std::string& path)> decide;
  std::function<void(const Directory&)> leaving;

  std::vector<std::string> events() const { return sorted(events_); }
  std::vector<std::string> ordered() const { return events_; }
  std::vector<std::string> only(const std::string& what) const {
    std::vector<std::string> found;
    for (const std::string& event : events_) {
      if (event.starts_with(what + ' ')) found.push_back(event.substr(what.size() + 1));
    }
    return sorted(found);
  }
  int closed = 0;
  int reopened = 0;

  Descend enter(Directory& directory, WorkerIndex) override {
    const std::string path = directory.relative_path();
    {
      const std::lock_guard lock(mutex_);
      events_.push_back("enter " + path);
      state_[path] = State{};
      if (directory.parent() != nullptr) {
        EXPECT_FALSE(state_[directory.parent()->relative_path()].left) << path;
        ++state_[directory.parent()->relative_path()].open_children;
      }
    }
    if (entering) entering(path);
    const Descend answer = decide ? decide(path) : Descend::yes;
    if (answer == Descend::no && directory.parent() != nullptr) {
      const std::lock_guard lock(mutex_);
      --state_[directory.parent()->relative_path()].open_children;
    }
    return answer;
  }
  void visit(const Hold& directory, const Entry& entry, WorkerIndex) override {
    const std::string path = (directory->relative_path().empty() ? "" : directory->relative_path() + '/') + entry.name;
    {
      const std::lock_guard lock(mutex_);
      EXPECT_FALSE(state_[directory->relative_path()].left) << path << " is visited after its directory was left";
      events_.push_back("visit " + path);
      types_[path] = entry.type;
      follows_[path] = entry.links;
    }
    EXPECT_GE(directory->fd().number(), 0) << path;
    if (visiting) visiting(directory, path);
  }
  void leave(Directory& directory) override {
    const std::lock_guard lock(mutex_);
    if (leaving) leaving(directory);
    const std::string path = directory.relative_path();
    EXPECT_EQ(state_[path].open_children, 0) << path << " is left before what is in it";
    EXPECT_FALSE(state_[path].left) << path << " is left twice";
    state_[path].left = true;
    if (directory.fd().number() >= 0) {
      struct stat status{};
      EXPECT_EQ(::fstat(directory.fd().number(), &status), 0) << path;
      EXPECT_EQ(status.st_ino, directory.status().inode().value) << path << ": another directory was opened";
    } else {
      events_.push_back("closed " + path);
    }
    if (directory.parent() != nullptr) --state_[directory.parent()->relative_path()].open_children;
    events_.push_back("leave " + path);
    if (directory.incomplete()) events_.push_back("incomplete " + path);
  }
  void unreadable(Directory& directory, std::string_view name, Error error) override {
    const std::lock_guard lock(mutex_);
    events_.push_back("unreadable " + directory.relative_path() + (name.empty() ? "" : "/" + std::string(name)) + ' ' +
                      errno_name(error.code));
  }
  void vanished(Directory&, std::string_view name) override {
    const std::lock_guard lock(mutex_);
    events_.push_back("vanished " + std::string(name));
  }
  void close_descriptors(Directory&) override {
    const std::lock_guard lock(mutex_);
    ++closed;
  }
  Result<> reopen_descriptors(Directory&, Directory*) override {
    const std::lock_guard lock(mutex_);
    ++reopened;
    return {};
  }
  /// As if new; what it is to do stays.
  void forget() {
    events_.clear();
    state_.clear();
    closed = reopened = 0;
  }
  sys::FileType type(const std::string& path) { return types_[path]; }
  sys::Links links(const std::string& path) { return follows_[path]; }

 private:
  struct State {
    int open_children = 0;
    bool left = false;
  };
  static std::vector<std::string> sorted(std::vector<std::string> list) {
    std::ranges::sort(list);
    return list;
  }
  mutable std::mutex mutex_;
  std::vector<std::string> events_;
  std::map<std::string, State> state_;
  std::map<std::string, sys::FileType> types_;
  std::map<std::string, sys::Links> follows_;
};

class Walking : public ::testing::Test {
 protected:
  ~Walking() override { sys::forget_stop_request(); }
  void walk(Walk::Options options = {}, const std::string& faults = {}) {
    Walk walk(seen_, options);
    auto fd = sys::open_at(sys::working_directory(), world_.at("root"), {.directory = true});
    ASSERT_TRUE(fd);
    const auto status = sys::status_of(*fd);
    walk.add_root(std::move(*fd), *status, world_.at("root"), nullptr);
    std::optional<sys::FaultPlan> planned;
    if (!faults.empty()) planned.emplace(faults);
    walk.run();
  }
  TempTree world_;
  Recorder seen_;
};

TEST_F(Walking, AnEmptyDirectoryIsEnteredAndLeft) {
  world_.dir("root");
  walk();
  EXPECT_THAT(seen_.ordered(), ElementsAre("enter ", "leave "));
}

TEST_F(Walking, EverythingOnceInItsOrder) {
  world_.file("root/file", "");
  world_.file("root/a/file", "");
  world_.file("root/a/deep/file", "");
  world_.symlink("root/link", "a");
  world_.fifo("root/fifo");
  for (const unsigned workers : {1u, 2u, 4u}) {
    seen_.forget();
    walk({.workers = workers});
    EXPECT_THAT(seen_.events(),
                UnorderedElementsAre("enter ", "enter a", "enter a/deep", "visit file", "visit a/file", "visit a/deep/file",
                                     "visit link", "visit fifo", "leave ", "leave a", "leave a/deep"));
    EXPECT_EQ(seen_.ordered().back(), "leave ");
    EXPECT_EQ(seen_.type("file"), sys::FileType::regular);
    EXPECT_EQ(seen_.type("link"), sys::FileType::symlink);
    EXPECT_EQ(seen_.type("fifo"), sys::FileType::fifo);
  }
}

TEST_F(Walking, FilesOfADirectoryComeBeforeItsSubdirectories) {
  world_.file("root/a/x", "");
  world_.file("root/z", "");
  walk();
  EXPECT_THAT(seen_.ordered(), ElementsAre("enter ", "visit z", "enter a", "visit a/x", "leave a", "leave "));
}

/// More names than one piece of the directory holds, with subdirectories among them.
TEST_F(Walking, AHugeDirectoryIsReadInPieces) {
  constexpr int kFiles = 3000;
  constexpr int kDirectories = 150;
  world_.dir("root");
  const std::string pad(100, 'n');  // a piece holds about five hundred
  for (int i = 0; i < kFiles; ++i) world_.file("root/" + pad + std::to_string(i), "");
  for (int i = 0; i < kDirectories; ++i) world_.file("root/d" + std::to_string(i) + "/file", "");
  for (const unsigned workers : {1u, 4u}) {
    seen_.forget();
    walk({.workers = workers});
    EXPECT_EQ(seen_.only("visit").size(), std::size_t{kFiles + kDirectories});
    EXPECT_EQ(seen_.only("enter").size(), std::size_t{kDirectories + 1});
    EXPECT_EQ(seen_.only("leave").size(), std::size_t{kDirectories + 1});
    const auto visited = seen_.only("visit");
    EXPECT_EQ(std::set<std::string>(visited.begin(), visited.end()).size(), visited.size()) << "something came twice";
  }
}

TEST_F(Walking, WhatIsNotEnteredIsNeitherReadNorLeft) {
  world_.file("root/no/file", "");
  world_.file("root/yes/file", "");
  seen_.decide = [](const std::string& path) { return path == "no" ? Visitor::Descend::no : Visitor::Descend::yes; };
  walk();
  EXPECT_THAT(seen_.only("visit"), ElementsAre("yes/file"));
  EXPECT_THAT(seen_.only("leave"), ElementsAre("", "yes"));
}

TEST_F(Walking, AHoldKeepsTheDirectoryFromBeingLeft) {
  world_.file("root/a/file", "");
  std::optional<Hold> held;
  bool left_early = false;
  {
    Walk walk(seen_, {.workers = 2}, [&](WorkerIndex) {
      left_early = !seen_.only("leave").empty();
      held.reset();
    });
    auto fd = sys::open_at(sys::working_directory(), world_.at("root"), {.directory = true});
    const auto status = sys::status_of(*fd);
    walk.add_root(std::move(*fd), *status, "root", nullptr);
    seen_.visiting = [&](const Hold& directory, const std::string&) { held = directory; };
    walk.run();
  }
  EXPECT_FALSE(left_early);
  EXPECT_THAT(seen_.only("leave"), ElementsAre("", "a"));
}

TEST_F(Walking, PathsForMessages) {
  world_.file("root/a/b/file", "");
  std::vector<std::string> paths;
  seen_.visiting = [&](const Hold& directory, const std::string&) {
    paths.push_back(directory->path());
    paths.push_back(directory->path_of("x"));
    paths.push_back(directory->relative_path());
    EXPECT_EQ(directory->depth(), 2u);
  };
  walk();
  EXPECT_THAT(paths, ElementsAre(world_.at("root/a/b"), world_.at("root/a/b/x"), "a/b"));
}

// ---- Places: single names

TEST_F(Walking, APlaceIsNeitherEnteredNorLeftAndItsNamesAreWalked) {
  world_.file("root/file", "");
  world_.file("root/tree/inside", "");
  world_.file("root/other", "");
  Walk walk(seen_, {});
  {
    auto fd = sys::open_at(sys::working_directory(), world_.at("root"), {.directory = true});
    const Hold place = walk.add_place(std::move(*fd), "shown", nullptr);
    walk.add_entry(place, "file", sys::FileType::regular, sys::Links::keep);
    walk.add_entry(place, "tree", sys::FileType::directory, sys::Links::keep);
  }
  walk.run();
  EXPECT_THAT(seen_.events(), UnorderedElementsAre("visit file", "enter tree", "visit tree/inside", "leave tree"));
}

// ---- Links

class Links : public Walking {
 protected:
  Links() {
    world_.file("root/file", "");
    world_.file("outside/inside", "");
    world_.symlink("root/to-directory", "../outside");
    world_.symlink("root/to-file", "file");
    world_.symlink("root/dangling", "nowhere");
  }
};

TEST_F(Links, AreNotFollowed) {
  walk();
  EXPECT_THAT(seen_.only("visit"), ElementsAre("dangling", "file", "to-directory", "to-file"));
  EXPECT_THAT(seen_.only("enter"), ElementsAre(""));
  EXPECT_EQ(seen_.type("to-directory"), sys::FileType::symlink);
}

TEST_F(Links, ToDirectoriesAreFollowedWhereAskedFor) {
  walk({.follow = Walk::Follow::directories});
  EXPECT_THAT(seen_.only("visit"), ElementsAre("dangling", "file", "to-directory/inside", "to-file"));
  EXPECT_EQ(seen_.type("to-file"), sys::FileType::symlink);
  EXPECT_EQ(seen_.links("to-file"), sys::Links::keep);
}

TEST_F(Links, AllAreFollowedWhereAskedForAndDanglingOnesAreTold) {
  walk({.follow = Walk::Follow::all});
  EXPECT_THAT(seen_.only("visit"), ElementsAre("file", "to-directory/inside", "to-file"));
  EXPECT_EQ(seen_.type("to-file"), sys::FileType::regular);
  EXPECT_EQ(seen_.links("to-file"), sys::Links::follow);
  EXPECT_THAT(seen_.only("unreadable"), ElementsAre("/dangling ENOENT"));
}

TEST_F(Links, ThatLeadToADirectoryAboveEndThere) {
  world_.symlink("root/a/b/up", "../..");
  world_.symlink("root/a/self", ".");
  walk({.follow = Walk::Follow::all});
  EXPECT_THAT(seen_.only("unreadable"), ElementsAre("/dangling ENOENT", "a/b/up ELOOP", "a/self ELOOP"));
}

// ---- Errors

TEST_F(Walking, ADirectoryThatCannotBeOpenedIsToldAndItsParentIsIncomplete) {
  FOXING_NEEDS_FAULTS();
  world_.file("root/a/file", "");
  world_.file("root/b/file", "");
  walk({}, "openat:1:EACCES");
  EXPECT_EQ(seen_.only("unreadable").size(), 1u);
  EXPECT_THAT(seen_.only("unreadable")[0], ::testing::EndsWith("EACCES"));
  EXPECT_EQ(seen_.only("visit").size(), 1u) << "the other one is walked";
  EXPECT_THAT(seen_.only("incomplete"), ElementsAre(""));
}

TEST_F(Walking, ADirectoryThatCannotBeReadToItsEndIsIncomplete) {
  FOXING_NEEDS_FAULTS();
  world_.file("root/a/file", "");
  walk({}, "getdents64:3:EIO");  // the first two are the root's
  EXPECT_THAT(seen_.only("unreadable"), ElementsAre("a EIO"));
  EXPECT_THAT(seen_.only("incomplete"), ElementsAre("a"));
  EXPECT_THAT(seen_.only("leave"), ElementsAre("", "a")) << "who keeps something with it must get it back";
}

TEST_F(Walking, EveryErrorOfReadingIsToldAndNothingIsSilentlyMissing) {
  FOXING_NEEDS_FAULTS();
  for (int i = 0; i < 5; ++i) world_.file("root/d" + std::to_string(i) + "/file", "");
  for (const char* call : {"getdents64", "openat", "fstat"}) {
    int errors = 0;
    for (int n = 1; n <= 20; ++n) {
      SCOPED_TRACE(std::string(call) + ' ' + std::to_string(n));
      seen_.forget();
      walk({}, std::string(call) + ':' + std::to_string(n) + ":EIO");
      const bool told = !seen_.only("unreadable").empty();
      EXPECT_EQ(told, !seen_.only("incomplete").empty());
      if (!told) {
        EXPECT_EQ(seen_.only("visit").size(), 5u);
      }
      errors += told;
    }
    EXPECT_GE(errors, 5) << call;
  }
}

TEST_F(Walking, ADirectoryThatIsGoneIsVanishedAndNotAnError) {
  world_.file("root/a/file", "");
  world_.file("root/z", "");
  seen_.visiting = [&](const Hold&, const std::string& path) {
    if (path == "z") world_.remove("root/a");
  };
  walk();
  EXPECT_THAT(seen_.only("vanished"), ElementsAre("a"));
  EXPECT_THAT(seen_.only("unreadable"), IsEmpty());
  EXPECT_THAT(seen_.only("incomplete"), IsEmpty());
}

TEST_F(Walking, ADirectoryThatHasBecomeALinkIsVisitedAsThat) {
  world_.file("outside/secret", "");
  world_.file("root/a/file", "");
  world_.file("root/z", "");
  seen_.visiting = [&](const Hold&, const std::string& path) {
    if (path != "z") return;
    world_.remove("root/a");
    world_.symlink("root/a", "../outside");
  };
  walk();
  EXPECT_THAT(seen_.only("visit"), ElementsAre("a", "z"));
  EXPECT_EQ(seen_.type("a"), sys::FileType::symlink);
}

TEST_F(Walking, AStopLeavesEveryDirectoryIncomplete) {
  for (int i = 0; i < 20; ++i) world_.file("root/d" + std::to_string(i) + "/file", "");
  world_.file("root/z", "");
  seen_.visiting = [&](const Hold&, const std::string&) { sys::request_stop(); };
  walk();
  EXPECT_THAT(seen_.only("visit"), ElementsAre("z"));
  EXPECT_THAT(seen_.only("leave"), ElementsAre(""));
  EXPECT_THAT(seen_.only("incomplete"), ElementsAre(""));
}

// ---- Descriptors

std::uint64_t open_descriptors() {
  return static_cast<std::uint64_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

TEST_F(Walking, ADeepTreeNeedsFewDescriptorsAndLeavesEveryDirectoryWithItsOwn) {
  constexpr int kDepth = 300;
  std::string path = "root";
  for (int i = 0; i < kDepth; ++i) path += "/d";
  world_.file(path + "/file", "");
  for (const unsigned workers : {1u, 3u}) {
    seen_.forget();
    const std::uint64_t before = open_descriptors();
    std::uint64_t most = 0;
    seen_.entering = [&](const std::string& entered) {
      if (entered.size() > 400) most = std::max(most, open_descriptors());
    };
    walk({.workers = workers, .descriptor_limit = 64});
    EXPECT_EQ(seen_.only("leave").size(), std::size_t{kDepth + 1});
    EXPECT_THAT(seen_.only("unreadable"), IsEmpty());
    EXPECT_THAT(seen_.only("closed"), IsEmpty());
    EXPECT_GT(seen_.closed, kDepth / 2);
    EXPECT_EQ(seen_.closed, seen_.reopened);
    EXPECT_LT(most, before + 64);
    EXPECT_EQ(open_descriptors(), before);
  }
}

TEST_F(Walking, AWideAndDeepTreeWithFewDescriptorsIsWalkedWhole) {
  std::mt19937 random(99);
  SCOPED_TRACE("seed 99");
  std::vector<std::string> directories{"root"};
  world_.dir("root");
  for (int i = 0; i < 400; ++i) {
    // Half of them below the newest: chains as well as bushes.
    const std::string& above = random() % 2 ? directories.back() : directories[random() % directories.size()];
    directories.push_back(above + "/" + std::to_string(i));
    world_.file(directories.back() + "/file", "");
  }
  for (const unsigned workers : {1u, 2u, 4u}) {
    seen_.forget();
    walk({.workers = workers, .descriptor_limit = 40});
    EXPECT_EQ(seen_.only("leave").size(), 401u);
    EXPECT_EQ(seen_.only("visit").size(), 400u);
    EXPECT_THAT(seen_.only("unreadable"), IsEmpty());
    EXPECT_THAT(seen_.only("closed"), IsEmpty());
    EXPECT_GT(seen_.reopened, 0);
  }
}

// ---- Names that are known, and windows of them

/// Knows the names in each directory, window by window, and where the next window goes on.
class Windows final : public Selector {
 public:
  struct Window {
    std::map<std::string, std::vector<std::string_view>> names;
    std::set<std::string> goes_on = {};
  };
  explicit Windows(std::vector<Window> windows) : windows_(std::move(windows)) {}
  bool next() { return ++at_ < windows_.size(); }

  Result<std::shared_ptr<const void>> enter(const Directory&) override { return std::shared_ptr<const void>(); }
  bool selects(const Directory&, std::string_view name, bool) const override { return name != "no"; }
  bool guards(const Directory&, std::string_view, bool) const override { return false; }
  std::optional<std::vector<std::string_view>> names_in(const Directory& directory) override {
    const auto& names = windows_[at_].names;
    const auto found = names.find(directory.relative_path());
    return found == names.end() ? std::nullopt : std::optional(found->second);
  }
  bool goes_on_in(const Directory& directory) const override { return windows_[at_].goes_on.contains(directory.relative_path()); }

 private:
  const std::vector<Window> windows_;
  std::size_t at_ = 0;
};

class WalkingByNames : public Walking {
 protected:
  void walk_windows(Windows windows, unsigned workers) {
    Walk walk(seen_, {.workers = workers, .selector = &windows, .by_windows = true});
    auto fd = sys::open_at(sys::working_directory(), world_.at("root"), {.directory = true});
    ASSERT_TRUE(fd);
    const auto status = sys::status_of(*fd);
    walk.add_root(std::move(*fd), *status, world_.at("root"), nullptr);
    walk.run();
    while (windows.next()) walk.go_on();
    walk.end();
  }
};

TEST_F(WalkingByNames, KnownNamesAreLookedForAndNothingElseIsRead) {
  for (const char* path : {"a/x", "a/y", "a/whole/1", "a/whole/2", "b/x", "no", "c"})
    world_.file(std::string("root/") + path, "");
  Windows names({{{{"", {"a", "c", "no", "missing"}}, {"a", {"x", "whole", std::string_view("gone")}}}}});
  walk({.workers = 2, .selector = &names});
  EXPECT_THAT(seen_.events(), UnorderedElementsAre("enter ", "enter a", "enter a/whole", "visit c", "visit a/x",
                                                   "visit a/whole/1", "visit a/whole/2", "leave a/whole", "leave a", "leave "));
}

TEST_F(WalkingByNames, MoreNamesThanOnePieceWithDirectoriesAmongThem) {
  std::vector<std::string> all;
  for (int i = 0; i < 3000; ++i) {
    all.push_back(std::to_string(i));
    world_.file("root/" + all.back() + (i % 100 == 7 ? "/in" : ""), "");
  }
  for (const unsigned workers : {1u, 3u}) {
    seen_.forget();
    Windows names({{{{"", {all.begin(), all.end()}}}}});
    walk({.workers = workers, .selector = &names});
    EXPECT_EQ(seen_.only("visit").size(), 3000u);
    EXPECT_EQ(seen_.only("leave").size(), 31u);
    EXPECT_EQ(seen_.ordered().back(), "leave ");
  }
}

TEST_F(WalkingByNames, DirectoriesThatGoOnAreEnteredAndLeftOnce) {
  for (const char* path : {"a/1", "a/2", "a/deep/3", "a/deep/4", "b/5"}) world_.file(std::string("root/") + path, "");
  const std::vector<Windows::Window> windows = {{{{"", {"a"}}, {"a", {"1"}}}, {"", "a"}},
                                                {{{"", {"a"}}, {"a", {"2", "deep"}}, {"a/deep", {"3"}}}, {"", "a", "a/deep"}},
                                                {{{"", {"a", "b"}}, {"a", {"deep"}}, {"a/deep", {"4"}}, {"b", {"5"}}}, {}}};
  for (const unsigned workers : {1u, 3u}) {
    seen_.forget();
    const std::uint64_t before = open_descriptors();
    walk_windows(Windows(windows), workers);
    EXPECT_THAT(seen_.events(),
                UnorderedElementsAre("enter ", "enter a", "enter a/deep", "enter b", "visit a/1", "visit a/2", "visit a/deep/3",
                                     "visit a/deep/4", "visit b/5", "leave a/deep", "leave a", "leave b", "leave "));
    EXPECT_EQ(seen_.ordered().back(), "leave ");
    EXPECT_EQ(open_descriptors(), before);
  }
}

TEST_F(WalkingByNames, WhatIsLeftAndComesAgainIsKnownToHaveBeenThere) {
  for (const char* path : {"a/1", "b/2"}) world_.file(std::string("root/") + path, "");
  std::vector<std::string> again;
  seen_.leaving = [&](const Directory& directory) {
    if (directory.again()) again.push_back(directory.relative_path());
  };
  walk_windows(Windows({{{{"", {"a", "b"}}, {"a", {"1"}}, {"b", {}}}, {""}}, {{{"", {"b"}}, {"b", {"2"}}}, {}}}), 1);
  EXPECT_THAT(again, ElementsAre("b"));
  EXPECT_THAT(seen_.only("visit"), ElementsAre("a/1", "b/2"));
}

TEST_F(WalkingByNames, AStopBetweenWindowsLeavesWhatWasKept) {
  world_.file("root/a/1", "");
  seen_.visiting = [](const Hold&, const std::string&) { sys::request_stop(); };
  walk_windows(Windows({{{{"", {"a"}}, {"a", {"1"}}}, {"", "a"}}, {{{"", {"a"}}, {"a", {"1"}}}, {"", "a"}}}), 1);
  EXPECT_THAT(seen_.only("leave"), ElementsAre("", "a"));
  EXPECT_THAT(seen_.only("visit"), ElementsAre("a/1"));
}

/// A chain of forty directories; most of them have closed their descriptors when its end is visited.
class Moving : public Walking {
 protected:
  static std::string chain(int length) {
    std::string path = "root";
    for (int i = 0; i < length; ++i) path += "/d";
    return path;
  }
  Moving() {
    world_.file(chain(40) + "/file", "");
    world_.dir("decoy/first");
    world_.dir("decoy/second");
  }
};

TEST_F(Moving, ADirectoryThatGoesElsewhereIsStillLeftAsItself) {
  // What is above it is no longer its "..": that is opened from the root instead.
  seen_.visiting = [&](const Hold&, const std::string&) { world_.rename(chain(20), "decoy/first/d"); };
  walk({.descriptor_limit = 8});
  EXPECT_EQ(seen_.only("leave").size(), 41u);
  EXPECT_THAT(seen_.only("closed"), IsEmpty());
  EXPECT_THAT(seen_.only("unreadable"), IsEmpty());
}

TEST_F(Moving, WhatCannotBeOpenedAgainIsToldAndNoOtherIsTakenForIt) {
  seen_.visiting = [&](const Hold&, const std::string&) {
    world_.rename(chain(20), "decoy/first/d");
    world_.rename(chain(10), "decoy/second/d");  // neither from below nor from above
    world_.dir(chain(19));                       // others of the same names
  };
  walk({.descriptor_limit = 8});
  EXPECT_EQ(seen_.only("leave").size(), 41u);
  EXPECT_EQ(seen_.only("closed").size(), 10u);
  std::vector<std::string> told;
  for (const std::string& one : seen_.only("unreadable")) told.push_back(one.substr(0, one.rfind(' ')));
  EXPECT_EQ(told, seen_.only("closed"));
}

// ---- Attachments

TEST_F(Walking, AnAttachmentLivesUntilItsDirectoryIsLeft) {
  struct Counting final : Attachment {
    explicit Counting(std::atomic<int>& all) : alive(all) { ++alive; }
    ~Counting() override { --alive; }
    std::atomic<int>& alive;
  };
  std::atomic<int> alive{0};
  world_.file("root/file", "");
  Walk walk(seen_, {});
  auto fd = sys::open_at(sys::working_directory(), world_.at("root"), {.directory = true});
  const auto status = sys::status_of(*fd);
  walk.add_root(std::move(*fd), *status, "root", std::make_unique<Counting>(alive));
  seen_.visiting = [&](const Hold& directory, const std::string&) {
    EXPECT_EQ(alive, 1);
    EXPECT_NE(directory->attachment(), nullptr);
  };
  walk.run();
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace foxing::walk
