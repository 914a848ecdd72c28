// SPDX-License-Identifier: GPL-2.0-or-later
// Owner, mode, times and extended attributes, through descriptors only.
// An O_PATH descriptor (symbolic links, fifos, sockets, devices: things that must not be opened) works everywhere here; fchmod and the f*xattr calls
// refuse it, so those go through its entry in /proc/self/fd, which names the inode and not a path.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace foxing::sys {

/// How the descriptor was opened.
enum class Handle { file, path };

struct Object {
  FdView fd;
  Handle handle = Handle::file;
};

inline constexpr uid_t kKeepOwner = static_cast<uid_t>(-1);
inline constexpr gid_t kKeepGroup = static_cast<gid_t>(-1);

/// Clears setuid, setgid and file capabilities, as the kernel does: so owners come first.  Source: fchownat(2), AT_EMPTY_PATH.
Result<> set_owner(Object object, uid_t owner, gid_t group);
/// The 12 mode bits.  EOPNOTSUPP for symbolic links, which have none.  Source: fchmod(2).
Result<> set_mode(Object object, mode_t mode);
/// Source: utimensat(2); by descriptor since Linux 2.6.22, with AT_EMPTY_PATH since 5.8.
Result<> set_times(Object object, const timespec& accessed, const timespec& modified);

/// True where new files in this directory inherit a project id.  False where the filesystem has none.  Source: ioctl_xfs_fsgetxattr(2), FS_XFLAG_PROJINHERIT.
bool inherits_project(FdView directory);

/// All names, each once, in the kernel's order.  EOPNOTSUPP is an empty list.  Source: listxattr(2).
Result<std::vector<std::string>> list_attributes(Object object);
/// As above for one name below `directory`, a link itself; nothing is opened.  Source: listxattrat(2), Linux 6.13; before that through /proc/self/fd.
Result<std::vector<std::string>> list_attributes_at(FdView directory, CString name);
/// Replaces `value`.  ENODATA where there is none.  Source: getxattr(2).
Result<> get_attribute(Object object, CString name, std::string& value);
Result<> set_attribute(Object object, CString name, const std::string& value);
Result<> remove_attribute(Object object, CString name);

/// The inode's generation, which changes when its number is given to another file; 0 where the filesystem doesn't tell.
/// Not for O_PATH descriptors (EBADF).  Source: <linux/fs.h>, FS_IOC_GETVERSION.
Result<std::uint32_t> generation_of(FdView file);

}  // namespace foxing::sys
