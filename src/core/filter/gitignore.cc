// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/filter/gitignore.h"

#include <algorithm>
#include <ranges>

#include "core/filter/wildcard.h"

namespace foxing::filter {
namespace {

/// Spaces at the end count only behind a backslash.
std::string_view without_trailing_spaces(std::string_view line) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == ' ') continue;
    if (line[at] == '\\' && ++at == line.size()) return line;
    end = at + 1;
  }
  return line.substr(0, end);
}

}  // namespace

GitIgnore::GitIgnore(std::string_view content, std::size_t below) : below_(below) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  while (!content.empty()) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    std::string_view line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    add(without_trailing_spaces(line.substr(0, line.find('\0'))));
  }
}

void GitIgnore::add(std::string_view line) {
  Rule rule;
  if (line.starts_with('!')) {
    rule.negated = true;
    line.remove_prefix(1);
  }
  if (line.ends_with('/')) {
    rule.directories = true;
    line.remove_suffix(1);
  }
  rule.name_only = line.find('/') == std::string_view::npos;
  if (line.starts_with('/')) line.remove_prefix(1);
  rule.literal = std::min(line.find_first_of("*?[\\"), line.size());
  rule.pattern = line;
  if (!line.empty()) rules_.push_back(std::move(rule));
}

bool GitIgnore::matches(const Rule& rule, std::string_view path, std::string_view name) {
  std::string_view text = rule.name_only ? name : path;
  std::string_view pattern = rule.pattern;
  if (rule.name_only && rule.literal < pattern.size()) return wildcard_match(pattern, text, Dialect::git);
  // Cut off here rather than matched: with git, what follows counts as the start of the pattern for "**".
  if (!text.starts_with(pattern.substr(0, rule.literal))) return false;
  pattern.remove_prefix(rule.literal);
  text.remove_prefix(rule.literal);
  return pattern.empty() ? text.empty() : wildcard_match(pattern, text, Dialect::git);
}

std::optional<bool> GitIgnore::ignores(std::string_view relative_path, std::string_view name, bool is_directory) const {
  const std::string_view path = relative_path.substr(std::min(below_, relative_path.size()));
  for (const Rule& rule : rules_ | std::views::reverse) {
    if (rule.directories && !is_directory) continue;
    if (matches(rule, path, name)) return !rule.negated;
  }
  return std::nullopt;
}

}  // namespace foxing::filter
