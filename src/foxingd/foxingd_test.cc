// SPDX-License-Identifier: GPL-2.0-or-later
// The command line, the configuration, and what a replica says of itself.
#include <gmock/gmock.h>

#include "foxingd/config.h"
#include "foxingd/config_keys.h"
#include "foxingd/options.h"
#include "foxingd/status.h"

namespace foxing::foxingd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Result<Options> parsed(std::vector<std::string> words) {
  words.insert(words.begin(), "foxingd");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return parse_options(static_cast<int>(argv.size()), argv.data());
}

std::vector<std::string> mistakes(std::string_view text) {
  std::vector<std::string> all;
  for (const Mistake& mistake : parse_config(text, "c").mistakes) all.push_back(mistake.text());
  return all;
}

constexpr std::string_view kGood = R"(
worker_count = 3
sweep_minutes = 0
[[sources]]
path = "/s/"
include = ["*.c"]
exclude = ["*"]
[[sources.targets]]
path = "/t"
[[sources.targets]]
path = "/u"
)";

TEST(FoxingdOptions, CommandsAndTheirOptions) {
  const auto sync = parsed({"sync", "-a", "--watch", "-e", "*.o", "--exclude=*.a", "--", "-src", "dst"});
  ASSERT_TRUE(sync) << sync.error().message();
  EXPECT_EQ(sync->command, Command::sync);
  EXPECT_TRUE(sync->watch);
  EXPECT_THAT(sync->exclude, ElementsAre("*.o", "*.a"));
  EXPECT_THAT(sync->paths, ElementsAre("-src", "dst"));
  EXPECT_EQ(parsed({"daemon", "-c", "file"})->config, "file");
  EXPECT_EQ(parsed({"flush", "--timeout=5"})->timeout, std::chrono::seconds(5));
  EXPECT_EQ(parsed({"sync", "--capture=fanotify", "1", "2"})->capture, "fanotify");
  EXPECT_EQ(sync->capture, "auto");
  EXPECT_EQ(parsed({})->command, Command::help);
  EXPECT_EQ(parsed({"--version"})->command, Command::version);
  EXPECT_EQ(parsed({"explain", "/a", "/b"})->paths.size(), 2u);
}

TEST(FoxingdOptions, WhatMakesNoSenseIsRefused) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"frob"},
                                                                                     {"sync", "one"},
                                                                                     {"sync", "1", "2", "3"},
                                                                                     {"daemon", "path"},
                                                                                     {"daemon", "--watch"},
                                                                                     {"daemon", "-c"},
                                                                                     {"sync", "--watch=yes", "1", "2"},
                                                                                     {"sync", "-j", "0", "1", "2"},
                                                                                     {"sync", "--capture", "ears", "1", "2"},
                                                                                     {"flush", "--timeout", "soon"},
                                                                                     {"explain", "/a"},
                                                                                     {"pause"}})
    EXPECT_FALSE(parsed(words)) << ::testing::PrintToString(words);
}

TEST(FoxingdConfig, ReadsWhatIsThere) {
  const ReadConfig read = parse_config(kGood, "c");
  EXPECT_THAT(read.mistakes, IsEmpty());
  EXPECT_EQ(read.config.worker_count, 3u);
  EXPECT_FALSE(read.config.sweep);
  ASSERT_EQ(read.config.sources.size(), 1u);
  const SourceConfig& source = read.config.sources[0];
  EXPECT_EQ(source.path, "/s");
  ASSERT_EQ(source.rules.size(), 2u);
  EXPECT_TRUE(source.rules[0].include);
  EXPECT_EQ(source.targets.size(), 2u);
}

TEST(FoxingdConfig, EveryMistakeHasItsLine) {
  EXPECT_THAT(mistakes("worker_count = -1\nqueue_max = 1.5\ncolour = 1\n"),
              ElementsAre(HasSubstr("c:1: worker_count"), HasSubstr("c:2: queue_max"), HasSubstr("c:3: unknown key 'colour'")));
  EXPECT_THAT(mistakes("[sources]\npath = '/a'\n"), ElementsAre(HasSubstr("write [[sources]]")));
  EXPECT_THAT(mistakes("[[sources]]\npath = '/a'\ntargets = '/b'\n"),
              ElementsAre(HasSubstr("c:1: this source has no"), HasSubstr("c:3: targets is a list of tables")));
  EXPECT_THAT(mistakes(""), ElementsAre(HasSubstr("there is no [[sources]]")));
  EXPECT_THAT(mistakes("a = \n"), ElementsAre(HasSubstr("c:1:")));
  EXPECT_THAT(mistakes("[[sources]]\n[[sources.targets]]\npath = ''\n"),
              ElementsAre(HasSubstr("c:1: [[sources]] needs a path"), HasSubstr("c:3:")));
}

