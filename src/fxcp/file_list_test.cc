// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/file_list.h"

#include <gmock/gmock.h>

namespace foxing::fxcp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::unique_ptr<FileList> list(std::string_view text, bool recursive = false) {
  auto names = std::make_unique<FileList>(recursive);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    EXPECT_TRUE(names->add(text.substr(0, end)));
    text.remove_prefix(end + 1);
  }
  names->close();
  return names;
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

TEST(FileList, NothingOutside) {
  FileList names(false);
  for (const char* line : {"a/../../b", "..", "a/./../b", "../x/./y"}) {
    const auto refused = names.add(line);
    ASSERT_FALSE(refused) << line;
    EXPECT_THAT(refused.error().detail, HasSubstr(std::string("'") + line + "' leads outside"));
  }
  EXPECT_EQ(names.lines(), 0u);
}

TEST(FileList, NamesInADirectory) {
  // "a-b" and "a.c" lie between "a" and "a/b" where bytes are compared.
  const auto names = list("a-b/x\na/b/c\na.c\na/b/d/e/f\na/z\nd/\na/b/c\n");
  EXPECT_THAT(*names->names_in(""), UnorderedElementsAre("a", "a-b", "a.c", "d"));
  EXPECT_THAT(*names->names_in("a"), UnorderedElementsAre("b", "z"));
  EXPECT_THAT(*names->names_in("a/b"), UnorderedElementsAre("c", "d"));
  EXPECT_THAT(*names->names_in("a/b/d"), ElementsAre("e"));
  EXPECT_THAT(*names->names_in("a-b"), ElementsAre("x"));
  EXPECT_THAT(*names->names_in("a/z"), IsEmpty()) << "listed, and not with what is in it";
  EXPECT_THAT(*names->names_in("nobody"), IsEmpty());
  EXPECT_FALSE(names->names_in("d")) << "what is in it is only known to who reads it";
  EXPECT_THAT(*names->names_in("d/below"), IsEmpty());
  const auto deep = list("a/b\n", true);
  EXPECT_THAT(*deep->names_in("a"), ElementsAre("b"));
  EXPECT_FALSE(deep->names_in("a/b"));
  EXPECT_FALSE(deep->names_in("a/b/c/d"));
}

TEST(FileList, NamesInBases) {
  const auto names = list("a/./x/y\na/q\na/b/./z\na/b/./n/m\na/./x/w\na/n\n");
  EXPECT_THAT(*names->names_in(""), ElementsAre("a"));
  EXPECT_THAT(*names->names_in("a"), UnorderedElementsAre("q", "n"));
  EXPECT_THAT(*names->names_in("a/."), ElementsAre("x"));
  EXPECT_THAT(*names->names_in("a/./x"), UnorderedElementsAre("y", "w"));
  EXPECT_THAT(*names->names_in("a/b/."), UnorderedElementsAre("z", "n"));
  EXPECT_FALSE(list("a/./\n")->names_in("a/."));
}

TEST(FileList, AWayIsKnownWhicheverLineCameBefore) {
  // Each pair: what the first line says of "a" is not what the second needs.
  for (const char* text : {"a\na/x\n", "a/./b\na/x\n", "a/x/./b\na/x/y\na/z\n", "a/b/c\na/d\n", "a/x\na\n"}) {
    const auto names = list(text);
    EXPECT_TRUE(names->is_way("a")) << text;
    EXPECT_TRUE(names->wants("a")) << text;
  }
}

TEST(FileList, ANameWithANulByteIsMissed) {
  FileList names(false);
  EXPECT_TRUE(names.add(std::string_view("a\0b", 3)));
  EXPECT_TRUE(names.add("c"));
  names.close();
  EXPECT_THAT(*names.names_in(""), ElementsAre("c"));
  names.wants("c");
  EXPECT_THAT(names.missing(), ElementsAre(std::string("a\0b", 3)));
}

TEST(FileList, GoesOnWhereItsLastLineIs) {
  const auto names = list("x/y\na/b/c\n");
  for (const char* path : {"", "a", "a/b", "a/b/c"}) EXPECT_TRUE(names->goes_on_in(path)) << path;
  for (const char* path : {"x", "a/bb", "a/b/cc"}) EXPECT_FALSE(names->goes_on_in(path)) << path;
}

TEST(FileList, AHundredThousandLines) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "directory" + std::to_string(i % 100) + "/file" + std::to_string(i) + "\n";
  const auto names = list(text);
  EXPECT_TRUE(names->wants("directory7/file99907"));
  EXPECT_FALSE(names->wants("directory8/file99907"));
}

}  // namespace
}  // namespace foxing::fxcp
