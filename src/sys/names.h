// SPDX-License-Identifier: GPL-2.0-or-later
// Names in directories: making, linking, renaming, removing, listing.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::sys {

Result<> make_directory_at(FdView directory, CString name, mode_t mode);
Result<> make_symlink_at(FdView directory, CString name, CString target);
/// Fifos, sockets and devices; `device` counts for devices only.  Source: mknod(2).
Result<> make_node_at(FdView directory, CString name, mode_t mode_and_type, dev_t device);

/// Another name for the file `old_name`.  A symbolic link is itself linked, not followed.
Result<> link_at(FdView old_directory, CString old_name, FdView directory, CString name);
/// A name for an open file, also for one that never had any (O_TMPFILE) or that was opened with O_PATH.
/// By AT_EMPTY_PATH (CAP_DAC_READ_SEARCH, or since Linux 6.10 the opener's own credentials), else through /proc/self/fd.
Result<> link_descriptor_at(FdView file, FdView directory, CString name);

enum class Replace { existing, nothing /* EEXIST */, exchange /* both must exist */ };
/// `nothing` and `exchange` are EINVAL where the filesystem lacks them.  Source: renameat2(2).
Result<> rename_at(FdView old_directory, CString old_name, FdView directory, CString name, Replace replace = Replace::existing);

Result<> unlink_at(FdView directory, CString name);
Result<> remove_directory_at(FdView directory, CString name);

/// The bytes of a symbolic link, of any length.  With an empty name: of the link that `directory` is open on (O_PATH).
Result<std::string> read_link_at(FdView directory, CString name);

/// A name in a directory, valid until the next one is asked for.
struct DirectoryEntry {
  const char* name;
  std::size_t length;
  InodeNo inode;   // of the directory entry: at a mount point that of the directory below the mount
  FileType type;   // FileType::unknown where the filesystem doesn't say
};

/// Reads a directory in pieces of `buffer` bytes; "." and ".." are left out.
/// Does not own the descriptor, whose position it moves.  Source: getdents64(2).
class DirectoryReader {
 public:
  explicit DirectoryReader(std::size_t buffer_size) : size_(buffer_size), buffer_(new char[buffer_size]) {}

  /// Reads the next piece.  False at the end.
  Result<bool> fill(FdView directory);
  /// The next entry of the piece; nothing at its end.
  std::optional<DirectoryEntry> next();

 private:
  std::size_t size_;
  std::unique_ptr<char[]> buffer_;
  std::size_t used_ = 0;
  std::size_t at_ = 0;
};

}  // namespace foxing::sys
