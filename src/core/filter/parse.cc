// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/filter/parse.h"

#include <fmt/format.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <span>
#include <utility>

#include "base/text.h"
#include "sys/file.h"
#include "sys/status.h"

namespace foxing::filter {
namespace {

constexpr std::size_t kLargestFile = 64 << 20;
constexpr unsigned kDeepest = 32;

// What -C leaves out.  Source: rsync(1), --cvs-exclude.
constexpr std::string_view kCvsPatterns =
    "RCS SCCS CVS CVS.adm RCSLOG cvslog.* tags TAGS .make.state .nse_depinfo *~ #* .#* ,* _$* *$ *.old *.bak *.BAK *.orig *.rej "
    ".del-* *.a *.olb *.o *.obj *.so *.exe *.Z *.elc *.ln core .svn/ .git/ .hg/ .bzr/";

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

tl::unexpected<Error> refuse(std::string_view rule, const Reader::Place& place, std::string_view why) {
  std::string where;
  if (!place.file.empty()) where = fmt::format(" ({}:{})", printable(place.file), place.line);
  return fail(0, "filter", {}, fmt::format("the rule '{}'{} {}", printable(rule), where, why));
}

struct LongName {
  std::string_view name;
  char letter;
};
constexpr LongName kLongNames[] = {{"exclude", '-'}, {"include", '+'}, {"merge", '.'}, {"dir-merge", ':'}, {"hide", 'H'},
                                   {"show", 'S'},    {"protect", 'P'}, {"risk", 'R'},  {"clear", '!'}};

}  // namespace

struct Reader::Statement {
  enum class Kind { pattern, merge, directory_merge, clear } kind = Kind::pattern;
  Rule rule;                 // flags only
  Style style;               // for what a merge file says
  bool is_cvs = false;       // C
  bool exclude_self = false; // e
  bool inherited = true;     // n
  std::string_view argument;
};

Result<Reader::Statement> Reader::parse(std::string_view text, const Style& style, const Place& place) {
  Statement statement;
  Rule& rule = statement.rule;
  rule.include = style.include;
  rule.absolute = style.absolute;
  rule.perishable = style.perishable;
  bool tentative_clear = false;
  std::string_view rest = text;
  if (style.prefixes == Style::Prefixes::none) {
    tentative_clear = style.cvs && text == "!";
  } else if (style.prefixes == Style::Prefixes::old) {
    if (text.starts_with("- ") || text.starts_with("+ ")) {
      rule.include = text[0] == '+';
      rest.remove_prefix(2);
    } else {
      tentative_clear = text == "!";
    }
  } else {
    char letter = text[0];
    std::size_t at = 1;  // behind the name
    for (const LongName& known : kLongNames) {
      if (!text.starts_with(known.name)) continue;
      const char next = text.size() == known.name.size() ? ' ' : text[known.name.size()];
      if (!is_space(next) && next != '_' && next != ',') continue;
      letter = known.letter;
      at = known.name.size();
    }
    if (letter >= 'a' && letter <= 'z') letter = '\0';
    bool name_says_side = false;
    switch (letter) {
      case '+': rule.include = true; break;
      case '-': break;
      case ':': statement.kind = Statement::Kind::directory_merge; break;
      case '.': statement.kind = Statement::Kind::merge; break;
      case 'S': rule.include = true; [[fallthrough]];
      case 'H':
        rule.sides = Sides::source;
        name_says_side = true;
        break;
      case 'R': rule.include = true; [[fallthrough]];
      case 'P':
        rule.sides = Sides::target;
        name_says_side = true;
        break;
      case '!': statement.kind = Statement::Kind::clear; break;
      default:
        return refuse(text, place,
                      "begins with no known rule; there are - + . : H S P R ! and their long names (exclude, include, ...)");
    }
    if (at < text.size() && text[at] == ',') ++at;
    const bool merges_file = statement.kind == Statement::Kind::merge || statement.kind == Statement::Kind::directory_merge;
    for (; statement.kind != Statement::Kind::clear && at < text.size() && text[at] != ' ' && text[at] != '_'; ++at) {
      const char modifier = text[at];
      bool known = true;
      switch (modifier) {
        case '-':
        case '+':
          known = merges_file && statement.style.prefixes != Style::Prefixes::none;
          statement.style.prefixes = Style::Prefixes::none;
          if (modifier == '+') rule.include = true;
          break;
        case '/': rule.absolute = true; break;
        case '!':
          known = !merges_file;
          rule.negated = true;
          break;
        case 'C':
          known = statement.style.prefixes != Style::Prefixes::none && !name_says_side;
          statement.is_cvs = statement.style.cvs = statement.style.word_split = true;
          statement.style.prefixes = Style::Prefixes::none;
          statement.inherited = false;
          break;
        case 'e':
          known = merges_file;
          statement.exclude_self = true;
          break;
        case 'n':
          known = merges_file;
          statement.inherited = false;
          break;
        case 'p': rule.perishable = true; break;
        case 'r':
        case 's':
          known = !name_says_side;
          rule.sides = rule.sides | (modifier == 's' ? Sides::source : Sides::target);
          break;
        case 'w':
          known = merges_file;
          statement.style.word_split = true;
          break;
        case 'x': return refuse(text, place, "is for extended attributes (x), which cannot be chosen by rules; leave it out");
        default: known = false;
      }
      if (!known) {
        return refuse(text, place,
                      fmt::format("has '{}' where it cannot be; a name or pattern comes after one space or underscore",
                                  printable(text.substr(at, 1))));
      }
    }
    if (at < text.size() && statement.kind != Statement::Kind::clear) ++at;  // the space or underscore
    rest = text.substr(std::min(at, text.size()));
    if (statement.kind == Statement::Kind::clear && !rest.empty()) {
      return refuse(text, place, "clears the list and takes no argument");
    }
  }
  if (tentative_clear) statement.kind = Statement::Kind::clear;
  if (style.sides != Sides::unsaid) {
    if (rule.sides != Sides::unsaid) {
      return refuse(text, place, "says where it counts, but is in a file whose rule says that already");
    }
    rule.sides = style.sides;
  }
  statement.argument = rest;
  if (rest.empty() && statement.kind != Statement::Kind::clear && !statement.is_cvs) {
    return refuse(text, place, "has no pattern or file name");
  }
  if (rest.size() >= PATH_MAX) return refuse(text.substr(0, 60), place, "is longer than a path can be");
  return statement;
}

Result<> Reader::rule(std::string_view text, const Style& style, const Place& place) {
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) text = text.substr(0, nul);
  if (!style.word_split) {
    if (text.empty()) return {};
    Statement statement = FOX_TRY(parse(text, style, place));
    return apply(std::move(statement), text, place);
  }
  for (;;) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    if (text.empty()) return {};
    std::size_t end = 0;
    while (end < text.size() && !is_space(text[end])) ++end;
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    Statement statement = FOX_TRY(parse(word, style, place));
    FOX_TRY(apply(std::move(statement), word, place));
  }
}

