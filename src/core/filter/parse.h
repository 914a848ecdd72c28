// SPDX-License-Identifier: GPL-2.0-or-later
// Rules as people write them: rsync's long and short names, modifiers, files of rules.
//   from  options and files      to  Entries: patterns, and the places where per-directory files go
// Source: rsync(1), FILTER RULES; where it is silent, what rsync 3.5.0 does (tests/support/filter_fuzz.py).
// Not here: which files are read in which directory (scope.cc), what a pattern matches (rule.cc).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/filter/rule.h"
#include "sys/fd.h"

namespace foxing::filter {

/// How the rules of a file or an option are read, and what they have when they do not say otherwise.
struct Style {
  enum class Prefixes : std::uint8_t { full, old /* "- " and "+ " only */, none } prefixes = Prefixes::full;
  bool include = false;
  bool absolute = false;
  bool perishable = false;
  bool word_split = false;
  bool cvs = false;  // the word "!" clears
  Sides sides = Sides::unsaid;
};

/// A rule `: name`: a file of rules that may be in every directory.
struct MergeFile {
  std::string name;
  std::string scan_from;  // with a path: where, above the root, the first one may be; as it was written
  bool has_path = false;
  bool inherited = true;  // n
  Style style;
};

/// A pattern; or the place of a per-directory file's rules, as its position in Book::merges.
struct Entry {
  static constexpr int kNoMerge = -1;
  std::shared_ptr<const Rule> rule;
  int merge = kNoMerge;
};
using Entries = std::vector<Entry>;
using MergeFiles = std::vector<std::shared_ptr<const MergeFile>>;

struct Settings {
  bool from0 = false;
  bool delete_excluded = false;
  bool literal_includes_win = true;
};

/// Reads rules into `entries`, and what per-directory files they name into `merges`.
struct Reader {
  /// Where the text stands: in an option, or in a file.
  struct Place {
    std::string file;  // for messages; empty for an option
    unsigned line = 0;
    bool in_directory = false;                           // of a per-directory file:
    sys::FdView directory = sys::FdView(-1);             // files that it names are below this one
    std::string directory_path;                          // absolute, where it lies above the root; else empty
    Anchor anchor;
    unsigned depth = 0;  // files that name files
  };

  const Settings& settings;
  Entries& entries;
  MergeFiles& merges;
  std::size_t first_merge = 0;   // those before it were there: a clearing rule leaves them
  bool cleared = false;          // a clearing rule was met

  /// One rule, or with word_split as many as there are words.
  Result<> rule(std::string_view text, const Style& style, const Place& place);
  /// All rules of a file's content.
  Result<> content(std::string_view text, const Style& style, Place place);
  /// A file that the user names, relative to the working directory; "-" is the standard input.
  Result<> user_file(const std::string& path, const Style& style, const Place& named_in);

 private:
  struct Statement;
  Result<Statement> parse(std::string_view text, const Style& style, const Place& place);
  Result<> apply(Statement statement, std::string_view text, const Place& place);
  Result<> merge(const Statement& statement, const Place& place, std::string_view text);
  void add_merge_file(const Statement& statement, const Place& place);
  Result<> add_cvs(const Statement& statement);
};

/// All bytes of a regular file.  Error: EFBIG where it is too large to be a list of rules.
Result<std::string> read_rules(sys::FdView file);

/// Moves each literal include to just before the first wildcard exclude that makes it unreachable.
void let_literal_includes_win(Entries& entries, const Settings& settings);

}  // namespace foxing::filter
