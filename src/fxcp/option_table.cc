// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/option_table.h"

#include <array>
#include <cstddef>
#include <iterator>

namespace foxing::fxcp {
namespace {

constexpr std::string_view kWhen = "auto|always|never";
constexpr unsigned kEverywhere = kForCopy | kForInfo | kForCleanup | kForVerify | kForSnap | kForStore;
constexpr unsigned kChooses = kForCopy | kForExport;

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
    {.letter = 'r', .name = "recursive", .section = Section::selection, .sets = &Options::recursive,
     .help = "copy directories with all they contain; symlinks stay symlinks",
     .manual = "Copies directories with all they contain. Symbolic links are copied as such, as with --links. Nothing else is "
               "kept unless asked for."},
    {.name = "remove-source-files", .section = Section::selection, .sets = &Options::remove_source_files,
     .help = "remove from SRC what is whole and on disk in DST",
     .manual = "At the end, when everything copied is on disk, removes from SRC every file (and link, device and the like; never a directory) whose copy is whole and lost nothing, "
               "and that has not changed since it was read. Equal is told by bytes then, whatever the times say, unless --trust-times. The names of a hard link go "
               "together or not at all. What an option left alone stays, and so does everything when the run is stopped, or --verify finds a difference. Not together with "
               "--delete: the next run would delete the copies."},
    {.letter = 'x', .name = "one-file-system", .section = Section::selection, .sets = &Options::one_file_system,
     .commands = kForCopy | kForVerify | kForExport, .help = "do not descend into other filesystems mounted below SRC",
     .manual = "Stays on the filesystem of each SRC: a mount point below it is copied as an empty directory."},
    {.letter = 'R', .name = "relative", .alias = "parents", .negation = "no-relative", .section = Section::selection, .sets = &Options::relative,
     .help = "keep the directories that SRC is written with: a/b/c is DST/a/b/c",
     .manual = "Every SRC keeps, below DST, the directories it was written with: with -R, a/b/c becomes DST/a/b/c. What stands before /./ is not kept: a/./b/c becomes "
               "DST/b/c. The directories on the way get the attributes of those in the source, and nothing else that is in them is copied or deleted; where "
               "the source reaches one through a symbolic link it becomes a directory. .. is refused in what is kept. DST is always a directory. With "
               "--files-from paths are kept anyhow."},
    {.name = "implied-dirs", .negation = "no-implied-dirs", .section = Section::selection, .sets = &Options::implied_dirs,
     .help = "with -R: directories on the way get SRC's attributes (default)",
     .manual = "Gives the directories on the way of --relative the attributes of the source. With --no-implied-dirs those that the target has stay as they are, "
               "symbolic links to directories included, and missing ones are made with the usual permissions."},
    {.letter = 'm', .name = "prune-empty-dirs", .section = Section::selection, .sets = &Options::prune_empty_dirs,
     .help = "make no directories that nothing is copied into",
     .manual = "Leaves out directories below which there is nothing but directories, or nothing that the rules let through. With --delete they are deleted where the target "
               "has them. A --filter='protect NAME/' keeps one. What --max-size, --min-size or a missing --links or --devices leaves out does not make a directory empty, as with rsync."},

    // ── filters ──
    {.letter = 'e', .name = "exclude", .section = Section::filters, .sets = RuleKind::exclude, .takes = Takes::required, .argument = "PATTERN",
     .commands = kChooses, .help = "leave out names that match, with all below them",
     .manual = "Leaves out names that match PATTERN, and everything below them; --delete does not touch them in the target. Patterns are rsync's: * and ? "
               "match within a name, ** across slashes, a / in front anchors at the root of the transfer, a / at the end means directories only. Rules "
               "count in the order of the command line, and the first that matches wins; one addition: a literal --include that an earlier wildcard "
               "--exclude makes unreachable wins. (-e is not rsync's remote shell.)"},
    {.name = "include", .section = Section::filters, .sets = RuleKind::include, .takes = Takes::required, .argument = "PATTERN",
     .commands = kChooses, .help = "do not leave out names that match", .manual = "Names that match PATTERN are copied, whatever later rules say."},
    {.name = "exclude-from", .section = Section::filters, .sets = RuleKind::exclude_from, .takes = Takes::required, .argument = "FILE", .completes = Completes::files,
     .commands = kChooses, .help = "read such patterns from FILE, one a line", .manual = "Reads patterns to leave out from FILE, one a line; lines that begin with # or ; are left out. - is the standard input."},
    {.name = "include-from", .section = Section::filters, .sets = RuleKind::include_from, .takes = Takes::required, .argument = "FILE", .completes = Completes::files,
     .commands = kChooses, .help = "read patterns to include from FILE", .manual = "As --exclude-from, for --include."},
    {.letter = 'f', .name = "filter", .section = Section::filters, .sets = RuleKind::rule, .takes = Takes::required, .argument = "RULE",
     .commands = kChooses, .help = "add a rule of rsync's: + - . : H S P R !",
     .manual = "Adds one of rsync's filter rules: + include, - exclude, . merge a file, : merge a file of each directory, H hide, S show, P protect, R risk, ! clear, with "
               "rsync's modifiers. P protects names of the target from --delete."},
    {.letter = 'F', .section = Section::filters, .sets = RuleKind::per_directory,
     .commands = kChooses, .help = "read .rsync-filter of each directory; twice: do not copy it",
     .manual = "Reads rules from the file .rsync-filter in every directory, for what is below it. Given twice, those files themselves are left out."},
    {.letter = 'C', .name = "cvs-exclude", .section = Section::filters, .sets = RuleKind::cvs,
     .commands = kChooses, .help = "leave out what CVS leaves out", .manual = "Leaves out what rsync's -C leaves out: object files, backups, version control, and what $HOME/.cvsignore, $CVSIGNORE and .cvsignore say."},
    {.name = "gitignore", .section = Section::filters, .sets = RuleKind::gitignore,
     .commands = kChooses, .help = "leave out what .gitignore files say", .manual = "Leaves out what the .gitignore files of the tree say, as git does. .git itself is copied."},
    {.name = "files-from", .section = Section::filters, .sets = &Options::files_from, .takes = Takes::required, .argument = "FILE", .completes = Completes::files,
     .help = "copy only the paths below SRC that FILE lists, one a line",
     .manual = "Copies only the paths that FILE lists, one a line, each below SRC, and the directories that lead to them. - is the standard input. What is "
               "in listed directories is copied only with an explicit --recursive. A path that is not there is a failure. The list is read 16384 lines at a time, "
               "which are copied before more is read; with --verify, --prune-empty-dirs, --detect-renames, --compress or --decompress it is read whole first."},
    {.letter = '0', .name = "from0", .section = Section::filters, .sets = RuleKind::from0,
     .commands = kChooses, .help = "in files of patterns and paths a NUL byte ends each", .manual = "In files that are named after it, patterns end with a NUL byte instead of a line's end."},
    {.name = "delete-excluded", .section = Section::filters, .sets = &Options::delete_excluded,
     .help = "with --delete: delete what is left out, too", .manual = "Rules count for the source only: what is left out there is deleted in the target."},
    {.name = "max-depth", .section = Section::filters, .sets = &Options::max_depth, .takes = Takes::required, .argument = "N",
     .help = "go no deeper than N names below the root", .manual = "Copies names down to N levels below the root of the transfer; directories of the last level are made, and stay as they are inside."},

