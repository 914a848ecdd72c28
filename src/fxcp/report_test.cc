// SPDX-License-Identifier: GPL-2.0-or-later
// What people read.  The lines of --json: json_lines_test.cc.
#include "fxcp/report.h"

#include <gmock/gmock.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>

namespace foxing::fxcp {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// ---- How long still

ProgressState half_way(double elapsed_s) {
  return {.files = 50,
          .total_files = 100,
          .bytes = Bytes(500),
          .total_bytes = Bytes(1000),
          .totals_are_final = true,
          .elapsed = std::chrono::duration<double>(elapsed_s)};
}

TEST(SecondsLeft, AreByFilesAndBytesWhicheverIsLonger) {
  EXPECT_DOUBLE_EQ(seconds_left(half_way(10)), 10);
  ProgressState many_small = half_way(10);
  many_small.files = 10;  // of 100: 90 s by files, 10 s by bytes
  EXPECT_DOUBLE_EQ(seconds_left(many_small), 90);
  ProgressState one_large = half_way(10);
  one_large.bytes = Bytes(100);
  EXPECT_DOUBLE_EQ(seconds_left(one_large), 90);
}

TEST(SecondsLeft, AreUnknownWhileNothingIsKnown) {
  ProgressState counting = half_way(10);
  counting.totals_are_final = false;
  EXPECT_LT(seconds_left(counting), 0);
  EXPECT_LT(seconds_left(half_way(0.1)), 0) << "too early to tell";
  ProgressState nothing = half_way(10);
  nothing.files = 0;
  nothing.bytes = Bytes(0);
  EXPECT_LT(seconds_left(nothing), 0);
}

TEST(SecondsLeft, OfEmptyFilesAreByFilesAlone) {
  ProgressState empty = half_way(10);
  empty.bytes = empty.total_bytes = Bytes(0);
  EXPECT_DOUBLE_EQ(seconds_left(empty), 10);
}

TEST(SecondsLeft, AreNoneAtTheEndAndBehindIt) {
  ProgressState done = half_way(10);
  done.files = 100;
  done.bytes = Bytes(1000);
  EXPECT_DOUBLE_EQ(seconds_left(done), 0);
  done.files = 120;  // made meanwhile
  done.bytes = Bytes(1200);
  EXPECT_DOUBLE_EQ(seconds_left(done), 0);
}

// ---- What is printed

struct Printed {
  std::string out;
  std::string err;
};
template <class Work>
Printed printed(const Work& work) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  work();
  std::fflush(stdout);
  Printed printed;
  printed.out = ::testing::internal::GetCapturedStdout();
  printed.err = ::testing::internal::GetCapturedStderr();
  return printed;
}

copy::Problem problem(copy::ProblemKind kind, const std::string& path, bool failure = true, int code = EACCES) {
  return {kind, failure, {.code = code, .operation = "openat", .subject = path, .detail = {}}};
}
RunEnd ended(ExitCode code = ExitCode::all_done) { return {.exit_code = code, .elapsed = std::chrono::duration<double>(2)}; }

TEST(Report, AFailureIsALineWhenItHappensAndASummaryAtTheEnd) {
  Report report({});
  const Printed first = printed([&] { report.problem(problem(copy::ProblemKind::failed, "src/a")); });
  EXPECT_EQ(first.err, "fxcp: src/a: openat: Permission denied\n");
  EXPECT_EQ(first.out, "");
  EXPECT_EQ(report.failures(), 1u);
  copy::Counters counters;
  counters.entries = 1234;
  counters.files = 1200;
  counters.directories = 33;
  const Printed end = printed([&] { report.end(counters, ended(ExitCode::some_failed)); });
  EXPECT_EQ(end.err, "fxcp: 1,233 of 1,234 entries done, 1 failures\n");
}

TEST(Report, ARunWithoutFailuresSaysNothing) {
  Report report({});
  const Printed end = printed([&] { report.end({}, ended()); });
  EXPECT_EQ(end.out + end.err, "");
}

TEST(Report, WhatCouldNotBeKeptIsALineForEachKindHoweverManyFiles) {
  Report report({});
  const Printed during = printed([&] {
    for (int i = 0; i < 1500; ++i) report.problem(problem(copy::ProblemKind::acl, "src/" + std::to_string(i), true, EOPNOTSUPP));
    report.problem(problem(copy::ProblemKind::owner, "src/x", false, EPERM));
  });
  EXPECT_EQ(during.err, "");
  EXPECT_EQ(report.failures(), 1500u) << "a note is not one";
  const Printed end = printed([&] { report.end({}, ended(ExitCode::some_failed)); });
  EXPECT_THAT(end.err,
              AllOf(HasSubstr("fxcp: ACL not kept: 1,500 entries, first src/0: openat: Operation not supported\n"),
                    HasSubstr("fxcp: note: owner or group not kept: 1 entry, first src/x: openat: Operation not permitted\n")));
}

TEST(Report, WithVEveryOneIsALine) {
  Options options;
  options.verbose = 1;
  Report report(options);
  const Printed during = printed([&] { report.problem(problem(copy::ProblemKind::acl, "src/a")); });
  EXPECT_EQ(during.err, "fxcp: src/a: openat: Permission denied\n");
}

