// SPDX-License-Identifier: GPL-2.0-or-later
// What is written from the table of options: --help, the man page, completions.
#include "fxcp/help.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "fxcp/option_table.h"
#include "fxcp/test_options.h"

namespace foxing::fxcp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// All spellings of all options: "-a", "--archive", "--no-perms", ...
Words all_spellings() {
  Words spellings;
  for (const OptionRow& row : option_table()) {
    if (row.letter != 0) spellings.push_back(std::string("-") + row.letter);
    for (const std::string_view name : {row.name, row.alias, row.negation})
      if (!name.empty()) spellings.push_back("--" + std::string(name));
  }
  return spellings;
}

/// True where `word` stands in `text` with no letter or dash before or behind it.
bool mentions(const std::string& text, const std::string& word) {
  const auto is_part = [](char c) { return c == '-' || std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_part(text[at - 1])) && (end == text.size() || !is_part(text[end]))) return true;
  }
  return false;
}

struct Answer {
  int status;
  std::string output;
};

/// Runs a shell command on `input` as a file, whose name stands for every FILE; stdout and stderr together.
Answer run_on(const std::string& input, std::string command) {
  std::string path = testing::TempDir() + "/fxcp-docs-XXXXXX";
  const int fd = ::mkstemp(path.data());
  EXPECT_GE(fd, 0);
  ::close(fd);
  std::ofstream(path) << input;
  for (std::size_t at; (at = command.find("FILE")) != std::string::npos;) command.replace(at, 4, path);
  Answer result{-1, ""};
  if (FILE* pipe = ::popen(("exec 2>&1; " + command).c_str(), "r")) {
    char buffer[4096];
    for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) result.output.append(buffer, got);
    const int status = ::pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  ::unlink(path.c_str());
  return result;
}

bool have(const char* program) { return run_on("", std::string("command -v ") + program).status == 0; }

#define SKIP_WITHOUT(program) \
  if (!have(program)) GTEST_SKIP() << program << " is not installed"

TEST(Help, MentionsEveryOption) {
  std::string text = help_text();
  for (const std::string& word : all_spellings()) {
    if (!word.starts_with("--no-")) {
      EXPECT_TRUE(mentions(text, word) || mentions(text, "--[no-]" + word.substr(2))) << word;
    } else {
      EXPECT_TRUE(mentions(text, word) || mentions(text, "--[no-]" + word.substr(5))) << word;
    }
  }
  for (const Verb& verb : verbs()) EXPECT_THAT(text, HasSubstr("fxcp " + std::string(verb.name)));
}

TEST(Help, FitsIntoEightyColumns) {
  std::istringstream lines(help_text());
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 80u) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

TEST(Help, BeginsWithUsageAndExamplesThatParse) {
  const std::string text = help_text();
  EXPECT_THAT(text, testing::StartsWith("Usage: fxcp "));
  EXPECT_LT(text.find("Examples:"), text.find("What is copied"));
  std::istringstream lines(text);
  int examples = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  fxcp ") || line.find("PATH...") != std::string::npos || line.find(" A B ") != std::string::npos ||
        line.find("fxcp snap import") != std::string::npos || line.find(" FILE") != std::string::npos ||
        line.find(" TREE") != std::string::npos || line.find("fxcp snap ") != std::string::npos)
      continue;
    std::istringstream split(line.substr(7));
    Words words;
    for (std::string word; split >> word;) words.push_back(word);
    EXPECT_TRUE(parse(words)) << line;
    ++examples;
  }
  EXPECT_GE(examples, 4);
}

TEST(Help, VersionIsOneOfOurs) { EXPECT_THAT(version_text(), testing::StartsWith("fxcp (Foxing) " FOXING_VERSION "\n")); }

TEST(ManPage, MentionsEveryOption) {
  SKIP_WITHOUT("groff");
  const Answer page = run_on(man_page(), "groff -man -Tascii -rLL=200n -P-c -P-b -P-u FILE");
  ASSERT_EQ(page.status, 0) << page.output;
  for (const std::string& word : all_spellings()) EXPECT_TRUE(mentions(page.output, word)) << word;
  for (const char* heading : {"SYNOPSIS", "DESCRIPTION", "SOURCE AND DESTINATION", "OPTIONS", "VERBS", "EXIT STATUS", "JSON",
                              "EXAMPLES", "FILES", "SEE ALSO"})
    EXPECT_THAT(page.output, HasSubstr(std::string("\n") + heading + "\n"));
}