    // ── comparison ──
    {.letter = 'c', .name = "checksum", .section = Section::comparison, .sets = &Options::checksum,
     .help = "compare the data of files of equal size, whatever their times say",
     .manual = "Reads every file of equal size on both sides and compares the bytes. Without it the data is read only where size, times and the time "
               "of the last change leave a doubt."},
    {.name = "size-only", .section = Section::comparison, .sets = &Options::size_only,
     .help = "files of equal size have equal data", .manual = "Believes that files of equal size have equal data, whatever their times say."},
    {.letter = 'I', .name = "ignore-times", .section = Section::comparison, .sets = &Options::ignore_times,
     .help = "copy every file, equal or not", .manual = "Compares nothing: every file is copied again."},
    {.name = "trust-times", .section = Section::comparison, .sets = &Options::trust_times,
     .help = "equal size and mtime mean equal data, as rsync believes",
     .manual = "Believes that files of equal size and modification time have equal data, as rsync does, also where the source was changed after it "
               "was copied: an edit that puts the time back is then overlooked. For sources that have just been restored or moved to another "
               "disk, whose every file would otherwise be read once."},
    {.name = "modify-window", .section = Section::comparison, .sets = &Options::modify_window, .takes = Takes::required, .argument = "SECONDS",
     .commands = kForCopy | kForVerify, .help = "times so close are equal (0: whole seconds)",
     .manual = "Modification times that are not further apart count as equal; 0 compares whole seconds, -1 (the default) nanoseconds. For "
               "filesystems that round times, such as FAT (2 seconds)."},
    {.letter = 'u', .name = "update", .section = Section::comparison, .sets = &Options::update,
     .help = "leave files that are newer in DST", .manual = "Leaves a file alone that has a later modification time in the target than in the source."},
    {.name = "existing", .alias = "ignore-non-existing", .section = Section::comparison, .sets = &Options::existing,
     .help = "make nothing new, only bring up to date", .manual = "Brings up to date what the target has, and makes nothing new there, not even directories."},
    {.name = "ignore-existing", .alias = "no-clobber", .section = Section::comparison, .sets = &Options::ignore_existing,
     .help = "touch nothing that is there", .manual = "Leaves every file alone that the target has already, whatever it is like. Directories are gone into all the same."},
    {.name = "max-size", .section = Section::comparison, .sets = &Options::max_size, .takes = Takes::required, .argument = "SIZE",
     .commands = kForCopy | kForImport | kForRestore | kForPrune, .help = "leave out larger files (10M, 1.5G, 500KB)",
     .manual = "Leaves out files that are larger than SIZE: bytes, or with K, M, G, T (1024) or KB, MB, GB, TB (1000). What the target has of such "
               "a name stays as it is, also with --delete.\n\n"
               "With fxcp snap prune: the oldest snapshots go until all together need no more than SIZE beside the tree.\n\n"
               "With fxcp snap import and restore: ends the run before more than SIZE of content is written in all. An archive of a few bytes can "
               "stand for files of any size."},
    {.name = "min-size", .section = Section::comparison, .sets = &Options::min_size, .takes = Takes::required, .argument = "SIZE",
     .help = "leave out smaller files", .manual = "Leaves out files that are smaller than SIZE, written as for --max-size."},

