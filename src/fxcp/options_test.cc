// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "fxcp/help.h"
#include "fxcp/option_table.h"

namespace foxing::fxcp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Words = std::vector<std::string>;

Result<Options> parse(const Words& words) {
  std::vector<char*> argv;
  std::string program = "fxcp";
  argv.push_back(program.data());
  Words copy = words;
  for (std::string& word : copy) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::vector<char*> before = argv;
  Result<Options> result = parse_options(static_cast<int>(argv.size() - 1), argv.data());
  EXPECT_EQ(argv, before) << "argv was permuted";
  EXPECT_EQ(copy, words) << "argv was written to";
  return result;
}

/// The options of a command line that is right; the operands are added.
Options options_of(Words words) {
  words.insert(words.end(), {"src", "dst"});
  const Result<Options> result = parse(words);
  EXPECT_TRUE(result) << result.error().message();
  return result.value_or(Options{});
}

std::string error_of(const Words& words) {
  const Result<Options> result = parse(words);
  return result ? "no error" : result.error().message();
}

constexpr Preserve kNothing;
constexpr Preserve kEverything{true, true, true, true, true, true, true, true, true, true};

// ── operands ──

TEST(Options, TheLastOperandIsTheDestination) {
  const Options options = *parse({"a", "b", "c"});
  EXPECT_EQ(options.command, Command::copy);
  EXPECT_THAT(options.sources, ElementsAre("a", "b"));
  EXPECT_EQ(options.destination, "c");
  EXPECT_FALSE(options.target_directory);
  EXPECT_THAT(options.paths, IsEmpty());
}

TEST(Options, WithATargetDirectoryAllOperandsAreSources) {
  for (const Words& words : {Words{"--target-directory=/t", "a", "b"}, Words{"a", "--target-directory", "/t", "b"}}) {
    const Options options = *parse(words);
    EXPECT_THAT(options.sources, ElementsAre("a", "b"));
    EXPECT_EQ(options.target_directory, "/t");
    EXPECT_EQ(options.destination, "");
  }
  EXPECT_THAT(parse({"--target-directory=t", "a"})->sources, ElementsAre("a"));
}

TEST(Options, OptionsAndOperandsMixAndKeepTheirOrder) {
  const Options options = *parse({"a", "-a", "b", "-j", "3", "c"});
  EXPECT_THAT(options.sources, ElementsAre("a", "b"));
  EXPECT_EQ(options.destination, "c");
  EXPECT_TRUE(options.archive);
  EXPECT_EQ(options.jobs, 3u);
}

TEST(Options, BehindTwoDashesAllAreOperands) {
  const Options options = *parse({"x", "-r", "--", "-a", "--help"});
  EXPECT_THAT(options.sources, ElementsAre("x", "-a"));
  EXPECT_EQ(options.destination, "--help");
  EXPECT_FALSE(options.archive);
}

TEST(Options, NamesAreBytes) {
  const std::string name = "new\nline\xff";
  EXPECT_THAT(parse({name, "dst"})->sources, ElementsAre(name));
}

TEST(Options, PosixlyCorrectDoesNotChangeTheMeaning) {
  ::setenv("POSIXLY_CORRECT", "1", 1);
  const Result<Options> options = parse({"a", "b", "-r"});
  ::unsetenv("POSIXLY_CORRECT");
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->recursive);
  EXPECT_THAT(options->sources, ElementsAre("a"));
}

TEST(Options, AnEarlierFailureLeavesNothingBehind) {
  EXPECT_THAT(error_of({"-az", "a", "b"}), HasSubstr("-z"));
  EXPECT_FALSE(options_of({}).archive);
}

// ── verbs ──

TEST(Options, InfoIsAVerbOnlyInFirstPlace) {
  const Options info = *parse({"info", "a", "--json", "b"});
  EXPECT_EQ(info.command, Command::info);
  EXPECT_THAT(info.paths, ElementsAre("a", "b"));
  EXPECT_TRUE(info.json);
  EXPECT_THAT(info.sources, IsEmpty());

  EXPECT_THAT(parse({"./info", "dst"})->sources, ElementsAre("./info"));
  EXPECT_THAT(parse({"-r", "info", "dst"})->sources, ElementsAre("info"));
  EXPECT_THAT(parse({"--", "info", "dst"})->sources, ElementsAre("info"));
  EXPECT_EQ(parse({"info", "--help"})->command, Command::help);
}

