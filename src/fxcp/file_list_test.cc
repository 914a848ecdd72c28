// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/file_list.h"

#include <gmock/gmock.h>

namespace foxing::fxcp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::unique_ptr<FileList> list(std::string text, bool recursive = false, bool nul = false) {
  auto parsed = FileList::parse(std::move(text), nul, recursive);
  EXPECT_TRUE(parsed);
  return std::move(*parsed);
}

TEST(FileList, WantsWhatIsListedAndTheWayThere) {
  const auto names = list("a/b/c\n./d\n/e//f\n");
  for (const char* path : {"a", "a/b", "a/b/c", "d", "e", "e/f"}) EXPECT_TRUE(names->wants(path)) << path;
  for (const char* path : {"b", "a/c", "a/b/d", "a/b/c/x", "e/f/x", ""}) EXPECT_FALSE(names->wants(path)) << path;
}

TEST(FileList, GoesBelowOnlyWithRecursive) {
  const auto names = list("a/b\n", true);
  EXPECT_TRUE(names->wants("a/b/c/d"));
  EXPECT_FALSE(names->wants("a/c"));
  EXPECT_TRUE(list(".\n", true)->wants("anything/at/all"));
  const auto top = list(".\n");
  EXPECT_TRUE(top->wants("anything"));
  EXPECT_FALSE(top->wants("anything/below"));
}

TEST(FileList, ASlashAtTheEndMeansWhatIsDirectlyInIt) {
  for (const char* line : {"a/b/\n", "a/b/.\n", "a/b//\n"}) {
    const auto names = list(line);
    EXPECT_TRUE(names->wants("a/b/c")) << line;
    EXPECT_FALSE(names->wants("a/b/c/d")) << line;
    EXPECT_FALSE(names->wants("a/c")) << line;
  }
}

TEST(FileList, TheWayIsMadeOfDirectoriesAndLinksToThem) {
  const auto names = list("a/b/c\nl/\nl2\nl2/f\n", true);
  EXPECT_FALSE(names->wants("a", false));
  EXPECT_TRUE(names->wants("a/b/c", false));
  for (const char* path : {"a", "a/b", "l", "l2"}) EXPECT_TRUE(names->leads_on(path)) << path;
  for (const char* path : {"a/b/c", "x"}) EXPECT_FALSE(names->leads_on(path)) << path;
  EXPECT_TRUE(names->wants("l/any"));
  EXPECT_TRUE(names->wants("l2/f"));
  EXPECT_FALSE(names->wants("l2/g")) << "the link is listed, and not what is in the directory";
}

TEST(FileList, WhatStandsBeforeAMarkIsLeftBehind) {
  const auto names = list("a/b/./c/d\n/e/./\n././f\na/b/./g/./h\n");
  EXPECT_THAT(names->bases(), ElementsAre("a/b", "e"));
  for (const char* path : {"a/b/./c", "a/b/./c/d", "e/./x", "f", "a/b/./g/h"}) EXPECT_TRUE(names->wants(path)) << path;
  for (const char* path : {"a", "a/b", "c", "c/d", "e", "x", "e/./x/y", "a/b/./d"}) EXPECT_FALSE(names->wants(path)) << path;
  EXPECT_THAT(names->missing(), ElementsAre("e/."));
  names->meet_root("e");
  EXPECT_THAT(names->missing(), IsEmpty());
  EXPECT_FALSE(list("a\na/./b\n", true)->wants("a/./c")) << "a as it is listed keeps its name";
}

TEST(FileList, KnowsWhatNobodyMet) {
  const auto names = list("a/b\nc\nc/d\n");
  names->wants("c");
  names->wants("a");
  EXPECT_THAT(names->missing(), ElementsAre("a/b", "c/d"));
  names->wants("a/b");
  names->wants("c/d");
  EXPECT_THAT(names->missing(), IsEmpty());
}

TEST(FileList, CommentsAndLinesEndings) {
  const auto names = list("# not me\n; nor me\n\nme\r\nme too");
  EXPECT_TRUE(names->wants("me"));
  EXPECT_TRUE(names->wants("me too"));
  EXPECT_FALSE(names->wants("# not me"));
  const auto nul = list(std::string("# me\0with\nline", 14), false, true);
  EXPECT_TRUE(nul->wants("# me"));
  EXPECT_TRUE(nul->wants("with\nline"));
}

TEST(FileList, NothingOutside) {
  const auto refused = FileList::parse("a/../../b\n", false, false);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("leads outside"));
}

TEST(FileList, AHundredThousandLines) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "directory" + std::to_string(i % 100) + "/file" + std::to_string(i) + "\n";
  const auto names = list(std::move(text));
  EXPECT_TRUE(names->wants("directory7/file99907"));
  EXPECT_FALSE(names->wants("directory8/file99907"));
}

}  // namespace
}  // namespace foxing::fxcp