    // ── deleting ──
    {.name = "delete", .alias = "delete-during", .section = Section::deleting, .sets = Action::delete_during,
     .help = "delete from DST what SRC has not",
     .manual = "Deletes from the target what the source has not, in every directory that is copied, when the directory is done. Not deleted: names in "
               "directories whose source could not be read whole, what a filter protects, mount points, and the product's own names. Only "
               "for directories that are mirrored: nothing is deleted beside a SRC that is copied under its name."},
    {.name = "delete-before", .section = Section::deleting, .sets = Action::delete_before,
     .help = "the same, all before anything is copied",
     .manual = "As --delete, in a pass of its own before anything is copied: makes room first."},
    {.name = "delete-after", .alias = "delete-delay", .section = Section::deleting, .sets = Action::delete_after,
     .help = "the same, when everything is copied",
     .manual = "As --delete, in a pass of its own when everything has been copied. --delete-delay is the same: what is extra is "
               "looked for at the end, and not remembered from the beginning."},
    {.name = "max-delete", .section = Section::deleting, .sets = Action::max_delete, .takes = Takes::required, .argument = "N[%]",
     .help = "delete no more than N names; with %: refuse to delete more",
     .manual = "With a number: deletes no more than N names; the rest stays, and the run fails. With a percentage: counts first, and does nothing at "
               "all when more than this part of what is in the target would be deleted."},
    {.name = "ignore-errors", .section = Section::deleting, .sets = &Options::ignore_errors,
     .help = "delete also where SRC could not be read whole",
     .manual = "Deletes also in directories whose source could not be read whole. What could not be read may be lost in the target."},
    {.name = "delete-anyway", .section = Section::deleting, .sets = &Options::delete_anyway,
     .help = "delete also when SRC is empty, or another one than last time",
     .manual = "A source that is empty, or that lies on another filesystem than the one that was mirrored here last time, is mostly a mount that is "
               "missing: with --delete fxcp then refuses to run when the target is not empty. This says that it is meant so."},
    {.letter = 'b', .name = "backup", .section = Section::deleting, .sets = &Options::backup,
     .help = "keep what is replaced or deleted, as NAME~",
     .manual = "Keeps what would be replaced or deleted under its name with ~ behind it (--suffix), or below another directory (--backup-dir). An older one "
               "is replaced. Names that end so are not deleted by --delete."},
    {.name = "backup-dir", .section = Section::deleting, .sets = &Options::backup_dir, .takes = Takes::required, .argument = "DIR",
     .completes = Completes::directories, .help = "keep it below DIR instead; implies --backup",
     .manual = "Keeps what would be replaced or deleted below DIR, in the same place as in the target. A relative DIR lies in the target. It must "
               "lie on the target's filesystem: nothing is copied. Implies --backup."},
    {.name = "suffix", .section = Section::deleting, .sets = &Options::suffix, .takes = Takes::required, .argument = "TEXT",
     .help = "what is put behind the names (default: ~)",
     .manual = "What is put behind the name of what is kept; ~ by default, nothing with --backup-dir."},
    {.name = "trash", .section = Section::deleting, .sets = &Options::trash, .takes = Takes::required, .argument = "DIR",
     .completes = Completes::directories, .help = "move what is deleted below DIR; what is replaced is not kept",
     .manual = "As --backup-dir, for what is deleted only: it is moved below DIR, in the same place as in the target, by a rename."},

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
     .commands = kForCopy | kForVerify | kForImport | kForRestore, .help = "device files (only root may create them)",
     .manual = "Copies character and block devices as devices; their content is never read. Without it they are left out."},
    {.name = "specials", .negation = "no-specials", .section = Section::attributes, .sets = &Preserve::specials,
     .commands = kForCopy | kForVerify, .help = "fifos and sockets",
     .manual = "Copies fifos and sockets as such; they are never opened. Without it they are left out."},

    {.name = "chmod", .section = Section::attributes, .sets = &Options::chmod, .takes = Takes::required, .argument = "CHANGES",
     .help = "change the modes of the copies (D755,F644, go-w)",
     .manual = "Changes the permissions that the copies get, as rsync does: items separated by commas, as for chmod(1), with D before an item for directories "
               "only and F for other entries only. May be given several times; what comes later wins. The modes of what is there change only with --perms."},
    {.name = "chown", .section = Section::attributes, .sets = &Options::chown, .takes = Takes::required, .argument = "USER:GROUP",
     .help = "give all copies to USER and GROUP; either may be left out",
     .manual = "Gives all copies to USER and GROUP, of which one may be left out. Names are looked for in /etc/passwd and /etc/group, numbers always "
               "work. Needs root for owners, as --owner does, and implies it."},
    {.name = "usermap", .section = Section::attributes, .sets = &Options::usermap, .takes = Takes::required, .argument = "FROM:TO,...",
     .help = "map owners: names, ids, ranges (1000-1999:backup), *",
     .manual = "Maps the owners of the source to others: FROM is a name, a pattern, an id, or a range of ids; the first that matches counts. "
               "Implies --owner."},
    {.name = "groupmap", .section = Section::attributes, .sets = &Options::groupmap, .takes = Takes::required, .argument = "FROM:TO,...",
     .help = "map groups in the same way", .manual = "Maps groups as --usermap maps owners. Implies --group."},
    {.name = "numeric-ids", .section = Section::attributes, .sets = &Options::numeric_ids,
     .help = "accepted: ids are kept as numbers anyway",
     .manual = "Between two trees of one machine ids are always kept as numbers. With --usermap and --groupmap, names in FROM match nothing."},

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

    {.name = "safe-links", .section = Section::symlinks, .sets = &Options::safe_links,
     .help = "leave out symlinks that lead out of the tree",
     .manual = "Leaves out symbolic links that are absolute, that climb out of the tree with .., or that have .. behind another name; what the target has under "
               "such a name stays. Where a link leads is told from its text, counted from the root of the transfer."},
    {.name = "copy-unsafe-links", .section = Section::symlinks, .sets = &Options::copy_unsafe_links,
     .help = "copy what such symlinks point to",
     .manual = "Copies what symbolic links point to that lead out of the tree (see --safe-links) instead of the links: files, or directories with all "
               "they contain. Other links stay links. Whoever can write to the source then decides which files are read: not for trees of others."},
    {.name = "munge-links", .section = Section::symlinks, .sets = Action::munge_links, .takes = Takes::optional, .argument = "undo", .values = "undo",
     .help = "make symlinks unusable and recoverable; =undo: take that back",
     .manual = "Puts /rsyncd-munged/ in front of what every symbolic link says, so that it leads nowhere; --munge-links=undo takes it away again from links that "
               "have it. rsync does the same with -M--munge-links and, the other way, with --munge-links, and each understands the links of the other. A link "
               "that is munged already is munged once more, so that what comes munged cannot work in the target."},

    // ── destination ──
    {.name = "target-directory", .section = Section::destination, .sets = Action::target_directory, .takes = Takes::required,
     .argument = "DIR", .completes = Completes::directories, .help = "copy every SRC to DIR/NAME; there is no DST",
     .manual = "Copies every SRC into DIR, under its own last name. All operands are sources."},
    {.name = "no-target-directory", .section = Section::destination, .sets = &Options::no_target_directory, .other_letters = "T",
     .help = "never copy into DST; DST is the name of the copy",
     .manual = "DST is the name of the copy: a file is not copied into a DST that is a directory, but refused. Only for a single SRC."},

    {.name = "mkpath", .section = Section::destination, .sets = &Options::mkpath,
     .help = "make the missing directories above DST", .manual = "Makes the directories above DST that are missing, with the usual permissions."},

