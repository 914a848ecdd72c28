// SPDX-License-Identifier: GPL-2.0-or-later
// Files that somebody has mapped, and stores into without a system call.
#pragma once

#include <chrono>

#include "base/result.h"
#include "sys/fd.h"

namespace foxing::sys {

/// From now on the next store through any mapping of the file moves its ctime: its times have been asked for, and its dirty pages are written and so
/// protected again.  Waits for the disk.  Stores that came before are in what is read afterwards.
/// Source: statx(2) and multigrain timestamps (Linux 6.13), sync_file_range(2).
Result<> watch_mapped(FdView file);

/// How far the clock moves at a time that files get their times from: changes within it may share one.  Source: clock_getres(2), CLOCK_REALTIME_COARSE.
std::chrono::nanoseconds file_clock_tick();

}  // namespace foxing::sys
