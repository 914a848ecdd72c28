// SPDX-License-Identifier: GPL-2.0-or-later
// Files by descriptor: opening, reading, writing, sharing, making durable.
// Every call is relative to a directory descriptor.  EINTR is handled here; short transfers end here in the *_all functions.
// Thread-safe as the kernel's own calls are.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>

#include "base/result.h"
#include "base/strong.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::sys {

enum class Access { read, write, read_write, path /* O_PATH: to look at, not to read */ };

struct OpenOptions {
  Access access = Access::read;
  Links links = Links::keep;    // keep: a symbolic link as the last component is ELOOP (with `path`: the link itself)
  bool directory = false;       // anything else is ENOTDIR
  bool keep_atime = false;      // O_NOATIME; where that is not allowed the file is opened without
};

/// Opens one name below `directory`.  Never waits for a fifo's other end and never becomes a controlling terminal's owner
/// (O_NONBLOCK, O_NOCTTY).  Source: open(2).
Result<UniqueFd> open_at(FdView directory, CString name, OpenOptions options = {});

/// Opens a regular file that somebody holds a lease on (Samba, nfsd): `open_at` answers EAGAIN, this waits until the lease is given up
/// (at most /proc/sys/fs/lease-break-time).  ENXIO where it is not a regular file: nothing else is waited for.
Result<UniqueFd> open_leased(FdView directory, CString name, Links links);

/// Opens the same file once more, for writing, with a position of its own; also one that has no name.  Through /proc/self/fd.
Result<UniqueFd> reopen_for_writing(FdView file);
Result<> set_position(FdView file, FileOffset at);

/// Takes O_NONBLOCK off again, once it is known that this is a regular file: io_uring takes it for a wish on some kernels.
void make_blocking(FdView file);

/// Another descriptor of the same open file.
Result<UniqueFd> duplicate(FdView file);

/// Opens a path of several components that must stay below `directory`: no symbolic link, no magic link, no "..".
/// openat2(2) (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, Linux 5.6); where a kernel or a sandbox has
/// none, and for paths longer than PATH_MAX, one component at a time.  ELOOP or EXDEV: the path tried to leave.
Result<UniqueFd> open_beneath(FdView directory, CString path, OpenOptions options = {});

/// Creates `name`, which must not exist (EEXIST), for writing.
Result<UniqueFd> create_at(FdView directory, CString name, mode_t mode);

/// Opens `name` for writing at its end, made where it is missing; links are followed, and a fifo's reader is waited for.
Result<UniqueFd> open_to_append(FdView directory, CString name, mode_t mode);

/// A file without a name on the filesystem of `directory`.  EOPNOTSUPP, EISDIR, ENOENT: this filesystem or kernel has none.
/// Source: open(2), O_TMPFILE.
Result<UniqueFd> create_nameless(FdView directory, mode_t mode);

/// Closes a file that was written: NFS and FUSE report a full disk only here.
Result<> close_written(UniqueFd file);

/// Up to `into.size()` bytes; 0 at the end.
Result<std::size_t> read_some(FdView file, std::span<std::byte> into);
Result<std::size_t> read_some_at(FdView file, std::span<std::byte> into, FileOffset at);
/// Reads until `into` is full or the file ends; the bytes read.
Result<std::size_t> read_all_at(FdView file, std::span<std::byte> into, FileOffset at);
Result<> write_all(FdView file, std::span<const std::byte> from);
Result<> write_all_at(FdView file, std::span<const std::byte> from, FileOffset at);

/// Is the whole of a file of this size in the page cache?  Where the kernel doesn't tell (before 6.5, or of a file of somebody else): true.
/// Source: cachestat(2).  It starts no reading, which preadv2(RWF_NOWAIT) does.
bool is_cached(FdView file, Bytes size);

/// The next data at or after `at`; nothing where only a hole follows.  Source: lseek(2), SEEK_DATA.
Result<std::optional<FileOffset>> seek_data(FdView file, FileOffset at);
/// The next hole at or after `at`, the end of the file counting as one.  Source: lseek(2), SEEK_HOLE.
Result<FileOffset> seek_hole(FdView file, FileOffset at);

Result<> truncate(FdView file, Bytes size);
/// Reserves blocks without changing the size.  EOPNOTSUPP where the filesystem can't.  Source: fallocate(2), FALLOC_FL_KEEP_SIZE.
Result<> preallocate(FdView file, ByteRange range);
/// Makes `range` read as zeros and gives back the blocks that lie wholly in it; the size stays; of a block device too, where that
/// can be done without writing.  EOPNOTSUPP and EINVAL: this way declines.
/// A range up to the end of the file has to reach the end of its last block, else XFS keeps that block.  Source: fallocate(2), FALLOC_FL_PUNCH_HOLE.
Result<> punch_hole(FdView file, ByteRange range);

/// Makes `target` share all blocks of `source`.  EOPNOTSUPP, EXDEV, EINVAL, ETXTBSY, EAGAIN, ENOTTY, ENOSYS mean that this way declines;
/// ENOSPC, EDQUOT and EIO are real.  Source: ioctl_ficlone(2).
Result<> clone(FdView source, FdView target);

/// Copies up to `length` bytes inside the kernel, from and to explicit offsets; 0 at the end of the source.
/// EXDEV, EINVAL, EOPNOTSUPP, ENOSYS, EPERM, ETXTBSY, EBADF mean that this way declines.  Called directly rather than through the C library, whose
/// wrapper truncated lengths in glibc 2.41.  Source: copy_file_range(2).
Result<std::size_t> copy_range(FdView source, FileOffset from, FdView target, FileOffset to, std::size_t length);

/// Sends up to `length` bytes from `source` at `from` to the position of `target`; 0 at the end.  Source: sendfile(2).
Result<std::size_t> send_file(FdView source, FileOffset from, FdView target, std::size_t length);

/// Takes a file that is open for writing for this open file alone, until it is closed everywhere; false where another has it.  Advice: only those who
/// ask are kept away.  Source: fcntl(2), F_OFD_SETLK.
Result<bool> try_lock(FdView file);
/// The same for a directory, which is never open for writing.  Source: flock(2).
Result<bool> try_lock_directory(FdView directory);

Result<> sync_file(FdView file);
/// Everything written to the filesystem below `file` is on disk afterwards; since Linux 5.8 writeback errors are reported.
/// Source: syncfs(2).
Result<> sync_filesystem(FdView file);

/// Sequential reading is coming (POSIX_FADV_SEQUENTIAL); advice only, so nothing is answered.
void expect_sequential(FdView file);

}  // namespace foxing::sys
