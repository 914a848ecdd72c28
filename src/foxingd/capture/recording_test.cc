// SPDX-License-Identifier: GPL-2.0-or-later
// Recordings: there and back, hostile ones, and told again.
#include "foxingd/capture/recording.h"

#include <gmock/gmock.h>

#include <array>

#include "foxingd/capture/replay.h"
#include "sys/file.h"
#include "testing/temp_tree.h"

namespace foxing::capture {
namespace {

using testing::TempTree;
using Kind = Event::Kind;
using std::chrono::microseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Recording sample() {
  return {.directories = {"", "a", "a/b\nc"},
          .events = {{.kind = Kind::name, .at = microseconds(1), .directory = 1, .name = "file"},
                     {.kind = Kind::itself, .at = microseconds(200), .directory = 0},
                     {.kind = Kind::inside, .at = microseconds(200), .directory = 2},
                     {.kind = Kind::renamed,
                      .at = microseconds(70'000),
                      .directory = 1,
                      .name = "old",
                      .to_directory = 2,
                      .to_name = "new"},
                     {.kind = Kind::lost, .at = microseconds(80'000'000)}},
          .left_out = 3};
}

std::string bytes_of(const Recording& recording) {
  std::string bytes;
  RecordingWriter writer(bytes);
  for (std::size_t i = 0; i < recording.directories.size(); ++i) writer.directory(i, recording.directories[i]);
  for (const RecordedEvent& event : recording.events) writer.event(event);
  writer.end(recording.left_out);
  return bytes;
}

std::string refusal(const std::string& bytes) {
  const auto parsed = parse_recording(bytes);
  return parsed ? "" : parsed.error().message();
}

TEST(Recordings, ComeBackAsTheyWere) {
  const auto parsed = parse_recording(bytes_of(sample()));
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, sample());
}

TEST(Recordings, ADirectoryIsWhereItWasSaidLast) {
  std::string bytes;
  RecordingWriter writer(bytes);
  writer.directory(0, "before");
  writer.event({.kind = Kind::name, .directory = 0, .name = "f"});
  writer.directory(0, "after");
  writer.end(0);
  EXPECT_EQ(parse_recording(bytes)->directories, std::vector<std::string>{"after"});
}

TEST(Recordings, CutShortAnywhereAreRefused) {
  const std::string whole = bytes_of(sample());
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
  EXPECT_THAT(refusal(whole + '\0'), HasSubstr("more behind the end"));
}

TEST(Recordings, AnyOtherBitIsRefused) {
  const std::string whole = bytes_of(sample());
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_THAT(refusal(damaged), HasSubstr(" at byte ")) << bit;
  }
}

TEST(Recordings, WhatMakesNoSenseIsRefusedThoughItsChecksumIsRight) {
  const auto with = [](const std::function<void(Recording&)>& spoil) {
    Recording recording = sample();
    spoil(recording);
    return refusal(bytes_of(recording));
  };
  for (const char* path : {"/a", "a/", "a//b", "..", "a/../../etc", "."})
    EXPECT_THAT(with([&](Recording& r) { r.directories[1] = path; }), HasSubstr("makes no sense")) << path;
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("a\0b", 3), std::string(256, 'x')})
    EXPECT_THAT(with([&](Recording& r) { r.events[0].name = name; }), HasSubstr("makes no sense")) << name;
  EXPECT_THAT(with([](Recording& r) { r.events[0].directory = 3; }), HasSubstr("makes no sense"));
  EXPECT_THAT(with([](Recording& r) { r.events[3].to_directory = 1'000'000; }), HasSubstr("makes no sense"));
  EXPECT_THAT(with([](Recording& r) { r.events[0].at = microseconds(-1); }), HasSubstr("makes no sense"));
  std::string bytes = bytes_of(sample());
  bytes[8] = 2;
  EXPECT_THAT(refusal(bytes), HasSubstr("version 2"));
}

class Replayed : public ::testing::Test {
 protected:
  void start(Recording recording) {
    root_ = std::move(*sys::open_at(sys::working_directory(), world_.path(), {.directory = true}));
    if (!sys::handle_of(root_)) GTEST_SKIP() << "this filesystem has no file handles";
    source_ = std::move(*Replay::start(root_, std::move(recording)));
  }
  sys::FileHandle handle(const char* path) const { return *sys::handle_at(root_, path); }

  TempTree world_;
  sys::UniqueFd root_;
  std::unique_ptr<EventSource> source_;
};

TEST_F(Replayed, TellsWhenSomebodyAsksAndOfWhatIsThereNow) {
  world_.file("a/b\nc/new", "1");
  world_.file("a/file", "1");
  Recording recording = sample();
  recording.directories.push_back("gone");
  recording.events.push_back({.kind = Kind::name, .directory = 3, .name = "x"});
  start(recording);
  std::vector<Event> events;
  EXPECT_TRUE(*source_->poll(events, 100));
  EXPECT_THAT(events, IsEmpty());

  source_->look_now();
  const std::array files{source_->descriptor()};
  EXPECT_TRUE(*sys::wait_any(files, std::chrono::milliseconds(0)));
  EXPECT_FALSE(*source_->poll(events, 2));
  while (!*source_->poll(events, 2)) {
  }
  EXPECT_FALSE(*sys::wait_any(files, std::chrono::milliseconds(0)));
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].directory, handle("a"));
  EXPECT_EQ(events[0].object, handle("a/file"));
  EXPECT_EQ(events[1].directory, *sys::handle_of(root_));
  EXPECT_EQ(events[3].kind, Kind::renamed);
  EXPECT_EQ(events[3].to_directory, handle("a/b\nc"));
  EXPECT_EQ(events[3].object, handle("a/b\nc/new"));
  EXPECT_EQ(events[4].kind, Kind::lost);
  EXPECT_EQ(source_->counters().left_out, 1u);
}

TEST_F(Replayed, ARenameOfWhichOneSideIsGoneIsAName) {
  world_.file("a/old", "1");
  start({.directories = {"a", "gone"},
         .events = {{.kind = Kind::renamed, .directory = 0, .name = "old", .to_directory = 1, .to_name = "new"}}});
  source_->look_now();
  std::vector<Event> events;
  EXPECT_TRUE(*source_->poll(events, 10));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, Kind::name);
  EXPECT_EQ(events[0].name, "old");
}

}  // namespace
}  // namespace foxing::capture
