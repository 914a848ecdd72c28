// SPDX-License-Identifier: GPL-2.0-or-later
// Tier 3 and its stand-in: moves the data of a range of a file through memory.
//
// How.   The range is cut at multiples of the buffer size.  With a Ring every buffer is a small machine of its own: read, (look for zeros,)
//        write, free; so reads run ahead of writes, and nothing waits for the slower side alone.  Without one: read, write, read, write.
// Holds. On an error everything in flight is waited for before it is answered: no buffer and no descriptor is used afterwards.
//        A source that ends early ends the stream; the caller compares the file's status before and after.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/strong.h"
#include "core/copy/planner.h"
#include "core/governor/governor.h"
#include "sys/fd.h"
#include "sys/ring.h"

namespace foxing::copy {

/// --bwlimit and --throttle, for one worker; does nothing where neither is asked for.
struct Pacer {
  governor::Governor* governor = nullptr;
  governor::Governor::Seat* seat = nullptr;
  /// Before so much is moved.
  void before(Bytes bytes) const {
    if (governor != nullptr) [[unlikely]]
      governor->before_piece(*seat, bytes);
  }
};

struct Stream {
  sys::FdView source;
  sys::FdView target;
  ByteRange range;
  Holes holes = Holes::none;
  std::size_t block = 4096;  // zeros are looked for in blocks of the target
  std::atomic<std::uint64_t>* so_far = nullptr;  // counts the bytes as they are written, for progress
  Pacer pacer = {};
  void count(std::size_t bytes) const {
    if (so_far != nullptr) so_far->fetch_add(bytes, std::memory_order_relaxed);
  }
};

/// The bytes written.  Errors: those of read and write; ECANCELED when the run was asked to stop.
Result<Bytes> stream_through(sys::Ring& ring, const Stream& stream);
Result<Bytes> stream_through(std::span<std::byte> buffer, const Stream& stream);

/// Reads from the start to the end, whatever the size is said to be, but not further than `limit` (EFBIG): a file may grow as
/// fast as it is read.  The bytes written.
Result<Bytes> stream_until_end(std::span<std::byte> buffer, sys::FdView source, sys::FdView target, Bytes limit,
                               Pacer pacer = {});

}  // namespace foxing::copy
