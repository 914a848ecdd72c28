// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/filter/rule.h"

#include <algorithm>

#include "core/filter/wildcard.h"

namespace foxing::filter {
namespace {

constexpr std::string_view kWild = "*?[";
constexpr std::string_view kSpecial = "*?[\\";

/// The last `count` components; nothing where there are fewer.
std::optional<std::string_view> last_components(std::string_view path, std::size_t count) {
  std::size_t at = path.size();
  for (; count > 0; --count) {
    if (at == std::string_view::npos) return std::nullopt;
    at = at == 0 ? std::string_view::npos : path.rfind('/', at - 1);
  }
  return at == std::string_view::npos ? path : path.substr(at + 1);
}

Rule::Shape shape_of_name(std::string_view pattern) {
  if (pattern.find_first_of(kWild) == std::string_view::npos) return Rule::Shape::name;
  if (pattern.starts_with('*') && pattern.find_first_of(kSpecial, 1) == std::string_view::npos) return Rule::Shape::name_suffix;
  if (pattern.find_first_of(kSpecial) == pattern.size() - 1 && pattern.ends_with('*')) return Rule::Shape::name_prefix;
  return Rule::Shape::name_wild;
}

}  // namespace

// ---- The path, when it is needed.

void Subject::build() {
  const std::size_t length = 1 + root_.size() + 1 + directory_.size() + 1 + name_.size() + 1;
  char* begin = buffer_.data();
  if (length > buffer_.size()) {
    long_.resize(length);
    begin = long_.data();
  }
  char* at = begin;
  const auto put = [&at](std::string_view text) {
    at = std::ranges::copy(text, at).out;
    *at++ = '/';
  };
  *at++ = '/';
  if (!root_.empty()) put(root_);
  relative_at_ = static_cast<std::size_t>(at - begin);
  if (!directory_.empty()) put(directory_);
  put(name_);
  all_ = std::string_view(begin, static_cast<std::size_t>(at - begin));
}

std::string_view Subject::relative(bool slash_before, bool slash_behind) {
  if (all_.empty()) build();
  std::string_view path = all_.substr(relative_at_ - (slash_before ? 1 : 0));
  path.remove_suffix(slash_behind ? 0 : 1);
  return path;
}

std::string_view Subject::absolute(bool slash_behind) {
  if (all_.empty()) build();
  std::string_view path = all_.substr(1);
  path.remove_suffix(slash_behind ? 0 : 1);
  return path;
}

// ---- One rule.

void compile(Rule& rule, std::string_view pattern, Anchor anchor) {
  if (pattern.size() > 1 && pattern.ends_with('/')) {
    pattern.remove_suffix(1);
    rule.directories = true;
  }
  const std::size_t slashes = static_cast<std::size_t>(std::ranges::count(pattern, '/'));
  rule.anchored = pattern.starts_with('/');
  const bool wild = pattern.find_first_of(kWild) != std::string_view::npos;
  const bool across = wild && pattern.find("**") != std::string_view::npos;
  if (slashes == 0 && !across) {
    rule.shape = shape_of_name(pattern);
    rule.pattern = pattern;
    if (rule.shape == Rule::Shape::name_suffix) rule.pattern.erase(0, 1);
    if (rule.shape == Rule::Shape::name_prefix) rule.pattern.pop_back();
    return;
  }
  if (rule.anchored) pattern.remove_prefix(1);
  rule.shape = wild ? Rule::Shape::path_wild : Rule::Shape::path;
  rule.pattern = pattern;
  const bool across_first = across && !rule.anchored && pattern.starts_with("**");
  rule.into_slash = across && pattern.ends_with("***");
  if (rule.anchored && !rule.absolute) {
    rule.absolute = anchor.absolute;
    rule.skip = anchor.skip;
  }
  rule.from_slash = across_first && !rule.absolute;
  if (rule.anchored || across_first) {
    rule.from = Rule::From::start;
  } else if (across) {
    rule.from = Rule::From::any_component;
  } else {
    rule.from = Rule::From::last_components;
    rule.components = slashes + 1;
  }
}

bool Rule::fits(Subject& subject) const {
  switch (shape) {
    case Shape::name: return subject.name() == pattern;
    case Shape::name_suffix: return subject.name().ends_with(pattern);
    case Shape::name_prefix: return subject.name().starts_with(pattern);
    case Shape::name_wild: return wildcard_match(pattern, subject.name(), Dialect::rsync);
    case Shape::path:
    case Shape::path_wild: break;
  }
  const bool slash_behind = into_slash && subject.is_directory();
  std::string_view path = absolute ? subject.absolute(slash_behind) : subject.relative(from_slash, slash_behind);
  path.remove_prefix(std::min(skip, path.size()));
  if (from == From::last_components) {
    const auto last = last_components(path, components);
    if (!last) return false;
    path = *last;
  }
  if (shape == Shape::path) return path == pattern;
  if (wildcard_match(pattern, path, Dialect::rsync)) return true;
  if (from != From::any_component) return false;
  for (std::size_t slash; (slash = path.find('/')) != std::string_view::npos;) {
    path.remove_prefix(slash + 1);
    if (wildcard_match(pattern, path, Dialect::rsync)) return true;
  }
  return false;
}

bool covers(const Rule& exclude, const Rule& include) {
  if (!exclude.is_wild() || exclude.negated || exclude.absolute || include.is_wild() || include.negated || include.absolute)
    return false;
  if (exclude.anchored && !include.anchored) return false;
  if (exclude.skip != include.skip && exclude.anchored) return false;
  if (exclude.directories && !include.directories) return false;
  // What matches the literal as a path of its own and is not anchored matches it below any directory too.
  const std::size_t slash = include.pattern.rfind('/');
  const std::string_view all = include.pattern;
  const std::string_view directory = slash == std::string::npos ? std::string_view{} : all.substr(0, slash);
  const std::string_view name = slash == std::string::npos ? all : all.substr(slash + 1);
  Rule pattern = exclude;
  pattern.skip = 0;
  for (const bool is_directory : {true, false}) {
    if (!is_directory && include.directories) continue;
    Subject subject({}, directory, name, is_directory);
    if (!pattern.matches(subject)) return false;
  }
  return true;
}

// ---- Many.

void RuleList::add(const Rule* rule) {
  const auto index = static_cast<std::uint32_t>(rules_.size());
  rules_.push_back(rule);
  if (rule->shape != Rule::Shape::name || rule->negated) {
    scanned_.push_back(index);
    return;
  }
  plain_.push_back(index);
  if (plain_.size() < kHashedFrom) return;
  if (plain_.size() == kHashedFrom) {
    for (const std::uint32_t known : plain_) names_[rules_[known]->pattern].push_back(known);
  } else {
    names_[rule->pattern].push_back(index);
  }
}

Answer RuleList::first(Subject& subject, bool ignore_perishable) const {
  const auto applies = [&](std::uint32_t index) {
    const Rule& rule = *rules_[index];
    return !(ignore_perishable && rule.perishable) && rule.matches(subject);
  };
  std::uint32_t best = static_cast<std::uint32_t>(rules_.size());
  if (names_.empty()) {
    for (const std::uint32_t index : plain_) {
      if (!applies(index)) continue;
      best = index;
      break;
    }
  } else if (const auto found = names_.find(subject.name()); found != names_.end()) {
    for (const std::uint32_t index : found->second) {
      if (!applies(index)) continue;
      best = index;
      break;
    }
  }
  for (const std::uint32_t index : scanned_) {
    if (index > best) break;
    if (!applies(index)) continue;
    best = index;
    break;
  }
  if (best == rules_.size()) return Answer::none;
  return rules_[best]->include ? Answer::include : Answer::exclude;
}

}  // namespace foxing::filter
