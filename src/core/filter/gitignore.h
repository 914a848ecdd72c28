// SPDX-License-Identifier: GPL-2.0-or-later
// One .gitignore, as git reads it.
// Source: gitignore(5); where it is silent, what `git check-ignore` says (gitignore_test.cc).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace foxing::filter {

class GitIgnore {
 public:
  /// `below`: the bytes of a relative path that belong to the file's directory, its slash included.
  GitIgnore(std::string_view content, std::size_t below);

  bool empty() const { return rules_.empty(); }
  /// True: ignored; false: not, by a rule that begins with "!"; nothing where no rule matches.
  std::optional<bool> ignores(std::string_view relative_path, std::string_view name, bool is_directory) const;

 private:
  struct Rule {
    std::string pattern;
    std::size_t literal = 0;  // bytes at its start that are no wildcard
    bool negated = false;
    bool directories = false;
    bool name_only = false;
  };
  static bool matches(const Rule& rule, std::string_view path, std::string_view name);
  void add(std::string_view line);

  std::vector<Rule> rules_;
  std::size_t below_;
};

}  // namespace foxing::filter