TEST(Report, WithQNotesAreSilentAndFailuresAreNot) {
  Options options;
  options.quiet = true;
  Report report(options);
  const Printed all = printed([&] {
    report.problem(problem(copy::ProblemKind::vanished, "src/a", false));
    report.problem(problem(copy::ProblemKind::owner, "src/b", false));
    report.problem(problem(copy::ProblemKind::failed, "src/c"));
    report.end({}, ended(ExitCode::some_failed));
  });
  EXPECT_THAT(all.err, AllOf(Not(HasSubstr("src/a")), Not(HasSubstr("src/b")), HasSubstr("src/c")));
}

TEST(Report, NamesAreNotObeyedByATerminalAndForgeNoLines) {
  Report report({});
  const Printed out = printed([&] {
    report.problem(problem(copy::ProblemKind::failed, "a\x1b[31m\nfxcp: all is well"));
    report.refuse({.code = 0, .operation = "", .subject = "b\n", .detail = "is a directory\x07"});
  });
  EXPECT_THAT(out.err, AllOf(HasSubstr("a\\x1b[31m\\x0afxcp: all is well"), HasSubstr("'b\\x0a' is a directory\\x07")));
  EXPECT_EQ(std::ranges::count(out.err, '\n'), 2);
}

TEST(Report, RefusalsAreSentences) {
  Report report({});
  const auto text = [&](Error error) { return printed([&] { report.refuse(error); }).err; };
  EXPECT_EQ(text({.code = 0, .operation = "", .subject = "dst", .detail = "is not a directory"}),
            "fxcp: 'dst' is not a directory\n");
  EXPECT_EQ(text({.code = ENOENT, .operation = "", .subject = "src", .detail = "does not exist; nothing was copied"}),
            "fxcp: 'src' does not exist; nothing was copied (No such file or directory)\n");
  EXPECT_EQ(text({.code = EACCES, .operation = "openat", .subject = "dst", .detail = {}}),
            "fxcp: 'dst': openat: Permission denied\n");
  EXPECT_EQ(text({.code = 0, .operation = "", .subject = {}, .detail = "SRC and DST are missing"}),
            "fxcp: SRC and DST are missing\n");
}

TEST(Report, AFullTargetSaysHowMuchIsMissing) {
  Report report({});
  RunEnd run = ended(ExitCode::some_failed);
  run.no_space = true;
  run.missing_space = 3_GiB;
  EXPECT_THAT(printed([&] { report.end({}, run); }).err,
              AllOf(HasSubstr("the target is full; 3.0 GiB more would be needed"), HasSubstr("the same command goes on")));
  run.missing_space = Bytes(0);
  EXPECT_THAT(printed([&] { report.end({}, run); }).err,
              AllOf(HasSubstr("the target is full: "), Not(HasSubstr("more would be needed"))));
}

TEST(Report, AStoppedRunSaysThatWhatIsThereIsWhole) {
  Report report({});
  RunEnd run = ended(ExitCode::some_failed);
  run.interrupted = true;
  EXPECT_THAT(printed([&] { report.end({}, run); }).err,
              HasSubstr("fxcp: stopped: 0 of 0 entries done, 0 failures; what is there is whole"));
}

copy::FileEvent copied(const std::string& path) {
  return {.action = copy::FileEvent::Action::copied,
          .path = path,
          .type = sys::FileType::regular,
          .size = Bytes(1536),
          .tier = copy::Tier::plain,
          .attempts = {{copy::Tier::clone, EXDEV}, {copy::Tier::plain, 0}},
          .why = "the filesystem shares blocks"};
}

TEST(Report, VerboseIsANameALine) {
  Options options;
  options.verbose = 1;
  Report report(options);
  EXPECT_TRUE(report.wants_files());
  const Printed out = printed([&] {
    report.file(copied("src/a\n"));
    report.file({.action = copy::FileEvent::Action::directory, .path = "src/d", .type = sys::FileType::directory});
  });
  EXPECT_EQ(out.out, "src/a\\x0a\nsrc/d/\n");
}

TEST(Report, ExplainTellsTheTiersAndWhy) {
  Options options;
  options.explain = true;
  Report report(options);
  const Printed out = printed([&] {
    report.file(copied("src/a"));
    report.file({.action = copy::FileEvent::Action::linked, .path = "src/b", .type = sys::FileType::regular});
  });
  EXPECT_EQ(out.out,
            "src/a: reflink declined (EXDEV) -> read_write (the filesystem shares blocks; 1.5 KiB)\nsrc/b: hard link to a file "
            "copied before\n");
}

TEST(Report, WithoutBeingAskedItWantsNoFiles) {
  EXPECT_FALSE(Report({}).wants_files());
  Options json;
  json.json = true;
  EXPECT_FALSE(Report(json).wants_files());
  json.json_files = true;
  EXPECT_TRUE(Report(json).wants_files());
}