    // ── method ──
    {.name = "link", .section = Section::method, .sets = &Options::link,
     .help = "make hard links to SRC's files instead of copies",
     .manual = "Makes directories, and gives every other entry of the source a further name in the target instead of copying it, as cp --link does. A different file "
               "that has the name gives way at once. Nothing of a file of the source changes but its number of names. Both sides must lie on one filesystem."},
    {.name = "attributes-only", .section = Section::method, .sets = &Options::attributes_only,
     .help = "copy no data, only attributes",
     .manual = "Gives files that the target has the attributes of the source, whatever their data is. A file that is missing is made empty, as cp does it; the next "
               "run without the option copies its data. Nothing in the target is replaced by something of another type."},
    {.name = "inplace", .section = Section::method, .sets = &Options::in_place,
     .help = "change large files in place instead of replacing them",
     .manual = "Writes the changed parts of a large file into the target's file itself. Saves room and keeps other names of the file, but readers see a mix of "
               "old and new while it lasts, and after a crash until the next run, which repairs it. Without it a clone is changed and renamed where "
               "blocks can be shared, and the whole file is written elsewhere."},
    {.name = "partial", .section = Section::method, .sets = &Options::partial,
     .help = "keep what an interrupted run has of a large file; go on with it",
     .manual = "What an interrupted run has of a file of 1 MiB or more stays in the directory .fxcp-partial beside its target, and the same command goes on from "
               "there: it compares what is there with the source, byte by byte, and writes the rest. Also after SIGKILL. The file's own name shows its old or its new content "
               "all the while. The directory is neither copied nor deleted by --delete; it goes when it is empty. Names that the source no longer has, and "
               "--cleanup, remove what is left in it."},
    {.name = "partial-dir", .section = Section::method, .sets = &Options::partial_dir, .takes = Takes::required, .argument = "DIR",
     .completes = Completes::directories, .commands = kForCopy | kForCleanup, .help = "the same, in DIR: a name in each directory, or one absolute path",
     .manual = "As --partial, with another directory: DIR is one name, of a directory beside each target, or an absolute path on the target's filesystem, one place for all. "
               "With --cleanup, a name to look for."},
    {.letter = 'P', .section = Section::method, .sets = Action::partial_and_progress, .help = "the same as --partial --progress",
     .manual = "The same as --partial --progress."},
    {.name = "append-verify", .section = Section::method, .sets = &Options::append_verify,
     .help = "a file that is the beginning of its source only gets the rest",
     .manual = "Where the target has a shorter file (of 64 KiB or more, with one name) that is byte by byte what the source begins with, the rest is appended to it in place; "
               "every other file is copied as usual. Its readers see it grow, and after a crash it is shorter than the source until the next run. Not for "
               "files whose old version --backup keeps. There is no --append, which would not look."},
    {.letter = 'T', .name = "temp-dir", .section = Section::method, .sets = &Options::temp_dir, .takes = Takes::required, .argument = "DIR",
     .completes = Completes::directories, .help = "files that are not complete lie in DIR, on DST's filesystem",
     .manual = "Files lie in DIR until they are complete, and not in the directory that they are copied to. DIR is there already, on the filesystem of DST; a relative DIR is looked for "
               "from DST. Files of directories that give new files an ACL, a group or a project, or that lie on another filesystem, are staged there all the same."},
    {.name = "link-dest", .section = Section::method, .sets = &Options::link_dest, .takes = Takes::required, .argument = "DIR",
     .completes = Completes::directories, .help = "take unchanged files from DIR, an earlier copy, without their data",
     .manual = "DIR is an earlier copy of the same source. A file that is there unchanged shares its blocks where the filesystem can; elsewhere, if all its "
               "attributes are equal, it becomes another name of the file in DIR. So each of many backups looks whole, and only changes take room. A relative DIR "
               "is looked for from DST. May be given several times; the first that has the file counts."},
    {.name = "copy-dest", .section = Section::method, .sets = &Options::copy_dest, .takes = Takes::required, .argument = "DIR",
     .completes = Completes::directories, .help = "the same, but never as another name of its file",
     .manual = "As --link-dest, but a file never becomes another name of the one in DIR: it shares its blocks, or is copied from the source."},
    {.name = "compare-dest", .section = Section::method, .sets = &Options::compare_dest, .takes = Takes::required, .argument = "DIR",
     .completes = Completes::directories, .help = "leave out files that DIR has unchanged",
     .manual = "Leaves out files that DIR has unchanged, attributes included: DST gets only what differs from DIR."},
    {.letter = 'W', .name = "whole-file", .section = Section::method, .sets = &Options::whole_file,
     .help = "write changed files whole", .manual = "Writes every changed file whole, also where it would be enough to write what differs."},
    {.name = "delta-min-size", .section = Section::method, .sets = &Options::delta_min_size, .takes = Takes::required, .argument = "SIZE",
     .help = "smaller files are always written whole (default: 1M)",
     .manual = "Files smaller than SIZE in the source or the target are written whole. The default is 1M."},
    {.name = "generate-sigs", .section = Section::method, .sets = &Options::generate_sigs,
     .help = "leave signatures: what a later run need not read again",
     .manual = "Leaves a signature on each file of the target, with a hash of its content, and on each directory a hash of everything below its source. Later "
               "runs with the same options leave whole directories alone that have not been touched (see --no-prune), read less to find what "
               "differs, and notice files of the target that somebody has touched."},
    {.name = "prune", .negation = "no-prune", .section = Section::method, .sets = &Options::prune,
     .help = "leave directories alone that have not been touched (default)",
     .manual = "Where --generate-sigs has left hashes, a directory of the source below which nothing has been touched since is taken for equal to its copy, "
               "and the copy is not looked at: what others have done below it in the target stays. --no-prune looks at everything; so do "
               "--verify, --checksum, --ignore-times and -ii."},
    {.name = "detect-renames", .section = Section::method, .sets = &Options::detect_renames,
     .help = "look for renamed and moved files in the target before copying them",
     .manual = "A file that is new in the source, and has size, modification time and content of one that the target has under a name that the source no longer "
               "has, is not copied. With --delete, and where nothing that is deleted is kept or guarded, the file in the target gets the new name; "
               "else its blocks are shared where the filesystem can do that. --delete then deletes afterwards."},
    {.name = "verify", .section = Section::method, .sets = &Options::verify,
     .help = "read everything again afterwards, and compare",
     .manual = "When all is copied, reads the sources and their copies again and compares every byte and attribute, as fxcp verify does, but for names "
               "that only the target has. What differs is a failure."},
    {.name = "bwlimit", .section = Section::method, .sets = &Options::bwlimit, .takes = Takes::required, .argument = "RATE",
     .help = "no more than so much a second (10M, or 10M,500/s for files too)",
     .manual = "Limits the run to RATE: KiB a second, or with K, M, G as for --max-size, as rsync's; and after a comma, or alone, files a second (500/s). 0 is "
               "no limit."},
    {.name = "throttle", .section = Section::method, .sets = &Options::throttle,
     .help = "give way when the machine is under pressure",
     .manual = "Slows down while other programs wait for disk, processor or memory (pressure stall information of Linux 4.20 and later), and never below 1 "
               "MiB and 10 files a second. --stats says how long was waited, and why."},
    {.name = "nice", .section = Section::method, .sets = &Options::nice, .takes = Takes::required, .argument = "N",
     .help = "run with this niceness, -20 to 19", .manual = "Sets the niceness of the run, as nice(1) does."},
    {.name = "ionice", .section = Section::method, .sets = &Options::ionice, .takes = Takes::required, .argument = "CLASS",
     .help = "disk priority: idle, best-effort[:0-7]", .manual = "Sets the class of disk priority: idle, or best-effort with a level from 0 to 7."},
    {.name = "stop-after", .alias = "time-limit", .section = Section::method, .sets = &Options::stop_after, .takes = Takes::required, .argument = "MINUTES",
     .help = "stop cleanly after so many minutes", .manual = "Stops after MINUTES as on an interrupt: what is there is whole, and the same command goes on."},
    {.name = "stop-at", .section = Section::method, .sets = &Options::stop_at, .takes = Takes::required, .argument = "TIME",
     .help = "stop cleanly at a time (23:30, 2026-12-31T06:00)", .manual = "Stops at TIME, written as for rsync: y-m-dTh:m, of which the beginning may be left out."},
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
     .commands = kForCopy | kForVerify | (kForSnap & ~kForInspect & ~kForRepair) | kForDiff | kForRevert | kForSnapCopy, .help = "work on N files at a time, 1 to 256 (default: chosen)",
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

