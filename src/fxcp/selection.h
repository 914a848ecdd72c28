// SPDX-License-Identifier: GPL-2.0-or-later
// What of the sources is walked at all: --exclude and its like, --max-depth; not the directories of --partial.
//
//   from  run.cc   Options        to  walk::Walk, for the copy, its estimate, the passes that delete
//
// A long list of --files-from comes window by window: what is chosen is what the window has that is there now.
// Names are judged by their path from the root of the transfer, as with rsync: below the one SRC whose contents are mirrored, else from the directory that
// a SRC lies in.  Names of the target are judged by the rules in force in the source's directory, those of doomed directories too.
#pragma once

#include <memory>
#include <optional>

#include "base/result.h"
#include "core/filter/filter.h"
#include "core/walk/walk.h"
#include "fxcp/file_list.h"
#include "fxcp/list_reader.h"
#include "fxcp/options.h"

namespace foxing::fxcp {

/// The rules of the options alone.  Errors: a sentence that names the rule, or the file it is in.
Result<filter::Rules> rules_of(const Options& options);

class Selection final : public walk::Selector {
 public:
  /// Null where everything is walked.  Errors: a sentence that names the rule, or the file it is in.
  static Result<std::unique_ptr<Selection>> make(const Options& options);

  Result<std::shared_ptr<const void>> enter(const walk::Directory& directory) override;
  bool selects(const walk::Directory& directory, std::string_view name, bool is_directory) const override;
  bool leads_on(const walk::Directory& directory, std::string_view name) const override;
  std::optional<std::vector<std::string_view>> names_in(const walk::Directory& directory) override;
  bool goes_on_in(const walk::Directory& directory) const override;
  bool guards(const walk::Directory& directory, std::string_view below, bool is_directory) const override;
  /// Directories below SRC that lines of --files-from leave behind: roots of their own, called SRC/BASE.
  const std::vector<std::string>& bases() const;
  /// The list of --files-from has more than the windows until now; false without a list.
  bool has_more() const { return list_ != nullptr && !reader_->at_end(); }
  /// The next window takes the place of this one; no walk may be under way.  An empty one ends the list.  Errors: of reading it; then it has ended.
  Result<> next_window();
  /// Lines of this window that lead outside of the source, each with a sentence.
  const std::vector<Error>& refused_lines() const { return refused_; }
  /// What --files-from lists, in this window, and nobody has met.
  std::vector<std::string> missing() const { return list_ ? list_->missing() : std::vector<std::string>(); }

 private:
  Selection(filter::Rules rules, std::optional<unsigned> deepest, std::unique_ptr<ListReader> reader, bool below,
            std::string partial, std::string source)
      : rules_(std::move(rules)),
        deepest_(deepest),
        reader_(std::move(reader)),
        below_(below),
        source_(std::move(source)),
        partial_(std::move(partial)) {}
  /// The base that a root stands for; empty for SRC itself.
  std::string_view base_of(const walk::Directory& root) const;
  /// What the list calls it.
  std::string listed_path(const walk::Directory& directory, std::string_view name) const;
  std::string listed_path(const walk::Directory& directory) const;
  bool is_partial(std::string_view name) const { return !partial_.empty() && name == partial_; }
  bool too_deep(const walk::Directory& directory) const { return deepest_ && directory.depth() + 1 > *deepest_; }

  const filter::Rules rules_;
  const std::optional<unsigned> deepest_;
  const std::unique_ptr<ListReader> reader_;  // of --files-from; else null
  const bool below_;  // --recursive: listed directories are walked
  std::unique_ptr<FileList> list_;  // the window of it
  std::vector<Error> refused_;
  const std::string source_;  // SRC of --files-from
  const std::string partial_;  // --partial: directories of this name are neither walked nor deleted
};

}  // namespace foxing::fxcp
