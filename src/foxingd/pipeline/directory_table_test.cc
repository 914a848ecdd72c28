// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/pipeline/directory_table.h"

#include <gmock/gmock.h>

namespace foxing::pipeline {
namespace {

FileHandle handle(const char* name) { return {name}; }

struct Table : ::testing::Test {
  DirectoryTable table{handle("root")};
  Table() {
    table.put(handle("a"), handle("root"), "a");
    table.put(handle("b"), handle("a"), "b");
    table.put(handle("c"), handle("b"), "c");
  }
  std::string path(const char* name) { return table.path_of(handle(name)).value_or("(nowhere)"); }
};

TEST_F(Table, KnowsPaths) {
  EXPECT_EQ(path("root"), "");
  EXPECT_EQ(path("c"), "a/b/c");
  EXPECT_EQ(path("stranger"), "(nowhere)");
  EXPECT_EQ(table.at(handle("a"), "b"), handle("b"));
  EXPECT_FALSE(table.place_of(handle("root")));
}

TEST_F(Table, ARenameTakesAlongWhatIsInIt) {
  EXPECT_TRUE(table.put(handle("b"), handle("root"), "moved"));
  EXPECT_EQ(path("c"), "moved/c");
  EXPECT_FALSE(table.at(handle("a"), "b"));
}

TEST_F(Table, ADirectoryCannotLieInItself) {
  EXPECT_FALSE(table.put(handle("a"), handle("c"), "a"));
  EXPECT_FALSE(table.put(handle("root"), handle("a"), "root"));
  EXPECT_FALSE(table.exchange(handle("a"), handle("c")));
  EXPECT_EQ(path("c"), "a/b/c");
}

TEST_F(Table, WhoTakesAPlaceRemovesWhoHadIt) {
  table.put(handle("d"), handle("root"), "a");
  EXPECT_EQ(path("d"), "a");
  EXPECT_EQ(path("c"), "(nowhere)");
  EXPECT_EQ(table.size(), 2u);
}

TEST_F(Table, WhoComesOutOfWhatItTakesThePlaceOfStays) {
  table.put(handle("c"), handle("root"), "a");
  EXPECT_EQ(path("c"), "a");
  EXPECT_EQ(path("b"), "(nowhere)");
  EXPECT_EQ(table.size(), 2u);
}

TEST_F(Table, ExchangesPlaces) {
  table.put(handle("d"), handle("root"), "d");
  table.put(handle("e"), handle("d"), "e");
  EXPECT_TRUE(table.exchange(handle("b"), handle("e")));
  EXPECT_EQ(path("c"), "d/e/c");
  EXPECT_EQ(path("e"), "a/b");
}

TEST_F(Table, AScanForgetsWhatItDidNotMeet) {
  table.begin_scan();
  table.put(handle("a"), handle("root"), "a");
  table.put(handle("new"), handle("a"), "new");
  table.end_scan();
  EXPECT_EQ(path("new"), "a/new");
  EXPECT_EQ(path("c"), "(nowhere)");
  EXPECT_TRUE(table.has(handle("root")));
}

TEST_F(Table, DeepTreesNeedNoStack) {
  std::string parent = "root";
  for (int i = 0; i < 100'000; ++i) {
    const std::string name = "deep" + std::to_string(i);
    table.put({name}, {parent}, "d");
    parent = name;
  }
  table.remove(handle("deep0"));
  EXPECT_EQ(table.size(), 4u);
}

}  // namespace
}  // namespace foxing::pipeline
