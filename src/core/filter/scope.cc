// SPDX-License-Identifier: GPL-2.0-or-later
// The rules in force in one directory: those of the options, with the rules of per-directory files in their places.
//
// How.   For each rule `: name` a Scope has the rules read so far, the deepest directory's first.  A directory with a rule file of its own gets
//        new lists, in which everything is in the order of asking; others share those of their parent.
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "base/text.h"
#include "core/filter/filter.h"
#include "core/filter/gitignore.h"
#include "core/filter/rule_set.h"
#include "sys/file.h"
#include "sys/status.h"

namespace foxing::filter {
namespace {

std::string without_outer_slashes(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

/// An absolute path without "." and "..", and without slashes at its ends.
std::string cleaned(std::string_view path) {
  std::vector<std::string_view> parts;
  for (const auto& piece : path | std::views::split('/')) {
    const std::string_view part(piece.begin(), piece.end());
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string clean;
  for (const std::string_view part : parts) clean = join_path(clean, part);
  return clean;
}

struct Merged {
  std::shared_ptr<const MergeFile> file;
  std::shared_ptr<const Entries> entries;
};

}  // namespace

struct Scope::State {
  std::shared_ptr<const RuleSet> rules;
  std::string root;  // absolute, without slashes at its ends
  std::vector<Merged> merged;  // by Entry::merge
  std::vector<std::shared_ptr<const GitIgnore>> ignores;  // outermost first
  Sided own_lists;

  const Sided& lists() const { return rules->merges.empty() ? rules->lists : own_lists; }
  void arrange();
  void add(const Entries& entries);
  MergeFiles files() const;

  Result<> scan_above(std::size_t which);
  Result<bool> read_merge(std::size_t which, sys::FdView directory, std::string_view directory_path, bool above_root);
  Result<bool> read_gitignore(sys::FdView directory, std::string_view relative_path);
};

void Scope::State::arrange() {
  own_lists = {};
  add(rules->entries);
}

void Scope::State::add(const Entries& entries) {
  for (const Entry& entry : entries) {
    if (entry.rule) {
      own_lists.add(entry.rule.get(), rules->settings.delete_excluded);
    } else if (static_cast<std::size_t>(entry.merge) < merged.size()) {
      add(*merged[static_cast<std::size_t>(entry.merge)].entries);
    }
  }
}

MergeFiles Scope::State::files() const {
  MergeFiles files;
  for (const Merged& one : merged) files.push_back(one.file);
  return files;
}

/// The rule file of one kind in one directory, in front of what was inherited.  False where there is none.
Result<bool> Scope::State::read_merge(std::size_t which, sys::FdView directory, std::string_view directory_path,
                                      bool above_root) {
  const std::shared_ptr<const MergeFile> kind = merged[which].file;
  const std::string shown = above_root ? "/" + join_path(directory_path, kind->name) : join_path(directory_path, kind->name);
  bool forgot = false;
  if (!kind->inherited && !merged[which].entries->empty()) {
    merged[which].entries = std::make_shared<const Entries>();
    forgot = true;
  }
  auto file = sys::open_at(directory, kind->name, {.links = above_root ? sys::Links::follow : sys::Links::keep});
  if (!file) {
    if (file.error().code == ENOENT) return forgot;
    if (file.error().code == ELOOP) {
      return fail(0, "filter", shown, "a file of rules is a symbolic link, which is not followed; put the rules in its place");
    }
    return tl::make_unexpected(std::move(file).error().about(shown));
  }
  const sys::FileStatus status = FOX_TRY(sys::status_of(*file));
  if (status.type() == sys::FileType::directory) return forgot;
  if (status.type() != sys::FileType::regular) {
    return fail(0, "filter", shown, fmt::format("a file of rules is a {}", sys::name_of(status.type())));
  }
  auto text = read_rules(*file);
  if (!text) return tl::make_unexpected(std::move(text).error().about(shown));

  Entries entries;
  MergeFiles known = files();
  const std::size_t first_new = known.size();
  Reader reader{.settings = rules->settings, .entries = entries, .merges = known, .first_merge = first_new};
  Reader::Place place;
  place.file = shown;
  place.in_directory = !above_root;
  place.directory = directory;
  if (above_root) place.directory_path = "/" + std::string(directory_path);
  place.anchor = {.absolute = above_root, .skip = directory_path.empty() ? 0 : directory_path.size() + 1};
  auto read = reader.content(*text, kind->style, place);
  if (!read) return tl::make_unexpected(std::move(read).error().about(shown));
  let_literal_includes_win(entries, rules->settings);
  if (!reader.cleared) entries.insert(entries.end(), merged[which].entries->begin(), merged[which].entries->end());
  merged[which].entries = std::make_shared<const Entries>(std::move(entries));
  for (std::size_t next = first_new; next < known.size(); ++next) {
    merged.push_back({known[next], std::make_shared<const Entries>()});
  }
  return true;
}

/// Rule files in the directories from the one that the rule names down to the one above the root.
Result<> Scope::State::scan_above(std::size_t which) {
  const std::shared_ptr<const MergeFile> kind = merged[which].file;
  if (!kind->has_path) return {};
  const std::string from = cleaned(kind->scan_from.starts_with('/') ? kind->scan_from : "/" + root + "/" + kind->scan_from);
  if (!from.empty() && root != from && !root.starts_with(from + "/")) return {};
  if (root == from) return {};
  for (std::size_t end = from.size(); end < root.size(); end = std::min(root.find('/', end + 1), root.size())) {
    const std::string directory = root.substr(0, end);
    auto opened = sys::open_at(sys::working_directory(), "/" + directory,
                               {.access = sys::Access::path, .links = sys::Links::follow, .directory = true});
    if (!opened) return tl::make_unexpected(std::move(opened).error().about("/" + directory));
    FOX_TRY(read_merge(which, *opened, directory, true));
    if (!kind->inherited) merged[which].entries = std::make_shared<const Entries>();
  }
  return {};
}

Result<bool> Scope::State::read_gitignore(sys::FdView directory, std::string_view relative_path) {
  const std::string shown = join_path(relative_path, ".gitignore");
  auto file = sys::open_at(directory, ".gitignore");
  if (!file) {
    // As with git, a symbolic link is no file of rules.
    if (file.error().code == ENOENT || file.error().code == ELOOP) return false;
    return tl::make_unexpected(std::move(file).error().about(shown));
  }
  const sys::FileStatus status = FOX_TRY(sys::status_of(*file));
  if (status.type() != sys::FileType::regular) return false;
  auto text = read_rules(*file);
  if (!text) return tl::make_unexpected(std::move(text).error().about(shown));
  auto ignore = std::make_shared<const GitIgnore>(*text, relative_path.empty() ? 0 : relative_path.size() + 1);
  if (ignore->empty()) return false;
  ignores.push_back(std::move(ignore));
  return true;
}

Scope::Scope(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Result<std::shared_ptr<const Scope>> Scope::begin(const Rules& rules, std::string_view absolute_path) {
  auto state = std::make_shared<State>();
  if (rules.empty()) return std::make_shared<const Scope>(std::move(state));
  state->rules = rules.set_;
  state->root = without_outer_slashes(absolute_path);
  for (const auto& file : rules.set_->merges) state->merged.push_back({file, std::make_shared<const Entries>()});
  for (std::size_t which = 0; which < state->merged.size(); ++which) FOX_TRY(state->scan_above(which));
  if (!state->merged.empty()) state->arrange();
  return std::make_shared<const Scope>(std::move(state));
}

Result<std::shared_ptr<const Scope>> Scope::enter(const std::shared_ptr<const Scope>& parent, sys::FdView directory,
                                                  std::string_view relative_path) {
  const State& before = *parent->state_;
  if (!before.rules || (before.merged.empty() && !before.rules->gitignore)) return parent;
  auto state = std::make_shared<State>();
  state->rules = before.rules;
  state->root = before.root;
  state->merged = before.merged;
  state->ignores = before.ignores;
  bool changed = false;
  // What is read may name further kinds of files, which are then looked for in this directory, too.
  for (std::size_t which = 0; which < state->merged.size(); ++which) {
    const bool read = FOX_TRY(state->read_merge(which, directory, relative_path, false));
    changed = changed || read;
  }
  bool ignores_changed = false;
  if (before.rules->gitignore) ignores_changed = FOX_TRY(state->read_gitignore(directory, relative_path));
  if (!changed && !ignores_changed) return parent;
  if (!state->merged.empty()) state->arrange();
  return std::make_shared<const Scope>(std::move(state));
}

Verdict Scope::judge(std::string_view relative_directory, std::string_view name, bool is_directory, Fate fate) const {
  const State& state = *state_;
  if (!state.rules) return {};
  const Sided& lists = state.lists();
  Subject subject(state.root, relative_directory, name, is_directory);
  const bool doomed = fate == Fate::doomed;
  const Answer source = lists.source.first(subject, doomed);
  const Answer target = lists.same ? source : lists.target.first(subject, doomed);
  Verdict verdict{.hidden = source == Answer::exclude, .guarded = target == Answer::exclude};
  if (state.ignores.empty() || (source != Answer::none && target != Answer::none)) return verdict;
  for (const auto& ignore : state.ignores | std::views::reverse) {
    const auto ignored = ignore->ignores(subject.relative(false, false), name, is_directory);
    if (!ignored) continue;
    if (source == Answer::none) verdict.hidden = *ignored;
    if (target == Answer::none) verdict.guarded = *ignored && !state.rules->settings.delete_excluded;
    break;
  }
  return verdict;
}

}  // namespace foxing::filter
