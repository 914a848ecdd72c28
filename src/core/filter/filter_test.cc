// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/filter/filter.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "testing/temp_tree.h"

namespace foxing::filter {
namespace {

using foxing::testing::TempTree;
using ::testing::HasSubstr;
using ScopePointer = std::shared_ptr<const Scope>;

Rules rules_of(const std::vector<std::string>& texts, bool literal_includes_win = true, bool delete_excluded = false) {
  RulesBuilder builder;
  builder.literal_includes_win(literal_includes_win);
  builder.delete_excluded(delete_excluded);
  for (const std::string& text : texts) {
    if (auto done = builder.rule(text); !done) ADD_FAILURE() << text << ": " << done.error().message();
  }
  return builder.build().value();
}

Verdict judge(const Rules& rules, std::string_view path, Fate fate = Fate::stays) {
  const ScopePointer scope = Scope::begin(rules, "/top/src").value();
  const bool is_directory = path.ends_with('/');
  if (is_directory) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return scope->judge("", path, is_directory, fate);
  return scope->judge(path.substr(0, slash), path.substr(slash + 1), is_directory, fate);
}

ScopePointer enter(const TempTree& world, const ScopePointer& parent, const std::string& path) {
  const sys::UniqueFd fd(::open(world.at(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto scope = Scope::enter(parent, fd, path);
  if (!scope) ADD_FAILURE() << scope.error().subject << ": " << scope.error().message();
  return scope.value();
}

struct Row {
  std::vector<std::string> rules;
  const char* path;  // a directory's ends with a slash
  bool hidden;
  bool guarded;
};

// clang-format off
const Row kRows[] = {
    {{},                              "a",              false, false},
    {{"- a"},                         "x/a",            true,  true},
    {{"- /a"},                        "x/a",            false, false},
    {{"- /a"},                        "a",              true,  true},
    {{"- a/"},                        "a",              false, false},
    {{"- a/"},                        "x/a/",           true,  true},
    {{"- x/a"},                       "y/x/a",          true,  true},
    {{"- x/a"},                       "yx/a",           false, false},
    {{"- *.o"},                       "x/y.o",          true,  true},
    {{"- x/*.o"},                     "z/x/y.o",        true,  true},
    {{"- x/*.o"},                     "x/z/y.o",        false, false},
    {{"- /x/**/b"},                   "x/b",            false, false},
    {{"- /x/**/b"},                   "x/y/b",          true,  true},
    {{"- **/b"},                      "b",              true,  true},
    {{"- x/***"},                     "x/",             true,  true},
    {{"- x/***"},                     "x/y",            true,  true},
    {{"- x/**"},                      "x/",             false, false},
    {{"+ a", "- *"},                  "a",              false, false},
    {{"+ a", "- *"},                  "b",              true,  true},
    {{"- foo\\bar"},                  "foo\\bar",       true,  true},
    {{"- foo\\*bar"},                 "foo*bar",        true,  true},
    {{"-! */"},                       "a",              true,  true},
    {{"-! */"},                       "a/",             false, false},
    {{"-/ /top/src/a"},               "a",              true,  true},
    {{"-/ /a"},                       "a",              false, false},
    {{"-/ src/a"},                    "a",              true,  true},
    {{"H a"},                         "a",              true,  false},
    {{"P a"},                         "a",              false, true},
    {{"S a", "- a"},                  "a",              false, true},
    {{"R a", "- a"},                  "a",              true,  false},
    {{"-s a"},                        "a",              true,  false},
    {{"-r a"},                        "a",              false, true},
    {{"-sr a"},                       "a",              true,  true},
    {{"exclude,r a"},                 "a",              false, true},
    {{"hide a"},                      "a",              true,  false},
    {{"-_a"},                         "a",              true,  true},
    {{"- a", "!"},                    "a",              false, false},
    {{"- a", "clear", "- b"},         "b",              true,  true},
    {{"-C"},                          "x/y.o",          true,  true},
    {{"-C"},                          ".git/",          true,  true},
    {{"-C"},                          ".git",           false, false},
};
// clang-format on

TEST(Rules, AreMatchedAsTheManualSays) {
  for (const Row& row : kRows) {
    const Verdict expected{.hidden = row.hidden, .guarded = row.guarded};
    EXPECT_EQ(judge(rules_of(row.rules), row.path), expected)
        << (row.rules.empty() ? "no rule" : row.rules.front()) << " on " << row.path;
  }
}

TEST(Rules, WithoutAnyThereIsNothingToAsk) {
  EXPECT_TRUE(Rules().empty());
  EXPECT_TRUE(rules_of({"- a", "!"}).empty());
  EXPECT_FALSE(rules_of({"- a"}).empty());
  EXPECT_FALSE(rules_of({"- a"}).reads_directories());
  EXPECT_TRUE(rules_of({": .rules"}).reads_directories());
}

TEST(Rules, DeleteExcludedMakesUnqualifiedRulesCountForTheSourceAlone) {
  EXPECT_EQ(judge(rules_of({"- a"}, true, true), "a"), (Verdict{.hidden = true, .guarded = false}));
  EXPECT_EQ(judge(rules_of({"-sr a"}, true, true), "a"), (Verdict{.hidden = true, .guarded = true}));
  EXPECT_EQ(judge(rules_of({"P a"}, true, true), "a"), (Verdict{.hidden = false, .guarded = true}));
}

TEST(Rules, PerishableOnesDoNotGuardInADoomedDirectory) {
  const Rules rules = rules_of({"-p *.o", "- *.c"});
  EXPECT_TRUE(judge(rules, "d/a.o").guarded);
  EXPECT_FALSE(judge(rules, "d/a.o", Fate::doomed).guarded);
  EXPECT_TRUE(judge(rules, "d/a.c", Fate::doomed).guarded);
}

TEST(Rules, ManyNamesKeepTheirOrder) {
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i) texts.push_back("- n" + std::to_string(i));
  texts[60] = "+ n7*";        // before n70 to n79 and behind n7
  texts[20] = "- dir/";
  texts.push_back("+ dir");
  const Rules rules = rules_of(texts, false);
  EXPECT_TRUE(judge(rules, "x/n7").hidden);
  EXPECT_FALSE(judge(rules, "n77").hidden);
  EXPECT_TRUE(judge(rules, "n99").hidden);
  EXPECT_FALSE(judge(rules, "n100").hidden);
  EXPECT_TRUE(judge(rules, "dir/").hidden);
  EXPECT_FALSE(judge(rules, "dir").hidden);
}

TEST(Rules, PathsOfAnyLengthAreJudged) {
  std::string directory;
  for (int i = 0; i < 2000; ++i) directory += "dir/";
  EXPECT_TRUE(judge(rules_of({"- /dir/**/a"}), directory + "a").hidden);
  EXPECT_FALSE(judge(rules_of({"- /dir/**/a"}), directory + "b").hidden);
}

// ---- The addition.

TEST(LiteralIncludes, WinOverAnEarlierWildcard) {
  for (const char* literal : {"+ important.log", "+ /important.log", "+ important.log/", "S important.log"}) {
    const bool directory = std::string_view(literal).ends_with('/');
    const char* path = directory ? "important.log/" : "important.log";
    EXPECT_FALSE(judge(rules_of({"- *.log", literal}), path).hidden) << literal;
    EXPECT_TRUE(judge(rules_of({"- *.log", literal}, false), path).hidden) << literal;
  }
  EXPECT_FALSE(judge(rules_of({"- **", "+ a/b"}), "x/a/b").hidden);
  EXPECT_TRUE(judge(rules_of({"- *.log", "S important.log"}), "important.log").guarded);
}

TEST(LiteralIncludes, ThatCanBeReachedStayWhereTheyAre) {
  EXPECT_TRUE(judge(rules_of({"- important.log", "+ important.log"}), "important.log").hidden);        // no wildcard
  EXPECT_TRUE(judge(rules_of({"- *.log", "+ imp*.log"}), "important.log").hidden);                     // no literal
  EXPECT_TRUE(judge(rules_of({"- /logs/*.log", "+ important.log"}), "logs/important.log").hidden);     // reachable elsewhere
  EXPECT_TRUE(judge(rules_of({"- *.log/", "+ important.log"}), "important.log/").hidden);              // reachable as a file
  EXPECT_TRUE(judge(rules_of({"- important.log", "- *.log", "+ important.log"}), "important.log").hidden);  // an earlier literal
  EXPECT_TRUE(judge(rules_of({"- *.log", "!", "- *.log"}), "important.log").hidden);
}

// ---- Refusals.

struct Refusal {
  const char* rule;
  const char* says;
};

TEST(Refusals, NameTheRuleAndTheReason) {
  const Refusal refusals[] = {
      {"x foo", "no known rule"},
      {"-foo", "'f'"},
      {"- ", "no pattern"},
      {"-", "no pattern"},
      {"! x", "takes no argument"},
      {"!x", "no argument"},
      {"-e a", "'e'"},
      {"-w a", "'w'"},
      {":! a", "'!'"},
      {".-+ a", "'+'"},
      {"HC", "'C'"},
      {"H,s a", "'s'"},
      {"-x user.*", "attributes"},
      {":", "no pattern"},
      {" - a", "no known rule"},
      {"excludefoo", "no known rule"},
      {": a/", "names no file"},
      {"hide,r a", "'r'"},
  };
  for (const Refusal& refusal : refusals) {
    RulesBuilder builder;
    const auto done = builder.rule(refusal.rule);
    ASSERT_FALSE(done) << refusal.rule;
    EXPECT_EQ(done.error().code, 0);
    EXPECT_THAT(done.error().detail, HasSubstr(refusal.says)) << refusal.rule;
    EXPECT_THAT(done.error().detail, HasSubstr(refusal.rule));
  }
}

TEST(Refusals, NameTheFileAndTheLine) {
  const TempTree world;
  world.file("rules", "- a\r\n# comment\r\n\r\nnonsense\r\n");
  RulesBuilder builder;
  const auto done = builder.rule(". " + world.at("rules"));
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().detail, HasSubstr("rules:4"));
  const auto missing = builder.exclude_from(world.at("missing"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ENOENT);
  EXPECT_EQ(missing.error().subject, world.at("missing"));
}

TEST(Refusals, AFileThatMergesItselfEnds) {
  const TempTree world;
  world.file("rules", ". " + world.at("rules") + "\n");
  RulesBuilder builder;
  EXPECT_FALSE(builder.rule(". " + world.at("rules")));
}

// ---- Files of rules.

TEST(Files, HaveCommentsPrefixesAndClearing) {
  const TempTree world;
  world.file("list", "lost\n!\n# comment\n; comment\n\n+ keep.c\n*.c\n- x y\n");
  RulesBuilder builder;
  ASSERT_TRUE(builder.exclude_from(world.at("list")));
  const Rules rules = builder.build().value();
  EXPECT_FALSE(judge(rules, "lost").hidden);
  EXPECT_FALSE(judge(rules, "keep.c").hidden);
  EXPECT_TRUE(judge(rules, "a.c").hidden);
  EXPECT_TRUE(judge(rules, "x y").hidden);
}

TEST(Files, WithFrom0EndTheirRulesWithNul) {
  const TempTree world;
  world.file("list", std::string_view("a\nb\0c\0", 6));
  RulesBuilder builder;
  builder.from0(true);
  ASSERT_TRUE(builder.exclude_from(world.at("list")));
  const Rules rules = builder.build().value();
  EXPECT_TRUE(judge(rules, "a\nb").hidden);
  EXPECT_TRUE(judge(rules, "c").hidden);
  EXPECT_FALSE(judge(rules, "a").hidden);
}

TEST(Files, OfWordsArePartedByNulToo) {
  const TempTree world;
  world.file("list", std::string_view("a* b\0;s\0q", 9));
  RulesBuilder builder;
  builder.from0(true);
  ASSERT_TRUE(builder.rule(".-w " + world.at("list")));
  const Rules rules = builder.build().value();
  for (const char* name : {"ab", "b", ";s", "q"}) EXPECT_TRUE(judge(rules, name).hidden) << name;
}

// ---- Directories.

TEST(Directories, InheritRulesTheDeepestFirst) {
  const TempTree world;
  world.file(".rules", "- *.c\n- /top\n");
  world.file("d/.rules", "+ keep.c\n- /only\n");
  const auto above = Scope::begin(rules_of({"- first.c", ": .rules", "+ *"}), world.path()).value();
  const auto root = enter(world, above, "");
  const auto d = enter(world, root, "d");
  world.dir("d/e");
  const auto e = enter(world, d, "d/e");
  EXPECT_EQ(e.get(), d.get()) << "a directory without rules of its own shares its parent's";
  EXPECT_TRUE(root->judge("", "keep.c", false).hidden);
  EXPECT_TRUE(root->judge("", "top", false).hidden);
  EXPECT_FALSE(d->judge("d", "keep.c", false).hidden);
  EXPECT_TRUE(d->judge("d", "a.c", false).hidden);
  EXPECT_TRUE(d->judge("d", "only", false).hidden);
  EXPECT_FALSE(d->judge("d", "top", false).hidden);
  EXPECT_FALSE(e->judge("d/e", "only", false).hidden);
  EXPECT_TRUE(d->judge("d", "first.c", false).hidden);
}

TEST(Directories, DoNotInheritWithN) {
  const TempTree world;
  world.file(".rules", "a\n");
  world.dir("d");
  const auto root = enter(world, Scope::begin(rules_of({":n- .rules"}), world.path()).value(), "");
  EXPECT_TRUE(root->judge("", "a", false).hidden);
  EXPECT_FALSE(enter(world, root, "d")->judge("d", "a", false).hidden);
}

TEST(Directories, WithEHideTheFileOfRules) {
  const TempTree world;
  world.dir("d");
  const auto hidden = Scope::begin(rules_of({":e .rules"}), world.path()).value();
  const auto shown = Scope::begin(rules_of({": .rules"}), world.path()).value();
  EXPECT_TRUE(hidden->judge("d", ".rules", false).hidden);
  EXPECT_FALSE(shown->judge("d", ".rules", false).hidden);
}

TEST(Directories, WithNamesThatHaveWildcardsAnchorTheirRulesToo) {
  const TempTree world;
  world.file("w[x]/.rules", "- /foo\n");
  const auto root = enter(world, Scope::begin(rules_of({": .rules"}), world.path()).value(), "");
  EXPECT_TRUE(enter(world, root, "w[x]")->judge("w[x]", "foo", false).hidden);
}

TEST(Directories, FAlsoReadsTheDirectoriesAboveTheRoot) {
  const TempTree world;
  world.file("up/.rsync-filter", "- *.c\n- /src/anchored\n");
  world.dir("up/src/d");
  RulesBuilder builder;
  ASSERT_TRUE(builder.per_directory_filter());
  ASSERT_TRUE(builder.per_directory_filter());
  const auto scope = Scope::begin(builder.build().value(), world.at("up/src")).value();
  EXPECT_TRUE(scope->judge("d", "a.c", false).hidden);
  EXPECT_TRUE(scope->judge("", "anchored", false).hidden);
  EXPECT_FALSE(scope->judge("d", "anchored", false).hidden);
  EXPECT_TRUE(scope->judge("d", ".rsync-filter", false).hidden);
}

TEST(Directories, MayMergeFilesThatLieBelowThem) {
  const TempTree world;
  world.file("d/.rules", ". more\n");
  world.file("d/more", "- /a\n");
  world.file("e/.rules", ". ../d/more\n");
  world.file("f/.rules", ". /etc/hostname\n");
  const auto root = enter(world, Scope::begin(rules_of({": .rules"}), world.path()).value(), "");
  EXPECT_TRUE(enter(world, root, "d")->judge("d", "a", false).hidden);
  for (const char* bad : {"e", "f"}) {
    const sys::UniqueFd fd(::open(world.at(bad).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    EXPECT_FALSE(Scope::enter(root, fd, bad)) << bad;
  }
}

TEST(Directories, FilesOfRulesThatCannotBeReadAreErrors) {
  const TempTree world;
  world.file("rules", "- a\n");
  world.symlink("d/.rules", "../rules");
  world.fifo("e/.rules");
  world.file("f/.rules", "nonsense\n");
  world.dir("g/.rules");
  const auto root = enter(world, Scope::begin(rules_of({": .rules"}), world.path()).value(), "");
  for (const char* bad : {"d", "e", "f"}) {
    const sys::UniqueFd fd(::open(world.at(bad).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto scope = Scope::enter(root, fd, bad);
    ASSERT_FALSE(scope) << bad;
    EXPECT_EQ(scope.error().subject, std::string(bad) + "/.rules");
  }
  EXPECT_EQ(enter(world, root, "g").get(), root.get());
}

TEST(Cvs, ReadsHomeAndTheEnvironmentAndDirectories) {
  const TempTree world;
  world.file("home/.cvsignore", "! from-home\n");
  world.file("src/.cvsignore", "here *.tmp\n");
  ::setenv("HOME", world.at("home").c_str(), 1);
  ::setenv("CVSIGNORE", "from-environment", 1);
  RulesBuilder builder;
  builder.cvs();
  ASSERT_TRUE(builder.include("core"));
  const Rules rules = builder.build().value();
  ::unsetenv("CVSIGNORE");
  const TempTree& tree = world;
  const auto above = Scope::begin(rules, world.at("src")).value();
  const sys::UniqueFd fd(::open(tree.at("src").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto root = Scope::enter(above, fd, "").value();
  EXPECT_FALSE(root->judge("", "a.o", false).hidden) << "'!' in ~/.cvsignore clears the defaults";
  EXPECT_TRUE(root->judge("", "from-home", false).hidden);
  EXPECT_TRUE(root->judge("", "from-environment", false).hidden);
  EXPECT_TRUE(root->judge("", "here", false).hidden);
  EXPECT_TRUE(root->judge("", "a.tmp", false).hidden);
  EXPECT_FALSE(root->judge("", "core", false).hidden);
}

}  // namespace
}  // namespace foxing::filter
