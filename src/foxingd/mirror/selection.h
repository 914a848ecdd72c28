// SPDX-License-Identifier: GPL-2.0-or-later
// What of a source is mirrored: `exclude` and `include` of the configuration, with rsync's meaning, for the scan and for single names alike.
// Holds. What is left out is neither copied nor deleted from the target.  The rules are the same in every directory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/filter/filter.h"
#include "core/walk/walk.h"

namespace foxing::mirror {

struct FilterRule {
  bool include = false;
  std::string pattern;
  friend bool operator==(const FilterRule&, const FilterRule&) = default;
};

class Selection final : public walk::Selector {
 public:
  /// Null where there are no rules.  Errors: a sentence that names the rule.
  static Result<std::unique_ptr<Selection>> make(const std::vector<FilterRule>& rules);

  Result<std::shared_ptr<const void>> enter(const walk::Directory&) override { return std::shared_ptr<const void>(); }
  bool selects(const walk::Directory& directory, std::string_view name, bool is_directory) const override;
  bool guards(const walk::Directory& directory, std::string_view below, bool is_directory) const override;

 private:
  explicit Selection(std::shared_ptr<const filter::Scope> scope) : scope_(std::move(scope)) {}
  const std::shared_ptr<const filter::Scope> scope_;
};

}  // namespace foxing::mirror
