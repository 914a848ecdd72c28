// SPDX-License-Identifier: GPL-2.0-or-later
// Signatures on target files and directories: as extended attributes, or beside them where the filesystem has none.
//   from  the copier, when a file is whole (write), and comparing (read)        to  user.foxing.{sig,merkle,dir_hash} or .foxing_meta
//
// How.   Attributes are tried; EOPNOTSUPP sends the rest of the directory to its sidecar.  Leaves that do not fit are folded and tried again: no limit of a
//        filesystem is known here.
// Holds. What read() answers holds for the file as `status` shows it, but for what docs/formats/signature.md says remains unseen.  What is
//        ignored is counted.  Thread-safe.
// When.  write() is the last thing that happens to a file: a rename, a link, a chmod or a utimensat after it moves ctime, and the signature is stale.
// Cost.  Two or three calls a file to write, one to read.  On ext4 with inodes of 256 bytes the attribute takes a block of its own.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "core/signature/dir_hash.h"
#include "core/signature/merkle.h"
#include "core/signature/record.h"
#include "core/signature/sidecar.h"
#include "sys/attributes.h"

namespace foxing::signature {

inline constexpr const char* kSigAttribute = "user.foxing.sig";
inline constexpr const char* kMerkleAttribute = "user.foxing.merkle";
inline constexpr const char* kDirHashAttribute = "user.foxing.dir_hash";

/// A target: where it lies, and the thing itself.
struct Place {
  sys::FdView directory;
  Sidecar& sidecar;  // the directory's
  const std::string& name;
  sys::Object target;  // with Handle::path the generation is neither recorded nor compared: ctime makes up for it
};

/// What became of a signature.
enum class Written : std::uint8_t {
  attribute,
  sidecar,  // in memory until Sidecar::save()
  written_late,  // ctime is not in the window, also the second time, so nobody will believe it: the clock of the filesystem differs, or the writer slept
  changed,  // the target does not have the size that was hashed
  no_room,  // ENOSPC, EDQUOT, E2BIG, ERANGE
  refused,  // EACCES, EPERM, EROFS: a file that its owner may not write, for one
  count
};

struct WriteAnswer {
  Written written = Written::attribute;
  std::uint32_t leaves = 0;  // stored; 0 where the root says it all, or where no two had room
};

class Store {
 public:
  /// CLOCK_REALTIME in ns; tests have their own.
  using Clock = std::int64_t (*)();
  explicit Store(Clock clock = &now_ns) : clock_(clock) {}

  /// What is known of a target that `status` shows.
  Found<FileSignature> read(const Place& place, const sys::FileStatus& status);
  /// The same, and what is ignored is not counted: where the same file has been asked about before.
  Found<FileSignature> peek(const Place& place, const sys::FileStatus& status) const;
  /// The leaves that belong to what read() answered.
  Found<Leaves> read_leaves(const Place& place, const FileSignature& signature);
  /// `fresh`: the target is new, so nothing old has to be removed.
  struct WriteOptions {
    bool fresh = false;
  };
  Result<WriteAnswer> write(const Place& place, const Content& content, const SourceState& source, WriteOptions options);
  /// After something innocent has moved the target's ctime (a chmod of ours, another link): `signature`, as read() answered before, holds for the target as
  /// it is now, and for this version of the source.  Attributes only: a sidecar's record becomes stale.
  Result<> renew(sys::Object target, FileSignature signature, const SourceState& source);
  /// Takes away everything of ours; nothing to take away is fine.
  Result<> remove(const Place& place);

  /// Of a directory: `sidecar` is its own, not its parent's.
  Found<DirSignature> read_directory(sys::FdView directory, Sidecar& sidecar);
  Result<Written> write_directory(sys::FdView directory, Sidecar& sidecar, const DirSignature& signature);

  /// True where there was one, and it is gone.
  Result<bool> forget_directory(sys::FdView directory, Sidecar& sidecar);

  std::uint64_t ignored(Ignored why) const { return ignored_[static_cast<std::size_t>(why)].load(std::memory_order_relaxed); }
  std::uint64_t written(Written what) const { return written_[static_cast<std::size_t>(what)].load(std::memory_order_relaxed); }

  /// The same of directories.
  std::uint64_t hashes(Written what) const { return hashes_[static_cast<std::size_t>(what)].load(std::memory_order_relaxed); }

  static std::int64_t now_ns();

 private:
  Result<WriteAnswer> write_attributes(const Place& place, FileSignature signature, Leaves leaves, WriteOptions options) const;
  Result<WriteAnswer> count(Result<WriteAnswer> answer);

  const Clock clock_;
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Ignored::count)> ignored_{};
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Written::count)> written_{};
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Written::count)> hashes_{};
};

}  // namespace foxing::signature
