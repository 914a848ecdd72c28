// SPDX-License-Identifier: GPL-2.0-or-later
// Command lines that are wrong, each in its words; and that everything in the table is understood.
#include <algorithm>

#include "fxcp/option_table.h"
#include "fxcp/test_options.h"

namespace foxing::fxcp {
namespace {

using testing::HasSubstr;

// ── what is refused ──

TEST(Options, EveryErrorInItsWords) {
  struct Case {
    Words words;
    const char* message;
  };
  const Case cases[] = {
      // operands
      {{}, "nothing to copy: SRC is missing"},
      {{"-n"}, "nothing to copy: SRC is missing"},
      {{"--target-directory=t"}, "nothing to copy: SRC is missing"},
      {{"-a", "one"}, "DST is missing after one"},
      {{"a\nb"}, "DST is missing after a\nb"},
      {{"", "b"}, "an empty operand names no file (the current directory is called .)"},
      {{"a", ""}, "an empty operand names no file (the current directory is called .)"},
      {{"a", "-", "b"}, "standard input (-) is copied alone: one SRC and DST; a file called - is ./-"},
      {{"a", "-"}, "writing to standard output (-) is not supported; a file called - is ./-"},
      {{"--target-directory=t", "-"},
       "standard input (-) has no name of its own: give DST instead of --target-directory; a file called - is ./-"},
      {{"--no-target-directory", "a", "b", "c"}, "--no-target-directory takes one SRC, and there are 2"},
      {{"info"}, "info needs at least one PATH"},
      // streams
      {{"--size=x", "-", "b"}, "--size x: use a number of bytes, or 512K, 10M, 2G, 1T"},
      {{"--size=1000000T000", "-", "b"}, "--size 1000000T000: use a number of bytes, or 512K, 10M, 2G, 1T"},
      {{"--checkpoint-interval=0", "-", "b"}, "--checkpoint-interval 0: use a number of seconds, from 0.1"},
      {{"--checkpoint-interval=nan", "-", "b"}, "--checkpoint-interval nan: use a number of seconds, from 0.1"},
      {{"--checkpoint-interval=1", "--checkpoint-keep=0", "-", "b"}, "--checkpoint-keep 0: use a number from 1 to 1000"},
      {{"--checkpoint-keep=2", "-", "b"}, "--checkpoint-keep needs --checkpoint-interval: without it there are no checkpoints"},
      {{"--compress=zip", "-", "b"}, "--compress zip: unknown compression zip: use zstd, lz4, gzip, xz or none"},
      {{"--compress=zstd:20", "-", "b"}, "--compress zstd:20: the level of zstd is a number from 1 to 19"},
      {{"--compress=lz4", "--decompress", "-", "b"}, "--compress and --decompress contradict each other: use one of them"},
      {{"-a", "--compress=lz4", "--inplace", "a", "b"},
       "--compress and --inplace contradict each other: a compressed file is made anew"},
      {{"-a", "--decompress", "--link-dest=c", "a", "b"},
       "--decompress and --link-dest contradict each other: what an earlier copy has cannot be told by its size"},
      {{"-a", "--compress=xz", "--size-only", "a", "b"},
       "--compress and --size-only contradict each other: the sizes of a file and of its compressed copy say nothing of each "
       "other"},
      {{"-a", "--decompress", "--verify", "a", "b"},
       "--decompress and --verify contradict each other: it compares what is meant to be equal; run the same command again with "
       "--checksum"},
      {{"-a", "--compress=zstd", "--reflink=always", "a", "b"},
       "--compress and --reflink=always contradict each other: the bytes are not those of the source"},
      {{"-a", "--compress=zstd", "--sparse=always", "a", "b"},
       "--compress and --sparse=always contradict each other: there are no zeros in what is compressed"},
      {{"--size=1", "a", "b"}, "--size is for streams: fxcp - DST, or with --copy-devices or --write-devices"},
      {{"--checkpoint-interval=1", "a", "b"},
       "--checkpoint-interval is for streams: fxcp - DST, or with --copy-devices or --write-devices"},
      {{"-r", "-", "b"}, "-r has no meaning with standard input (-)"},
      {{"-x", "-", "b"}, "-x has no meaning with standard input (-)"},
      {{"-j2", "-", "b"}, "-j has no meaning with standard input (-)"},
      {{"--no-atomic", "-", "b"}, "--no-atomic has no meaning with standard input (-)"},
      {{"--reflink=always", "-", "b"}, "--reflink=always has no meaning with standard input (-): its bytes are read"},
      {{"--copy-devices", "a", "b", "c"}, "--copy-devices takes one SRC and DST"},
      {{"--write-devices", "--target-directory=t", "a"}, "--write-devices takes one SRC and DST"},
      {{"--copy-devices", "-", "b"},
       "standard input (-) and --copy-devices contradict each other: name the device, or leave the option out"},
      {{"--write-devices", "--checkpoint-interval=1", "-", "b"},
       "--write-devices and --checkpoint-interval contradict each other: a device has no checkpoints"},
      {{"--write-devices", "--compress=xz", "-", "b"},
       "--write-devices and --compress contradict each other: a device holds what an image holds"},
      {{"--cleanup"}, "--cleanup needs at least one TARGET"},
      // unknown options
      {{"--recursiv", "a", "b"}, "unknown option --recursiv; names are written in full: --recursive"},
      {{"--recrusive", "a", "b"}, "unknown option --recrusive; did you mean --recursive?"},
      {{"--sprase=auto", "a", "b"}, "unknown option --sprase; did you mean --sparse?"},
      {{"--no-prems", "a", "b"}, "unknown option --no-prems; did you mean --no-perms?"},
      {{"--target=x", "a", "b"}, "unknown option --target; names are written in full: --target-directory"},
      {{"--de", "a", "b"},
       "unknown option --de; names are written in full: --delete-excluded, --delete, --delete-during, --delete-before, "
       "--delete-after, "
       "--delete-delay, --delete-anyway, --devices, --dereference, --dereference-args, --delta-min-size, --detect-renames, "
       "--decompress"},
      {{"--delete", "a", "b"}, "--delete means something only with --recursive or --archive"},
      {{"--=", "a", "b"}, "unknown option --"},
      {{"--no-recursive", "a", "b"}, "unknown option --no-recursive"},
      {{"--no-reflink", "a", "b"}, "unknown option --no-reflink"},
      {{"--esc\x1b[1m", "a", "b"}, "unknown option --esc\x1b[1m"},
      {{"-z", "a", "b"}, "unknown option -z"},
      {{"-azv", "a", "b"}, "unknown option -z (in -azv)"},
      {{"-\xff", "a", "b"}, "unknown option -\xff"},
      {{"-h", "a"}, "DST is missing after a"},
      {{"-?"}, "unknown option -?; did you mean --help?"},
      {{"-V"}, "unknown option -V; did you mean --version?"},
      {{"-T", "a", "b"}, "DST is missing after b"},
      {{"--append", "a", "b"},
       "unknown option --append, which would not look at what is there; names are written in full: --append-verify looks"},
      // data on its way
      {{"--partial", "--no-atomic", "a", "b"},
       "--partial and --no-atomic contradict each other: one keeps files aside, the other writes them in place"},
      {{"--temp-dir=t", "--no-atomic", "a", "b"},
       "--temp-dir and --no-atomic contradict each other: one writes files aside, the other in place"},
      {{"--partial-dir=a/b", "a", "b"}, "--partial-dir: use one name, of a directory beside each target, or an absolute path"},
      {{"--partial-dir=..", "a", "b"}, "--partial-dir: use one name, of a directory beside each target, or an absolute path"},
      {{"--append-verify", "-W", "a", "b"}, "--append-verify and --whole-file contradict each other: use one of them"},
      {{"-a", "--remove-source-files", "--delete", "a", "b"},
       "--remove-source-files and --delete contradict each other: the next run would delete the copies, whose sources are gone"},
      {{"--partial", "-", "b"}, "--partial has no meaning with standard input (-)"},
      {{"-archive", "a", "b"}, "unknown option -archive; did you mean --archive?"},
      {{"a", "-exclude", "b", "c"}, "unknown option -exclude; did you mean --exclude?"},
      // arguments
      {{"a", "b", "-j"}, "-j needs an argument: N"},
      {{"a", "b", "--jobs"}, "--jobs needs an argument: N"},
      {{"a", "b", "--target-directory"}, "--target-directory needs an argument: DIR"},
      {{"--target-directory=", "a"}, "--target-directory= is empty: the current directory is called ."},
      {{"--target-directory=s", "--target-directory=t", "a"}, "--target-directory is given twice"},
      {{"--archive=yes", "a", "b"}, "--archive takes no argument: --archive=yes"},
      {{"--no-perms=1", "a", "b"}, "--no-perms takes no argument: --no-perms=1"},
      {{"--reflink=sometimes", "a", "b"}, "--reflink=sometimes: use auto, always or never"},
      {{"--reflink=", "a", "b"}, "--reflink=: use auto, always or never"},
      {{"--sparse=auto|always", "a", "b"}, "--sparse=auto|always: use auto, always or never"},
      {{"--json=everything", "a", "b"}, "--json=everything: use files"},
      {{"-j0", "a", "b"}, "-j 0: use a number from 1 to 256"},
      {{"-j", "257", "a", "b"}, "-j 257: use a number from 1 to 256"},
      {{"--jobs=-1", "a", "b"}, "--jobs -1: use a number from 1 to 256"},
      {{"--jobs=4x", "a", "b"}, "--jobs 4x: use a number from 1 to 256"},
      {{"--jobs=", "a", "b"}, "--jobs : use a number from 1 to 256"},
      {{"--jobs=99999999999999999999", "a", "b"}, "--jobs 99999999999999999999: use a number from 1 to 256"},
      // contradictions
      {{"--target-directory=t", "--no-target-directory", "a"},
       "--target-directory and --no-target-directory contradict each other"},
      {{"--reflink", "--sparse=always", "a", "b"},
       "--reflink=always and --sparse=always contradict each other: a clone has exactly the holes of its source"},
      {{"--sparse=never", "--reflink=always", "a", "b"},
       "--reflink=always and --sparse=never contradict each other: a clone has exactly the holes of its source"},
      {{"-aA", "--no-perms", "a", "b"}, "--acls and --no-perms contradict each other: an ACL holds the permissions"},
      {{"-qv", "a", "b"}, "--quiet and --verbose contradict each other"},
      {{"-q", "--progress", "a", "b"}, "--quiet and --progress contradict each other"},
      {{"-qP", "a", "b"}, "--quiet and --progress contradict each other"},
      {{"--log-file-format=%n", "a", "b"}, "--log-file-format means something only with --log-file"},
      {{"--log-file=", "a", "b"}, "--log-file is empty"},
      {{"--out-format=%n", "--json", "a", "b"}, "--out-format and --json contradict each other: standard output has one form"},
      {{"--out-format=%n", "--explain", "a", "b"}, "--out-format and --explain contradict each other: a file has one line"},
      {{"--list-only", "--out-format=%n", "a"}, "--list-only and --out-format contradict each other: nothing is copied"},
      {{"--list-only", "--log-file=l", "a"}, "--list-only and --log-file contradict each other: nothing is written"},
      {{"--list-only", "-"},
       "--list-only and standard input (-) contradict each other: it has no names to list; a file called - is ./-"},
      {{"--list-only", "--copy-devices", "a", "b"}, "--list-only has no meaning with --copy-devices"},
      {{"--list-only"}, "nothing to copy: SRC is missing"},
      {{"-q", "--stats", "a", "b"}, "--quiet and --stats contradict each other"},
      {{"-q", "--explain", "a", "b"}, "--quiet and --explain contradict each other"},
      // options of another command
      {{"info", "-a", "p"}, "-a has no meaning with info"},
      {{"info", "--cleanup", "p"}, "--cleanup has no meaning with info"},
      {{"--cleanup", "-j2", "t"}, "-j has no meaning with --cleanup"},
      {{"--target-directory=t", "--cleanup", "t"}, "--target-directory has no meaning with --cleanup"},
  };
  for (const Case& refused : cases) {
    const Result<Options> result = parse(refused.words);
    const std::string name = testing::PrintToString(refused.words);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().message(), refused.message) << name;
    EXPECT_EQ(result.error().code, 0) << name;
  }
}

TEST(Options, WhatLooksLikeAContradictionAndIsNone) {
  EXPECT_TRUE(options_of({"--no-atomic", "--fsync"}).fsync);  // written in place, and durable at the end
  EXPECT_TRUE(options_of({"-q", "--json"}).json);
  EXPECT_EQ(options_of({"-q", "--no-progress"}).progress, When::never);
  EXPECT_TRUE(options_of({"-q", "-n"}).dry_run);
  EXPECT_EQ(options_of({"--reflink=always", "--sparse=auto"}).reflink, When::always);
}

TEST(Options, NoArgumentsAtAll) {
  char* argv[] = {nullptr};
  const Result<Options> result = parse_options(0, argv);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().detail, "nothing to copy: SRC is missing");
}

