// SPDX-License-Identifier: GPL-2.0-or-later
// What became of the files: tiers and attempts, problems, counters, and who is told.
//   from  the copier, on several workers at once        to  an Observer: the program's report
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/strong.h"
#include "core/copy/changes.h"
#include "core/meta/meta.h"
#include "sys/status.h"

namespace foxing::copy {

/// The ways to move a file's content.  The ids in the names' comments are those of the documents.
enum class Tier : std::uint8_t {
  clone,       // 1    FICLONE: the blocks are shared
  copy_range,  // 1.5  copy_file_range: inside the kernel, on NFS inside the server
  send,        // 2    sendfile: files without holes
  ring,        // 3    io_uring: several reads and writes in flight; files with holes
  plain,       //      as `ring`, one at a time: where there is no io_uring
  delta,       //      only what differs from the target's old version (delta.h); never in a plan
  codec,       //      compressed or decompressed on the way (packing.h); never in a plan
};
inline constexpr std::size_t kTiers = 7;
const char* name_of(Tier tier);

/// One tier's answer for one file.  `code` is 0 where it did the work.
struct Attempt {
  Tier tier;
  int code;
};

/// What happened to one entry; told only to observers that want every file.
struct FileEvent {
  enum class Action : std::uint8_t {
    copied,
    linked,
    renamed,  // the target had it under another name, `from`
    symlink,
    special,
    directory,
    attributes,  // the data was equal; only what `changes` names was set
    unchanged,   // only for observers that want_unchanged()
    deleted,     // from the target; the path is the target's
    removed      // by cleanup
  } action;
  std::string path;      // in the source; of what is deleted in the target
  std::string below = {};  // the same, below the root of the tree
  std::string from = {};   // for `renamed`: below the root of the target
  sys::FileType type = sys::FileType::unknown;
  Bytes size = {};
  Changes changes = {};  // not for `linked`, `deleted`, `removed`
  Tier tier = Tier::send;         // for `copied`
  std::vector<Attempt> attempts;   // for `copied`: in the order tried
  std::string_view why;            // for `copied`: the planner's reason for the first tier
  sys::FileStatus status = {};     // of the source; not for `deleted`, `removed`
  Bytes moved = {};                // for `copied`: read and written
  std::string link =
      {};  // the text of a symbolic link; for `linked`: the name, below the target's root, of what it was linked to
};

enum class ProblemKind : std::uint8_t {
  failed,              // a call failed: the entry is not in the target
  unreadable,          // a directory could not be opened or read: its subtree is missing
  changed_while_read,  // the source changed on every attempt
  in_the_way,          // something in the target that is not ours to remove
  no_space,            // ENOSPC, EDQUOT
  device,
  symlink,
  special,  // an object that the target cannot hold
  hard_link,           // the names are equal files there, but not one file
  owner,
  mode,
  xattr,
  acl,
  capability,
  time,  // the object is there, this attribute is not as it should be
  differs,             // --verify: it was copied, and is not the same
  not_deleted,         // an extra name of the target stays: its source could not be read whole
  left_out,            // not asked for (a device without -D, a directory without -r)
  vanished,            // it was gone when its turn came
  count
};
inline constexpr std::size_t kProblemKinds = static_cast<std::size_t>(ProblemKind::count);
/// "changed_while_read": the name in --json.
const char* name_of(ProblemKind kind);
ProblemKind kind_of(meta::Loss loss);
/// True for kinds that say that an object is there but not wholly as in the source: the terminal gets a line for each kind.
bool is_loss(ProblemKind kind);

struct Problem {
  ProblemKind kind;
  bool failure;  // counts for the exit code; a note does not
  Error error;   // its subject is the path in the source, or in the target where the operation is about that
};

/// What a run did; one set a worker, added up when asked for.
struct Counters {
  std::atomic<std::uint64_t> entries{0};      // visited, of all types
  std::atomic<std::uint64_t> files{0};        // regular files whose content is in place
  std::atomic<std::uint64_t> directories{0};
  std::atomic<std::uint64_t> symlinks{0};
  std::atomic<std::uint64_t> specials{0};
  std::atomic<std::uint64_t> hard_links{0};   // names that became links instead of copies
  std::atomic<std::uint64_t> bytes{0};        // sizes of the files in `files`
  std::atomic<std::uint64_t> bytes_moved{0};  // read and written, as against shared or left as holes
  std::atomic<std::uint64_t> bytes_so_far{0}; // as `bytes`, but large files count while they are on their way: for progress
  std::atomic<std::uint64_t> unchanged{0};    // were equal already
  std::atomic<std::uint64_t> updated{0};      // got new attributes only
  std::atomic<std::uint64_t> pruned{0};       // directories that were left alone with all below: their hash was as before
  std::atomic<std::uint64_t> renamed{0};      // files that got their data from another name in the target
  std::atomic<std::uint64_t> skipped{0};      // left alone because an option says so
  std::atomic<std::uint64_t> deleted{0};      // names removed from the target
  std::atomic<std::uint64_t> sources_removed{0};  // --remove-source-files
  std::atomic<std::uint64_t> delta_files{0};   // of `files`: those of which only the changed parts were written
  std::atomic<std::uint64_t> delta_spared{0};  // bytes of those that were not written
  std::atomic<std::uint64_t> packed_files{0};  // of `files`: those that were compressed or decompressed
  std::atomic<std::uint64_t> packed_read{0};   // their bytes in the source
  std::atomic<std::uint64_t> packed_made{0};   // and in the target
  std::atomic<std::uint64_t> signed_files{0};        // that got a signature, or another one
  std::atomic<std::uint64_t> hashed_directories{0};  // whose hash was stored, for later runs to prune by
  std::atomic<std::uint64_t> signatures_ignored{0};  // that were there and did not hold: stale, damaged, of another version
  std::atomic<std::uint64_t> retries{0};      // files read again because they changed
  std::atomic<std::uint64_t> litter{0};       // temporary files of dead runs removed
  std::array<std::atomic<std::uint64_t>, kTiers> by_tier{};
  std::array<std::atomic<std::uint64_t>, kTiers> declined_by_tier{};
};

/// Who is told.  All calls may come from several workers at once.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void problem(Problem problem) = 0;
  virtual bool wants_files() const { return false; }
  /// Also what was equal already.
  virtual bool wants_unchanged() const { return false; }
  virtual void file(const FileEvent&) {}
};

}  // namespace foxing::copy
