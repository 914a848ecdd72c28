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
    "- as the only SRC is the standard input, and DST the file that it becomes. A file called - is written ./-, one called info, "
    "verify, snap or snapshot ./info and so on where it comes first.";

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

/// "[=WHEN]", "=DIR", ""
std::string argument_of(const OptionRow& row) {
  switch (row.takes) {
    case Takes::nothing: return "";
    case Takes::optional: return fmt::format("[={}]", row.argument);
    case Takes::required: return fmt::format("={}", row.argument);
  }
  return "";
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

}  // namespace foxing::fxcp
