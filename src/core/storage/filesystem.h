// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of a kind of filesystem before anything was tried on it.
//   from  statfs's magic number, or mountinfo's type name        to  QuickTraits, the planner's first guess
// Why.   A guess saves a system call per file; it never decides: a tier that is refused declines, whatever this table says.
// Holds. `yes` and `no` are true of every version since Linux 6.1; whatever depends on how it was made, mounted or served is `perhaps`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace foxing::storage {

enum class Filesystem : std::uint8_t {
  xfs,
  btrfs,
  ext4 /* ext2 and ext3 too */,
  tmpfs,
  ramfs,
  f2fs,
  zfs,
  bcachefs,
  overlay,
  ecryptfs,
  nfs,
  cifs,
  ceph,
  ninep,
  fuse,
  fat,
  exfat,
  ntfs,
  hfsplus,
  udf,
  gfs2,
  ocfs2,
  jfs,
  nilfs2,
  ubifs,
  squashfs,
  erofs,
  iso9660,
  proc,
  sysfs,
  pseudo,
  other
};

enum class Support : std::uint8_t { no, perhaps, yes };

/// Where the bytes are.  `stacked`: on the filesystem below; `kernel`: nowhere, and sizes there mean nothing.
enum class Nature : std::uint8_t { local, memory, stacked, network, user_space, kernel };

/// Times that come back as they were set, on every variant of the filesystem.  Outside, or where `step` is unknown, one has to read back.
struct TimeRange {
  std::int64_t earliest_s = 0;  // since 1970
  std::int64_t latest_s = 0;
  std::optional<std::chrono::nanoseconds> step;
  constexpr bool surely_keeps(std::int64_t seconds, std::int64_t nanoseconds) const {
    return step && seconds >= earliest_s && seconds <= latest_s &&
           (seconds % 60 * 1'000'000'000 + nanoseconds) % step->count() == 0;
  }
};

struct FilesystemFacts {
  Filesystem filesystem = Filesystem::other;
  std::uint32_t magic = 0;  // statfs f_type; 0 in the row for unknown ones
  std::string_view name = "other";
  Nature nature = Nature::local;
  Support reflink = Support::perhaps;  // FICLONE inside one filesystem
  Support holes = Support::perhaps;  // SEEK_HOLE tells where the holes are, rather than only where the file ends
  Support nameless = Support::perhaps;  // O_TMPFILE followed by linkat
  TimeRange times;
};

/// By statfs's f_type.  An unknown number gives Filesystem::other, of which everything is `perhaps`.
const FilesystemFacts& facts_by_magic(std::uint32_t magic);

/// By the type in mountinfo: "ext3" is ext4, "nfs4" is nfs, "fuse.sshfs" and "fuseblk" are fuse.
const FilesystemFacts& facts_by_name(std::string_view type);

const FilesystemFacts& facts_of(Filesystem filesystem);

std::string_view name_of(Filesystem filesystem);
/// Its inodes are this machine's: what a process makes belongs to it, and ctime is by this machine's clock.  Not so on a network, in FUSE, on FAT.
bool is_native(Filesystem filesystem);
std::string_view name_of(Support support);
std::string_view name_of(Nature nature);

}  // namespace foxing::storage
