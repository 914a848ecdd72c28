// SPDX-License-Identifier: GPL-2.0-or-later
// Retention: which snapshots stay, which go, and why.  Pure: snapshots, rules and the time in, a verdict for each out.
//
//   from  fxcp snap prune   Candidates, Rules        to  the same: what to remove, and the words of --dry-run
//
// How.   1. The newest stays, whatever the rules say, and so does what has a tag.
//        2. --keep-last and the calendar: of each of the last N hours (days, ISO weeks, months, years) that have a snapshot, the newest one stays.
//        3. What no rule keeps goes; with --older-than only if it is that old.
//        4. --max-size: then the oldest that have no tag go until the rest is small enough.  It wins against 2, and never takes the newest.
// Holds. The order of the candidates does not matter.  All is in UTC, as the names are.  A clock that was set back makes snapshots "of the future": they
//        are never older than anything.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/strong.h"
#include "core/snapshot/epoch.h"

namespace foxing::snapshot {

struct Rules {
  std::optional<std::int64_t> older_than_s;
  std::optional<std::uint64_t> last, hourly, daily, weekly, monthly, yearly;
  std::optional<Bytes> max_size;
  /// Patterns (* and ?): only tags that match one protect.  None: every tag does.
  std::vector<std::string> tags;

  /// Without any of these there is nothing to prune by.
  bool any() const { return older_than_s || last || hourly || daily || weekly || monthly || yearly || max_size; }
};

struct Candidate {
  Epoch epoch;
  std::string tag;
  Bytes size;  // what is freed when it goes, and all older ones with it
};

struct Verdict {
  bool keep = true;
  std::string reason;
};

/// One verdict for each candidate, in their order.
std::vector<Verdict> judge(std::span<const Candidate> candidates, const Rules& rules, std::int64_t now_s);

/// "30d": a whole number and s, m, h, d or w.  Nothing for anything else.
std::optional<std::int64_t> parse_age(std::string_view text);

/// * is any text, ? is any character.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace foxing::snapshot