TEST(Options, VerifyTakesTwoOperandsAndComparesEverything) {
  const Options options = *parse({"verify", "a", "-q", "b", "--content=extent", "--modify-window=2", "-x", "-j", "2", "--json"});
  EXPECT_EQ(options.command, Command::verify);
  EXPECT_THAT(options.paths, ElementsAre("a", "b"));
  EXPECT_EQ(options.content, CompareContent::extent);
  EXPECT_EQ(options.preserve, kEverything);
  EXPECT_TRUE(options.quiet && options.one_file_system && options.json);
  EXPECT_EQ(parse({"verify", "a", "b"})->content, CompareContent::hash);

  Preserve some = kEverything;
  some.owner = some.times = some.xattrs = some.hard_links = false;
  EXPECT_EQ(parse({"verify", "a", "b", "--no-owner", "--no-times", "--no-xattrs", "--no-hard-links"})->preserve, some);
  some = kEverything;
  some.perms = some.acls = false;
  EXPECT_EQ(parse({"verify", "a", "b", "--no-perms"})->preserve, some);

  EXPECT_THAT(error_of({"verify", "a"}), HasSubstr("two operands"));
  EXPECT_THAT(error_of({"verify", "a", "b", "c"}), HasSubstr("there are 3"));
  EXPECT_THAT(error_of({"verify", "a", "b", "--content=crc"}), HasSubstr("hash, size or extent"));
  EXPECT_THAT(error_of({"verify", "a", "b", "--fsync"}), HasSubstr("--fsync has no meaning with verify"));
  EXPECT_THAT(error_of({"--content=size", "a", "b"}), HasSubstr("--content has no meaning with copying"));
  EXPECT_THAT(parse({"-r", "verify", "dst"})->sources, ElementsAre("verify"));
}

TEST(Options, CleanupTakesTargets) {
  const Options options = *parse({"-n", "--cleanup", "a", "b", "-v"});
  EXPECT_EQ(options.command, Command::cleanup);
  EXPECT_THAT(options.paths, ElementsAre("a", "b"));
  EXPECT_TRUE(options.dry_run);
  EXPECT_EQ(options.verbose, 1u);
}

TEST(Options, HelpAndVersionNeedNothingElse) {
  EXPECT_EQ(parse({"--help"})->command, Command::help);
  EXPECT_EQ(parse({"--version"})->command, Command::version);
  EXPECT_EQ(parse({"-a", "--help", "--unknown"})->command, Command::help);
  EXPECT_THAT(error_of({"--unknown", "--help"}), HasSubstr("--unknown"));
}

// ── what is kept ──

TEST(Options, NothingIsKeptUnlessAskedFor) {
  const Options options = options_of({});
  EXPECT_EQ(options.preserve, kNothing);
  EXPECT_FALSE(options.recursive);
  EXPECT_TRUE(options.atomic);
  EXPECT_EQ(options.jobs, 0u);
  EXPECT_EQ(options.progress, When::automatic);
}

TEST(Options, ArchiveKeepsEverything) {
  for (const Words& words : {Words{"-a"}, Words{"--archive"}, Words{"-aHAXS"}, Words{"-rpogtXAHlD"}}) {
    const Options options = options_of(words);
    EXPECT_EQ(options.preserve, kEverything) << words[0];
    EXPECT_TRUE(options.recursive);
  }
}

struct Part {
  Words options;
  bool Preserve::* field;
  std::string negation;
};
const Part kParts[] = {
    {{"-p", "--perms"}, &Preserve::perms, "--no-perms"},
    {{"-o", "--owner"}, &Preserve::owner, "--no-owner"},
    {{"-g", "--group"}, &Preserve::group, "--no-group"},
    {{"-t", "--times"}, &Preserve::times, "--no-times"},
    {{"-X", "--xattrs"}, &Preserve::xattrs, "--no-xattrs"},
    {{"-A", "--acls"}, &Preserve::acls, "--no-acls"},
    {{"-H", "--hard-links"}, &Preserve::hard_links, "--no-hard-links"},
    {{"--devices"}, &Preserve::devices, "--no-devices"},
    {{"--specials"}, &Preserve::specials, "--no-specials"},
    {{"-l", "--links"}, &Preserve::links, "--no-links"},
};

