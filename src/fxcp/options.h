// SPDX-License-Identifier: GPL-2.0-or-later
// What the user asked for: the command line as plain data.
//   from  main          argc, argv            to  run.cc   Options, or the Error that main prints before it exits with 2
// Holds. Nothing here looks at a filesystem: what is refused for what lies on disk (a missing source, a target inside its
//        source) is refused by run.cc.  Names are bytes and stay as they were given.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "core/codec/codec.h"

namespace foxing::fxcp {

enum class Command {
  copy,
  info,
  verify,
  cleanup,
  snap_export,
  snap_import,
  snap_inspect,
  snap_check,
  snap_restore,
  snap_repair,
  snap_list,
  snap_stats,
  snap_tag,
  snap_diff,
  snap_log,
  snap_revert,
  snap_copy,
  snap_prune,
  snap_rebuild_index,
  snap_verify,
  help,
  version
};
enum class When { automatic, always, never };
/// What `verify` makes of the content of files: every byte; nothing but the size; every byte and the map of holes.
enum class CompareContent { hash, size, extent };

/// Symbolic links met inside a tree.  Kept where `preserve.links`, else left out.
enum class Symlinks {
  keep,
  follow,             // -L: what they point to is copied
  follow_directories  // -k: those that point to a directory are copied as that directory
};

/// --munge-links: symbolic links are made unusable in the target, or usable again.
enum class Munging { no, munge, undo };

/// When what the source has not is deleted from the target.
enum class Delete {
  no,
  during,  // directory by directory, as they are done
  before,  // in a pass of its own
  after
};

/// One rule option, in the order of the command line.
enum class RuleKind { exclude, include, rule, exclude_from, include_from, per_directory, cvs, gitignore, from0 };
struct RuleOption {
  RuleKind kind;
  std::string text;  // a pattern, a rule, a file
  friend bool operator==(const RuleOption&, const RuleOption&) = default;
};

/// What of a file, beside its content, the target gets.
struct Preserve {
  bool perms = false;
  bool owner = false;
  bool group = false;
  bool times = false;
  bool xattrs = false;
  bool acls = false;        // never without perms
  bool hard_links = false;
  bool devices = false;
  bool specials = false;    // fifos and sockets
  bool links = false;
  friend bool operator==(const Preserve&, const Preserve&) = default;
};

struct Options {
  Command command = Command::copy;

  // copy: the sources as given, and either `destination` or `target_directory`.
  std::vector<std::string> sources;
  std::string destination;
  std::optional<std::string> target_directory;
  bool no_target_directory = false;
  // info, cleanup; verify: A and B; snap
  std::vector<std::string> paths;
  CompareContent content = CompareContent::hash;  // verify
  std::vector<std::string> shown;  // verify: how A and B are called, where that is not their paths

  bool archive = false;
  bool recursive = false;          // true with archive
  bool one_file_system = false;
  Preserve preserve;
  Symlinks symlinks = Symlinks::keep;
  bool safe_links = false;         // links that lead out of the tree are left out
  bool copy_unsafe_links = false;  // what they point to is copied
  Munging munge_links = Munging::no;
  bool follow_arguments = false;   // a SRC that is a symbolic link means what it points to
  bool keep_dirlinks = false;      // a symbolic link to a directory in the target serves as that directory

  // what is walked at all
  std::vector<RuleOption> rules;
  std::optional<std::string> files_from;
  bool explicitly_recursive = false;  // -r itself, not by -a: what --files-from goes below
  bool delete_excluded = false;
  std::optional<std::int64_t> max_depth;
  bool relative = false;           // each SRC keeps the directories it was written with
  bool implied_dirs = true;
  bool prune_empty_dirs = false;

  // what counts as changed
  bool checksum = false;
  bool size_only = false;
  bool ignore_times = false;
  bool trust_times = false;
  bool update = false;
  bool existing = false;
  bool ignore_existing = false;
  std::optional<std::int64_t> modify_window;
  std::optional<Bytes> max_size;
  std::optional<Bytes> min_size;

  // large files that have changed
  bool in_place = false;
  bool whole_file = false;
  std::optional<Bytes> delta_min_size;
  std::vector<std::string> link_dest;
  std::vector<std::string> copy_dest;
  std::vector<std::string> compare_dest;
  bool generate_sigs = false;      // signatures on every file, hashes on every directory
  bool prune = true;               // what has such a hash as before is not looked at
  bool detect_renames = false;
  bool verify = false;             // after copying
  bool mkpath = false;
  bool link = false;               // names of the source's files instead of copies
  bool attributes_only = false;

