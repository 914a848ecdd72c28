// SPDX-License-Identifier: GPL-2.0-or-later
// Holes: where a file has data, as the filesystem tells or as the bytes show.
#pragma once

#include <optional>
#include <span>

#include "base/result.h"
#include "base/strong.h"
#include "sys/fd.h"

namespace foxing::copy {

/// The data of `file` inside `range`, piece by piece, without a list of extents in memory.
/// With `holes_count` false the whole range is one piece.  Moves the file's position.
class DataRanges {
 public:
  DataRanges(sys::FdView file, ByteRange range, bool holes_count)
      : file_(file), at_(range.begin), end_(range.end), holes_count_(holes_count) {}
  /// The next piece of data; nothing at the end.
  Result<std::optional<ByteRange>> next();

 private:
  sys::FdView file_;
  FileOffset at_;
  FileOffset end_;
  bool holes_count_;
};

/// True where all bytes are zero.  At the speed of memcmp, which the C library dispatches to the processor's widest vectors.
bool is_zero(std::span<const std::byte> bytes);

/// Calls `write(offset, bytes)` for each run of blocks that are not all zero.  `block` is a power of two; `at` need not be aligned to it.
template <class Write>
Result<> for_each_nonzero_run(std::span<const std::byte> bytes, FileOffset at, std::size_t block, Write write) {
  std::size_t run = 0;  // [run, here) is to be written
  std::size_t here = 0;
  while (here < bytes.size()) {
    const std::size_t step = std::min(block - (at.value + here) % block, bytes.size() - here);
    if (is_zero(bytes.subspan(here, step))) {
      if (here > run) FOX_TRY(write(at + Bytes(run), bytes.subspan(run, here - run)));
      run = here + step;
    }
    here += step;
  }
  if (here > run) FOX_TRY(write(at + Bytes(run), bytes.subspan(run, here - run)));
  return {};
}

}  // namespace foxing::copy