TEST(Options, EachPartAlone) {
  for (const Part& part : kParts) {
    for (const std::string& option : part.options) {
      Preserve expected;
      expected.*part.field = true;
      if (expected.acls) expected.perms = true;
      EXPECT_EQ(options_of({option}).preserve, expected) << option;
      EXPECT_FALSE(options_of({option}).recursive);
    }
    EXPECT_EQ(options_of({part.negation}).preserve, kNothing) << part.negation;
  }
}

TEST(Options, ANegationWinsOverArchiveWhereverItStands) {
  for (const Part& part : kParts) {
    Preserve expected = kEverything;
    expected.*part.field = false;
    if (!expected.perms) expected.acls = false;
    EXPECT_EQ(options_of({"-a", part.negation}).preserve, expected) << part.negation;
    EXPECT_EQ(options_of({part.negation, "-a"}).preserve, expected) << part.negation;
    EXPECT_EQ(options_of({"-a", part.negation, "-a"}).preserve, expected) << part.negation;
  }
}

TEST(Options, OfAnOptionAndItsNegationTheLastCounts) {
  for (const Part& part : kParts) {
    if (part.field == &Preserve::perms) continue;  // drags ACLs along: the next test
    EXPECT_EQ(options_of({"-a", part.negation, part.options[0]}).preserve, kEverything) << part.negation;
    EXPECT_FALSE(options_of({"-a", part.options[0], part.negation}).preserve.*part.field) << part.negation;
  }
  EXPECT_TRUE(options_of({"--no-atomic", "--atomic"}).atomic);
  EXPECT_FALSE(options_of({"--atomic", "--no-atomic"}).atomic);
  EXPECT_EQ(options_of({"--progress", "--no-progress"}).progress, When::never);
  EXPECT_EQ(options_of({"--no-progress", "--progress"}).progress, When::always);
}

TEST(Options, AclsHoldPermissions) {
  EXPECT_TRUE(options_of({"-A"}).preserve.perms);
  EXPECT_EQ(options_of({"-a", "--no-perms", "-p"}).preserve, kEverything);
  EXPECT_FALSE(options_of({"-a", "--no-perms"}).preserve.acls);
  EXPECT_THAT(error_of({"-A", "--no-perms", "s", "d"}), HasSubstr("--acls and --no-perms contradict each other"));
}

TEST(Options, DIsDevicesAndSpecials) {
  const Options options = options_of({"-D"});
  EXPECT_TRUE(options.preserve.devices && options.preserve.specials);
  EXPECT_FALSE(options_of({"-D", "--no-devices"}).preserve.devices);
  EXPECT_TRUE(options_of({"--no-devices", "-D"}).preserve.devices);
}

// ── symbolic links ──

TEST(Options, SymbolicLinks) {
  struct Case {
    Words words;
    bool links;
    Symlinks symlinks;
    bool follow_arguments;
  };
  const Case cases[] = {
      {{}, false, Symlinks::keep, true},  // as cp: `fxcp link copy` copies the file
      {{"-p"}, false, Symlinks::keep, true},
      {{"-l"}, true, Symlinks::keep, false},
      {{"-r"}, true, Symlinks::keep, false},
      {{"-a"}, true, Symlinks::keep, false},
      {{"--no-links"}, false, Symlinks::keep, false},
      {{"-a", "--no-links"}, false, Symlinks::keep, false},
      {{"-aL"}, true, Symlinks::follow, true},
      {{"-La"}, true, Symlinks::follow, true},
      {{"-Ll"}, true, Symlinks::follow, true},  // as rsync: -L wins over -l
      {{"-r", "--dereference"}, true, Symlinks::follow, true},
      {{"-L", "--no-dereference"}, true, Symlinks::keep, false},
      {{"--no-dereference", "-L"}, true, Symlinks::follow, true},
      {{"--no-dereference"}, true, Symlinks::keep, false},
      {{"--no-links", "--no-dereference"}, true, Symlinks::keep, false},
      {{"-ak"}, true, Symlinks::follow_directories, false},
      {{"-akL"}, true, Symlinks::follow, true},
      {{"-aLk"}, true, Symlinks::follow, true},
      {{"-a", "--dereference-args"}, true, Symlinks::keep, true},
      {{"-a", "--dereference-args", "--no-dereference"}, true, Symlinks::keep, false},
      {{"-a", "--no-dereference", "--dereference-args"}, true, Symlinks::keep, true},
  };
  for (const Case& expected : cases) {
    const Options options = options_of(expected.words);
    const std::string name = testing::PrintToString(expected.words);
    EXPECT_EQ(options.preserve.links, expected.links) << name;
    EXPECT_EQ(options.symlinks, expected.symlinks) << name;
    EXPECT_EQ(options.follow_arguments, expected.follow_arguments) << name;
  }
  EXPECT_TRUE(options_of({"-aK"}).keep_dirlinks);
  EXPECT_FALSE(options_of({"-ak"}).keep_dirlinks);
}

