// SPDX-License-Identifier: GPL-2.0-or-later
// Ways to change a file that no copy needs, but other programs use: for who has to know whether they are heard of (src/foxingd/capture/operations.h).
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "base/strong.h"
#include "sys/fd.h"

namespace foxing::sys {

/// Opens `name` for writes that go past the page cache; of whole, aligned blocks.  EINVAL: this filesystem has none.  Source: open(2), O_DIRECT.
Result<UniqueFd> open_direct(FdView directory, CString name);
/// Writes its first block, of 4096 bytes.
Result<> write_direct_block(FdView file, std::byte value);

/// Changes the first byte by a store into shared memory; nothing is mapped any more afterwards.  The file must not be empty.  Source: mmap(2).
Result<> store_through_map(FdView file, std::byte value);

/// One write by the kernel's asynchronous I/O, and its end.  Source: io_submit(2).
Result<> write_by_aio(FdView file, std::span<const std::byte> from, FileOffset at);

/// Sets the flag that `chattr +d` sets, or takes it away.  Source: ioctl_iflags(2).
Result<> toggle_no_dump(FdView file);

}  // namespace foxing::sys