    // ── streams ──
    {.name = "size", .section = Section::streams, .sets = Action::size, .takes = Takes::required, .argument = "SIZE",
     .help = "what the stream will bring: 10G, 512M, or bytes",
     .manual = "Announces how much standard input, or a device, will bring, in bytes or with K, M, G, T (powers of 1024). Where the target has less room "
               "the copy is refused before anything is read; else the room is reserved, and --progress knows the remaining time. More or "
               "less may come. With --compress nothing is reserved."},
    {.name = "checkpoint-interval", .section = Section::streams, .sets = Action::checkpoint_interval, .takes = Takes::required,
     .argument = "SECONDS", .help = "keep what has come so far as DST.checkpoint-N",
     .manual = "Every so many seconds what has come of a stream so far appears as DST.checkpoint-1, DST.checkpoint-2 and so on: whole, on disk, "
               "sharing its blocks with the file that grows. When the stream has ended well and DST is complete they are removed; when "
               "it fails, or the machine does, the newest ones are left. Only where files can share blocks (XFS, btrfs); elsewhere "
               "refused. With --compress each of them can be decompressed."},
    {.name = "checkpoint-keep", .section = Section::streams, .sets = Action::checkpoint_keep, .takes = Takes::required, .argument = "N",
     .help = "the newest N checkpoints stay (default: 3)",
     .manual = "How many checkpoints are kept while the stream goes on, from 1 to 1000. Only with --checkpoint-interval."},
    {.name = "compress", .section = Section::streams, .sets = Action::compress, .takes = Takes::required, .argument = "CODEC",
     .commands = kForCopy | kForExport, .help = "zstd[:1-19], lz4, gzip[:1-9], xz[:0-9], or none",
     .manual = "Writes files, or a stream, compressed. In a tree every regular file gets the suffix of the format (.zst, .lz4, .gz, .xz), also one that "
               "ends in it already, and keeps its attributes; where DST is the name of one file it gets the suffix unless it ends in it. What is "
               "there and was made of the same version is left alone, and --delete goes by the names that the copies have. The tools of "
               "the same names read what is written. none means: as it is.\n\n"
               "With fxcp snap export: how the pieces of an archive are compressed, each by itself; zstd:3 where nothing else is said. What looks as if it were compressed "
               "already is stored as it is."},
    {.name = "decompress", .section = Section::streams, .sets = &Options::decompress,
     .help = "expand zstd, lz4, gzip and xz; told by content",
     .manual = "Expands what is compressed by zstd, lz4, gzip or xz, which its first bytes tell. In a tree such files lose the suffix of their format, where "
               "they have it, and all others are copied as they are. What is damaged, cut short or followed by something else is a failure, and so "
               "is a stream that is not compressed: DST stays as it was. What needs a window of more than 128 MiB is refused."},
    {.name = "copy-devices", .section = Section::streams, .sets = &Options::copy_devices,
     .help = "SRC is a block device: copy its content",
     .manual = "Copies the content of the block device SRC to a file, or with --write-devices to another device. Blocks of zeros become holes, "
               "unless --sparse=never. The device should not be written meanwhile. With -r or -a the block devices in trees become files of their "
               "content, which is read each time; character devices are failures then."},
    {.name = "write-devices", .section = Section::streams, .sets = &Options::write_devices,
     .help = "DST is a block device: overwrite its content",
     .manual = "Writes SRC (a file, standard input, or with --copy-devices a device) to the block device DST, from its beginning. What lies there is "
               "overwritten, also by zeros; what lies behind the end of SRC stays. A device that is in use, mounted for instance, is refused, and so is "
               "a SRC that is larger. Everything is on the device before fxcp ends. Only for one SRC."},