  // where data lies while a copy is under way, and what becomes of SRC
  bool partial = false;
  std::optional<std::string> partial_dir;
  std::optional<std::string> temp_dir;
  bool append_verify = false;
  bool remove_source_files = false;
  /// The name of the directories of partial files; empty where there are none, or where all lie in one place (--partial-dir=/DIR).
  std::string partial_name() const;

  // owners and modes of the copies
  std::vector<std::string> chmod;
  std::optional<std::string> chown;
  std::optional<std::string> usermap;
  std::optional<std::string> groupmap;
  bool numeric_ids = false;  // always so between two trees of one machine

  // pace; parsed where it is used
  std::optional<std::string> bwlimit;
  bool throttle = false;
  std::optional<std::string> stop_after;
  std::optional<std::string> stop_at;
  std::optional<std::string> nice;
  std::optional<std::string> ionice;

  // what is deleted, and what is kept of it
  Delete deletion = Delete::no;
  std::optional<std::uint64_t> max_delete;
  std::optional<unsigned> max_delete_percent;
  bool ignore_errors = false;
  bool delete_anyway = false;
  bool backup = false;
  std::optional<std::string> backup_dir;
  std::optional<std::string> suffix;
  std::optional<std::string> trash;

  When reflink = When::automatic;
  When sparse = When::automatic;
  unsigned jobs = 0;  // 0: the program chooses
  bool atomic = true;
  bool fsync = false;
  bool dry_run = false;

  unsigned verbose = 0;  // how often -v was given
  bool quiet = false;
  bool json = false;
  bool json_files = false;  // an event for every file; only with json
  When progress = When::automatic;  // automatic: on a terminal
  bool stats = false;
  bool explain = false;
  unsigned itemize = 0;  // twice: what is equal too
  unsigned human_readable = 1;  // rsync's levels, 0 (digits) to 3: rsync_number in rsync_forms.h
  std::optional<std::string> out_format;  // line_format.h
  std::optional<std::string> log_file;
  std::optional<std::string> log_file_format;
  bool list_only = false;  // then `destination` may be empty, and is not looked at

  // Streams, compression, devices: stream.h.
  std::optional<Bytes> size;  // what is announced
  double checkpoint_interval_s = 0;  // 0: no checkpoints
  unsigned checkpoint_keep = 3;
  std::optional<codec::Codec> compress;
  bool decompress = false;
  bool copy_devices = false;
  bool write_devices = false;

  // snap: archives.  Of copying they take the rules, `devices`, `compress`, `max_size`, `jobs`, `one_file_system`, and what is said.
  std::optional<std::string> output;  // export: the archive; restore: the directory
  bool append = false;
  std::optional<std::string> timestamp;  // export; checked
  bool list = false;
  std::optional<std::string> file;  // inspect: a path; restore: a pattern
  bool latest = false;
  std::optional<std::string> date;  // the beginning of a snapshot's name

  // snap: the store of a target.  Of copying they take `dry_run`, `max_size`, and what is said.
  bool snapshot = false;  // copy: the target is kept before it is changed
  bool remove = false;  // tag
  bool every_byte = false;  // diff
  std::optional<std::string> older_than;
  std::optional<std::int64_t> keep_last, keep_hourly, keep_daily, keep_weekly, keep_monthly, keep_yearly;  // from 1
  std::vector<std::string> keep_tag;

  std::string decisive;  // the options given that decide what the target is to be: a line each

  bool from_standard_input() const { return sources.size() == 1 && sources.front() == "-"; }
  /// One SRC that is read from its beginning to its end, once, or written to a device: run_stream does it.  In trees --copy-devices is the copier's.
  bool is_stream() const {
    return command == Command::copy && (from_standard_input() || write_devices || (copy_devices && !recursive));
  }
};

inline constexpr unsigned kMostJobs = 256;
inline constexpr unsigned kMostHumanReadable = 3;
inline constexpr unsigned kMostCheckpoints = 1000;

/// Reads the command line.  `argv` is neither changed nor kept.  Not for several threads at once (getopt has globals).
/// Errors: code 0, the whole sentence in `detail`: unknown option (with the nearest known one), abbreviated name, missing or
/// unwanted argument, bad value (with the good ones), contradiction, missing operand.  Words of the user stand in it as they
/// were given: who prints it makes them printable.
Result<Options> parse_options(int argc, char** argv);

}  // namespace foxing::fxcp
