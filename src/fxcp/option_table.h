// SPDX-License-Identifier: GPL-2.0-or-later
// The options of fxcp, each declared once.  From this table come parsing (options.cc), --help, the man page and the
// completions (help.cc, completions.cc).  To add an option: a row in option_table.cc, a field in Options; where the row's `sets` cannot
// say what it does, an Action and its case in options.cc; a line in options_test.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fxcp/options.h"

namespace foxing::fxcp {

/// The headings of --help and of the man page, in their order.
enum class Section {
  selection,
  filters,
  comparison,
  deleting,
  attributes,
  symlinks,
  destination,
  method,
  streams,
  archives,
  snapshots,
  report,
  other
};
inline constexpr Section kSections[] = {Section::selection,  Section::filters,  Section::comparison,  Section::deleting,
                                        Section::attributes, Section::symlinks, Section::destination, Section::method,
                                        Section::streams,    Section::archives, Section::snapshots,   Section::report,
                                        Section::other};
std::string_view title(Section section);

enum class Takes { nothing, optional, required };
/// What a shell offers where the option's argument stands: the row's `values`, or names.
enum class Completes { values, files, directories };

/// What an option does when it is more than setting one field.
enum class Action {
  archive,
  devices_and_specials,
  keep_holes,
  follow_links,
  follow_dirlinks,
  keep_links,
  follow_arguments,
  munge_links,
  delete_during,
  delete_before,
  delete_after,
  max_delete,
  itemize,
  human_readable,
  plain_numbers,
  partial_and_progress,
  target_directory,
  jobs,
  content,
  verbose,
  json,
  cleanup,
  help,
  version,
  // streams
  size,
  checkpoint_interval,
  checkpoint_keep,
  compress
};

/// The field an option sets.  A Preserve field is set by --archive too, unless its negation stands somewhere.
using Text = std::optional<std::string> Options::*;  // any words but none
using Texts = std::vector<std::string> Options::*;  // may be given several times
using Size = std::optional<Bytes> Options::*;  // "10M", "1.5g", "500KB": parse_size in values.h
using Number = std::optional<std::int64_t> Options::*;  // whole, also below 0
using Sets = std::variant<Action, RuleKind, bool Options::*, bool Preserve::*, When Options::*, Text, Texts, Size, Number>;

/// The commands an option has a meaning for, as bits.
inline constexpr unsigned kForCopy = 1;
inline constexpr unsigned kForInfo = 2;
inline constexpr unsigned kForCleanup = 4;
inline constexpr unsigned kForVerify = 8;
inline constexpr unsigned kForExport = 16;
inline constexpr unsigned kForImport = 32;
inline constexpr unsigned kForInspect = 64;
inline constexpr unsigned kForCheck = 128;
inline constexpr unsigned kForRestore = 256;
inline constexpr unsigned kForRepair = 512;
inline constexpr unsigned kForSnap = kForExport | kForImport | kForInspect | kForCheck | kForRestore | kForRepair;

// The verbs of a target's store.
inline constexpr unsigned kForList = 1U << 16;
inline constexpr unsigned kForStats = 1U << 17;
inline constexpr unsigned kForTag = 1U << 18;
inline constexpr unsigned kForDiff = 1U << 19;
inline constexpr unsigned kForLog = 1U << 20;
inline constexpr unsigned kForRevert = 1U << 21;
inline constexpr unsigned kForSnapCopy = 1U << 22;
inline constexpr unsigned kForPrune = 1U << 23;
inline constexpr unsigned kForRebuildIndex = 1U << 24;
inline constexpr unsigned kForStoreVerify = 1U << 25;
inline constexpr unsigned kForStore = kForList | kForStats | kForTag | kForDiff | kForLog | kForRevert | kForSnapCopy |
                                      kForPrune | kForRebuildIndex | kForStoreVerify;

/// Two rows may share a name where no command has both.
struct OptionRow {
  char letter = 0;  // 0: none
  std::string_view name;  // without dashes; empty: letter only
  std::string_view alias;  // a second name, mostly cp's
  std::string_view negation;  // "no-perms"
  Section section = Section::other;
  Sets sets;
  Takes takes = Takes::nothing;
  std::string_view argument;  // how the argument is called; empty exactly where none is taken
  std::string_view values;  // "auto|always|never"; empty: free text
  When bare = When::always;  // what a When option means without an argument
  Completes completes = Completes::values;
  unsigned commands = kForCopy;
  std::string_view other_letters;  // letters that elsewhere mean this option: for suggestions
  std::string_view help;  // one line of --help
  std::string_view manual;  // the man page's paragraphs, separated by an empty line; names of options become bold by themselves
};

std::span<const OptionRow> option_table();
/// The long names of a row, with their dashes.
std::vector<std::string> long_names(const OptionRow& row);

/// A verb: the first word of the command line, or the first two, where they are one of these.
struct Verb {
  std::string_view name;  // "info", "snap export"
  Command command;
  std::string_view operands;
  std::string_view help;
  std::string_view manual;
};
std::span<const Verb> verbs();

}  // namespace foxing::fxcp
