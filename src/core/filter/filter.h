// SPDX-License-Identifier: GPL-2.0-or-later
// Choosing files: which names of a source are transferred, and which names of a target may be deleted.
//
//   from  --exclude, --include, --filter, -F, -C, --gitignore        to  Verdict, for every name of every directory
//
// How.   RulesBuilder reads rules in the order of the options; build() makes Rules.  Scope::begin() is for the root of the transfer, enter() for
//        each directory on the way down: it reads the rule files that lie in that directory.  judge() then answers for the names in it.
//        The source's names are judged by scopes of the source, the target's by scopes of the target, as with rsync: what a rule file in the
//        target says protects the target's names.
// Holds. rsync's matching: rules in order, the first that matches counts (docs/filters.md; tests/support/filter_fuzz.py compares with rsync itself).
//        One addition: a literal include which an earlier wildcard exclude makes unreachable wins.
//        Rules and Scopes do not change once they are made; threads may share them.
//        Below the root no symbolic link is followed: a rule file that is one is an error, as is one that cannot be read.
// Cost.  judge() allocates nothing (but for paths above 1 KiB).  enter() costs nothing without per-directory rules, and an open(2) that fails
//        for each kind of rule file in a directory without them.
// Not here: sizes and depths (--max-size, --max-depth), who walks and deletes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/fd.h"

namespace foxing::filter {

struct Verdict {
  bool hidden = false;  // not transferred, nor is what is below it
  bool guarded = false;  // must not be deleted in the target
  bool operator==(const Verdict&) const = default;
};

/// Whether the directory that a name is in stays.  In one that is deleted, perishable rules (p, the defaults of -C) do not count.
enum class Fate { stays, doomed };

struct RuleSet;
struct Draft;

/// All rules of a run.  Copies share.
class Rules {
 public:
  /// None: everything is transferred, nothing is guarded.
  Rules() = default;
  bool empty() const { return set_ == nullptr; }
  /// Rule files are looked for in every directory.
  bool reads_directories() const;

 private:
  friend class RulesBuilder;
  friend class Scope;
  explicit Rules(std::shared_ptr<const RuleSet> set) : set_(std::move(set)) {}
  std::shared_ptr<const RuleSet> set_;
};

/// Errors have code 0 and a sentence with the rule and its file and line in `detail`; or errno where a file could not be read.
class RulesBuilder {
 public:
  RulesBuilder();
  ~RulesBuilder();
  RulesBuilder(const RulesBuilder&) = delete;
  RulesBuilder& operator=(const RulesBuilder&) = delete;

  Result<> exclude(std::string_view pattern);  // --exclude
  Result<> include(std::string_view pattern);  // --include
  Result<> rule(std::string_view text);  // -f
  Result<> exclude_from(const std::string& path);  // "-" is the standard input
  Result<> include_from(const std::string& path);
  /// -F; the second time the rule files themselves are left out.
  Result<> per_directory_filter();
  /// -C: behind all other rules, wherever it is said.
  void cvs();
  void gitignore();
  /// Rules in files end with NUL: for files that are read from here on, as with rsync.
  void from0(bool on);
  /// Rules that do not say where they count then count for the source alone.
  void delete_excluded(bool on);
  /// The addition; on unless said otherwise.
  void literal_includes_win(bool on);

  Result<Rules> build();

 private:
  std::unique_ptr<Draft> draft_;
};

/// The rules in force in one directory.
class Scope {
 public:
  struct State;
  explicit Scope(std::shared_ptr<const State> state);

  /// For the directory that relative paths begin in, with its absolute path.  Reads rule files above it where a rule asks for that
  /// (-F does), none in it: enter() it, with the relative path "".
  static Result<std::shared_ptr<const Scope>> begin(const Rules& rules, std::string_view absolute_path);

  /// For a directory in the one of `parent`; reads its rule files.  The same scope as `parent` where nothing is new.
  static Result<std::shared_ptr<const Scope>> enter(const std::shared_ptr<const Scope>& parent, sys::FdView directory,
                                                    std::string_view relative_path);

  /// For `name` in the directory of this scope, whose path is `relative_directory` ("" at the root).
  Verdict judge(std::string_view relative_directory, std::string_view name, bool is_directory, Fate fate = Fate::stays) const;

 private:
  std::shared_ptr<const State> state_;
};

}  // namespace foxing::filter