TEST(ManPage, NamesEveryOptionInItsSource) {
  std::string plain = man_page();
  for (const std::string_view noise : {"\\fB", "\\fI", "\\fR", "\\"})
    for (std::size_t at; (at = plain.find(noise)) != std::string::npos;) plain.erase(at, noise.size());
  for (const std::string& word : all_spellings()) EXPECT_TRUE(mentions(plain, word)) << word;
}

TEST(ManPage, IsAsciiAndPassesGroffWithoutAWord) {
  const std::string page = man_page();
  EXPECT_TRUE(std::all_of(page.begin(), page.end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  SKIP_WITHOUT("groff");
  const Answer groff = run_on(page, "groff -man -Tutf8 -ww -z FILE");
  EXPECT_EQ(groff.status, 0);
  EXPECT_EQ(groff.output, "");
}

TEST(ManPage, PassesMan) {
  SKIP_WITHOUT("man");
  SKIP_WITHOUT("groff");
  const Answer man = run_on(man_page(), "man --warnings -l FILE 2>&1 >/dev/null");
  EXPECT_EQ(man.status, 0);
  EXPECT_EQ(man.output, "");
}

TEST(Completions, MentionEveryOption) {
  const std::string bash = bash_completion(), zsh = zsh_completion();
  for (const std::string& word : all_spellings()) {
    EXPECT_TRUE(mentions(bash, word)) << word;
    const bool in_zsh = zsh.find(")" + word + "[") != std::string::npos || zsh.find(")" + word + "=") != std::string::npos ||
                        zsh.find(")" + word + "+[") != std::string::npos || zsh.find("*" + word + "[") != std::string::npos;
    EXPECT_TRUE(in_zsh) << word;
    const bool is_long = word.starts_with("--");
    EXPECT_TRUE(mentions(fish_completion(), (is_long ? "-l " : "-s ") + word.substr(is_long ? 2 : 1))) << word;
  }
  for (const std::string& text : {bash, zsh, fish_completion()})
    for (const Verb& verb : verbs())
      EXPECT_TRUE(mentions(text, std::string(verb.name.substr(0, verb.name.find(' '))))) << verb.name;
}

/// What bash offers for the last of `words`, split as readline splits them.
Words bash_offers(const std::string& words) {
  const Answer run =
      run_on(bash_completion(), "exec bash -c 'set -u; cd /; . FILE; COMP_WORDS=(" + words +
                                    "); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _fxcp; printf \"%s\\n\" \"${COMPREPLY[@]}\"'");
  EXPECT_EQ(run.status, 0) << words << run.output;
  std::istringstream lines(run.output);
  Words offers;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) offers.push_back(line);
  return offers;
}

TEST(Completions, BashReadsIt) {
  SKIP_WITHOUT("bash");
  const Answer run = run_on(bash_completion(), "bash -n FILE");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.output, "");
}

TEST(Completions, BashOffers) {
  SKIP_WITHOUT("bash");
  const std::string end = " \"\"";
  EXPECT_THAT(bash_offers("fxcp --rec"), ElementsAre("--recursive"));
  EXPECT_THAT(bash_offers("fxcp a --targ"), ElementsAre("--target-directory="));
  EXPECT_THAT(bash_offers("fxcp --reflink ="), ElementsAre("auto", "always", "never"));
  EXPECT_THAT(bash_offers("fxcp --reflink = al"), ElementsAre("always"));
  EXPECT_THAT(bash_offers("fxcp --sparse=ne"), ElementsAre("--sparse=never"));
  EXPECT_THAT(bash_offers("fxcp --json = f"), ElementsAre("files"));
  EXPECT_THAT(bash_offers("fxcp --target-directory = us"), ElementsAre("usr"));
  EXPECT_THAT(bash_offers("fxcp --target-directory us"), ElementsAre("usr"));
  EXPECT_THAT(bash_offers("fxcp inf"), ElementsAre("info"));
  EXPECT_THAT(bash_offers("fxcp a inf"), IsEmpty());
  EXPECT_THAT(bash_offers("fxcp -- --rec"), IsEmpty());
  EXPECT_THAT(bash_offers("fxcp -j" + end), IsEmpty());
  EXPECT_THAT(bash_offers("fxcp --reflink" + end), IsEmpty()) << "an optional argument is glued on";
}

TEST(Completions, ZshReadsIt) {
  SKIP_WITHOUT("zsh");
  const Answer run = run_on(zsh_completion(), "zsh -n FILE");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.output, "");
}

TEST(Completions, FishReadsIt) {
  SKIP_WITHOUT("fish");
  const Answer run = run_on(fish_completion(), "fish -n FILE");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.output, "");
}

}  // namespace
}  // namespace foxing::fxcp
