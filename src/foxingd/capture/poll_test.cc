// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/poll.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "foxingd/capture/choose.h"
#include "sys/fault.h"
#include "sys/file.h"
#include "testing/temp_tree.h"

namespace foxing::capture {
namespace {

using testing::TempTree;
using Kind = Event::Kind;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

sys::FileStatus status(std::uint64_t inode, mode_t mode = S_IFREG | 0644, long changed = 100) {
  sys::FileStatus status;
  status.raw.st_ino = inode;
  status.raw.st_mode = mode;
  status.raw.st_ctim = {.tv_sec = changed, .tv_nsec = 0};
  return status;
}

DirectoryDigest digest(std::initializer_list<std::pair<const char*, sys::FileStatus>> names) {
  DirectoryDigest digest;
  for (const auto& [name, status] : names) digest.add(name, status);
  return digest;
}

TEST(DirectoryDigests, DoNotDependOnTheOrderOfNames) {
  EXPECT_FALSE(digest({{"a", status(1)}, {"b", status(2)}}).from(digest({{"b", status(2)}, {"a", status(1)}})).any());
}

TEST(DirectoryDigests, TellNamesFromWhatIsUnderThem) {
  const DirectoryDigest before = digest({{"a", status(1)}, {"b", status(2)}, {"d", status(3, S_IFDIR | 0755)}});
  const auto touched =
      digest({{"a", status(1, S_IFREG | 0644, 101)}, {"b", status(2)}, {"d", status(3, S_IFDIR | 0755)}}).from(before);
  EXPECT_FALSE(touched.names);
  EXPECT_TRUE(touched.parts[DirectoryDigest::part_of("a")]);
  EXPECT_EQ(touched.parts.count(), 1u);
  EXPECT_TRUE(digest({{"a", status(1)}, {"d", status(3, S_IFDIR | 0755)}}).from(before).names) << "one is gone";
  EXPECT_TRUE(digest({{"a", status(2)}, {"b", status(1)}, {"d", status(3, S_IFDIR | 0755)}}).from(before).names) << "exchanged";
  EXPECT_FALSE(digest({{"a", status(1)}, {"b", status(2)}, {"d", status(3, S_IFDIR | 0700, 200)}}).from(before).any())
      << "a directory tells of itself";
  DirectoryDigest itself = before;
  itself.itself(status(9, S_IFDIR | 0755));
  EXPECT_TRUE(itself.from(before).itself);
}

class Polled : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.file("f", "1");
    world_.file("d/g", "1");
  }
  void start() {
    root_ = std::move(*sys::open_at(sys::working_directory(), world_.path(), {.directory = true}));
    if (!sys::handle_of(root_)) GTEST_SKIP() << "this filesystem has no file handles";
    auto started = Poll::start(root_, std::chrono::hours(1));
    ASSERT_TRUE(started) << started.error().message();
    source_ = std::move(*started);
  }
  sys::FileHandle handle(const char* name) const { return *sys::handle_at(root_, name); }
  /// Of one whole look.  What is young is told each time.
  std::vector<Event> looked() {
    source_->look_now();
    std::vector<Event> events;
    while (!*source_->poll(events, 1)) {
    }
    return events;
  }
  std::vector<std::string> insides() {
    std::vector<std::string> paths;
    for (const Event& event : looked())
      if (event.kind == Kind::inside) paths.push_back(event.directory == *sys::handle_of(root_) ? "." : "other");
    return paths;
  }

  TempTree world_;
  sys::UniqueFd root_;
  std::unique_ptr<EventSource> source_;
};

TEST_F(Polled, NothingIsToldBeforeItIsTime) {
  start();
  world_.file("new", "1");
  std::vector<Event> events;
  EXPECT_TRUE(*source_->poll(events, 100));
  EXPECT_THAT(events, IsEmpty());
  EXPECT_THAT(insides(), ElementsAre("."));
  EXPECT_THAT(insides(), IsEmpty()) << "told once";
}

