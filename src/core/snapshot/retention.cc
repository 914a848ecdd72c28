// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/snapshot/retention.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <numeric>

#include "base/text.h"

namespace foxing::snapshot {
namespace {

struct Period {
  const char* name;
  std::optional<std::uint64_t> Rules::* count;
  const char* form;  // strftime: the same text for all moments of one period
};
constexpr Period kPeriods[] = {{"hourly", &Rules::hourly, "%Y-%m-%dT%H"},
                               {"daily", &Rules::daily, "%Y-%m-%d"},
                               {"weekly", &Rules::weekly, "%G-W%V"},
                               {"monthly", &Rules::monthly, "%Y-%m"},
                               {"yearly", &Rules::yearly, "%Y"}};

std::string period_of(std::int64_t seconds, const char* form) {
  const std::time_t time = seconds;
  std::tm parts{};
  char text[32] = "";
  if (::gmtime_r(&time, &parts) != nullptr) (void)std::strftime(text, sizeof text, form, &parts);
  return text;
}

bool is_protected(const Candidate& candidate, const Rules& rules) {
  if (candidate.tag.empty()) return false;
  return rules.tags.empty() ||
         std::ranges::any_of(rules.tags, [&](const std::string& pattern) { return matches(pattern, candidate.tag); });
}

std::string age_text(std::int64_t seconds) {
  if (seconds >= 2 * 86400) return fmt::format("{} days", seconds / 86400);
  if (seconds >= 2 * 3600) return fmt::format("{} hours", seconds / 3600);
  return fmt::format("{} s", seconds);
}

}  // namespace

std::vector<Verdict> judge(std::span<const Candidate> candidates, const Rules& rules, std::int64_t now_s) {
  std::vector<Verdict> verdicts(candidates.size());
  std::vector<std::size_t> order(candidates.size());  // the newest first
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return candidates[a].epoch > candidates[b].epoch; });
  const auto keep = [&](std::size_t at, const std::string& reason) {
    std::string& said = verdicts[at].reason;
    said += (said.empty() ? "" : ", ") + reason;
  };

  if (!order.empty()) keep(order.front(), "the newest");
  for (const std::size_t at : order)
    if (is_protected(candidates[at], rules)) keep(at, fmt::format("tag {}", candidates[at].tag));
  for (std::size_t i = 0; rules.last && i < order.size() && i < *rules.last; ++i)
    keep(order[i], fmt::format("last {} of {}", i + 1, *rules.last));
  for (const Period& period : kPeriods) {
    const auto count = rules.*period.count;
    std::string before;
    std::uint64_t found = 0;
    for (const std::size_t at : order) {
      if (!count || found == *count) break;
      std::string here = period_of(candidates[at].epoch.seconds, period.form);
      if (here == before) continue;
      keep(at, fmt::format("{} {}", period.name, here));
      before = std::move(here);
      ++found;
    }
  }

  const bool only_by_size =
      !rules.older_than_s && !rules.last && !rules.hourly && !rules.daily && !rules.weekly && !rules.monthly && !rules.yearly;
  for (const std::size_t at : order) {
    Verdict& verdict = verdicts[at];
    if (!verdict.reason.empty()) continue;
    const std::int64_t age = now_s - candidates[at].epoch.seconds;
    if (only_by_size) {
      verdict.reason = "there is room";
    } else if (rules.older_than_s && age <= *rules.older_than_s) {
      verdict.reason = fmt::format("not older than {}", age_text(*rules.older_than_s));
    } else {
      verdict = {false, rules.older_than_s ? fmt::format("older than {}", age_text(*rules.older_than_s)) : "no rule keeps it"};
    }
  }

  if (!rules.max_size) return verdicts;
  std::uint64_t total = 0;
  for (const std::size_t at : order)
    if (verdicts[at].keep) total += candidates[at].size.value;
  for (auto at = order.rbegin(); at != order.rend() && total > rules.max_size->value; ++at) {
    if (!verdicts[*at].keep || *at == order.front() || is_protected(candidates[*at], rules)) continue;
    verdicts[*at] = {false, fmt::format("all together have more than {}", human(*rules.max_size))};
    total -= candidates[*at].size.value;
  }
  return verdicts;
}

std::optional<std::int64_t> parse_age(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc{} || end - rest != 1 || number < 0) return std::nullopt;
  constexpr std::string_view kUnits = "smhdw";
  constexpr std::int64_t kSeconds[] = {1, 60, 3600, 86400, 7 * 86400};
  const std::size_t unit = kUnits.find(*rest);
  if (unit == std::string_view::npos || number > INT64_MAX / kSeconds[unit]) return std::nullopt;
  return number * kSeconds[unit];
}

bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') {
      ++p;
      ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace foxing::snapshot
