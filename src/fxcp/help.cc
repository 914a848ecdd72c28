// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "fxcp/option_table.h"

namespace foxing::fxcp {
namespace {

constexpr std::string_view kSummary = "copy files and trees, fast and exactly";

constexpr std::string_view kUsage[] = {"fxcp [OPTION]... SRC... DST",    "fxcp [OPTION]... --target-directory=DIR SRC...",
                                       "fxcp info PATH... [--json]",     "fxcp verify A B",
                                       "fxcp --cleanup TARGET...",       "fxcp snap export TREE -o FILE",
                                       "fxcp snap import [FILE] TARGET", "fxcp snap inspect FILE",
                                       "fxcp snap check FILE",           "fxcp snap restore FILE --file=GLOB -o DIR"};

struct Example {
  std::string_view command;
  std::string_view meaning;
};
constexpr Example kExamples[] = {
    {"fxcp -a photos /mnt/backup/photos", "copy a tree exactly; the same command again refreshes it"},
    {"fxcp -a music films /mnt/usb", "several sources: to /mnt/usb/music and /mnt/usb/films"},
    {"fxcp -a --no-owner --fsync src /mnt/usb/src", "owner left out; all on disk when the command returns"},
    {"fxcp --reflink disk.img disk2.img", "clone a file at once, without copying data, or fail"},
    {"fxcp -anv src dst", "write nothing; see what would be copied"},
    {"fxcp snap export --append photos -o photos.fxar", "keep the tree as it is now in an archive, beside what it was before"},
};

constexpr std::string_view kDescription =
    "fxcp copies files and directory trees on Linux: in parallel, and for each file by the fastest way that its filesystems "
    "offer "
    "(sharing blocks, copying inside the kernel, or reading and writing), found by trying it.\n\n"
    "Every file appears under its name when it is complete: a name shows its old or its new content, never a half. A run that "
    "was "
    "interrupted is resumed by running it again. What the target cannot keep of what was asked for (an extended attribute, a "
    "time) is "
    "said, and makes the exit status 1: exit status 0 means that the copy is equal to the source.\n\n"
    "Short options mean what they mean in rsync(1); options with other letters in cp(1) have cp's long names. Names of options "
    "are written in full. Operands and options may be mixed; behind -- all are operands.";

constexpr std::string_view kSourceAndDestination =
    "One SRC, a directory, with --archive or --recursive: the content of SRC becomes the content of DST, whether DST is there "
    "already "
    "or not, and with or without a slash at the end. So running a command twice gives the same result as running it once. "
    "Files that only DST has stay. A slash at the end of a symbolic link makes it mean the directory it points to.\n\n"
    "One SRC, not a directory: it is copied to DST/NAME where DST is a directory or ends in a slash, and to DST otherwise.\n\n"
    "Several SRC, or --target-directory: each is copied into the directory, under its own last name. DST is made where it is "
    "missing; "
    "the directory that it is to be made in must be there, and so must that of --target-directory.\n\n"
    "These are refused with exit status 2 before anything is written: a SRC that is missing; a DST inside a SRC; a SRC that "
    "is DST, be it by way of a symbolic link, a hard link or a bind mount; several SRC and a DST that is not a directory; "
    "several SRC of "
    "one name; a directory as SRC without --recursive or --archive.\n\n"
    "A file called - is written ./-, one called info, verify, snap or snapshot ./info and so on where it comes first. Reading "
    "from standard "
    "input is not supported.";

struct ExitStatus {
  int status;
  std::string_view meaning;
};
constexpr ExitStatus kExitStatus[] = {
    {0, "everything was copied, with all that was asked for"},
    {1, "some files failed, or something of them could not be kept; each is named, the others are done"},
    {2, "nothing was done: the command line, the sources or the destination make no sense"},
};

constexpr std::string_view kJson =
    "With --json, standard output has one JSON object a line: the start of the run, progress (asked for with --progress), "
    "warnings, "
    "failures, a summary, and with --json=files an event for every file. The schema has a version and is described in json.md in "
    "the "
    "documentation directory of the package (share/doc/foxing).";

constexpr std::string_view kFiles =
    "While it is written, a file may have the name .tmp.* beside its final name. A run removes such files of its own before it "
    "ends; those "
    "of a run that was killed are removed by the next run to the same target, and by --cleanup.";

constexpr std::string_view kSeeAlso = "cp(1), rsync(1), ioctl_ficlone(2), copy_file_range(2), io_uring(7), xattr(7), acl(5)";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

/// "[=WHEN]", "=DIR", ""
std::string argument_of(const OptionRow& row) {
  switch (row.takes) {
    case Takes::nothing: return "";
    case Takes::optional: return fmt::format("[={}]", row.argument);
    case Takes::required: return fmt::format("={}", row.argument);
  }
  return "";
}

/// The long names of a row, with their dashes.
std::vector<std::string> long_names(const OptionRow& row) {
  std::vector<std::string> names;
  for (const std::string_view name : {row.name, row.alias, row.negation})
    if (!name.empty()) names.push_back(fmt::format("--{}", name));
  return names;
}

template <class Visit>
void for_each_paragraph(std::string_view text, Visit visit) {
  while (true) {
    const std::size_t end = text.find("\n\n");
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 2);
  }
}

// ── --help ──

constexpr std::size_t kColumns = 80;
constexpr std::size_t kTextColumn = 30;

/// `left`, then `text` from column `indent` on, in lines of at most 80 columns.
void put(std::string& out, std::string_view left, std::string_view text, std::size_t indent) {
  std::string line(left);
  const auto start_line = [&] {
    out += line + '\n';
    line.clear();
  };
  if (line.size() + 2 > indent) start_line();
  line.resize(indent, ' ');
  bool empty = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (!empty && line.size() + 1 + end > kColumns) {
      start_line();
      line.resize(indent, ' ');
      empty = true;
    }
    if (!empty) line += ' ';
    line += text.substr(0, end);
    empty = false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  start_line();
}

/// "  -p, --[no-]perms", "      --reflink[=WHEN]"
std::string help_names(const OptionRow& row) {
  std::string text = row.letter != 0 ? fmt::format("  -{}", row.letter) : "    ";
  if (row.name.empty()) return text;
  text += row.letter != 0 ? ", " : "  ";
  text += fmt::format("--{}{}{}", row.negation.empty() ? "" : "[no-]", row.name, argument_of(row));
  if (!row.alias.empty()) text += fmt::format(", --{}", row.alias);
  return text;
}

}  // namespace

