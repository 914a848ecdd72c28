// SPDX-License-Identifier: GPL-2.0-or-later
// .gitignore beside git itself: random files of rules in random trees, judged name by name as a walk meets them.
#include "core/filter/gitignore.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "core/filter/filter.h"
#include "testing/temp_tree.h"

namespace foxing::filter {
namespace {

using foxing::testing::TempTree;
namespace fs = std::filesystem;

// ---- By hand.

struct Row {
  const char* content;
  const char* path;
  bool is_directory;
  std::optional<bool> ignored;
};

// clang-format off
const Row kRows[] = {
    {"*.o",               "a/b.o",     false, true},
    {"*.o\n!b.o",         "b.o",       false, false},
    {"!b.o\n*.o",         "b.o",       false, true},
    {"build/",            "build",     false, std::nullopt},
    {"build/",            "x/build",   true,  true},
    {"/a",                "x/a",       false, std::nullopt},
    {"x/a",               "y/x/a",     false, std::nullopt},
    {"**/x/a",            "y/x/a",     false, true},
    {"a/**/b",            "a/b",       false, true},
    {"a/**",              "a",         true,  std::nullopt},
    {"\\#x",              "#x",        false, true},
    {"#x",                "#x",        false, std::nullopt},
    {"\\!x",              "!x",        false, true},
    {"x  ",               "x",         false, true},
    {"x\\ ",              "x ",        false, true},
    {"x\r\ny",            "x",         false, true},
    {"\xef\xbb\xbfx",     "x",         false, true},
    {"/",                 "x",         true,  std::nullopt},
    {"!",                 "x",         false, std::nullopt},
};
// clang-format on

TEST(GitIgnore, IsReadAsTheManualSays) {
  for (const Row& row : kRows) {
    const GitIgnore ignore(row.content, 0);
    const std::string_view path = row.path;
    EXPECT_EQ(ignore.ignores(path, path.substr(path.rfind('/') + 1), row.is_directory), row.ignored)
        << row.content << " on " << path;
  }
}

TEST(GitIgnore, ADeeperFileOverridesOneAbove) {
  const TempTree world;
  world.file(".gitignore", "*.log\n/only\n");
  world.file("sub/.gitignore", "!keep.log\n");
  RulesBuilder builder;
  builder.gitignore();
  const Rules rules = builder.build().value();
  EXPECT_TRUE(rules.reads_directories());
  const auto enter = [&](const std::shared_ptr<const Scope>& parent, const char* path) {
    const sys::UniqueFd fd(::open(world.at(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return Scope::enter(parent, fd, path).value();
  };
  const auto root = enter(Scope::begin(rules, world.path()).value(), "");
  const auto sub = enter(root, "sub");
  EXPECT_TRUE(root->judge("", "keep.log", false).hidden);
  EXPECT_TRUE(root->judge("", "keep.log", false).guarded);
  EXPECT_FALSE(sub->judge("sub", "keep.log", false).hidden);
  EXPECT_TRUE(sub->judge("sub", "x.log", false).hidden);
  EXPECT_FALSE(sub->judge("sub", "only", false).hidden);
  EXPECT_FALSE(root->judge("", ".git", true).hidden);
}

TEST(GitIgnore, ExplicitRulesComeFirst) {
  const TempTree world;
  world.file(".gitignore", "*.log\n");
  RulesBuilder builder;
  ASSERT_TRUE(builder.include("keep.log"));
  builder.gitignore();
  const Rules rules = builder.build().value();
  const sys::UniqueFd fd(::open(world.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto root = Scope::enter(Scope::begin(rules, world.path()).value(), fd, "").value();
  EXPECT_FALSE(root->judge("", "keep.log", false).hidden);
  EXPECT_TRUE(root->judge("", "x.log", false).hidden);
}

// ---- Beside git.

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    tree_.dir("w");
    grow("w", 0);
  }
  const TempTree& tree() const { return tree_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[random_() % from.size()];
  }
  std::string pattern() {
    static const std::vector<std::string> kWords = {"a",   "b",   "foo",         "x.log", "d",    "e",    "*",  "*.log",
                                                    "f*",  "?",   "[ab]",        "[!a]*", "\\*",  "a\\b", "**", "a**",
                                                    "**b", "***", "[[:alpha:]]", "[",     "foo ", "b\\ ", "#c"};
    std::string text = random_() % 4 == 0 ? "!" : "";
    if (random_() % 4 == 0) text += '/';
    for (std::uint64_t parts = 1 + random_() % 3; parts > 0; --parts) {
      text += pick(kWords);
      if (random_() % 8 == 0) text += pick(kWords);
      if (parts > 1) text += '/';
    }
    if (random_() % 4 == 0) text += random_() % 2 == 0 ? "/" : "/**";
    return text;
  }
  void grow(const std::string& directory, int depth) {
    if (random_() % 3 != 0) {
      std::string content;
      for (std::uint64_t lines = 1 + random_() % 4; lines > 0; --lines)
        content += pattern() + (random_() % 8 == 0 ? "\r\n" : "\n");
      tree_.file(directory + "/.gitignore", content);
    }
    for (const char* name : {"a", "b", "foo", "foo ", "x.log", "#c", "fab", "b ", "*"}) {
      if (random_() % 2 == 0) continue;
      names_.push_back(directory + "/" + name);
      tree_.file(names_.back(), "");
    }
    if (depth == 3) return;
    for (const char* name : {"d", "e", "ab", "d.log"}) {
      if (random_() % 2 == 0) continue;
      names_.push_back(directory + "/" + name);
      tree_.dir(names_.back());
      grow(directory + "/" + name, depth + 1);
    }
  }

  std::mt19937_64 random_;
  TempTree tree_;
  std::vector<std::string> names_;
};

/// The paths below w/ that git ignores, asked one by one: git says it of everything below an ignored directory, too.
std::set<std::string> ignored_by_git(const World& world) {
  std::ofstream(world.tree().at("names"), std::ios::binary) << [&] {
    std::string all;
    for (const std::string& name : world.names()) all += name.substr(2) + '\0';
    return all;
  }();
  const std::string command = "cd '" + world.tree().at("w") +
                              "' && git init -q . >/dev/null && git -c core.excludesFile=/dev/null check-ignore --no-index -z "
                              "--stdin <../names >../ignored";
  EXPECT_LE(std::system(command.c_str()), 1 << 8);  // 1: none is ignored
  std::set<std::string> ignored;
  std::ifstream file(world.tree().at("ignored"), std::ios::binary);
  for (std::string name; std::getline(file, name, '\0');) ignored.insert("w/" + name);
  return ignored;
}

void ignored_by_us(const World& world, const std::shared_ptr<const Scope>& parent, const std::string& directory, bool above,
                   std::set<std::string>& ignored) {
  const std::string path = "w" + (directory.empty() ? "" : "/" + directory);
  const sys::UniqueFd fd(::open(world.tree().at(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto scope = Scope::enter(parent, fd, directory).value();
  for (const auto& entry : fs::directory_iterator(world.tree().at(path))) {
    const std::string name = entry.path().filename().string();
    if (name == ".git" || name == ".gitignore") continue;
    const bool hidden = above || scope->judge(directory, name, entry.is_directory()).hidden;
    if (hidden) ignored.insert(path + "/" + name);
    if (entry.is_directory()) ignored_by_us(world, scope, directory.empty() ? name : directory + "/" + name, hidden, ignored);
  }
}

TEST(GitIgnore, AgreesWithGit) {
  if (std::system("git --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "git is missing";
  RulesBuilder builder;
  builder.gitignore();
  const Rules rules = builder.build().value();
  std::size_t ignored_at_all = 0;
  const std::uint64_t fresh = std::random_device{}();
  for (std::uint64_t round = 0; round < 30; ++round) {
    const std::uint64_t seed = round < 20 ? round : fresh + round;
    SCOPED_TRACE("seed " + std::to_string(seed));
    const World world(seed);
    std::set<std::string> ours;
    ignored_by_us(world, Scope::begin(rules, world.tree().at("w")).value(), "", false, ours);
    ASSERT_EQ(ours, ignored_by_git(world));
    ignored_at_all += ours.size();
  }
  EXPECT_GT(ignored_at_all, 100U);
}

}  // namespace
}  // namespace foxing::filter
