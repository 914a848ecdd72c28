// SPDX-License-Identifier: GPL-2.0-or-later
// One pattern of rsync's kind, ready to be asked; and an ordered list of them, which answers with the first that matches.
//   from  parse.cc, which knows how rules are written      to  scope.cc
// Cost.  A list of names (no slash, no wildcard) is looked up by hash from 16 on; a suffix (`*.o`) is one comparison.  Whole paths are put
//        together only when a pattern needs one, in a buffer on the stack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace foxing::filter {

/// Where a rule counts.  `unsaid` is both, or only the source under --delete-excluded.
enum class Sides : std::uint8_t { unsaid = 0, source = 1, target = 2, both = 3 };
constexpr Sides operator|(Sides a, Sides b) { return static_cast<Sides>(static_cast<int>(a) | static_cast<int>(b)); }
constexpr bool concerns(Sides sides, Sides side) { return (static_cast<int>(sides) & static_cast<int>(side)) != 0; }
constexpr Sides said(Sides sides, bool delete_excluded) {
  if (sides != Sides::unsaid) return sides;
  return delete_excluded ? Sides::source : Sides::both;
}

/// The name that is judged, and its path in the forms that patterns are matched with.
class Subject {
 public:
  Subject(std::string_view root, std::string_view directory, std::string_view name, bool is_directory)
      : root_(root), directory_(directory), name_(name), is_directory_(is_directory) {}
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  std::string_view name() const { return name_; }
  bool is_directory() const { return is_directory_; }
  /// Below the root of the transfer.  With a slash in front, or behind, where asked.
  std::string_view relative(bool slash_before, bool slash_behind);
  /// From "/", without that slash.
  std::string_view absolute(bool slash_behind);

 private:
  void build();

  std::string_view root_, directory_, name_;  // root_: absolute, without slashes at its ends
  bool is_directory_;
  std::array<char, 1024> buffer_;
  std::string long_;
  std::string_view all_;  // "/root/directory/name/"; empty until it is needed
  std::size_t relative_at_ = 0;
};

struct Rule {
  bool include = false;
  bool negated = false;  // !: counts where the pattern does not match
  bool absolute = false;  // /: matched with the path from "/"
  bool perishable = false;  // p
  bool directories = false;  // a slash at its end
  Sides sides = Sides::unsaid;

  // What is matched, how, and with what: set by `compile`.
  enum class Shape : std::uint8_t { name, name_suffix, name_prefix, name_wild, path, path_wild } shape = Shape::name;
  enum class From : std::uint8_t { start, last_components, any_component } from = From::start;
  bool from_slash = false;  // "**" at the start: the path begins with a slash
  bool into_slash = false;  // "***" at the end: a directory's path ends with one
  std::size_t components = 0;  // for last_components
  std::size_t skip = 0;  // bytes of the path that belong to the directory which the rule is anchored in
  std::string pattern;  // without the slash at its start or end

  bool is_wild() const { return shape != Shape::name && shape != Shape::path; }
  bool is_anchored() const { return anchored; }
  bool anchored = false;

  bool matches(Subject& subject) const { return (fits(subject) && (subject.is_directory() || !directories)) != negated; }

 private:
  bool fits(Subject& subject) const;
};

/// Where anchored rules of a file begin: 0 at the root of the transfer, or so many bytes down the relative path (or the absolute one, for
/// files above the root).
struct Anchor {
  bool absolute = false;
  std::size_t skip = 0;
};

/// Gives `rule`, whose flags are set, its pattern.
void compile(Rule& rule, std::string_view pattern, Anchor anchor);

/// Whether everything that `include`, a literal, matches is surely matched by the wildcard rule `exclude`.
bool covers(const Rule& exclude, const Rule& include);

enum class Answer : std::int8_t { none, include, exclude };

class RuleList {
 public:
  /// Borrowed.
  void add(const Rule* rule);
  bool empty() const { return rules_.empty(); }
  Answer first(Subject& subject, bool ignore_perishable) const;
  bool operator==(const RuleList& other) const { return rules_ == other.rules_; }

 private:
  static constexpr std::size_t kHashedFrom = 16;

  std::vector<const Rule*> rules_;
  std::vector<std::uint32_t> scanned_;  // what is not in names_, in order
  std::vector<std::uint32_t> plain_;  // names, in order
  std::unordered_map<std::string_view, std::vector<std::uint32_t>> names_;
};

}  // namespace foxing::filter
