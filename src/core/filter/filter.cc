// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/filter/filter.h"

#include "core/filter/rule_set.h"

namespace foxing::filter {

struct Draft {
  RuleSet set;
  bool cvs = false;
  int per_directory = 0;

  Reader reader() { return Reader{.settings = set.settings, .entries = set.entries, .merges = set.merges}; }
  Result<> rule(std::string_view text) { return reader().rule(text, {}, {}); }
};

namespace {
Style old_style(bool include) { return {.prefixes = Style::Prefixes::old, .include = include}; }
}  // namespace

bool Rules::reads_directories() const { return set_ && (set_->gitignore || !set_->merges.empty()); }

RulesBuilder::RulesBuilder() : draft_(std::make_unique<Draft>()) {}
RulesBuilder::~RulesBuilder() = default;

Result<> RulesBuilder::exclude(std::string_view pattern) { return draft_->reader().rule(pattern, old_style(false), {}); }
Result<> RulesBuilder::include(std::string_view pattern) { return draft_->reader().rule(pattern, old_style(true), {}); }
Result<> RulesBuilder::rule(std::string_view text) { return draft_->rule(text); }
Result<> RulesBuilder::exclude_from(const std::string& path) { return draft_->reader().user_file(path, old_style(false), {}); }
Result<> RulesBuilder::include_from(const std::string& path) { return draft_->reader().user_file(path, old_style(true), {}); }

Result<> RulesBuilder::per_directory_filter() {
  switch (++draft_->per_directory) {
    case 1: return draft_->rule(": /.rsync-filter");
    case 2: return draft_->rule("- .rsync-filter");
    default: return {};
  }
}

void RulesBuilder::cvs() { draft_->cvs = true; }
void RulesBuilder::gitignore() { draft_->set.gitignore = true; }
void RulesBuilder::from0(bool on) { draft_->set.settings.from0 = on; }
void RulesBuilder::delete_excluded(bool on) { draft_->set.settings.delete_excluded = on; }
void RulesBuilder::literal_includes_win(bool on) { draft_->set.settings.literal_includes_win = on; }

Result<Rules> RulesBuilder::build() {
  if (draft_->cvs) {
    FOX_TRY(draft_->rule(":C"));
    FOX_TRY(draft_->rule("-C"));
    draft_->cvs = false;
  }
  RuleSet set = draft_->set;
  let_literal_includes_win(set.entries, set.settings);
  if (set.merges.empty()) {
    for (const Entry& entry : set.entries) set.lists.add(entry.rule.get(), set.settings.delete_excluded);
  }
  if (set.entries.empty() && !set.gitignore) return Rules();
  return Rules(std::make_shared<const RuleSet>(std::move(set)));
}

}  // namespace foxing::filter