TEST(Report, ProgressIsForTerminalsUnlessAskedFor) {
  Options options;
  options.progress = When::never;
  EXPECT_FALSE(Report(options).shows_progress());
  options.progress = When::always;
  Report report(options);
  EXPECT_TRUE(report.shows_progress());
  ProgressState state = half_way(10);
  state.files = 1234;
  state.total_files = 2468;
  state.bytes = 10_MiB;
  state.total_bytes = 20_MiB;
  EXPECT_EQ(printed([&] { report.progress(state); }).err, "1,234 files of 2,468, 10.0 MiB of 20.0 MiB, 1.0 MiB/s, 0:10 to go\n");
  state.totals_are_final = false;
  EXPECT_EQ(printed([&] { report.progress(state); }).err, "1,234 files of 2,468+, 10.0 MiB of 20.0 MiB+, 1.0 MiB/s\n");
  state.totals_are_final = true;
  state.elapsed = std::chrono::duration<double>(4000);
  EXPECT_THAT(printed([&] { report.progress(state); }).err, HasSubstr("1:06:40 to go"));
}

TEST(ProgressLine, BecomesShorterWithTheTerminal) {
  ProgressState state = half_way(10);
  state.files = 1234;
  state.total_files = 2468;
  state.bytes = 10_MiB;
  state.total_bytes = 20_MiB;
  const std::string whole = "1,234 files of 2,468, 10.0 MiB of 20.0 MiB, 1.0 MiB/s, 0:10 to go";
  EXPECT_EQ(progress_line(state, 0), whole) << "no terminal, or one that does not tell";
  EXPECT_EQ(progress_line(state, 80), whole);
  EXPECT_EQ(progress_line(state, whole.size() + 1), whole);
  EXPECT_EQ(progress_line(state, whole.size()), "1,234 files of 2,468, 10.0 MiB of 20.0 MiB, 0:10 to go")
      << "the last column wraps";
  EXPECT_EQ(progress_line(state, 50), "1,234 files, 10.0 MiB of 20.0 MiB, 0:10 to go");
  EXPECT_EQ(progress_line(state, 36), "1,234 files, 10.0 MiB, 0:10 to go");
  EXPECT_EQ(progress_line(state, 30), "1,234 files, 0:10 to go");
  EXPECT_EQ(progress_line(state, 12), "1,234 files");
  for (std::size_t columns = 1; columns < 100; ++columns) EXPECT_LT(progress_line(state, columns).size(), columns);
}

/// What a terminal of so many columns, as standard error, is sent.
std::string on_a_terminal(unsigned short columns, const std::function<void()>& work) {
  int master = -1, slave = -1;
  const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  if (::openpty(&master, &slave, nullptr, nullptr, &size) != 0) return "";
  const int before = ::dup(STDERR_FILENO);
  ::dup2(slave, STDERR_FILENO);
  work();
  ::dup2(before, STDERR_FILENO);
  for (const int fd : {before, slave}) ::close(fd);
  char buffer[4096];
  const ssize_t got = ::read(master, buffer, sizeof buffer);
  ::close(master);
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : "";
}

TEST(Report, ProgressAsksTheTerminalForItsWidth) {
  Options options;
  options.progress = When::always;
  Report report(options);
  const std::string shown = on_a_terminal(30, [&] { report.progress(half_way(10)); });
  EXPECT_EQ(shown, "\r\033[K50 files, 500 B, 0:10 to go");
}

TEST(Report, StatisticsShowOnlyWhatHappened) {
  Options options;
  options.stats = true;
  Report report(options);
  copy::Counters counters;
  counters.files = 3;
  counters.bytes = 4096;
  counters.bytes_moved = 2048;
  counters.by_tier[static_cast<std::size_t>(copy::Tier::clone)] = 2;
  counters.retries = 1;
  const std::string out = printed([&] { report.end(counters, ended()); }).out;
  EXPECT_THAT(out, AllOf(HasSubstr("Files copied             3\n"), HasSubstr("4,096 (4.0 KiB)"),
                         HasSubstr("Bytes moved              2,048 (2.0 KiB)"), HasSubstr("by reflink"), HasSubstr("Read again"),
                         Not(HasSubstr("by sendfile")), Not(HasSubstr("Litter"))));
}

TEST(Report, CleanupSaysWhatWasRemovedAndWhatStays) {
  EXPECT_EQ(printed([] { Report({}).end_cleanup(1, 0); }).out, "1 temporary file removed\n");
  EXPECT_THAT(printed([] { Report({}).end_cleanup(1000, 2); }).out,
              AllOf(HasSubstr("1,000 temporary files removed\n"), HasSubstr("2 kept")));
  Options dry;
  dry.dry_run = true;
  EXPECT_EQ(printed([&] { Report(dry).end_cleanup(3, 0); }).out, "3 temporary files would be removed\n");
}

TEST(Report, AnOutputThatTakesNothingIsNoticed) {
  // Standard output on /dev/full, in a process of its own.
  EXPECT_EXIT(
      {
        if (std::freopen("/dev/full", "w", stdout) == nullptr) std::_Exit(3);
        Options options;
        options.json = true;
        Report report(options);
        report.end({}, ended());
        std::_Exit(report.output_is_whole() ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace foxing::fxcp
