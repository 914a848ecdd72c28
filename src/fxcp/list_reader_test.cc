// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/list_reader.h"

#include <gmock/gmock.h>

#include <span>

#include "sys/fault.h"
#include "sys/file.h"
#include "sys/names.h"
#include "testing/temp_tree.h"

namespace foxing::fxcp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TempTree;

constexpr ListReader::Window kByLines(std::size_t lines) { return {.lines = lines, .bytes = 1 << 20}; }

class ReadsLists : public ::testing::Test {
 protected:
  ListReader reader(std::string_view text, ListReader::Window window = {}, bool nul = false) {
    tree_.file("list", text);
    return ListReader(std::move(sys::open_at(sys::working_directory(), tree_.at("list")).value()), nul, window);
  }
  /// The lines of each window: what nobody has met is what is listed.
  static std::vector<std::vector<std::string>> windows_of(ListReader& reader) {
    std::vector<std::vector<std::string>> all;
    while (!reader.at_end()) {
      FileList list(false);
      std::vector<Error> refused;
      EXPECT_TRUE(reader.read(list, refused));
      EXPECT_THAT(refused, IsEmpty());
      list.close();
      all.push_back(list.missing());
    }
    return all;
  }
  TempTree tree_;
};

TEST_F(ReadsLists, WindowsOfSoManyLines) {
  auto two = reader("a\nb\nc\nd\ne\n", kByLines(2));
  EXPECT_THAT(windows_of(two), ElementsAre(ElementsAre("a", "b"), ElementsAre("c", "d"), ElementsAre("e")));
  auto one = reader("a\nb", kByLines(1));
  EXPECT_THAT(windows_of(one), ElementsAre(ElementsAre("a"), ElementsAre("b"), IsEmpty())) << "nobody knew that b was the last";
  auto all = reader("a\nb\nc\n", ListReader::Window::whole());
  EXPECT_THAT(windows_of(all), ElementsAre(ElementsAre("a", "b", "c")));
}

TEST_F(ReadsLists, WindowsOfSoManyBytes) {
  auto names = reader("aaaa\nbbbb\ncc\n", {.lines = 100, .bytes = 5});
  EXPECT_THAT(windows_of(names), ElementsAre(ElementsAre("aaaa", "bbbb"), ElementsAre("cc")));
}

TEST_F(ReadsLists, WhatMeansNothing) {
  auto names = reader("# not me\n\n; nor me\n\r\nme\r\nme too", kByLines(1));
  EXPECT_THAT(windows_of(names), ElementsAre(ElementsAre("me"), ElementsAre("me too"), IsEmpty()));
  auto none = reader("\n\n# only\n", kByLines(1));
  EXPECT_THAT(windows_of(none), ElementsAre(IsEmpty()));
  auto empty = reader("");
  EXPECT_THAT(windows_of(empty), ElementsAre(IsEmpty()));
}

TEST_F(ReadsLists, NulBytesEndNamesOfAnyText) {
  auto names = reader(std::string_view("# me\0with\nline\r\0\0;\0last", 23), kByLines(3), true);
  EXPECT_THAT(windows_of(names), ElementsAre(ElementsAre("# me", ";", "with\nline\r"), ElementsAre("last")));
}

TEST_F(ReadsLists, LinesAcrossTheEdgesOfItsBuffer) {
  // Lengths that put an end, the byte before it and the byte after it at each edge of 64 KiB.
  for (const std::size_t length : {4093, 4094, 4095, 4096, 4097}) {
    std::string text;
    std::vector<std::string> lines;
    for (int i = 0; i < 40; ++i) {
      lines.push_back(std::to_string(1000 + i) + std::string(length - 4, 'x'));
      text += lines.back() + '\n';
    }
    if (length % 2 == 0) text.pop_back();
    auto names = reader(text);
    EXPECT_THAT(windows_of(names), ElementsAre(lines)) << length;
  }
}

TEST_F(ReadsLists, ShortAndInterruptedReadsChangeNothing) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  std::string text;
  std::vector<std::string> first, second;
  for (int i = 0; i < 30'000; ++i) {
    (i < 20'000 ? first : second).push_back(std::to_string(100'000 + i));
    text += std::to_string(100'000 + i) + '\n';
  }
  const sys::FaultPlan plan("read:*2:short,read:*3:EINTR");
  auto names = reader(text, kByLines(20'000));
  EXPECT_THAT(windows_of(names), ElementsAre(first, second));
}

TEST_F(ReadsLists, ALineThatIsNoPathEndsTheList) {
  auto names = reader("good\n" + std::string(200'000, 'x') + "\nnever\n");
  FileList list(false);
  std::vector<Error> refused;
  const auto read = names.read(list, refused);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().detail, HasSubstr("64 KiB"));
  EXPECT_TRUE(names.at_end());
  list.close();
  EXPECT_THAT(list.missing(), ElementsAre("good"));
}

TEST_F(ReadsLists, LinesThatLeadOutsideAreNamed) {
  auto names = reader("a\n../b\nc\n", kByLines(2));
  FileList list(false);
  std::vector<Error> refused;
  ASSERT_TRUE(names.read(list, refused));
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_THAT(refused.front().detail, HasSubstr("'../b' leads outside"));
  list.close();
  EXPECT_THAT(list.missing(), ElementsAre("a"));
}

TEST_F(ReadsLists, AReadErrorIsTold) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)";
  const sys::FaultPlan plan("read:1:EIO");
  auto names = reader("a\n");
  FileList list(false);
  std::vector<Error> refused;
  const auto read = names.read(list, refused);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, EIO);
  EXPECT_TRUE(names.at_end());
}

}  // namespace
}  // namespace foxing::fxcp