std::string help_text() {
  std::string out;
  for (const std::string_view line : kUsage) out += fmt::format("{} {}\n", out.empty() ? "Usage:" : "      ", line);
  out += fmt::format("\nfxcp: {}.\n\nExamples:\n", kSummary);
  for (const Example& example : kExamples) {
    out += fmt::format("  {}\n", example.command);
    put(out, "", example.meaning, 6);
  }
  for (const Section section : kSections) {
    out += fmt::format("\n{}:\n", title(section));
    for (const OptionRow& row : option_table())
      if (row.section == section) put(out, help_names(row), row.help, kTextColumn);
    if (section == Section::other)
      for (const Verb& verb : verbs()) put(out, fmt::format("  fxcp {} {}", verb.name, verb.operands), verb.help, kTextColumn);
  }
  out += "\nA single directory SRC becomes DST itself; several SRC go into DST.\n\nExit status:\n";
  for (const ExitStatus& exit : kExitStatus) put(out, fmt::format("  {}", exit.status), exit.meaning, 5);
  out += "\nMore in the man page: man fxcp\n";
  return out;
}

std::string version_text() {
  return "fxcp (Foxing) " FOXING_VERSION
         "\n"
         "License GPL-2.0-or-later: free software, with no warranty, as far as the law permits.\n";
}

// ── fxcp.1 ──

namespace {

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_option_char(char c) { return is_word(c) || is_upper(c) || c == '-' || c == '='; }

/// Characters that troff would read as its own, or print as something else than was typed.
std::string troff_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\(rs";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '"')
      out += "\\(dq";
    else if (c == '~')
      out += "\\(ti";
    else if (c == '^')
      out += "\\(ha";
    else if (c == '.' && out.empty())
      out += "\\&.";
    else
      out += c;
  }
  return out;
}

