// SPDX-License-Identifier: GPL-2.0-or-later
// The schema of docs/json.md, key by key: programs read this.
#include "fxcp/json_lines.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

namespace foxing::fxcp {
namespace {

using Json = nlohmann::json;

Json parsed(const std::string& line) {
  EXPECT_EQ(line.find('\n'), std::string::npos) << "one object is one line";
  return Json::parse(line);
}
std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& item : object.items()) names.push_back(item.key());
  return names;  // sorted, as this kind of object keeps them
}

TEST(JsonLines, Start) {
  Options options;
  options.sources = {"a", "caf\xE9"};
  options.destination = "dst";
  const Json start = parsed(json::start(options, 4));
  EXPECT_EQ(start["type"], "start");
  EXPECT_EQ(start["schema"], "fxcp/1");
  EXPECT_EQ(start["version"], FOXING_VERSION);
  EXPECT_EQ(start["workers"], 4);
  EXPECT_EQ(start["dry_run"], false);
  EXPECT_EQ(start["destination"], "dst");
  EXPECT_EQ(start["sources"][0], Json({{"path", "a"}}));
  EXPECT_EQ(start["sources"][1], Json({{"path", "caf\xEF\xBF\xBD"}, {"path_hex", "636166e9"}}));
  EXPECT_THAT(start["time"].get<std::string>(),
              ::testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"));
  options.target_directory = "into";
  EXPECT_EQ(parsed(json::start(options, 1))["destination"], "into");
}

TEST(JsonLines, Refusal) {
  const Json refusal = parsed(json::refusal({.code = ENOENT, .operation = "", .subject = "src", .detail = "does not exist"}));
  EXPECT_EQ(refusal, Json({{"type", "refused"},
                           {"path", "src"},
                           {"message", "No such file or directory: does not exist"},
                           {"errno", "ENOENT"},
                           {"exit_code", 2}}));
  EXPECT_THAT(keys(parsed(json::refusal({.code = 0, .operation = "", .subject = {}, .detail = "nothing to do"}))),
              ::testing::ElementsAre("exit_code", "message", "type"));
}

TEST(JsonLines, FailureAndWarning) {
  const copy::Problem problem{
      copy::ProblemKind::no_space, true, {.code = ENOSPC, .operation = "write", .subject = "dst/a", .detail = {}}};
  EXPECT_EQ(parsed(json::problem(problem)), Json({{"type", "failure"},
                                                  {"kind", "no_space"},
                                                  {"path", "dst/a"},
                                                  {"message", "write: No space left on device"},
                                                  {"operation", "write"},
                                                  {"errno", "ENOSPC"}}));
  const copy::Problem note{
      copy::ProblemKind::vanished, false, {.code = 0, .operation = "", .subject = "a\n\"\x1b", .detail = "was removed"}};
  const Json warning = parsed(json::problem(note));
  EXPECT_EQ(warning["type"], "warning");
  EXPECT_EQ(warning["path"], "a\n\"\x1b") << "exact where it is UTF-8";
  EXPECT_THAT(keys(warning), ::testing::ElementsAre("kind", "message", "path", "type"));
}

TEST(JsonLines, EveryKindOfProblemHasANameOfItsOwn) {
  std::set<std::string> names;
  for (std::size_t kind = 0; kind < copy::kProblemKinds; ++kind) {
    names.insert(parsed(json::problem({static_cast<copy::ProblemKind>(kind), true, {}}))["kind"].get<std::string>());
  }
  EXPECT_EQ(names.size(), copy::kProblemKinds);
  EXPECT_FALSE(names.contains("?"));
}

TEST(JsonLines, File) {
  const copy::FileEvent event{.action = copy::FileEvent::Action::copied,
                              .path = "src/a",
                              .type = sys::FileType::regular,
                              .size = Bytes(1536),
                              .tier = copy::Tier::plain,
                              .attempts = {{copy::Tier::clone, EXDEV}, {copy::Tier::plain, 0}},
                              .why = "the filesystem shares blocks"};
  EXPECT_EQ(parsed(json::file(event, false)),
            Json({{"type", "file"},
                  {"action", "copied"},
                  {"path", "src/a"},
                  {"file_type", "regular file"},
                  {"bytes", 1536},
                  {"tier", "read_write"},
                  {"why", "the filesystem shares blocks"},
                  {"attempts", Json::array({Json({{"tier", "reflink"}, {"errno", "EXDEV"}}), Json({{"tier", "read_write"}})})}}));
  EXPECT_EQ(parsed(json::file(event, true)),
            Json({{"type", "file"}, {"action", "copied"}, {"path", "src/a"}, {"file_type", "regular file"}, {"bytes", 1536}}))
      << "nothing was tried";
}

TEST(JsonLines, FilesWithoutContent) {
  using Action = copy::FileEvent::Action;
  const std::pair<Action, const char*> actions[] = {{Action::linked, "linked"},         {Action::symlink, "symlink"},
                                                    {Action::special, "special"},       {Action::directory, "directory"},
                                                    {Action::attributes, "attributes"}, {Action::unchanged, "unchanged"},
                                                    {Action::deleted, "deleted"},       {Action::removed, "removed"}};
  for (const auto& [action, name] : actions) {
    const Json event =
        parsed(json::file({.action = action, .path = "src/a", .type = sys::FileType::fifo, .size = Bytes(7)}, false));
    EXPECT_EQ(event, Json({{"type", "file"}, {"action", name}, {"path", "src/a"}, {"file_type", "fifo"}}));
  }
}

TEST(JsonLines, Progress) {
  ProgressState state{.files = 5,
                      .total_files = 10,
                      .bytes = Bytes(100),
                      .total_bytes = Bytes(200),
                      .totals_are_final = true,
                      .elapsed = std::chrono::duration<double>(2.5)};
  EXPECT_EQ(parsed(json::progress(state)), Json({{"type", "progress"},
                                                 {"elapsed_s", 2.5},
                                                 {"files", 5},
                                                 {"bytes", 100},
                                                 {"total_files", 10},
                                                 {"total_bytes", 200},
                                                 {"totals_are_final", true},
                                                 {"eta_s", 2.5}}));
  state.totals_are_final = false;
  EXPECT_FALSE(parsed(json::progress(state)).contains("eta_s"));
  state.total_files = 0;
  EXPECT_THAT(keys(parsed(json::progress(state))), ::testing::ElementsAre("bytes", "elapsed_s", "files", "type"));
}

TEST(JsonLines, Summary) {
  copy::Counters counters;
  counters.entries = 1;
  counters.files = 2;
  counters.directories = 3;
  counters.symlinks = 4;
  counters.specials = 5;
  counters.hard_links = 6;
  counters.unchanged = 14;
  counters.pruned = 21;
  counters.renamed = 22;
  counters.signed_files = 23;
  counters.signatures_ignored = 24;
  counters.hashed_directories = 25;
  counters.updated = 15;
  counters.skipped = 16;
  counters.deleted = 17;
  counters.delta_files = 18;
  counters.packed_files = 21;
  counters.packed_read = 22;
  counters.packed_made = 23;
  counters.delta_spared = 19;
  counters.bytes = 7;
  counters.bytes_moved = 8;
  counters.retries = 9;
  counters.litter = 10;
  counters.by_tier[static_cast<std::size_t>(copy::Tier::ring)] = 11;
  RunEnd run{.exit_code = ExitCode::some_failed, .interrupted = true, .elapsed = std::chrono::duration<double>(1.5)};
  Json summary = parsed(json::summary(counters, run, 12, 13, true));
  const Json expected = {{"type", "summary"},
                         {"exit_code", 1},
                         {"dry_run", true},
                         {"interrupted", true},
                         {"elapsed_s", 1.5},
                         {"entries", 1},
                         {"files", 2},
                         {"directories", 3},
                         {"symlinks", 4},
                         {"specials", 5},
                         {"hard_links", 6},
                         {"unchanged", 14},
                         {"pruned", 21},
                         {"renamed", 22},
                         {"signatures_written", 23},
                         {"signatures_ignored", 24},
                         {"hashes_written", 25},
                         {"updated", 15},
                         {"skipped", 16},
                         {"deleted", 17},
                         {"delta_files", 18},
                         {"codec_files", 21},
                         {"codec_bytes_read", 22},
                         {"codec_bytes_made", 23},
                         {"delta_spared_bytes", 19},
                         {"bytes", 7},
                         {"bytes_moved", 8},
                         {"retries", 9},
                         {"litter_removed", 10},
                         {"sources_removed", 0},
                         {"failures", 12},
                         {"warnings", 13},
                         {"files_by_tier",
                          {{"reflink", 0},
                           {"copy_file_range", 0},
                           {"sendfile", 0},
                           {"io_uring", 11},
                           {"read_write", 0},
                           {"delta", 0},
                           {"codec", 0}}}};
  EXPECT_EQ(summary, expected);
  run.no_space = true;
  summary = parsed(json::summary(counters, run, 0, 0, false));
  EXPECT_EQ(summary["no_space"], true);
  EXPECT_FALSE(summary.contains("missing_bytes"));
  run.missing_space = 1_KiB;
  EXPECT_EQ(parsed(json::summary(counters, run, 0, 0, false))["missing_bytes"], 1024);
}

TEST(JsonLines, CleanupSummary) {
  EXPECT_EQ(parsed(json::cleanup_summary(3, 2, true)),
            Json({{"type", "summary"}, {"dry_run", true}, {"litter_removed", 3}, {"litter_kept", 2}}));
}

}  // namespace
}  // namespace foxing::fxcp