TEST(FoxingdConfig, NamesASourceOfEvents) {
  EXPECT_EQ(parse_config(std::string("capture = 'bpf-ctime'") + std::string(kGood), "c").config.capture, "bpf-ctime");
  EXPECT_EQ(parse_config(kGood, "c").config.capture, "auto");
  EXPECT_THAT(mistakes(std::string("capture = 'ears'") + std::string(kGood)),
              ElementsAre(::testing::AllOf(HasSubstr("c:1: capture must be one of auto, "), HasSubstr("bpf-ctime, fanotify, poll"))));
}

TEST(FoxingdConfig, NoPathTwice) {
  EXPECT_THAT(
      mistakes(
          "[[sources]]\npath='/a'\n[[sources.targets]]\npath='/t'\n[[sources]]\npath='/b'\n[[sources.targets]]\npath='/t/'\n"),
      ElementsAre(HasSubstr("target '/t' is there twice")));
}

TEST(FoxingdConfig, WhatExplainSaysIsAConfigurationOfDefaults) {
  const ReadConfig read = parse_config(explain_text("/a \"b\"\\c\n", "/t"), "c");
  EXPECT_THAT(read.mistakes, IsEmpty());
  Config expected;
  expected.file = "c";
  expected.sources = {{.path = "/a \"b\"\\c\n", .targets = {{"/t"}}}};
  EXPECT_EQ(read.config, expected);
  for (const ConfigKey& key : config_keys()) EXPECT_THAT(explain_text(), HasSubstr("\n" + std::string(key.name) + " = "));
}

TEST(FoxingdConfig, EveryKeyOfTheTableIsRead) {
  for (const ConfigKey& key : config_keys()) {
    if (key.table != ConfigKey::Table::root) continue;
    // A table is nothing that any key takes: who ignores the key does not complain.
    EXPECT_THAT(mistakes(std::string(key.name) + " = {}\n"),
                ElementsAre(HasSubstr("c:1: " + std::string(key.name) + " must be")));
  }
}

TEST(FoxingdConfig, SomeKeysWaitForARestart) {
  Config running, wanted;
  wanted.worker_count = 7;
  EXPECT_THAT(waiting_for_restart(running, wanted), IsEmpty());
  wanted.metrics = "";
  EXPECT_THAT(waiting_for_restart(running, wanted), ElementsAre("metrics"));
}

Reported reported() {
  mirror::ReplicaStatus status;
  status.source = "/s";
  status.target = "/a \"quoted\"\n target";
  status.state = mirror::State::stalled;
  status.why = "full";
  status.pending = 7;
  status.lag = std::chrono::milliseconds(1500);
  return {status, capture::Coverage::all().without(capture::Operation::mapped_write)};
}

TEST(FoxingdStatus, IsOneLineOfJsonAndTextForPeople) {
  const std::string json = status_json({reported()});
  EXPECT_EQ(json.find('\n'), std::string::npos);
  EXPECT_THAT(json, ::testing::AllOf(HasSubstr(R"("schema":"foxingd/1")"), HasSubstr(R"("pending":7)"),
                                     HasSubstr(R"("lag_seconds":1.5)"), HasSubstr(R"("not_heard_of":["mmap_write"])")));
  EXPECT_THAT(status_text(json), ::testing::AllOf(HasSubstr("stalled: full"), HasSubstr("7 pending"), HasSubstr("lag 1.500 s")));
}

TEST(FoxingdStatus, LabelsOfMetricsAreEscaped) {
  const std::string text = metrics_text({reported()});
  EXPECT_THAT(text, HasSubstr(R"(target="/a \"quoted\"\\x0a target")"));
  EXPECT_THAT(text, HasSubstr("# TYPE foxing_pending_names gauge\n"));
  EXPECT_THAT(text, HasSubstr("op=\"mmap_write\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("op=\"rename\"} 1\n"));
}

}  // namespace
}  // namespace foxing::foxingd
