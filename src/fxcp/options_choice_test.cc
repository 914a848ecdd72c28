// SPDX-License-Identifier: GPL-2.0-or-later
// Which names are copied, and what becomes of links: the options of docs/rsync-migration.md that say so.
#include "fxcp/test_options.h"

namespace foxing::fxcp {
namespace {

using ::testing::HasSubstr;

TEST(Choice, IsReadFromTheCommandLine) {
  const Options plain = *parse({"a", "b"});
  EXPECT_FALSE(plain.relative || plain.prune_empty_dirs || plain.safe_links || plain.copy_unsafe_links || plain.link);
  EXPECT_TRUE(plain.implied_dirs);
  EXPECT_EQ(plain.munge_links, Munging::no);
  const Options options = *parse({"-aRm", "--no-implied-dirs", "--safe-links", "--copy-unsafe-links", "--munge-links", "a", "b"});
  EXPECT_TRUE(options.relative && options.prune_empty_dirs && options.safe_links && options.copy_unsafe_links);
  EXPECT_FALSE(options.implied_dirs);
  EXPECT_EQ(options.munge_links, Munging::munge);
  EXPECT_TRUE(parse({"--parents", "a", "b"})->relative) << "cp's name for it";
  EXPECT_FALSE(parse({"-R", "--no-relative", "a", "b"})->relative);
  EXPECT_EQ(parse({"--munge-links=undo", "a", "b"})->munge_links, Munging::undo);
  EXPECT_TRUE(parse({"-a", "--link", "a", "b"})->link);
  EXPECT_TRUE(parse({"-a", "--attributes-only", "a", "b"})->attributes_only);
}

TEST(Choice, RefusesWhatContradictsItself) {
  const std::vector<std::pair<Words, std::string>> cases = {
      {{"--files-from=l", "--no-relative", "a", "b"}, "--files-from and --no-relative"},
      {{"--files-from=l", "--no-implied-dirs", "a", "b"}, "--files-from and --no-implied-dirs"},
      {{"-aR", "--detect-renames", "a", "b"}, "--relative and --detect-renames"},
      {{"-aR", "--no-target-directory", "a", "b"}, "--relative and --no-target-directory"},
      {{"-am", "--delete", "--max-depth=2", "a", "b"}, "--prune-empty-dirs and --max-depth"},
      {{"-am", "--verify", "a", "b"}, "--verify and --prune-empty-dirs"},
      {{"-a", "--verify", "--safe-links", "a", "b"}, "--verify and --safe-links"},
      {{"-a", "--link", "--chmod=F600", "a", "b"}, "--link and --chmod"},
      {{"-a", "--link", "--inplace", "a", "b"}, "--link and --inplace"},
      {{"-a", "--link", "--generate-sigs", "a", "b"}, "--link and --generate-sigs"},
      {{"-a", "--link", "--reflink=always", "a", "b"}, "--link and --reflink=always"},
      {{"-a", "--link", "--sparse=always", "a", "b"}, "--link and --sparse=always"},
      {{"-a", "--link", "--attributes-only", "a", "b"}, "--link and --attributes-only"},
      {{"-ac", "--attributes-only", "a", "b"}, "--attributes-only and -c"},
      {{"-a", "--attributes-only", "--inplace", "a", "b"}, "--attributes-only and --inplace"},
      {{"-a", "--munge-links=twice", "a", "b"}, "--munge-links=twice"},
      {{"--link", "-", "b"}, "--link has no meaning with standard input"},
  };
  for (const auto& [words, sentence] : cases) EXPECT_THAT(error_of(words), HasSubstr(sentence));
}

}  // namespace
}  // namespace foxing::fxcp
