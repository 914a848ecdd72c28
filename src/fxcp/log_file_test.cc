// SPDX-License-Identifier: GPL-2.0-or-later
// The log as a report writes it.
#include "fxcp/log_file.h"

#include <gmock/gmock.h>

#include <sstream>

#include "fxcp/report.h"
#include "testing/temp_tree.h"

namespace foxing::fxcp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using testing::TempTree;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

copy::FileEvent copied(const std::string& name) {
  copy::FileEvent event{
      .action = copy::FileEvent::Action::copied, .path = "src/" + name, .below = name, .type = sys::FileType::regular};
  event.changes.created = true;
  return event;
}
copy::Problem problem(const std::string& path, bool failure = true) {
  return {copy::ProblemKind::owner, failure, {.code = EPERM, .operation = "fchown", .subject = path, .detail = {}}};
}

Options logging(const TempTree& world) {
  Options options;
  options.log_file = world.at("log");
  return options;
}

constexpr const char* kPrefix = "[0-9/]{10} [0-9:]{8} \\[[0-9]+\\] ";

TEST(LogFile, ChangesProblemsAndSumsAreLines) {
  TempTree world;
  world.file("log", "of an earlier run\n");
  Options options = logging(world);
  options.quiet = true;  // the log hears all the same
  Report report(options);
  ASSERT_TRUE(report.open(options, 022));
  EXPECT_TRUE(report.wants_files());
  report.file(copied("a\nb"));
  report.problem(problem("src/a"));
  report.problem(problem("src/b", false));
  copy::Counters counters;
  counters.entries = counters.files = 1;
  counters.bytes = 1000;
  report.end(counters, {.exit_code = ExitCode::some_failed});
  EXPECT_TRUE(report.output_is_whole());
  const std::string prefix = kPrefix;
  EXPECT_THAT(
      lines_of(world.read("log")),
      ElementsAre("of an earlier run", MatchesRegex(prefix + ">f\\+{9} a\\\\x0ab"),
                  MatchesRegex(prefix + "fxcp: src/a: fchown: Operation not permitted"),
                  MatchesRegex(prefix + "fxcp: src/b: note: fchown: Operation not permitted"),
                  MatchesRegex(prefix + "fxcp: 1 of 1 entries done, 1 failures; 1 files of 1000 bytes copied, .*exit code 1")));
}

TEST(LogFile, ItsFormatIsItsOwnAndStandardOutputHearsNothing) {
  TempTree world;
  Options options = logging(world);
  options.log_file_format = "%o %n";
  Report report(options);
  ASSERT_TRUE(report.open(options, 022));
  ::testing::internal::CaptureStdout();
  report.file(copied("a"));
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_THAT(world.read("log"), HasSubstr("] send a\n"));
  EXPECT_EQ(world.mode("log"), 0644u);
}

TEST(LogFile, ARefusalIsLogged) {
  TempTree world;
  const Options options = logging(world);
  Report report(options);
  ASSERT_TRUE(report.open(options, 0));
  report.refuse({.code = 0, .operation = "", .subject = "dst", .detail = "is not a directory"});
  EXPECT_THAT(world.read("log"), HasSubstr("] fxcp: 'dst' is not a directory\n"));
}

TEST(LogFile, WhatCannotBeOpenedIsRefusedWithItsPath) {
  TempTree world;
  Options options;
  options.log_file = world.at("missing/log");
  Report report(options);
  const auto opened = report.open(options, 022);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ENOENT);
  EXPECT_EQ(opened.error().subject, world.at("missing/log"));
  options.log_file = world.at("log");
  options.log_file_format = "%q";
  EXPECT_THAT(Report(options).open(options, 022).error().detail, HasSubstr("--log-file-format: %q is unknown"));
  EXPECT_FALSE(world.exists("log"));
}

TEST(LogFile, AFullDiskIsToldOnceAndIsAFailure) {
  Options options;
  options.log_file = "/dev/full";
  Report report(options);
  ASSERT_TRUE(report.open(options, 022));
  ::testing::internal::CaptureStderr();
  report.file(copied("a"));
  report.file(copied("b"));
  report.end({}, {});
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "fxcp: log /dev/full: write: No space left on device; nothing more is logged\n");
  EXPECT_FALSE(report.output_is_whole());
}

TEST(LogFile, ALogThatWasDeletedMeanwhileIsAFailure) {
  TempTree world;
  const Options options = logging(world);
  Report report(options);
  ASSERT_TRUE(report.open(options, 022));
  world.remove("log");
  ::testing::internal::CaptureStderr();
  report.end({}, {});
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("was deleted while it was written"));
  EXPECT_FALSE(report.output_is_whole());
}

}  // namespace
}  // namespace foxing::fxcp
