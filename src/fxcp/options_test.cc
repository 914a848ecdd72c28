// SPDX-License-Identifier: GPL-2.0-or-later
// Command lines that are right, and what they mean.  What is refused: options_refused_test.cc; what is written from the table: help_test.cc.
#include "fxcp/options.h"

#include "fxcp/test_options.h"

namespace foxing::fxcp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

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
      {"--list-only", &Options::list_only},
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

TEST(Options, Sizes) {
  EXPECT_EQ(options_of({}).human_readable, 1u);
  EXPECT_EQ(options_of({"-h"}).human_readable, 2u);
  EXPECT_EQ(options_of({"-hh"}).human_readable, 3u);
  EXPECT_EQ(options_of({"-hh", "--human-readable"}).human_readable, 3u) << "there is no more";
  EXPECT_EQ(options_of({"-h", "--no-h"}).human_readable, 0u);
  EXPECT_EQ(options_of({"--no-human-readable", "-h"}).human_readable, 1u);
  EXPECT_EQ(parse({"-h"})->command, Command::help) << "as with rsync, where it stands alone";
}

TEST(Options, TheLettersOfRsyncForProgress) { EXPECT_EQ(options_of({"-aP"}).progress, When::always); }

TEST(Options, FormatsAndTheLog) {
  const Options options = options_of({"--out-format=%n", "--log-file", "l", "--log-file-format=%f"});
  EXPECT_EQ(options.out_format, "%n");
  EXPECT_EQ(options.log_file, "l");
  EXPECT_EQ(options.log_file_format, "%f");
  EXPECT_FALSE(options_of({}).out_format || options_of({}).log_file);
}

TEST(Options, AListNeedsNoDestination) {
  EXPECT_THAT(parse({"--list-only", "a"})->sources, ElementsAre("a"));
  EXPECT_EQ(parse({"--list-only", "a"})->destination, "");
  const Options both = *parse({"--list-only", "a", "b"});
  EXPECT_THAT(both.sources, ElementsAre("a"));
  EXPECT_EQ(both.destination, "b");
  EXPECT_THAT(parse({"--list-only", "--target-directory=t", "a", "b"})->sources, ElementsAre("a", "b"));
  EXPECT_THAT(parse({"--list-only", "--files-from=f", "a"})->sources, ElementsAre("a"));
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

}  // namespace
}  // namespace foxing::fxcp