TEST_F(Polled, ADescriptorSaysThatThereIsMoreToLookAt) {
  start();
  source_->look_now();
  std::vector<Event> events;
  world_.file("d/new", "1");
  const std::array files{source_->descriptor()};
  for (bool all = false; !all;) {
    EXPECT_TRUE(*sys::wait_any(files, std::chrono::milliseconds(0)));
    all = *source_->poll(events, 1);
  }
  EXPECT_FALSE(*sys::wait_any(files, std::chrono::milliseconds(0)));
}

TEST_F(Polled, WhoAsksDuringALookGetsAnotherOne) {
  for (int i = 0; i < 8; ++i) world_.file("d" + std::to_string(i) + "/x", "1");
  start();
  for (int i = 0; i < 8; ++i) world_.file("d" + std::to_string(i) + "/new", "1");
  source_->look_now();
  std::vector<Event> events;
  ASSERT_FALSE(*source_->poll(events, 1));  // the root, and perhaps one more, have been looked at
  world_.file("late", "1");
  source_->look_now();
  while (!*source_->poll(events, 1)) {
  }
  const auto is_root = [&](const Event& event) {
    return event.kind == Kind::inside && event.directory == *sys::handle_of(root_);
  };
  EXPECT_TRUE(std::ranges::any_of(events, is_root));
}

TEST_F(Polled, AChangedFileIsTold) {
  start();
  (void)looked();
  world_.overwrite("d/g", 0, "2");
  const auto events = looked();
  const auto is_it = [&](const Event& event) {
    return event.kind == Kind::name && event.directory == handle("d") && event.name == "g";
  };
  EXPECT_TRUE(std::ranges::any_of(events, is_it));
  EXPECT_TRUE(std::ranges::any_of(looked(), is_it)) << "its ctime is young: once more";
}

TEST_F(Polled, WhatWentIsTold) {
  start();
  world_.remove("f");
  EXPECT_THAT(insides(), ElementsAre("."));
  world_.rename("d", "e");
  EXPECT_THAT(insides(), ElementsAre(".")) << "what is in it is as it was";
}

TEST_F(Polled, AttributesOfADirectoryAreToldByItself) {
  start();
  world_.chmod("d", 0700);
  const auto events = looked();
  EXPECT_TRUE(std::ranges::any_of(
      events, [&](const Event& event) { return event.kind == Kind::itself && event.directory == handle("d"); }));
}

TEST_F(Polled, ADirectoryThatCannotBeReadIsToldOnce) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build plans no faults";
  start();
  (void)looked();
  const auto tells = [&](const std::vector<Event>& events) {
    return std::ranges::count_if(events, [&](const Event& event) { return event.kind == Kind::name && event.name == "d"; });
  };
  for (const int expected : {1, 0}) {
    const sys::FaultPlan plan("getdents64:3+:EIO");  // after the root's two
    EXPECT_EQ(tells(looked()), expected);
  }
}

TEST_F(Polled, ARootThatCannotBeReadIsAnError) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build plans no faults";
  start();
  source_->look_now();
  std::vector<Event> events;
  {
    const sys::FaultPlan plan("getdents64:1:EIO");
    EXPECT_EQ(source_->poll(events, 100).error().code, EIO);
  }
  EXPECT_TRUE(*source_->poll(events, 100)) << "and it rests before it looks again";
  EXPECT_THAT(looked(), Not(Contains(::testing::Field(&Event::kind, Kind::lost))));
}

TEST(Backends, AreChosenByTheirWords) {
  for (const char* word : {"auto", "bpf-ctime", "fanotify", "poll"}) EXPECT_TRUE(is_word(word)) << word;
  for (const char* word : {"replay", "inotify", ""}) EXPECT_FALSE(is_word(word)) << word;
}

}  // namespace
}  // namespace foxing::capture
