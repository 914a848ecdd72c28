// SPDX-License-Identifier: GPL-2.0-or-later
// What Rules hold, for scope.cc: the rules of the options, and what is to be read in directories.
#pragma once

#include "core/filter/parse.h"
#include "core/filter/rule.h"

namespace foxing::filter {

/// Rules for both sides, in order.  Where they are the same, a name is looked up once.
struct Sided {
  RuleList source;
  RuleList target;
  bool same = true;

  void add(const Rule* rule, bool delete_excluded) {
    const Sides sides = said(rule->sides, delete_excluded);
    if (concerns(sides, Sides::source)) source.add(rule);
    if (concerns(sides, Sides::target)) target.add(rule);
    same = same && sides == Sides::both;
  }
};

struct RuleSet {
  Settings settings;
  bool gitignore = false;
  Entries entries;
  MergeFiles merges;
  Sided lists;  // where there are no merges
};

}  // namespace foxing::filter