// ── one field each ──

TEST(Options, Flags) {
  const std::pair<const char*, bool Options::*> cases[] = {
      {"-a", &Options::archive},
      {"-r", &Options::recursive},
      {"--recursive", &Options::recursive},
      {"-x", &Options::one_file_system},
      {"-K", &Options::keep_dirlinks},
      {"--one-file-system", &Options::one_file_system},
      {"--fsync", &Options::fsync},
      {"-n", &Options::dry_run},
      {"--keep-dirlinks", &Options::keep_dirlinks},
      {"--dry-run", &Options::dry_run},
      {"-q", &Options::quiet},
      {"--no-target-directory", &Options::no_target_directory},
      {"--quiet", &Options::quiet},
      {"--stats", &Options::stats},
      {"--explain", &Options::explain},
      {"--json", &Options::json},
      {"--json=files", &Options::json},
  };
  const Options defaults = options_of({});
  for (const auto& [word, field] : cases) {
    EXPECT_FALSE(defaults.*field) << word;
    EXPECT_TRUE(options_of({word}).*field) << word;
  }
}

TEST(Options, JsonFilesIsAskedForExtra) {
  EXPECT_FALSE(options_of({"--json"}).json_files);
  EXPECT_TRUE(options_of({"--json=files"}).json_files);
  EXPECT_TRUE(options_of({"--json=files", "--json"}).json_files);
}

TEST(Options, ReflinkAndSparse) {
  struct Case {
    const char* word;
    When reflink, sparse;
  };
  const Case cases[] = {
      {"-r", When::automatic, When::automatic},
      {"--reflink", When::always, When::automatic},
      {"--reflink=auto", When::automatic, When::automatic},
      {"--reflink=always", When::always, When::automatic},
      {"--reflink=never", When::never, When::automatic},
      {"--sparse", When::automatic, When::automatic},
      {"--sparse=auto", When::automatic, When::automatic},
      {"--sparse=always", When::automatic, When::always},
      {"--sparse=never", When::automatic, When::never},
      {"-S", When::automatic, When::automatic},
  };
  for (const Case& expected : cases) {
    const Options options = options_of({expected.word});
    EXPECT_EQ(options.reflink, expected.reflink) << expected.word;
    EXPECT_EQ(options.sparse, expected.sparse) << expected.word;
  }
  EXPECT_EQ(options_of({"--sparse=always", "-S"}).sparse, When::automatic) << "the last one counts";
  EXPECT_EQ(options_of({"--reflink=always", "--reflink=never"}).reflink, When::never);
}

TEST(Options, Jobs) {
  for (const auto& [words, jobs] : {std::pair{Words{"-j1"}, 1u},
                                    {Words{"-j", "256"}, 256u},
                                    {Words{"--jobs=8"}, 8u},
                                    {Words{"--jobs", "008"}, 8u},
                                    {Words{"-aj2"}, 2u}})
    EXPECT_EQ(options_of(words).jobs, jobs) << testing::PrintToString(words);
}

TEST(Options, VerboseCounts) {
  EXPECT_EQ(options_of({}).verbose, 0u);
  EXPECT_EQ(options_of({"-vv", "--verbose"}).verbose, 3u);
}

