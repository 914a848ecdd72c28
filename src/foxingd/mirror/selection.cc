// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/mirror/selection.h"

namespace foxing::mirror {

Result<std::unique_ptr<Selection>> Selection::make(const std::vector<FilterRule>& rules) {
  if (rules.empty()) return std::unique_ptr<Selection>();
  filter::RulesBuilder builder;
  for (const FilterRule& rule : rules) FOX_TRY(rule.include ? builder.include(rule.pattern) : builder.exclude(rule.pattern));
  // No rule of these speaks of directories above the source.
  auto scope = FOX_TRY(filter::Scope::begin(FOX_TRY(builder.build()), "/"));
  return std::unique_ptr<Selection>(new Selection(std::move(scope)));
}

bool Selection::selects(const walk::Directory& directory, std::string_view name, bool is_directory) const {
  return !scope_->judge(directory.relative_path(), name, is_directory).hidden;
}

bool Selection::guards(const walk::Directory& directory, std::string_view below, bool is_directory) const {
  const std::size_t slash = below.rfind('/');
  if (slash == std::string_view::npos) return scope_->judge(directory.relative_path(), below, is_directory).guarded;
  return scope_
      ->judge(directory.relative_path_of(below.substr(0, slash)), below.substr(slash + 1), is_directory, filter::Fate::doomed)
      .guarded;
}

}  // namespace foxing::mirror