std::string bold(std::string_view text) { return fmt::format("\\fB{}\\fR", troff_escaped(text)); }
std::string italic(std::string_view text) { return fmt::format("\\fI{}\\fR", troff_escaped(text)); }

std::size_t run(std::string_view text, bool (*belongs)(char)) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), belongs) - text.begin());
}

bool is_placeholder(std::string_view word) {
  constexpr std::string_view kPlaceholders[] = {"SRC",  "DST",  "DIR", "NAME", "OPTION", "PATH", "TARGET",
                                                "WHEN", "WHAT", "HOW", "N",    "A",      "B"};
  return std::find(std::begin(kPlaceholders), std::end(kPlaceholders), word) != std::end(kPlaceholders);
}

/// Prose for troff: options and other programs bold, placeholders italic.
std::string troff_prose(std::string_view text) {
  std::string out;
  bool at_start = true;  // of a word
  while (!text.empty()) {
    const std::size_t upper = run(text, is_upper), word = run(text, is_word);
    if (at_start && text[0] == '-' && text.size() > 1 && is_option_char(text[1])) {
      const std::size_t length = run(text, is_option_char);
      out += bold(text.substr(0, length));
      text.remove_prefix(length);
    } else if (at_start && upper > 0 && is_placeholder(text.substr(0, upper))) {
      out += italic(text.substr(0, upper));
      text.remove_prefix(upper);
    } else if (at_start && word > 0 && word + 2 < text.size() && text[word] == '(' && text[word + 2] == ')') {
      out += bold(text.substr(0, word)) + std::string(text.substr(word, 3));
      text.remove_prefix(word + 3);
    } else {
      const char c = text[0];
      // The first character of a line must not be a control character of troff.
      out += c == '.' && !out.empty() ? "." : troff_escaped(text.substr(0, 1));
      at_start = !(is_word(c) || is_upper(c) || c == '-');
      text.remove_prefix(1);
      continue;
    }
    at_start = false;
  }
  return out;
}

void put_paragraphs(std::string& out, std::string_view text, std::string_view separator) {
  bool first = true;
  for_each_paragraph(text, [&](std::string_view paragraph) {
    out += fmt::format("{}{}\n", first ? "" : fmt::format("{}\n", separator), troff_prose(paragraph));
    first = false;
  });
}

/// "-p, --perms, --no-perms", "--reflink[=WHEN]", in troff
std::string man_names(const OptionRow& row) {
  std::string text = row.letter != 0 ? bold(fmt::format("-{}", row.letter)) : "";
  if (row.letter != 0 && row.takes == Takes::required) text += " " + italic(row.argument);
  for (const std::string& name : long_names(row)) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", bold(name));
    if (row.takes == Takes::required) text += bold("=") + italic(row.argument);
    if (row.takes == Takes::optional) text += "[" + bold("=") + italic(row.argument) + "]";
  }
  return text;
}

}  // namespace

std::string man_page() {
  std::string out =
      ".\\\" SPDX-License-Identifier: GPL-2.0-or-later\n.\\\" Generated by fxcp_docgen from the table of options.\n";
  out += ".TH FXCP 1 \"\" \"Foxing " FOXING_VERSION "\" \"User Commands\"\n";
  out += fmt::format(".SH NAME\nfxcp \\- {}\n.SH SYNOPSIS\n.nf\n", kSummary);
  for (const std::string_view line : kUsage) out += fmt::format("{}{}\n", bold("fxcp"), troff_prose(line.substr(4)));
  out += ".fi\n.SH DESCRIPTION\n";
  put_paragraphs(out, kDescription, ".PP");
  out += ".SH SOURCE AND DESTINATION\n";
  put_paragraphs(out, kSourceAndDestination, ".PP");
  out += ".SH OPTIONS\n";
  for (const Section section : kSections) {
    out += fmt::format(".SS {}\n", troff_escaped(title(section)));
    for (const OptionRow& row : option_table()) {
      if (row.section != section) continue;
      out += fmt::format(".TP\n{}\n", man_names(row));
      put_paragraphs(out, row.manual, ".IP");
    }
  }
  out += ".SH VERBS\n";
  for (const Verb& verb : verbs()) {
    out += fmt::format(".TP\n{} {}\n", bold(fmt::format("fxcp {}", verb.name)), troff_prose(verb.operands));
    put_paragraphs(out, verb.manual, ".IP");
  }
  out += ".SH EXIT STATUS\n";
  for (const ExitStatus& exit : kExitStatus) out += fmt::format(".TP\n{}\n{}\n", exit.status, troff_prose(exit.meaning));
  out += ".SH JSON\n";
  put_paragraphs(out, kJson, ".PP");
  out += ".SH EXAMPLES\n";
  for (const Example& example : kExamples)
    out += fmt::format(".TP\n{}\n{}\n", bold(example.command), troff_prose(example.meaning));
  out += ".SH FILES\n";
  put_paragraphs(out, kFiles, ".PP");
  out += fmt::format(".SH SEE ALSO\n{}\n", troff_prose(kSeeAlso));
  return out;
}