Result<> Reader::apply(Statement statement, std::string_view text, const Place& place) {
  switch (statement.kind) {
    case Statement::Kind::clear:
      entries.clear();
      merges.resize(std::min(merges.size(), first_merge));
      cleared = true;
      return {};
    case Statement::Kind::merge:
    case Statement::Kind::directory_merge: return merge(statement, place, text);
    case Statement::Kind::pattern: break;
  }
  if (statement.is_cvs) return add_cvs(statement);
  compile(statement.rule, statement.argument, place.anchor);
  entries.push_back({.rule = std::make_shared<const Rule>(std::move(statement.rule))});
  return {};
}

Result<> Reader::merge(const Statement& statement, const Place& place, std::string_view text) {
  Statement whole = statement;
  if (whole.argument.empty()) whole.argument = ".cvsignore";
  whole.style.include = statement.rule.include;
  whole.style.absolute = statement.rule.absolute;
  whole.style.perishable = statement.rule.perishable;
  whole.style.sides = statement.rule.sides;
  if (whole.exclude_self) {
    Rule self;
    // As rsync has it: --delete-excluded makes rules of options count for the source alone, this one in a per-directory file not.
    if (place.in_directory || !place.directory_path.empty()) self.sides = Sides::both;
    compile(self, base_name(whole.argument), {});
    entries.push_back({.rule = std::make_shared<const Rule>(std::move(self))});
  }
  const std::string name(whole.argument);
  if (whole.kind == Statement::Kind::directory_merge) {
    if (base_name(name).empty() || base_name(name) == "." || base_name(name) == "..") return refuse(text, place, "names no file");
    if (place.in_directory && name.find('/') != std::string::npos) {
      return refuse(text, place, "is in a per-directory file and names a path; there it can only name files, without a slash");
    }
    add_merge_file(whole, place);
    return {};
  }
  if (place.depth >= kDeepest) return refuse(text, place, "names a file that names a file, and so on without an end");
  if (!place.in_directory) return user_file(name, whole.style, place);
  if (name.starts_with('/'))
    return refuse(text, place, "is in a per-directory file and names a path from '/'; there it can only name files below");
  auto file = sys::open_beneath(place.directory, name);
  if (!file) {
    return refuse(text, place, fmt::format("names a file that cannot be opened: {}", file.error().message()));
  }
  auto content_read = read_rules(*file);
  if (!content_read)
    return refuse(text, place, fmt::format("names a file that cannot be read: {}", content_read.error().message()));
  Place inside = place;
  inside.file = name;
  ++inside.depth;
  return content(*content_read, whole.style, inside);
}

void Reader::add_merge_file(const Statement& statement, const Place& place) {
  const std::string_view name = base_name(statement.argument);
  // As with rsync, a file that is already read in every directory is not read again for a second rule.
  for (const auto& known : merges)
    if (known->name == name) return;
  MergeFile file;
  file.name = name;
  file.style = statement.style;
  file.inherited = statement.inherited;
  if (name.size() < statement.argument.size()) {
    file.has_path = true;
    file.scan_from = statement.argument.substr(0, statement.argument.size() - name.size());
  } else if (!place.directory_path.empty()) {
    file.has_path = true;  // named above the root: there it is looked for from that directory on
    file.scan_from = place.directory_path;
  }
  entries.push_back({.rule = nullptr, .merge = static_cast<int>(merges.size())});
  merges.push_back(std::make_shared<const MergeFile>(std::move(file)));
}