TEST(Options, Streams) {
  EXPECT_FALSE(options_of({}).is_stream());
  const Result<Options> plain = parse({"-", "b"});
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->is_stream());
  EXPECT_TRUE(plain->from_standard_input());
  EXPECT_EQ(plain->size, std::nullopt);
  EXPECT_EQ(plain->checkpoint_interval_s, 0);
  EXPECT_EQ(plain->checkpoint_keep, 3u);
  EXPECT_EQ(plain->compress, std::nullopt);
  EXPECT_FALSE(plain->decompress);
  const Result<Options> full =
      parse({"-a", "--size=2G", "--checkpoint-interval=0.5", "--checkpoint-keep=7", "--compress=zstd:9", "-", "b"});
  ASSERT_TRUE(full);
  EXPECT_EQ(full->size, Bytes(std::uint64_t{2} << 30));
  EXPECT_EQ(full->checkpoint_interval_s, 0.5);
  EXPECT_EQ(full->checkpoint_keep, 7u);
  EXPECT_EQ(full->compress, (codec::Codec{codec::Format::zstd, 9}));
  EXPECT_TRUE(parse({"--decompress", "-", "b"})->decompress);
  EXPECT_TRUE(parse({"-a", "--decompress", "--sparse=always", "a", "b"})->decompress);
  EXPECT_EQ(parse({"-a", "--compress=xz", "a", "b"})->compress, (codec::Codec{codec::Format::xz, 6}));
  EXPECT_TRUE(parse({"-a", "--compress=none", "--inplace", "a", "b"}));
  EXPECT_TRUE(parse({"--copy-devices", "/dev/x", "b"})->is_stream());
  EXPECT_FALSE(parse({"-a", "--copy-devices", "tree", "b"})->is_stream());
  EXPECT_TRUE(parse({"-a", "--copy-devices", "--write-devices", "/dev/x", "/dev/y"})->is_stream());
  EXPECT_TRUE(parse({"--write-devices", "a", "/dev/x"})->is_stream());
  EXPECT_TRUE(parse({"--write-devices", "--decompress", "-", "/dev/x"})->write_devices);
  EXPECT_FALSE(parse({"./-", "b"})->is_stream());
}

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
       "--compress and --size-only contradict each other: the sizes of a file and of its compressed copy say nothing of each other"},
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
      {{"-h"}, "unknown option -h; did you mean --help?"},
      {{"-?"}, "unknown option -?; did you mean --help?"},
      {{"-V"}, "unknown option -V; did you mean --version?"},
      {{"-R", "a", "b"}, "unknown option -R; did you mean --recursive?"},
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
      {{"-archive", "a", "b"}, "unknown option -h (in -archive); did you mean --archive?"},
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
  if (name == "checkpoint-keep") return {"--checkpoint-interval=7"};
  if (name.starts_with("delete") && name != "delete-anyway" && name != "delete-excluded") return {"-r"};
  if (name == "max-delete" || name == "ignore-errors" || name == "delete-anyway" || name == "delete-excluded" || name == "trash")
    return {"-r", "--delete"};
  return {};
}

TEST(Options, EveryNameInTheTableIsUnderstood) {
  for (const OptionRow& row : option_table()) {
    const std::string value = row.takes != Takes::required ? ""
                              : row.completes_directories  ? "dir"
                              : row.name == "compress"     ? "lz4"
                              : row.name == "content"      ? "size"
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
      if (row.name != "no-target-directory") words.push_back("b");
      if (row.name == "no-target-directory") words.push_back("dst");
      if (row.commands == kForVerify) words.insert(words.begin(), "verify");
      EXPECT_TRUE(parse(words)) << testing::PrintToString(words) << error_of(words);
    }
  }
}

TEST(Options, PartialFilesLieWhereItIsSaid) {
  EXPECT_EQ(options_of({}).partial_name(), "");
  EXPECT_EQ(options_of({"--partial"}).partial_name(), ".fxcp-partial");
  EXPECT_EQ(options_of({"--partial-dir=x/"}).partial_name(), "x");
  EXPECT_EQ(options_of({"--partial", "--partial-dir=x"}).partial_name(), "x");
  EXPECT_EQ(options_of({"--partial", "--partial-dir=/x"}).partial_name(), "");
  const Options both = options_of({"-P"});
  EXPECT_TRUE(both.partial);
  EXPECT_EQ(both.progress, When::always);
  EXPECT_EQ(options_of({"-T", "d"}).temp_dir, "d");
  EXPECT_TRUE(options_of({"--append-verify"}).append_verify);
  EXPECT_TRUE(options_of({"--remove-source-files"}).remove_source_files);
}

TEST(Options, LettersThatAreKeptFreeAreFree) {
  for (const OptionRow& row : option_table())
    EXPECT_EQ(std::string_view("hRzUN").find(row.letter ? row.letter : '\1'), std::string_view::npos);
}

// ── what is written from the table ──

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
    if (!line.starts_with("  fxcp ") || line.find("PATH...") != std::string::npos || line.find(" A B ") != std::string::npos)
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
    for (const Verb& verb : verbs()) EXPECT_TRUE(mentions(text, std::string(verb.name)));
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
