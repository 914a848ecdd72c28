// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/snapshot/epoch.h"

#include <gmock/gmock.h>

namespace foxing::snapshot {
namespace {

TEST(Epoch, ANameIsATimeInUtc) {
  EXPECT_EQ(name_of({.seconds = 0}), "1970-01-01T000000");
  EXPECT_EQ(name_of({.seconds = 1773310500, .number = 1}), "2026-03-12T101500");
  EXPECT_EQ(name_of({.seconds = 1773310500, .number = 2}), "2026-03-12T101500-2");
  EXPECT_EQ(parse_epoch("2026-03-12T101500"), (Epoch{1773310500, 1}));
  EXPECT_EQ(parse_epoch("2026-03-12T101500-12"), (Epoch{1773310500, 12}));
  EXPECT_LT(*parse_epoch("2026-03-12T101500-2"), *parse_epoch("2026-03-12T101500-12"));
}

TEST(Epoch, NothingElseIsAName) {
  for (const char* name : {"",
                           ".",
                           "..",
                           "../..",
                           "latest",
                           "2026",
                           "2026-03-12",
                           "2026-03-12T10150",
                           "2026-03-12T1015000",
                           "2026-03-12 101500",
                           "2026-02-30T101500",
                           "2026-13-01T000000",
                           "2026-03-12T246000",
                           "2026-03-12T101500-",
                           "2026-03-12T101500-1",
                           "2026-03-12T101500-0",
                           "2026-03-12T101500-02",
                           "2026-03-12T101500--2",
                           "2026-03-12T101500-99999",
                           "2026-03-12T101500-2/..",
                           "2026-03-12T101500/",
                           "-026-03-12T101500",
                           "2026-03-12T1015 0"})
    EXPECT_FALSE(parse_epoch(name)) << name;
  EXPECT_FALSE(parse_epoch(std::string_view("2026-03-12T10150\0", 17)));
  EXPECT_FALSE(name_of({.seconds = INT64_MAX}));
  EXPECT_FALSE(name_of({.seconds = 253402300800}));  // the year 10000
}

TEST(Epoch, ATagCannotBeTakenForAnEpoch) {
  for (const char* tag : {"release", "v1.2", "before-update", "a"}) EXPECT_TRUE(is_tag(tag)) << tag;
  for (const char* tag : {"", "2026", "1", ".hidden", "-x", "a/b", "a b", "latest", "caf\xc3\xa9", "a\n"})
    EXPECT_FALSE(is_tag(tag)) << tag;
  EXPECT_FALSE(is_tag(std::string(65, 'a')));
}

}  // namespace
}  // namespace foxing::snapshot
