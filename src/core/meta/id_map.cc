// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/meta/id_map.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/text.h"

namespace foxing::meta {
namespace {

/// The last one means "leave it" to chown(2), and cannot be an owner.
constexpr std::uint32_t kLargestId = std::numeric_limits<std::uint32_t>::max() - 1;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_number(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

std::optional<std::uint32_t> parse_id(std::string_view text) {
  std::uint32_t id = 0;
  if (!is_number(text)) return std::nullopt;
  const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (problem != std::errc{} || rest != text.data() + text.size() || id > kLargestId) return std::nullopt;
  return id;
}

tl::unexpected<Error> refuse(const char* option, std::string_view text, std::string_view why) {
  return fail(0, option, {}, fmt::format("'{}' {}", printable(text), why));
}

Result<std::uint32_t> target_id(const char* option, std::string_view text, const sys::Accounts& accounts) {
  if (is_number(text)) {
    if (const auto id = parse_id(text)) return *id;
    return refuse(option, text, fmt::format("is not an id: the largest is {}", kLargestId));
  }
  if (const auto id = accounts.id_of(text)) return *id;
  return refuse(option, text,
                fmt::format("is not in {}, the only place where names are looked up; use its number", accounts.file()));
}

}  // namespace

Result<IdRules> IdRules::parse(const char* option, std::string_view text, const sys::Accounts& accounts, bool numeric_ids) {
  IdRules map;
  while (true) {
    const std::size_t end = text.find(',');
    map.rules_.push_back(FOX_TRY(rule(option, text.substr(0, end), accounts)));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  if (numeric_ids) return map;
  for (const auto& account : accounts.all())
    map.names_.try_emplace(account.id, account.name);  // the first name of an id is its name
  return map;
}

Result<IdRules::Rule> IdRules::rule(const char* option, std::string_view text, const sys::Accounts& accounts) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return refuse(option, text, "is not FROM:TO");
  const std::string_view from = text.substr(0, colon);
  const std::string_view to = text.substr(colon + 1);
  if (to.empty()) return refuse(option, text, "has nothing after the colon");

  Rule rule;
  rule.to = FOX_TRY(target_id(option, to, accounts));
  if (from == "*") {
    rule.kind = Rule::Kind::everything;
  } else if (!from.empty() && is_digit(from[0])) {
    const std::size_t dash = from.find('-');
    const auto first = parse_id(from.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_id(from.substr(dash + 1));
    if (!first || !last)
      return refuse(option, text,
                    fmt::format("begins with a digit but not with an id (at most {}) or a range FIRST-LAST", kLargestId));
    if (*first > *last) return refuse(option, text, "is a range that ends before it begins");
    rule.first = *first;
    rule.last = *last;
  } else {
    rule.kind = from.find_first_of("*[?") == std::string_view::npos ? Rule::Kind::name : Rule::Kind::pattern;
    rule.name = from;
  }
  return rule;
}

bool IdRules::matches(const Rule& rule, std::uint32_t id, const std::string& name) {
  switch (rule.kind) {
    case Rule::Kind::ids: return rule.first <= id && id <= rule.last;
    case Rule::Kind::everything: return true;
    case Rule::Kind::name: return rule.name == name;
    case Rule::Kind::pattern: return ::fnmatch(rule.name.c_str(), name.c_str(), 0) == 0;
  }
  return false;
}

std::uint32_t IdRules::apply(std::uint32_t id) const {
  if (rules_.empty()) return id;
  static const std::string kNone;
  const auto known = names_.find(id);
  const std::string& name = known == names_.end() ? kNone : known->second;
  const auto found = std::ranges::find_if(rules_, [&](const Rule& rule) { return matches(rule, id, name); });
  return found == rules_.end() ? id : found->to;
}

Result<IdMap> IdMap::parse(const IdOptions& options, const sys::Accounts& users, const sys::Accounts& groups) {
  IdMap map;
  const auto rules = [&](const char* option, std::string_view text, const sys::Accounts& accounts) {
    return IdRules::parse(option, text, accounts, options.numeric_ids);
  };
  if (options.usermap) map.users_ = FOX_TRY(rules("--usermap", *options.usermap, users));
  if (options.groupmap) map.groups_ = FOX_TRY(rules("--groupmap", *options.groupmap, groups));
  if (!options.chown) return map;

  const std::string_view text = *options.chown;
  const std::size_t colon = text.find(':');
  const std::string_view user = text.substr(0, colon);
  const std::string_view group = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (user.empty() && group.empty())
    return refuse("--chown", text, "names neither a user nor a group: USER, USER:GROUP or :GROUP");
  if (!user.empty() && options.usermap)
    return fail(0, "--chown", {}, "names a user, and so does --usermap: only one of them can be right");
  if (!group.empty() && options.groupmap)
    return fail(0, "--chown", {}, "names a group, and so does --groupmap: only one of them can be right");
  if (text.find(',') != std::string_view::npos) return refuse("--chown", text, "has a comma: it takes one user and one group");
  if (!user.empty()) map.users_ = FOX_TRY(rules("--chown", fmt::format("*:{}", user), users));
  if (!group.empty()) map.groups_ = FOX_TRY(rules("--chown", fmt::format("*:{}", group), groups));
  return map;
}

}  // namespace foxing::meta
