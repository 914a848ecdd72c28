// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/selection.h"

#include <algorithm>
#include <climits>
#include <cstdlib>

namespace foxing::fxcp {
namespace {

Result<> add(filter::RulesBuilder& rules, const RuleOption& option) {
  switch (option.kind) {
    case RuleKind::exclude: return rules.exclude(option.text);
    case RuleKind::include: return rules.include(option.text);
    case RuleKind::rule: return rules.rule(option.text);
    case RuleKind::exclude_from: return rules.exclude_from(option.text);
    case RuleKind::include_from: return rules.include_from(option.text);
    case RuleKind::per_directory: return rules.per_directory_filter();
    case RuleKind::cvs: rules.cvs(); return {};
    case RuleKind::gitignore: rules.gitignore(); return {};
    case RuleKind::from0: rules.from0(true); return {};
  }
  return {};
}

/// The absolute path of a directory as the user called it; rules may speak of the directories above.
std::string absolute(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.empty() ? "." : path.c_str(), nullptr), &std::free);
  return resolved ? std::string(resolved.get()) : path;
}

const std::shared_ptr<const filter::Scope> scope_of(const walk::Directory& directory) {
  return std::static_pointer_cast<const filter::Scope>(directory.selection());
}

}  // namespace

Result<filter::Rules> rules_of(const Options& options) {
  filter::RulesBuilder builder;
  builder.delete_excluded(options.delete_excluded);
  for (const RuleOption& option : options.rules) FOX_TRY(add(builder, option));
  return builder.build();
}

Result<std::unique_ptr<Selection>> Selection::make(const Options& options) {
  std::optional<unsigned> deepest;
  if (options.max_depth) deepest = static_cast<unsigned>(*options.max_depth);
  std::string partial = options.partial_name();
  if (options.rules.empty() && !deepest && !options.files_from && partial.empty()) return std::unique_ptr<Selection>();
  std::unique_ptr<FileList> list;
  if (options.files_from) {
    const bool nul = std::ranges::any_of(options.rules, [](const RuleOption& option) { return option.kind == RuleKind::from0; });
    auto read = FileList::read(*options.files_from, nul, options.explicitly_recursive);
    if (!read) return tl::make_unexpected(std::move(read).error().about(*options.files_from));
    list = std::move(*read);
  }
  filter::Rules rules = FOX_TRY(rules_of(options));
  std::string first = options.sources.empty() ? std::string() : options.sources.front();
  return std::unique_ptr<Selection>(
      new Selection(std::move(rules), deepest, std::move(list), std::move(partial), std::move(first)));
}

Result<std::shared_ptr<const void>> Selection::enter(const walk::Directory& directory) {
  if (list_ != nullptr && directory.parent() == nullptr) list_->meet_root(base_of(directory));
  if (rules_.empty()) return std::shared_ptr<const void>();
  const walk::Directory* parent = directory.parent();
  std::shared_ptr<const filter::Scope> above = parent == nullptr ? nullptr : scope_of(*parent);
  if (above == nullptr)
    above = FOX_TRY(filter::Scope::begin(rules_, absolute(parent == nullptr ? directory.path() : parent->path())));
  const bool place = directory.status().inode() == InodeNo(0);  // holds SRCs; the rule files in it are not meant for them
  if (!rules_.reads_directories() || place) return above;
  return std::shared_ptr<const void>(FOX_TRY(filter::Scope::enter(above, directory.fd(), directory.relative_path())));
}

bool Selection::selects(const walk::Directory& directory, std::string_view name, bool is_directory) const {
  if (too_deep(directory) || (is_directory && is_partial(name))) return false;
  if (list_ != nullptr) {
    const std::string path = listed_path(directory, name);
    if (!list_->wants(path, is_directory)) return false;
    if (is_directory && list_->is_way(path)) return true;  // as with rsync: what lies on the way is not judged
  }
  const auto* scope = static_cast<const filter::Scope*>(directory.selection().get());
  return scope == nullptr || !scope->judge(directory.relative_path(), name, is_directory).hidden;
}

bool Selection::leads_on(const walk::Directory& directory, std::string_view name) const {
  return list_ != nullptr && list_->leads_on(listed_path(directory, name));
}

const std::vector<std::string>& Selection::bases() const {
  static const std::vector<std::string> kNone;
  return list_ != nullptr ? list_->bases() : kNone;
}

std::string_view Selection::base_of(const walk::Directory& root) const {
  std::string_view name = root.name();
  if (name.size() <= source_.size()) return {};
  name.remove_prefix(source_.size());
  return name.substr(std::min(name.find_first_not_of('/'), name.size()));
}

std::string Selection::listed_path(const walk::Directory& directory, std::string_view name) const {
  std::string path = directory.relative_path_of(name);
  if (list_->bases().empty()) return path;
  const walk::Directory* root = &directory;
  while (root->parent() != nullptr) root = root->parent();
  const std::string_view base = base_of(*root);
  return base.empty() ? path : std::string(base) + "/./" + path;
}

bool Selection::guards(const walk::Directory& directory, std::string_view below, bool is_directory) const {
  // In a directory that goes as a whole it goes, too: what it was to become has no place any more.
  if (too_deep(directory) || (is_directory && is_partial(below))) return true;
  const auto* scope = static_cast<const filter::Scope*>(directory.selection().get());
  if (scope == nullptr) return !rules_.empty();  // its rules could not be read: nobody knows what they protect
  const std::size_t slash = below.rfind('/');
  if (slash == std::string_view::npos) return scope->judge(directory.relative_path(), below, is_directory).guarded;
  return scope
      ->judge(directory.relative_path_of(below.substr(0, slash)), below.substr(slash + 1), is_directory, filter::Fate::doomed)
      .guarded;
}

}  // namespace foxing::fxcp
