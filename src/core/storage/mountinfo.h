// SPDX-License-Identifier: GPL-2.0-or-later
// /proc/self/mountinfo as a table.
//   from  the text of mountinfo        to  Mount: which part of which filesystem is seen where
// Why.   st_dev alone misleads: btrfs answers another number than its super block has, and a bind mount shows a part of a filesystem
//        under a path that says nothing about it.
// Holds. A line that can't be read is left out and counted; the others stand.  Names are bytes, with the kernel's octal escapes undone.
// Source: proc_pid_mountinfo(5).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/strong.h"

namespace foxing::storage {

/// statx's and fdinfo's number of a mount; valid while it is mounted.
using MountId = Strong<struct MountIdTag, int>;

struct Mount {
  MountId id;
  MountId parent;
  DeviceId device;  // of the super block; on btrfs not what stat says
  std::string root;  // what of the filesystem is seen here: "/" or, for a bind mount or a subvolume, a path in it
  std::string point;  // where, from this process's root
  std::vector<std::string> options;  // of the mount: "rw", "noatime"
  std::vector<std::string> propagation;  // the optional fields: "shared:1", "master:2"
  std::string type;  // "xfs", "fuse.sshfs"
  std::string source;  // "/dev/vda1", "server:/export", "none"
  std::vector<std::string> super_options;  // of the filesystem: "subvol=/@home", "upperdir=/a"

  bool read_only() const;
  /// The value of "name=value" among the filesystem's options, the first where there are several.
  std::optional<std::string_view> super_option(std::string_view name) const;
};

struct MountTable {
  std::vector<Mount> mounts;  // in the kernel's order
  std::size_t unreadable = 0;  // lines left out

  const Mount* find(MountId id) const;
  /// True where a later mount lies on the very same point, so that no path leads into `mount` any more.
  bool covered(const Mount& mount) const;
};

MountTable parse_mountinfo(std::string_view text);

/// One line without its newline; nothing where it is not one of mountinfo.
std::optional<Mount> parse_mount(std::string_view line);

/// Undoes the kernel's \ooo (space, tab, newline, backslash, and '#' or ',' from some filesystems).  What is no such escape stays as it is.
std::string unescape(std::string_view text);

/// True where `path` is `folder` or lies below it.  Both absolute, without "..", "//" or a slash at the end ("/" itself excepted).
bool is_within(std::string_view path, std::string_view folder);

}  // namespace foxing::storage
