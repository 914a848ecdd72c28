// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/filter/wildcard.h"

#include <array>
#include <cctype>
#include <cstddef>
#include <optional>
#include <utility>

namespace foxing::filter {
namespace {

using Classifier = int (*)(int);
constexpr std::array<std::pair<std::string_view, Classifier>, 12> kClasses = {{{"alnum", std::isalnum},
                                                                               {"alpha", std::isalpha},
                                                                               {"blank", std::isblank},
                                                                               {"cntrl", std::iscntrl},
                                                                               {"digit", std::isdigit},
                                                                               {"graph", std::isgraph},
                                                                               {"lower", std::islower},
                                                                               {"print", std::isprint},
                                                                               {"punct", std::ispunct},
                                                                               {"space", std::isspace},
                                                                               {"upper", std::isupper},
                                                                               {"xdigit", std::isxdigit}}};

/// Whether `c` is in the POSIX class; nothing where there is no class of that name.
std::optional<bool> in_named_class(std::string_view name, unsigned char c) {
  for (const auto& [known, contains] : kClasses)
    if (known == name) return c < 128 && contains(c) != 0;
  return std::nullopt;
}

/// Reads a class one member after the other.  `position` is behind the "[".
class ClassReader {
 public:
  ClassReader(std::string_view pattern, std::size_t position, unsigned char wanted)
      : pattern_(pattern), position_(position), wanted_(wanted) {}

  /// Whether the character is meant; nothing where the class is not one.
  std::optional<bool> read() {
    const bool negated = peek() == '!' || peek() == '^';
    if (negated) ++position_;
    do {
      if (!member()) return std::nullopt;
    } while (peek() != ']');
    ++position_;
    return found_ != negated && wanted_ != '/';
  }
  std::size_t position() const { return position_; }

 private:
  /// NUL behind the end: patterns have none inside.
  unsigned char peek(std::size_t ahead = 0) const {
    return position_ + ahead < pattern_.size() ? static_cast<unsigned char>(pattern_[position_ + ahead]) : '\0';
  }
  /// A character that may be escaped.
  unsigned char take() {
    if (peek() == '\\') ++position_;
    const unsigned char c = peek();
    if (c != '\0') ++position_;
    return c;
  }
  bool member() {
    if (peek() == '-' && previous_ != '\0' && peek(1) != '\0' && peek(1) != ']') {
      ++position_;
      const unsigned char last = take();
      if (last == '\0') return false;
      found_ = found_ || (previous_ <= wanted_ && wanted_ <= last);
      previous_ = '\0';  // "a-c-e" is a range, then two characters
      return true;
    }
    if (peek() == '[' && peek(1) == ':') {
      const std::size_t end = pattern_.find(']', position_ + 2);
      if (end == std::string_view::npos) return false;
      if (end > position_ + 2 && pattern_[end - 1] == ':') {
        const auto is_in = in_named_class(pattern_.substr(position_ + 2, end - 1 - (position_ + 2)), wanted_);
        if (!is_in) return false;
        found_ = found_ || *is_in;
        previous_ = '\0';
        position_ = end + 1;
        return true;
      }
    }
    previous_ = take();
    found_ = found_ || previous_ == wanted_;
    return previous_ != '\0';
  }

  std::string_view pattern_;
  std::size_t position_;
  unsigned char wanted_;
  unsigned char previous_ = '\0';
  bool found_ = false;
};

/// Whether the element of the pattern at `position`, which is no star, matches `c`; `position` is then behind it.
bool match_one(std::string_view pattern, std::size_t& position, char c) {
  switch (pattern[position]) {
    case '?':
      if (c == '/') return false;
      ++position;
      return true;
    case '[': {
      ClassReader reader(pattern, position + 1, static_cast<unsigned char>(c));
      if (!reader.read().value_or(false)) return false;
      position = reader.position();
      return true;
    }
    case '\\':
      if (position + 1 == pattern.size() || pattern[position + 1] != c) return false;
      position += 2;
      return true;
    default:
      if (pattern[position] != c) return false;
      ++position;
      return true;
  }
}

struct Star {
  enum class Kind { within /* a component */, across, directories /* git's "**" with its slash */ } kind;
  std::size_t end;  // in the pattern
};

Star read_star(std::string_view pattern, std::size_t begin, Dialect dialect) {
  std::size_t end = begin;
  while (end < pattern.size() && pattern[end] == '*') ++end;
  if (end - begin < 2) return {Star::Kind::within, end};
  if (dialect == Dialect::rsync) return {Star::Kind::across, end};
  if (begin > 0 && pattern[begin - 1] != '/') return {Star::Kind::within, end};
  const std::string_view rest = pattern.substr(end);
  if (rest.starts_with('/')) return {Star::Kind::directories, end + 1};
  return {rest.empty() || rest.starts_with("\\/") ? Star::Kind::across : Star::Kind::within, end};
}

}  // namespace

bool wildcard_match(std::string_view pattern, std::string_view text, Dialect dialect) {
  struct Resume {
    std::size_t pattern, text;
  };
  std::optional<Resume> narrow, wide;
  bool wide_by_directory = false;
  std::size_t p = 0, t = 0;
  for (;;) {
    if (p < pattern.size() && pattern[p] == '*') {
      const Star star = read_star(pattern, p, dialect);
      p = star.end;
      if (star.kind == Star::Kind::within) {
        narrow = Resume{p, t};
      } else {
        if (star.kind == Star::Kind::across && p == pattern.size()) return true;
        narrow.reset();
        wide = Resume{p, t};
        wide_by_directory = star.kind == Star::Kind::directories;
      }
      continue;
    }
    if (t == text.size()) return p == pattern.size();  // a star that takes more leaves even less for the rest
    if (p < pattern.size() && match_one(pattern, p, text[t])) {
      ++t;
      continue;
    }
    if (narrow && text[narrow->text] != '/') {
      ++narrow->text;
    } else if (wide) {
      narrow.reset();
      if (wide_by_directory) wide->text = text.find('/', wide->text);
      if (wide->text >= text.size()) return false;
      ++wide->text;
    } else {
      return false;
    }
    const Resume& from = narrow ? *narrow : *wide;
    p = from.pattern;
    t = from.text;
  }
}

}  // namespace foxing::filter