    // ── archives ──
    {.letter = 'o', .name = "output", .section = Section::archives, .sets = &Options::output, .takes = Takes::required, .argument = "FILE", .completes = Completes::files,
     .commands = kForExport | kForRestore | kForRepair, .help = "snap export, repair: the archive; restore: the directory",
     .manual = "Names the archive that fxcp snap export writes; without it the archive goes to standard output, but never to a terminal. It has the name when it is whole, "
               "and may be read by its owner alone, since it may hold what others may not read. For fxcp snap restore: the directory that files are restored below; it is made "
               "where it is missing. For fxcp snap repair: the new archive; without it FILE.repaired, which must not be there."},
    {.name = "append", .section = Section::archives, .sets = &Options::append, .commands = kForExport,
     .help = "fxcp snap export: one more snapshot in FILE",
     .manual = "Adds a snapshot to the archive that --output names. What the archive has is not stored again, and files that have not changed since the last snapshot "
               "(inode, size, times, ctime) are not read. What is interrupted leaves the archive as it was: the next --append writes over what was begun."},
    {.name = "timestamp", .section = Section::archives, .sets = &Options::timestamp, .takes = Takes::required, .argument = "TIME",
     .commands = kForExport, .help = "name the snapshot as of TIME (2026-03-12T101500, UTC)",
     .manual = "Gives the snapshot the name and time TIME, in UTC, instead of the time now. The same tree and the same TIME give the same archive, byte by byte."},
    {.name = "file", .section = Section::archives, .sets = &Options::file, .takes = Takes::required, .argument = "GLOB",
     .commands = kForInspect | kForRestore, .help = "snap restore: what; snap inspect: one path",
     .manual = "What fxcp snap restore restores: a pattern with a slash is for the whole path from the root of the snapshot (a leading slash may stand there), one without for "
               "the last name, wherever it is. * does not match a slash, ** does. A directory that matches comes with all that is in it. For fxcp snap inspect: the one "
               "path of which everything is said."},
    {.name = "latest", .section = Section::archives, .sets = &Options::latest, .commands = kForImport | kForInspect | kForRestore,
     .help = "the newest snapshot (default)", .manual = "Takes the newest snapshot of the archive, as without --date."},
    {.name = "date", .section = Section::archives, .sets = &Options::date, .takes = Takes::required, .argument = "DATE",
     .commands = kForImport | kForInspect | kForRestore, .help = "the newest snapshot of DATE (2026-03-12, ...T1015)",
     .manual = "Takes the newest snapshot whose name begins with DATE: 2026-03, 2026-03-12, 2026-03-12T10, 2026-03-12T101500."},
    {.name = "list", .section = Section::archives, .sets = &Options::list, .commands = kForInspect,
     .help = "snap inspect: name every entry of the snapshot", .manual = "Names every entry of the snapshot, one a line; with --verbose as ls -l does."},

    // ── snapshots ──
    {.name = "snapshot", .section = Section::snapshots, .sets = &Options::snapshot,
     .help = "keep DST as it is now before anything in it changes",
     .manual = "Before anything is changed, the whole tree of DST is kept as a snapshot in DST/.foxing_versions, under the time (UTC). Files share their blocks with DST where the filesystem "
               "can do that (XFS, btrfs); elsewhere what has not changed since the last snapshot becomes a link to it, and the rest is copied, which is said. What cannot be kept "
               "whole, for lack of room for instance, ends the run with exit status 2, and nothing is changed. Of an empty DST there is no snapshot. The directory is its owner's alone, "
               "and no run copies, compares or deletes it."},
    {.name = "older-than", .section = Section::snapshots, .sets = &Options::older_than, .takes = Takes::required, .argument = "AGE", .commands = kForPrune,
     .help = "snap prune: only what is older than AGE (30d, 12h, 2w)",
     .manual = "Removes only snapshots that are older: a number and s, m, h, d or w. What a --keep- option names stays, however old."},
    {.name = "keep-last", .section = Section::snapshots, .sets = &Options::keep_last, .takes = Takes::required, .argument = "N", .commands = kForPrune,
     .help = "snap prune: keep the newest N", .manual = "Keeps the newest N snapshots."},
    {.name = "keep-hourly", .section = Section::snapshots, .sets = &Options::keep_hourly, .takes = Takes::required, .argument = "N", .commands = kForPrune,
     .help = "snap prune: one for each of the last N hours", .manual = "Of each of the last N hours that have a snapshot the newest one stays. Hours, days, weeks (ISO 8601), months and years are those of UTC."},
    {.name = "keep-daily", .section = Section::snapshots, .sets = &Options::keep_daily, .takes = Takes::required, .argument = "N", .commands = kForPrune,
     .help = "snap prune: one for each of the last N days", .manual = "The same for days."},
    {.name = "keep-weekly", .section = Section::snapshots, .sets = &Options::keep_weekly, .takes = Takes::required, .argument = "N", .commands = kForPrune,
     .help = "snap prune: one for each of the last N weeks", .manual = "The same for weeks."},
    {.name = "keep-monthly", .section = Section::snapshots, .sets = &Options::keep_monthly, .takes = Takes::required, .argument = "N", .commands = kForPrune,
     .help = "snap prune: one for each of the last N months", .manual = "The same for months."},
    {.name = "keep-yearly", .section = Section::snapshots, .sets = &Options::keep_yearly, .takes = Takes::required, .argument = "N", .commands = kForPrune,
     .help = "snap prune: one for each of the last N years", .manual = "The same for years."},
    {.name = "keep-tag", .section = Section::snapshots, .sets = &Options::keep_tag, .takes = Takes::required, .argument = "PATTERN", .commands = kForPrune,
     .help = "snap prune: only tags like PATTERN protect",
     .manual = "Without it every tag protects its snapshot. With it only tags that match protect, * and ? as in a shell; it may be given several times."},
    {.name = "remove", .section = Section::snapshots, .sets = &Options::remove, .commands = kForTag, .help = "snap tag: take the tag away",
     .manual = "Takes the snapshot's tag away."},
    {.name = "content", .section = Section::snapshots, .sets = &Options::every_byte, .commands = kForDiff, .help = "snap diff: compare every byte as well",
     .manual = "Compares the bytes of all files. Without it files whose sizes and attributes are equal, times among them, count as equal."},