Result<> Reader::add_cvs(const Statement& statement) {
  if (cvs != nullptr && !cvs->empty()) {  // a second -C is the same list, whatever its modifiers: so does rsync
    entries.insert(entries.end(), cvs->begin(), cvs->end());
    return {};
  }
  // A list of its own: "!" in ~/.cvsignore clears the defaults, not the user's rules.
  Entries own;
  MergeFiles none;
  Reader reader{.settings = settings, .entries = own, .merges = none};
  Style style = statement.style;
  style.include = statement.rule.include;
  style.absolute = statement.rule.absolute;
  style.sides = statement.rule.sides;
  style.perishable = true;
  FOX_TRY(reader.rule(kCvsPatterns, style, {}));
  style.perishable = statement.rule.perishable;
  if (const char* home = std::getenv("HOME")) {
    const std::string path = std::string(home) + "/.cvsignore";
    if (auto file = sys::open_at(sys::working_directory(), path, {.links = sys::Links::follow})) {
      auto text = read_rules(*file);
      if (!text) return tl::make_unexpected(std::move(text).error().about(path));
      FOX_TRY(reader.content(*text, style, {.file = path}));
    } else if (file.error().code != ENOENT && file.error().code != ENOTDIR) {
      return tl::make_unexpected(std::move(file).error().about(path));
    }
  }
  if (const char* words = std::getenv("CVSIGNORE")) FOX_TRY(reader.rule(words, style, {.file = "$CVSIGNORE", .line = 1}));
  entries.insert(entries.end(), own.begin(), own.end());
  if (cvs != nullptr) *cvs = std::move(own);
  return {};
}

Result<> Reader::content(std::string_view text, const Style& style, Place place) {
  place.line = 0;
  const bool by_nul = settings.from0 && !style.word_split;
  while (!text.empty()) {
    // Words are parted by NUL bytes too under --from0.
    const std::string_view ends = settings.from0 ? std::string_view("\r\n\0", 3) : std::string_view("\r\n");
    std::size_t end = by_nul ? text.find('\0') : text.find_first_of(ends);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view line = text.substr(0, end);
    ++place.line;
    const bool crlf = !by_nul && text.substr(end).starts_with("\r\n");
    text.remove_prefix(std::min(end + (crlf ? 2 : 1), text.size()));
    if (line.empty() || (!style.word_split && (line.front() == '#' || line.front() == ';'))) continue;
    FOX_TRY(rule(line, style, place));
  }
  return {};
}

Result<> Reader::user_file(const std::string& path, const Style& style, const Place& named_in) {
  Place inside;
  inside.file = path;
  inside.depth = named_in.depth + 1;
  if (path == "-") {
    inside.file = "standard input";
    auto text = read_rules(sys::FdView(STDIN_FILENO));
    if (!text) return tl::make_unexpected(std::move(text).error().about("standard input"));
    return content(*text, style, inside);
  }
  auto file = sys::open_at(sys::working_directory(), path, {.links = sys::Links::follow});
  if (!file) return tl::make_unexpected(std::move(file).error().about(path));
  auto text = read_rules(*file);
  if (!text) return tl::make_unexpected(std::move(text).error().about(path));
  return content(*text, style, inside);
}

Result<std::string> read_rules(sys::FdView file) {
  std::string text;
  std::vector<char> piece(65536);
  for (;;) {
    const std::size_t got = FOX_TRY(sys::read_some(file, std::as_writable_bytes(std::span(piece))));
    if (got == 0) return text;
    text.append(piece.data(), got);
    if (text.size() > kLargestFile) return fail(EFBIG, "read", {}, "too large to be a list of rules");
  }
}

void let_literal_includes_win(Entries& entries, const Settings& settings) {
  if (!settings.literal_includes_win) return;
  for (std::size_t at = 1; at < entries.size(); ++at) {
    const std::shared_ptr<const Rule> include = entries[at].rule;
    if (!include || !include->include || include->is_wild() || include->negated) continue;
    const Sides sides = said(include->sides, settings.delete_excluded);
    for (const Sides side : {Sides::source, Sides::target}) {
      if (!concerns(sides, side)) continue;
      for (std::size_t before = 0; before < at; ++before) {
        const Rule* exclude = entries[before].rule.get();
        if (exclude == nullptr || exclude->include || !concerns(said(exclude->sides, settings.delete_excluded), side)) continue;
        if (!covers(*exclude, *include)) continue;
        auto copy = std::make_shared<Rule>(*include);
        copy->sides = side;
        entries.insert(entries.begin() + static_cast<std::ptrdiff_t>(before), Entry{.rule = std::move(copy)});
        ++at;
        break;
      }
    }
  }
}

}  // namespace foxing::filter
