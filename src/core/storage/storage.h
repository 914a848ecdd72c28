// SPDX-License-Identifier: GPL-2.0-or-later
// What a path lies on: filesystem, mount, the layers below, the machine around.  The door of this folder.
//   from  a path or an open descriptor        to  QuickTraits (the copy engine, per device), Traits (`fxcp info`)
//
// How.   Two steps, because only the first is cheap enough for everyone:
//          quick_traits   one fstat and one fstatfs: what the planner needs, asked once per device
//          traits         mountinfo and sysfs besides: what a person wants to know
//        `traits` itself is `locate` (the running system is asked about the path) and then `describe` (files below a SystemRoot are read),
//        so that made-up trees of /proc and /sys can test everything that reads them.
// Holds. Nothing is written, nothing is probed.  What can't be learnt is empty, never a guess dressed as knowledge.
// Cost.  quick_traits 0.4 us, nesting 50 us, traits 0.1 to 0.4 ms (development machine, kernel 6.18, g++ 12 -O3, November 2026).
// Not here. Which tier is tried: core/copy's planner decides, these are its facts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "core/storage/block_stack.h"
#include "core/storage/filesystem.h"
#include "core/storage/mountinfo.h"
#include "core/storage/surroundings.h"
#include "core/storage/system_root.h"
#include "sys/fd.h"

namespace foxing::storage {

struct QuickTraits {
  Filesystem filesystem = Filesystem::other;
  std::uint32_t magic = 0;  // statfs f_type
  Nature nature = Nature::local;
  DeviceId device;  // st_dev: on btrfs one per subvolume
  Bytes block_size;  // unit of allocation
  Bytes total;
  Bytes free;  // for root
  Bytes available;  // for everyone else
  std::uint64_t free_inodes = 0;  // 0 also where the filesystem does not count them
  bool read_only = false;
  Support reflink = Support::perhaps;
  Support holes = Support::perhaps;  // `yes`: SEEK_HOLE finds them; else zeros have to be looked for
  Support nameless = Support::perhaps;  // O_TMPFILE
  TimeRange times;

  bool sizes_lie() const { return nature == Nature::kernel; }
};

/// Source: fstat(2), fstatfs(2).  Works with O_PATH descriptors.
Result<QuickTraits> quick_traits(sys::FdView file);

/// What two places have in common, as far as their quick traits tell.
struct QuickPair {
  bool same_device = false;
  Support reflink = Support::no;  // FICLONE from source to target
  Support kernel_copy = Support::no;  // copy_file_range that is more than a loop in the kernel, or is allowed at all
};
QuickPair quick_pair(const QuickTraits& source, const QuickTraits& target);

/// A path as the running system sees it.
struct Located {
  std::string asked;  // as the user wrote it
  std::string path;  // of what exists: absolute, links resolved; "" where no path of this process leads there
  std::string missing;  // names behind it that do not exist yet: "", "new", "new/deeper"
  bool directory = false;  // of what exists
  QuickTraits quick;
  FileKey key;
  std::optional<MountId> mount;
  std::vector<FileKey> ancestors;  // itself, its directory, ... up to the root
};

/// Where `path` leads, links followed.  Trailing names may be missing.  Errors: EACCES, ELOOP, ENOTDIR, ENOENT ("" and "missing/..").
Result<Located> locate(const std::string& path);

struct OverlayLayers {
  std::vector<std::string> lower;  // topmost first
  std::string upper;  // "" for a read-only overlay
  std::string work;
};

struct Traits {
  Located located;
  std::optional<Mount> mount;  // nothing where mountinfo can't be read or doesn't list it
  std::string type;  // mountinfo's word ("ext3", "fuse.sshfs"), else the kind's name
  std::string uuid;  // of the filesystem; "" where unknown
  Stack stack;
  std::optional<OverlayLayers> overlay;
  Surroundings surroundings;

  const QuickTraits& quick() const { return located.quick; }
};

/// Reads only below `root`.  `uuid`: the filesystem's, where the kernel told it; else it is looked for in sysfs and /dev/disk.
Traits describe(Located located, const SystemRoot& root, std::string uuid = {});

/// `locate`, then `describe`.
Result<Traits> traits(const std::string& path, const SystemRoot& root = SystemRoot());

/// What two places have in common, with everything known.
struct PairTraits {
  QuickPair quick;
  bool same_filesystem = false;  // one super block: also two subvolumes of one btrfs, or two bind mounts
  bool same_mount = false;
};
PairTraits pair_traits(const Traits& source, const Traits& target);

/// All mounts of this process; empty where mountinfo can't be read.
MountTable read_mounts(const SystemRoot& root);

// --- One place inside another -------------------------------------------------------------------------------------------

/// A place independent of where it is mounted: the super block, and the path from its root.
struct FilesystemPath {
  DeviceId device;
  std::string inner;  // absolute, missing names included
  friend bool operator==(const FilesystemPath&, const FilesystemPath&) = default;
};
/// Nothing where the mount is unknown or no path leads to it.
std::optional<FilesystemPath> filesystem_path(const Located& located, const MountTable& mounts);

enum class Nesting : std::uint8_t {
  apart,
  same,  // one inode, or one place: also by hard links, links, bind mounts
  inside,
  inside_other_device  // below a mount or a subvolume in it: a walk that stays on one filesystem does not come there
};

/// How `child` lies to `maybe_parent`, whichever names, links, bind mounts or mounts on the way lead there.
/// `inside`: a walk through `maybe_parent` would meet `child`.
Nesting nesting(const Located& child, const Located& maybe_parent, const MountTable& mounts);

/// `nesting` for the running system.  Either may be missing in its last names; both are then compared where they would be.
Result<Nesting> nesting(const std::string& child, const std::string& maybe_parent);
/// True where `child` lies below `maybe_parent`; two names of one directory are not inside each other.
Result<bool> lies_inside(const std::string& child, const std::string& maybe_parent);

}  // namespace foxing::storage