    // ── report ──
    {.letter = 'n', .name = "dry-run", .section = Section::report, .sets = &Options::dry_run, .commands = kForCopy | kForCleanup | kForPrune,
     .help = "write nothing; with -v, name what would be copied",
     .manual = "Writes nothing at all, neither files nor directories. Sources and destination are checked, what would be copied is counted, "
               "and with --verbose or --json=files every entry is named."},
    {.letter = 'v', .name = "verbose", .section = Section::report, .sets = Action::verbose, .commands = kForCopy | kForCleanup | kForVerify | (kForSnap & ~kForCheck & ~kForRepair) | kForPrune | kForDiff | kForSnapCopy,
     .help = "name every file; twice: with details", .manual = "Names every file that is copied. Given twice, also says how, as --explain does."},
    {.letter = 'q', .name = "quiet", .section = Section::report, .sets = &Options::quiet, .commands = kForCopy | kForCleanup | kForVerify | kForSnap | kForStore,
     .help = "only failures are shown", .manual = "Shows failures, and nothing else. Does not touch --json."},
    {.name = "progress", .negation = "no-progress", .section = Section::report, .sets = &Options::progress,
     .help = "show files, bytes, rate and remaining time",
     .manual = "Shows files and bytes done, the rate and the remaining time, five times a second. By default only on a terminal; "
               "--progress shows it elsewhere too, --no-progress never. With --json, --progress adds a line once a second."},
    {.letter = 'h', .name = "human-readable", .section = Section::report, .sets = Action::human_readable,
     .help = "sizes in units; twice: of 1024 in --list-only",
     .manual = "Shows sizes in units alone: in --stats as 1.5 GiB, in --list-only as rsync's 1.61G, and given twice as 1.50G (units of 1024). Without it "
               "--stats shows bytes and units, and --list-only bytes. What else is shown of sizes is in units anyhow. -h as the only argument is --help."},
    {.name = "no-human-readable", .alias = "no-h", .section = Section::report, .sets = Action::plain_numbers,
     .help = "sizes as digits alone", .manual = "Shows sizes in --stats and --list-only as digits alone, without separators and units."},
    {.letter = 'i', .name = "itemize-changes", .section = Section::report, .sets = Action::itemize,
     .help = "say for every change what changed; twice: what is equal too",
     .manual = "Prints a line for every change: eleven characters as rsync's, and the name below DST. The first: > copied, h hard link, c made "
               "here, . only attributes, * deleted. The second: f file, d directory, L symbolic link, D device, S fifo or socket. Then c data, s size, t modification time, "
               "p permissions, o owner, g group, u access time, a ACL, x extended attributes; + everywhere for what is new. Given twice, also names what is equal."},
    {.name = "out-format", .section = Section::report, .sets = &Options::out_format, .takes = Takes::required, .argument = "FORMAT",
     .help = "print a line of rsync's form about every change: \"%i %n%L\"",
     .manual = "Prints a line of this form about every change. %i is the eleven characters of -i, %n the name below DST, %f the path in SRC, %L \" -> text\" of a "
               "symbolic link or \" => name\" of a hard link, %l the size, %b the bytes read and written, %o send or del., %B the permissions, %M the modification "
               "time, %U and %G owner and group as numbers, %t the time now, %p the process, and %% a %. A width may stand before the letter (%10l; %-10n for the "
               "left), and before l and b up to three apostrophes: separators, units of 1000, of 1024. Without %i, changes of attributes alone are not "
               "told. What is not known of a deleted name is -."},
    {.name = "log-file", .section = Section::report, .sets = &Options::log_file, .takes = Takes::required, .argument = "FILE", .completes = Completes::files,
     .help = "append what happens to FILE",
     .manual = "Appends to FILE a line for every change, for every problem, and one with the sums at the end, each behind date, time and process. FILE is opened before "
               "anything is touched, and made where it is missing. Also a dry run is logged. When FILE takes no more, that is said once, the copy goes on, and the exit "
               "status is not 0."},
    {.name = "log-file-format", .section = Section::report, .sets = &Options::log_file_format, .takes = Takes::required, .argument = "FORMAT",
     .help = "the form of the log's lines (default: \"%i %n%L\")", .manual = "The form of the lines about changes in --log-file, as for --out-format."},
    {.name = "list-only", .section = Section::report, .sets = &Options::list_only,
     .help = "list what is in SRC instead of copying; DST may be missing",
     .manual = "Lists what is in SRC, chosen as for copying: permissions, size, modification time, name. Nothing is written, and DST, which may be left out, is not looked "
               "at. Without --recursive or --archive, a directory's names without what is below them. With --json, one JSON object each."},
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
    {.name = "help", .section = Section::other, .sets = Action::help, .commands = kEverywhere, .other_letters = "?",
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
    {.name = "snap export", .command = Command::snap_export, .operands = "TREE",
     .help = "write TREE, as it is now, as a snapshot in an archive",
     .manual = "Writes the directory TREE with all that it contains into an archive (FXAR, version 2): to the file that --output names, or to standard output. Content is cut where "
               "it says itself, and what is there already is not stored twice. All that --archive keeps is kept but the times of last access; of --exclude and its like all rules "
               "are taken. With --append the archive gets one more snapshot. A file that cannot be read, or changes each time it is read, is named and left out; the "
               "exit status is 1 then. snap is a verb only as the first argument, and may be written snapshot; a file of that name is copied as ./snap."},
    {.name = "snap import", .command = Command::snap_import, .operands = "[FILE] TARGET",
     .help = "restore a whole snapshot into TARGET",
     .manual = "Makes TARGET what the newest snapshot of the archive FILE says, or that of --date. Without FILE, or with -, the archive comes from standard input, also through a pipe: it is "
               "restored while it arrives; of several snapshots the first that is meant, which then becomes the newest. Every piece is checked by its BLAKE3 before it is written, and a file has its name when it is whole. What has a name that the "
               "snapshot has gives way; other names in TARGET stay. Nothing outside of TARGET is touched, whatever the archive says. Device files are made only with --devices."},
    {.name = "snap inspect", .command = Command::snap_inspect, .operands = "FILE",
     .help = "say what an archive has",
     .manual = "Says of an archive which snapshots it has, how much there is in them and how much of it is stored. With --list the entries of a snapshot, with --file all about one of them. With "
               "--json the same as lines of JSON."},
    {.name = "snap check", .command = Command::snap_check, .operands = "FILE",
     .help = "read an archive and say what is damaged",
     .manual = "Reads every record of an archive and checks it; names what is damaged, and the files that are hit by it. The exit status is 0 where nothing is, 1 where something is, and 2 "
               "where FILE is no archive or no snapshot of it can be read."},
    {.name = "snap restore", .command = Command::snap_restore, .operands = "FILE",
     .help = "restore what --file selects, below --output",
     .manual = "Restores what --file selects from the newest snapshot of the archive, or that of --date, below the directory that --output names, with the directories that lead to it. "
               "Only the index and the pieces that are needed are read."},
    {.name = "snap repair", .command = Command::snap_repair, .operands = "FILE",
     .help = "save what is whole of a damaged archive",
     .manual = "Looks for every record of an archive that is whole, wherever it lies and without needing an index, and writes what can be restored of it into a new archive, FILE.repaired "
               "or that of --output; FILE is only read. A file is saved where all of its content is whole, checked by BLAKE3; every other one is named, with the reason. Of names "
               "that are lost themselves it is said between which they lay. The exit status is 0 where nothing is lost, 1 where something is, and 2 where nothing could be saved."},
    {.name = "snap list", .command = Command::snap_list, .operands = "TARGET",
     .help = "the snapshots of TARGET, and what they need",
     .manual = "Lists the snapshots that --snapshot has made of TARGET: how many files, how long they are together, what the snapshot needs on disk beside the tree and all newer snapshots, what it "
               "shares with others, and how much of its size that saves. With --json, one JSON object each."},
    {.name = "snap stats", .command = Command::snap_stats, .operands = "TARGET",
     .help = "all snapshots of TARGET together", .manual = "Says how many snapshots TARGET has and what they need together. With --json, as one JSON object."},
    {.name = "snap tag", .command = Command::snap_tag, .operands = "TARGET EPOCH [TAG]",
     .help = "give a snapshot a tag, which protects it",
     .manual = "Gives a snapshot a name of its own, which may be used as EPOCH from then on, and which snap prune does not remove. A snapshot has one tag, and a tag one snapshot. With --remove, and "
               "without TAG, takes it away. EPOCH is everywhere the name of a snapshot, or so much of its beginning that only one is meant, or a tag, or latest."},
    {.name = "snap diff", .command = Command::snap_diff, .operands = "A B",
     .help = "compare snapshots (TARGET@EPOCH), or one with TARGET",
     .manual = "Says what is not the same in A and B, as fxcp verify does. Each is TARGET@EPOCH, a snapshot, or TARGET, the tree as it is now; a path below TARGET may stand for it."},
    {.name = "snap log", .command = Command::snap_log, .operands = "PATH",
     .help = "the snapshots in which PATH changed",
     .manual = "Says of PATH, which need not exist any more, in which snapshots it was there for the first time, had changed, or was gone. Of a directory only its own attributes are compared."},
    {.name = "snap revert", .command = Command::snap_revert, .operands = "PATH EPOCH",
     .help = "make PATH what it was, in one step",
     .manual = "Puts what PATH was in the snapshot in its place, a file or a directory with all that is in it: copied first, then exchanged in one step. What was there is gone then; "
               "other names of a hard link stay as they are."},
    {.name = "snap copy", .command = Command::snap_copy, .operands = "PATH EPOCH OUT",
     .help = "copy PATH, as it was, to OUT", .manual = "Copies what PATH was in the snapshot to OUT, as fxcp --archive --no-target-directory does."},
    {.name = "snap prune", .command = Command::snap_prune, .operands = "TARGET",
     .help = "remove snapshots by rules",
     .manual = "Removes the snapshots of TARGET that no --keep- option keeps, with --older-than only those that are that old, and then, with --max-size, the oldest until the rest is small enough. The "
               "newest always stays, and so does what has a tag. --dry-run says of each what would become of it, and why, and so does --verbose."},
    {.name = "snap rebuild-index", .command = Command::snap_rebuild_index, .operands = "TARGET",
     .help = "write index.json of the snapshots anew",
     .manual = "Writes TARGET/.foxing_versions/index.json anew, from what the snapshots say themselves. fxcp never reads it; it is for other programs."},
    {.name = "snap verify", .command = Command::snap_verify, .operands = "TARGET",
     .help = "is the store of TARGET as it should be?",
     .manual = "Counts the files of each snapshot and their sizes, and says where that is not what was kept, what cannot be used, and what does not belong into the store. Content is not compared: "
               "nothing says what it was."},
};
// clang-format on

// ── what always holds of the table ──

constexpr bool same(std::string_view a, std::string_view b) { return !a.empty() && a == b; }

constexpr bool share_a_name(const OptionRow& a, const OptionRow& b) {
  if ((a.commands & b.commands) == 0) return false;
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
    if ((row.argument == "FILE") != (row.completes == Completes::files)) return false;
    if ((row.argument == "DIR") != (row.completes == Completes::directories)) return false;
    if (!row.negation.empty() && (row.takes != Takes::nothing || std::holds_alternative<Action>(row.sets))) return false;
  }
  return true;
}
static_assert(rows_are_whole());

}  // namespace

std::span<const OptionRow> option_table() { return kOptions; }
std::vector<std::string> long_names(const OptionRow& row) {
  std::vector<std::string> names;
  for (const std::string_view name : {row.name, row.alias, row.negation})
    if (!name.empty()) names.push_back("--" + std::string(name));
  return names;
}
std::span<const Verb> verbs() { return kVerbs; }

std::string_view title(Section section) {
  switch (section) {
    case Section::selection: return "What is copied";
    case Section::filters: return "Choosing names";
    case Section::comparison: return "What counts as changed";
    case Section::deleting: return "What is deleted, and what is kept of it";
    case Section::attributes: return "What is kept (-a keeps it all; --no-... takes one out)";
    case Section::symlinks: return "Symbolic links";
    case Section::destination: return "Where to";
    case Section::method: return "How";
    case Section::streams: return "Streams (fxcp - DST), compression, block devices";
    case Section::archives: return "Archives (fxcp snap ...)";
    case Section::snapshots: return "Snapshots of DST (fxcp snap ...)";
    case Section::report: return "What is said";
    case Section::other: return "Other";
  }
  return "";
}

}  // namespace foxing::fxcp