// ── completions ──

namespace {

constexpr std::string_view kGenerated =
    "# SPDX-License-Identifier: GPL-2.0-or-later\n# Generated by fxcp_docgen from the table of options.\n";

/// Verbs by their first word, which is what the first argument may be: "info", "snap".
std::vector<std::pair<std::string_view, std::string_view>> first_words() {
  std::vector<std::pair<std::string_view, std::string_view>> words;
  for (const Verb& verb : verbs()) {
    const std::string_view word = verb.name.substr(0, verb.name.find(' '));
    if (!words.empty() && words.back().first == word) continue;
    words.emplace_back(word, word == verb.name ? verb.help : "archives: export, import, inspect, check, restore");
  }
  return words;
}

std::string verb_names() {
  std::string names;
  for (const auto& [word, help] : first_words()) names += fmt::format("{}{}", names.empty() ? "" : " ", word);
  return names;
}

/// The letter of a row; 0 where another has it before: what it means depends on the verb, and copying is what is completed.
char letter_of(const OptionRow& row) {
  for (const OptionRow& other : option_table()) {
    if (&other == &row) return row.letter;
    if (other.letter == row.letter) return 0;
  }
  return row.letter;
}

std::string values_of(const OptionRow& row) { return replaced(std::string(row.values), "|", " "); }

}  // namespace

std::string bash_completion() {
  std::string words, apart, arguments;
  for (const OptionRow& row : option_table()) {
    if (letter_of(row) != 0) words += fmt::format(" -{}", row.letter);
    for (const std::string& name : long_names(row)) {
      if (row.takes != Takes::required) words += " " + name;
      if (row.takes != Takes::nothing) words += " " + name + "=";
    }
    if (row.takes == Takes::nothing) continue;
    std::string pattern = letter_of(row) != 0 ? fmt::format("-{}", row.letter) : "";
    for (const std::string& name : long_names(row)) pattern += (pattern.empty() ? "" : "|") + name;
    if (row.takes == Takes::required) apart += (apart.empty() ? "" : "|") + pattern;
    const std::string source = row.completes_directories ? "-d" : fmt::format("-W '{}'", values_of(row));
    arguments += fmt::format(
        "    {})\n{}      mapfile -t COMPREPLY < <(compgen -P \"$glued\" {} -- \"$word\")\n      return ;;\n", pattern,
        row.completes_directories ? "      compopt -o filenames 2>/dev/null\n"
                                  : "      compopt +o default +o bashdefault 2>/dev/null\n",
        source);
  }
  std::string out(kGenerated);
  out +=
      "_fxcp() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} option='' glued='' i\n"
      "  COMPREPLY=()\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    if [[ ${COMP_WORDS[i]} == -- ]]; then return; fi  # all that follow are files\n"
      "  done\n"
      "  # readline takes \"=\" for a word of its own, unless COMP_WORDBREAKS lacks it.\n"
      "  if [[ $word == = ]]; then\n"
      "    option=$before word=''\n"
      "  elif [[ $before == = ]]; then\n"
      "    option=${COMP_WORDS[COMP_CWORD-2]}\n"
      "  elif [[ $word == --*=* ]]; then\n"
      "    option=${word%%=*} glued=${word%%=*}= word=${word#*=}\n"
      "  else\n";
  out += fmt::format("    case $before in {}) option=$before ;; esac\n  fi\n  case $option in\n{}  esac\n", apart, arguments);
  out += fmt::format(
      "  if [[ $word == -* ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\")\n"
      "    if [[ ${{#COMPREPLY[@]}} == 1 && ${{COMPREPLY[0]}} == *= ]]; then compopt -o nospace 2>/dev/null; fi\n"
      "  elif [[ $COMP_CWORD == 1 && -n $word ]]; then\n"
      "    compopt -o filenames 2>/dev/null\n"
      "    mapfile -t COMPREPLY < <(compgen -W '{}' -f -- \"$word\")\n"
      "  fi\n}}\ncomplete -o bashdefault -o default -F _fxcp fxcp\n",
      words.substr(1), verb_names());
  return out;
}