TEST(Options, EveryAbbreviationIsRefused) {
  Words names;
  for (const OptionRow& row : option_table())
    for (const std::string_view name : {row.name, row.alias, row.negation})
      if (!name.empty()) names.emplace_back(name);
  for (const std::string& name : names)
    for (std::size_t length = 1; length < name.size(); ++length) {
      const std::string shorter = name.substr(0, length);
      if (std::find(names.begin(), names.end(), shorter) != names.end()) continue;
      const std::string message = error_of({"--" + shorter + "=1", "a", "b"});
      EXPECT_THAT(message, HasSubstr("names are written in full: ")) << shorter;
      EXPECT_THAT(message, HasSubstr("--" + name)) << shorter;
    }
}

/// What an option makes no sense without.
Words company_of(const OptionRow& row) {
  const std::string_view name = row.name;
  if (name == "suffix") return {"--backup"};
  if (name == "log-file-format") return {"--log-file=log"};
  if (name == "checkpoint-keep") return {"--checkpoint-interval=7"};
  if (name.starts_with("delete") && name != "delete-anyway" && name != "delete-excluded") return {"-r"};
  if (name == "max-delete" || name == "ignore-errors" || name == "delete-anyway" || name == "delete-excluded" || name == "trash")
    return {"-r", "--delete"};
  return {};
}

