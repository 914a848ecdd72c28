// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/filter/wildcard.h"

#include <gtest/gtest.h>

#include <string>

namespace foxing::filter {
namespace {

struct Row {
  const char* pattern;
  const char* text;
  bool rsync;
  bool git;
};

// clang-format off
constexpr Row kRows[] = {
    // pattern            text               rsync  git
    {"",                  "",                true,  true},
    {"a",                 "a",               true,  true},
    {"a",                 "ab",              false, false},
    {"?",                 "a",               true,  true},
    {"?",                 "/",               false, false},
    {"?",                 "",                false, false},
    {"*",                 "",                true,  true},
    {"*",                 "a/b",             false, false},
    {"a*b*c",             "axxbxxbc",        true,  true},
    {"a*b*c",             "axxbx/xbc",       false, false},
    {"*/*b",              "x/y/zb",          false, false},
    {"*a/b*c",            "aa/bxc",          true,  true},
    {"**",                "a/b",             true,  true},
    {"a**c",              "a/b/c",           true,  false},
    {"a**c",              "abc",             true,  true},
    {"a/**",              "a/",              true,  true},
    {"a/**",              "a/b/c",           true,  true},
    {"a/**",              "a",               false, false},
    {"a/**/b",            "a/b",             false, true},
    {"a/**/b",            "a/x/y/b",         true,  true},
    {"**/b",              "b",               false, true},
    {"**/b",              "/b",              true,  true},
    {"**/b",              "ab",              false, false},
    {"**/*.c",            "x/y.h/z.c",       true,  true},
    {"a***",              "a/b",             true,  false},
    {"**b/*c",            "ab/xb/yc",        true,  false},
    {"[abc]",             "b",               true,  true},
    {"[!abc]",            "b",               false, false},
    {"[^abc]",            "d",               true,  true},
    {"[!a]",              "/",               false, false},
    {"[a-c]",             "b",               true,  true},
    {"[c-a]",             "b",               false, false},
    {"[]]",               "]",               true,  true},
    {"[]a]",              "a",               true,  true},
    {"[!]]",              "]",               false, false},
    {"[a-]",              "-",               true,  true},
    {"[-a]",              "-",               true,  true},
    {"[a-c-e]",           "d",               false, false},
    {"[a-c-e]",           "-",               true,  true},
    {"[\\]]",             "]",               true,  true},
    {"[a-\\]]",           "]",               false, false},
    {"[[-\\]]",           "]",               true,  true},
    {"[[:digit:]x]",      "7",               true,  true},
    {"[[:digit:]x]",      "x",               true,  true},
    {"[![:digit:]]",      "7",               false, false},
    {"[[:nope:]x]",       "x",               false, false},
    {"[[:x]",             ":",               true,  true},
    {"[[:alpha:]-z]",     "-",               true,  true},
    {"a[",                "a[",              false, false},
    {"a[b",               "ab",              false, false},
    {"\\*",               "*",               true,  true},
    {"\\*",               "a",               false, false},
    {"a\\",               "a\\",             false, false},
    {"\\a",               "a",               true,  true},
};
// clang-format on

TEST(Wildcard, MatchesAsRsyncAndAsGit) {
  for (const Row& row : kRows) {
    EXPECT_EQ(wildcard_match(row.pattern, row.text, Dialect::rsync), row.rsync) << "rsync: " << row.pattern << " on " << row.text;
    EXPECT_EQ(wildcard_match(row.pattern, row.text, Dialect::git), row.git) << "git: " << row.pattern << " on " << row.text;
  }
}

TEST(Wildcard, ManyStarsEndInTime) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  pattern += "b";
  EXPECT_FALSE(wildcard_match(pattern, std::string(4000, 'a'), Dialect::rsync));
}

}  // namespace
}  // namespace foxing::filter
