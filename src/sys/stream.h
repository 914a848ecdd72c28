// SPDX-License-Identifier: GPL-2.0-or-later
// Streams and block devices: what is read from its beginning to its end, once, and what is written in place.
#pragma once

#include <chrono>

#include "base/result.h"
#include "base/strong.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::sys {

inline constexpr FdView standard_input() { return FdView(0); }

/// True where `file` is a terminal.
bool is_terminal(FdView file);
/// How many columns the terminal has now; 0 where it does not say so, or is none.  Source: TIOCGWINSZ.
unsigned terminal_columns(FdView file);

/// Waits until `file` has something to read, or its end, or an error to tell.  False after `patience`, and when a signal came: the caller looks at
/// stop_requested() and waits again.  Source: poll(2).
Result<bool> wait_readable(FdView file, std::chrono::milliseconds patience);

/// Lets a pipe hold up to 1 MiB, so that its two ends take turns less often; advice only.  Source: fcntl(2), F_SETPIPE_SZ.
void enlarge_pipe(FdView pipe);

/// Where reading goes on.  ESPIPE where there are no places.  Source: lseek(2).
Result<FileOffset> position_of(FdView file);

/// The size of an open block device.  ENOTTY where it is something else.  Source: BLKGETSIZE64.
Result<Bytes> device_size(FdView device);

/// Opens a block device for writing, for nobody else at the same time: EBUSY where it, or a part of it, is mounted, used for swapping, a member of
/// something, or opened like this by another.  ENOTBLK where it is something else.  Source: open(2), O_EXCL without O_CREAT.
Result<UniqueFd> open_device_alone(FdView directory, CString name, Links links);

}  // namespace foxing::sys