TEST(Options, EveryNameInTheTableIsUnderstood) {
  for (const OptionRow& row : option_table()) {
    const std::string value = row.takes != Takes::required              ? ""
                              : row.completes == Completes::directories ? "dir"
                              : row.name == "compress"                  ? "lz4"
                              : row.name == "content"                   ? "size"
                              : row.name == "older-than"                ? "30d"
                              : row.name == "timestamp"                 ? "2026-03-12T101500"
                                                                        : "7";
    std::vector<Words> forms;
    if (row.letter != 0) forms.push_back({std::string("-") + row.letter + value});
    for (const std::string_view name : {row.name, row.alias})
      if (!name.empty()) forms.push_back({"--" + std::string(name) + (value.empty() ? "" : "=" + value)});
    if (!row.negation.empty()) forms.push_back({"--" + std::string(row.negation)});
    for (Words& words : forms) {
      const bool device = row.name == "copy-devices" || row.name == "write-devices";
      for (const std::string& other : company_of(row)) words.push_back(other);
      words.push_back(row.section == Section::streams && !device ? "-" : "a");
      if ((row.commands & kForCopy) == 0 && (row.commands & kForStore) == row.commands) {
        const bool two = row.name == "remove" || row.name == "content";
        words.insert(words.begin(), {"snap", row.name == "remove" ? "tag" : row.name == "content" ? "diff" : "prune"});
        if (two) words.emplace_back("b");
        EXPECT_TRUE(parse(words)) << testing::PrintToString(words) << error_of(words);
        continue;
      }
      if ((row.commands & kForCopy) == 0 && (row.commands & kForSnap) != 0) {
        const bool restores = (row.commands & kForExport) == 0 && row.name != "list";
        words.insert(words.begin(), {"snap", restores ? "restore" : row.name == "list" ? "inspect" : "export"});
        if (restores && row.name != "file") words.emplace_back("--file=x");
        if ((restores && row.name != "output") || row.name == "append") words.emplace_back("-ox");
        EXPECT_TRUE(parse(words)) << testing::PrintToString(words) << error_of(words);
        continue;
      }
      if (row.name != "no-target-directory") words.push_back("b");
      if (row.name == "no-target-directory") words.push_back("dst");
      if (row.commands == kForVerify) words.insert(words.begin(), "verify");
      EXPECT_TRUE(parse(words)) << testing::PrintToString(words) << error_of(words);
    }
  }
}

TEST(Options, LettersThatAreKeptFreeAreFree) {
  for (const OptionRow& row : option_table())
    EXPECT_EQ(std::string_view("zUN").find(row.letter ? row.letter : '\1'), std::string_view::npos);
}

}  // namespace
}  // namespace foxing::fxcp