std::string zsh_completion() {
  const auto quoted = [](std::string_view text) { return replaced(std::string(text), "'", "'\\''"); };
  const auto described = [&](std::string_view text) {
    return replaced(replaced(replaced(quoted(text), "[", "\\["), "]", "\\]"), ":", "\\:");
  };
  std::string specifications;
  for (const OptionRow& row : option_table()) {
    std::vector<std::string> names = long_names(row);
    if (letter_of(row) != 0) names.insert(names.begin(), fmt::format("-{}", row.letter));
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : " ") + name;
    std::string action;
    if (row.takes != Takes::nothing) {
      action = fmt::format("{}{}:", row.takes == Takes::optional ? "::" : ":", row.argument);
      if (row.completes_directories)
        action += "_files -/";
      else if (!row.values.empty())
        action += fmt::format("({})", values_of(row));
    }
    for (const std::string& name : names) {
      const bool is_long = name.starts_with("--");
      const std::string_view form = row.takes == Takes::nothing ? "" : !is_long ? "+" : row.takes == Takes::optional ? "=-" : "=";
      // -v counts; the others exclude their own other names.
      const std::string exclusion = row.sets == Sets(Action::verbose) ? "*" : fmt::format("({})", all);
      const bool negation = is_long && name.substr(2) == row.negation;
      specifications +=
          fmt::format("    '{}{}{}[{}{}]{}' \\\n", exclusion, name, form, negation ? "not\\: " : "", described(row.help), action);
    }
  }
  std::string verb_list;
  for (const auto& [word, help] : first_words()) verb_list += fmt::format("{}\\:\"{}\"", word, described(help));
  std::string out = "#compdef fxcp\n";
  out += kGenerated;
  out += fmt::format("_fxcp_first() {{\n  _alternative 'verbs:verb:(({}))' 'files:file:_files'\n}}\n\n", verb_list);
  out +=
      fmt::format("_fxcp() {{\n  _arguments -s -S : \\\n{}    '1: :_fxcp_first' \\\n    '*:file:_files'\n}}\n\n", specifications);
  out += "if [ \"$funcstack[1]\" = _fxcp ]; then _fxcp \"$@\"; else compdef _fxcp fxcp; fi\n";
  return out;
}

std::string fish_completion() {
  const auto quoted = [](std::string_view text) { return replaced(replaced(std::string(text), "\\", "\\\\"), "'", "\\'"); };
  std::string out(kGenerated);
  for (const OptionRow& row : option_table()) {
    std::string argument;
    // Without -x, fish offers the values behind "=" only, which is what an optional argument is.
    if (row.takes == Takes::required) argument = " -x";
    if (row.takes == Takes::optional) argument = " -f";
    if (row.completes_directories)
      argument += " -a '(__fish_complete_directories)'";
    else if (!row.values.empty())
      argument += fmt::format(" -a '{}'", values_of(row));
    bool first = true;
    for (const std::string_view name : {row.name, row.alias, row.negation}) {
      if (name.empty() && !(first && letter_of(row) != 0)) continue;
      out += "complete -c fxcp";
      if (first && letter_of(row) != 0) out += fmt::format(" -s {}", row.letter);
      if (!name.empty()) out += fmt::format(" -l {}", name);
      out += fmt::format("{} -d '{}{}'\n", argument, !name.empty() && name == row.negation ? "not: " : "", quoted(row.help));
      first = false;
    }
  }
  for (const auto& [word, help] : first_words())
    out += fmt::format("complete -c fxcp -n __fish_use_subcommand -a {} -d '{}'\n", word, quoted(help));
  return out;
}

}  // namespace foxing::fxcp
