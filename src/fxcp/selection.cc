// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/selection.h"

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "sys/file.h"
#include "sys/names.h"

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

const walk::Directory& root_of(const walk::Directory& directory) {
  const walk::Directory* root = &directory;
  while (root->parent() != nullptr) root = root->parent();
  return *root;
}

const std::shared_ptr<const filter::Scope> scope_of(const walk::Directory& directory) {
  return std::static_pointer_cast<const filter::Scope>(directory.selection());
}

/// What these options do about one name may depend on any other.
bool needs_whole_list(const Options& options) {
  return options.prune_empty_dirs || options.verify || options.detect_renames || options.compress || options.decompress;
}

Result<std::unique_ptr<ListReader>> open_list(const Options& options) {
  const bool nul = std::ranges::any_of(options.rules, [](const RuleOption& option) { return option.kind == RuleKind::from0; });
  sys::UniqueFd file = *options.files_from == "-"
                           ? FOX_TRY(sys::duplicate(sys::FdView(0)))
                           : FOX_TRY(sys::open_at(sys::working_directory(), *options.files_from, {.links = sys::Links::follow}));
  sys::make_blocking(file);
  return std::make_unique<ListReader>(std::move(file), nul,
                                      needs_whole_list(options) ? ListReader::Window::whole() : ListReader::Window{});
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
  std::unique_ptr<ListReader> reader;
  if (options.files_from) {
    auto opened = open_list(options);
    if (!opened) return tl::make_unexpected(std::move(opened).error().about(*options.files_from));
    reader = std::move(*opened);
  }
  filter::Rules rules = FOX_TRY(rules_of(options));
  std::string first = options.sources.empty() ? std::string() : options.sources.front();
  std::unique_ptr<Selection> selection(new Selection(std::move(rules), deepest, std::move(reader), options.explicitly_recursive,
                                                     std::move(partial), std::move(first)));
  if (options.files_from) {
    auto read = selection->next_window();
    if (read && !selection->refused_.empty()) return tl::make_unexpected(selection->refused_.front());
    if (!read) return tl::make_unexpected(std::move(read).error().about(*options.files_from));
  }
  return selection;
}

Result<> Selection::next_window() {
  list_ = std::make_unique<FileList>(below_);
  refused_.clear();
  auto read = reader_->read(*list_, refused_);
  list_->close();
  return read;
}

Result<std::shared_ptr<const void>> Selection::enter(const walk::Directory& directory) {
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

std::optional<std::vector<std::string_view>> Selection::names_in(const walk::Directory& directory) {
  if (list_ == nullptr) return std::nullopt;
  if (directory.parent() == nullptr) list_->meet_root(base_of(directory));
  return list_->names_in(listed_path(directory));
}

bool Selection::goes_on_in(const walk::Directory& directory) const {
  return has_more() && base_of(root_of(directory)).empty() && list_->goes_on_in(directory.relative_path());
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
  const std::string_view base = base_of(root_of(directory));
  return base.empty() ? path : std::string(base) + "/./" + path;
}

std::string Selection::listed_path(const walk::Directory& directory) const {
  const std::string path = directory.relative_path();
  const std::string_view base = base_of(root_of(directory));
  if (base.empty()) return path;
  return std::string(base) + (path.empty() ? "/." : "/./" + path);
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
