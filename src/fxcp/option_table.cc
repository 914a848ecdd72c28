// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/option_table.h"

#include <array>
#include <cstddef>
#include <iterator>

namespace foxing::fxcp {
namespace {

constexpr std::string_view kWhen = "auto|always|never";
constexpr unsigned kEverywhere = kForCopy | kForInfo | kForCleanup | kForVerify;

// A row of the tables is read as one.
// clang-format off
constexpr OptionRow kOptions[] = {
    // ── selection ──
    {.letter = 'a', .name = "archive", .section = Section::selection, .sets = Action::archive,
     .help = "copy trees and keep everything: -r and all of \"What is kept\"",
     .manual = "Copies directories with all they contain and keeps everything that the target can hold: permissions, owner, group, "
               "times to the nanosecond, extended attributes, ACLs, file capabilities, hard links, symbolic links, devices, fifos, "
               "sockets and holes. The same as -rpogtXAHlD. A negation such as --no-owner takes a part out again, wherever it "
               "stands on the command line.\n\n"
               "What only root may set (other people's files, trusted attributes) is not asked for when an ordinary user "
               "runs fxcp; that is a note and not a failure."},
    {.letter = 'r', .name = "recursive", .section = Section::selection, .sets = &Options::recursive, .other_letters = "R",
     .help = "copy directories with all they contain; symlinks stay symlinks",
     .manual = "Copies directories with all they contain. Symbolic links are copied as such, as with --links. Nothing else is "
               "kept unless asked for."},
    {.letter = 'x', .name = "one-file-system", .section = Section::selection, .sets = &Options::one_file_system,
     .commands = kForCopy | kForVerify, .help = "do not descend into other filesystems mounted below SRC",
     .manual = "Stays on the filesystem of each SRC: a mount point below it is copied as an empty directory."},

    // ── attributes ──
    {.letter = 'p', .name = "perms", .negation = "no-perms", .section = Section::attributes, .sets = &Preserve::perms,
     .commands = kForCopy | kForVerify, .help = "permissions, with setuid, setgid and sticky bits",
     .manual = "Keeps the permission bits with setuid, setgid and sticky. Without it a file gets the source's permissions less the umask. "
               "--no-perms leaves out ACLs as well, because an ACL holds the permission bits."},
    {.letter = 'o', .name = "owner", .negation = "no-owner", .section = Section::attributes, .sets = &Preserve::owner,
     .commands = kForCopy | kForVerify, .help = "owner (only root may give files away)", .manual = "Keeps the owner. Only asked for when run by root."},
    {.letter = 'g', .name = "group", .negation = "no-group", .section = Section::attributes, .sets = &Preserve::group,
     .commands = kForCopy | kForVerify, .help = "group", .manual = "Keeps the group. An ordinary user can keep only the groups that the user belongs to."},
    {.letter = 't', .name = "times", .negation = "no-times", .section = Section::attributes, .sets = &Preserve::times,
     .commands = kForCopy | kForVerify, .help = "times of reading and writing, to the nanosecond",
     .manual = "Keeps the times of last access and last modification to the nanosecond; those of directories are set after all "
               "else. A time that the target filesystem cannot hold is reported."},
    {.letter = 'X', .name = "xattrs", .negation = "no-xattrs", .section = Section::attributes, .sets = &Preserve::xattrs,
     .commands = kForCopy | kForVerify, .help = "extended attributes and file capabilities",
     .manual = "Keeps extended attributes: those of the user namespace, and as root also those of the trusted namespace and file "
               "capabilities. ACLs are not among them: see --acls."},
    {.letter = 'A', .name = "acls", .negation = "no-acls", .section = Section::attributes, .sets = &Preserve::acls,
     .commands = kForCopy | kForVerify, .help = "POSIX ACLs, also default ACLs; implies -p",
     .manual = "Keeps POSIX access control lists, and the default lists of directories. Implies --perms."},
    {.letter = 'H', .name = "hard-links", .negation = "no-hard-links", .section = Section::attributes, .sets = &Preserve::hard_links,
     .commands = kForCopy | kForVerify, .help = "files that share one inode share one in the target too",
     .manual = "Files that are names of one inode become names of one inode in the target, across all SRC of the run. Without it each "
               "name becomes a file of its own."},
    {.letter = 'D', .section = Section::attributes, .sets = Action::devices_and_specials,
     .help = "the same as --devices --specials", .manual = "The same as --devices --specials."},
    {.name = "devices", .negation = "no-devices", .section = Section::attributes, .sets = &Preserve::devices,
     .commands = kForCopy | kForVerify, .help = "device files (only root may create them)",
     .manual = "Copies character and block devices as devices; their content is never read. Without it they are left out."},
    {.name = "specials", .negation = "no-specials", .section = Section::attributes, .sets = &Preserve::specials,
     .commands = kForCopy | kForVerify, .help = "fifos and sockets",
     .manual = "Copies fifos and sockets as such; they are never opened. Without it they are left out."},

    // ── symlinks ──
    {.letter = 'l', .name = "links", .negation = "no-links", .section = Section::symlinks, .sets = &Preserve::links,
     .commands = kForCopy | kForVerify, .help = "copy symlinks as symlinks; implied by -a and -r",
     .manual = "Copies symbolic links as symbolic links, with the same text, whether it leads somewhere or not. Implied by --archive "
               "and --recursive. With --no-links they are left out."},
    {.letter = 'L', .name = "copy-links", .alias = "dereference", .section = Section::symlinks, .sets = Action::follow_links,
     .help = "follow all symlinks: copy what they point to",
     .manual = "Copies what symbolic links point to instead of the links, in the whole tree. Wins over --links. Whoever can write to "
               "the source then decides which files are read: not for trees of others."},
    {.letter = 'k', .name = "copy-dirlinks", .section = Section::symlinks, .sets = Action::follow_dirlinks,
     .help = "follow symlinks that point to directories",
     .manual = "Copies a symbolic link to a directory as that directory; other links stay as they are."},
    {.letter = 'K', .name = "keep-dirlinks", .section = Section::symlinks, .sets = &Options::keep_dirlinks,
     .help = "a symlink to a directory in DST serves as that directory",
     .manual = "Where the source has a directory and the target a symbolic link to a directory, the link stays and the files go "
               "through it. Otherwise a directory takes the place of the link."},
    {.name = "no-dereference", .section = Section::symlinks, .sets = Action::keep_links,
     .help = "follow no symlink, not even one given as SRC",
     .manual = "Follows no symbolic link, not even one given as SRC: implies --links and takes back an earlier --copy-links, "
               "--copy-dirlinks or --dereference-args."},
    {.name = "dereference-args", .section = Section::symlinks, .sets = Action::follow_arguments,
     .help = "follow only symlinks given as SRC",
     .manual = "A SRC that is a symbolic link means what it points to; links inside of trees stay links. This is the default for "
               "SRC when none of --archive, --recursive and --links is given."},

    // ── destination ──
    {.name = "target-directory", .section = Section::destination, .sets = Action::target_directory, .takes = Takes::required,
     .argument = "DIR", .completes_directories = true, .help = "copy every SRC to DIR/NAME; there is no DST",
     .manual = "Copies every SRC into DIR, under its own last name. All operands are sources."},
    {.name = "no-target-directory", .section = Section::destination, .sets = &Options::no_target_directory, .other_letters = "T",
     .help = "never copy into DST; DST is the name of the copy",
     .manual = "DST is the name of the copy: a file is not copied into a DST that is a directory, but refused. Only for a single SRC."},

    // ── method ──
    {.name = "reflink", .section = Section::method, .sets = &Options::reflink, .takes = Takes::optional, .argument = "WHEN",
     .values = kWhen, .bare = When::always, .help = "share blocks: auto (default), always (or fail), never",
     .manual = "Whether the copy shares its blocks with the source, where the filesystem can do that (XFS and btrfs, for instance). "
               "auto: where it is possible and the fastest way. always: a file that cannot be cloned is a failure. "
               "never: the data is written anew. --reflink alone means always, as in cp(1)."},
    {.name = "sparse", .section = Section::method, .sets = &Options::sparse, .takes = Takes::optional, .argument = "WHEN", .values = kWhen,
     .bare = When::automatic, .help = "holes: auto (default: as in SRC), always, never",
     .manual = "auto: the holes of the source are the holes of the target, neither more nor fewer. always: runs of zero bytes "
               "become holes as well. never: the target has no holes. --sparse alone means auto."},
    {.letter = 'S', .section = Section::method, .sets = Action::keep_holes, .help = "the same as --sparse=auto",
     .manual = "The same as --sparse=auto: holes are kept without being asked for. rsync's -S also looks for zeros in data; that is "
               "--sparse=always."},
    {.letter = 'j', .name = "jobs", .section = Section::method, .sets = Action::jobs, .takes = Takes::required, .argument = "N",
     .commands = kForCopy | kForVerify, .help = "work on N files at a time, 1 to 256 (default: chosen)",
     .manual = "How many files are worked on at a time, from 1 to 256. By default fxcp chooses."},
    {.name = "atomic", .negation = "no-atomic", .section = Section::method, .sets = &Options::atomic,
     .help = "a name shows no file that is not complete (default)",
     .manual = "By default a file is written aside and takes its name when it is complete, so that each name shows its old or its new "
               "content, at every moment and after a crash. --no-atomic writes under the final names: faster for fresh copies on "
               "some filesystems, and an interrupted run leaves files that are cut short, until it is run again."},
    {.name = "fsync", .section = Section::method, .sets = &Options::fsync, .help = "have everything on disk before saying so",
     .manual = "Makes the result durable before it is reported: data first, then names, then directories. Without it, a power failure "
               "soon after the end of the run may cost files, as with every program that leaves writing to the kernel."},

    {.name = "content", .section = Section::method, .sets = Action::content, .takes = Takes::required, .argument = "HOW",
     .values = "hash|size|extent", .commands = kForVerify, .help = "fxcp verify: compare by hash (default), size, extent",
     .manual = "For fxcp verify: how contents are compared. hash: every byte of both sides is read and compared. size: no data is read, and files "
               "of one size count as equal. extent: as hash, and the maps of data and holes must be the same too."},

    // ── report ──
    {.letter = 'n', .name = "dry-run", .section = Section::report, .sets = &Options::dry_run, .commands = kForCopy | kForCleanup,
     .help = "write nothing; with -v, name what would be copied",
     .manual = "Writes nothing at all, neither files nor directories. Sources and destination are checked, what would be copied is counted, "
               "and with --verbose or --json=files every entry is named."},
    {.letter = 'v', .name = "verbose", .section = Section::report, .sets = Action::verbose, .commands = kForCopy | kForCleanup | kForVerify,
     .help = "name every file; twice: with details", .manual = "Names every file that is copied. Given twice, also says how, as --explain does."},
    {.letter = 'q', .name = "quiet", .section = Section::report, .sets = &Options::quiet, .commands = kForCopy | kForCleanup | kForVerify,
     .help = "only failures are shown", .manual = "Shows failures, and nothing else. Does not touch --json."},
    {.name = "progress", .negation = "no-progress", .section = Section::report, .sets = &Options::progress, .other_letters = "P",
     .help = "show files, bytes, rate and remaining time",
     .manual = "Shows files and bytes done, the rate and the remaining time, five times a second. By default only on a terminal; "
               "--progress shows it elsewhere too, --no-progress never. With --json, --progress adds a line once a second."},
    {.name = "stats", .section = Section::report, .sets = &Options::stats, .help = "show totals at the end",
     .manual = "Shows at the end how many files of which kind were copied, how many bytes, in which ways and how fast."},
    {.name = "explain", .section = Section::report, .sets = &Options::explain, .help = "say for every file which ways were tried, and why",
     .manual = "Says for every file which ways of copying were tried, which of them declined with which error, and why."},
    {.name = "json", .section = Section::report, .sets = Action::json, .takes = Takes::optional, .argument = "WHAT", .values = "files",
     .commands = kEverywhere, .help = "report as lines of JSON; =files: also every file",
     .manual = "Writes one JSON object a line to standard output: start, warnings, failures, summary. --json=files adds an event for "
               "every file. See JSON below."},

    // ── other ──
    {.name = "cleanup", .section = Section::other, .sets = Action::cleanup, .commands = kForCleanup,
     .help = "remove from every TARGET what killed runs left behind",
     .manual = "Copies nothing, but removes from every TARGET, and the directories below, the temporary files of runs that were killed, "
               "and only those; files of runs that are still alive stay. An ordinary run cleans up in its own target anyhow."},
    {.name = "help", .section = Section::other, .sets = Action::help, .commands = kEverywhere, .other_letters = "h?",
     .help = "show this text", .manual = "Shows a summary of the options."},
    {.name = "version", .section = Section::other, .sets = Action::version, .commands = kEverywhere, .other_letters = "V",
     .help = "show the version", .manual = "Shows the version."},
};

constexpr Verb kVerbs[] = {
    {.name = "info", .command = Command::info, .operands = "PATH...",
     .help = "what a path lies on, and how fxcp would copy it",
     .manual = "Says for every PATH what it lies on (filesystem, block size, mount, the stack of devices below) and which ways of "
               "copying will be tried, and why. With --json, one JSON object a line. info is a verb only as the first "
               "argument; a file of that name is copied as ./info."},
    {.name = "verify", .command = Command::verify, .operands = "A B",
     .help = "read two trees and say what is not the same",
     .manual = "Compares two trees, or two files: reads the data of both sides and never trusts sizes, times or what an earlier run has noted. Every "
               "entry is the same, differs, is only in A, only in B, or unreadable; all but the first are named, with what differs. Types, "
               "sizes, permissions, owners, groups, modification times, extended attributes, ACLs, the text of symbolic links, device numbers and "
               "hard links are compared; --no-times and the like leave one out. Times of last access are not compared. What changes "
               "each time it is compared is unreadable. A byte is named by its offset, counted from 0.\n\n"
               "-v names what is the same as well, -q leaves out the summary. A and B may be symbolic links to what is meant; none is followed below "
               "them. What was just written is read from the page cache, not from the disk.\n\n"
               "The exit status is 0 where all is the same, 1 where anything is not, and 2 where A or B is missing. verify is a verb only as the "
               "first argument."},
};
// clang-format on

// ── what always holds of the table ──

constexpr bool same(std::string_view a, std::string_view b) { return !a.empty() && a == b; }

constexpr bool share_a_name(const OptionRow& a, const OptionRow& b) {
  const std::array left = {a.name, a.alias, a.negation};
  const std::array right = {b.name, b.alias, b.negation};
  for (const std::string_view one : left)
    for (const std::string_view other : right)
      if (same(one, other)) return true;
  return a.letter != 0 && a.letter == b.letter;
}

constexpr bool all_names_differ() {
  for (std::size_t i = 0; i < std::size(kOptions); ++i)
    for (std::size_t j = i + 1; j < std::size(kOptions); ++j)
      if (share_a_name(kOptions[i], kOptions[j])) return false;
  return true;
}
static_assert(all_names_differ());

constexpr bool rows_are_whole() {
  for (const OptionRow& row : kOptions) {
    if (row.letter == 0 && row.name.empty()) return false;
    if (row.help.empty() || row.manual.empty()) return false;
    if ((row.takes == Takes::nothing) != row.argument.empty()) return false;
    if (row.takes == Takes::optional && (row.letter != 0 || row.values.empty())) return false;  // -Xabc would swallow -a -b -c
    if (!row.negation.empty() && (row.takes != Takes::nothing || std::holds_alternative<Action>(row.sets))) return false;
    // -e will be --exclude, -h is rsync's --human-readable.
    if (row.letter == 'e' || row.letter == 'h') return false;
  }
  return true;
}
static_assert(rows_are_whole());

}  // namespace

std::span<const OptionRow> option_table() { return kOptions; }
std::span<const Verb> verbs() { return kVerbs; }

std::string_view title(Section section) {
  switch (section) {
    case Section::selection: return "What is copied";
    case Section::attributes: return "What is kept (-a keeps it all; --no-... takes one out)";
    case Section::symlinks: return "Symbolic links";
    case Section::destination: return "Where to";
    case Section::method: return "How";
    case Section::report: return "What is said";
    case Section::other: return "Other";
  }
  return "";
}

}  // namespace foxing::fxcp
