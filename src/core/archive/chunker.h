// SPDX-License-Identifier: GPL-2.0-or-later
// The chunker: where content is cut, so that what is inserted or removed moves no cut far away from it.
//   from  exporter.cc, the bytes of a file        to  the size of the next chunk
//
// How.   A gear hash: h = 2h + table[byte], of which the highest bits depend on the last 64 bytes.  A cut is where so many of them are zero: two more than
//        log2 of the average before the average is reached, two fewer after it (normalised chunking: sizes lie closer to the average, and what is forced at
//        the maximum is rare).  The bytes up to the minimum are skipped but for the 64 that the hash depends on there.
// Holds. The cut depends on the bytes of the chunk alone, on no state, no processor and no size of buffers.  docs/formats/fxar-v2.md has the table.
// Cost.  3.5 GB/s, random bytes; one core of the development machine (AMD EPYC, g++ 12 -O3, November 2026).  BLAKE3 takes 4.5 GB/s there and zstd a tenth of
//        that, so vectors would hardly be noticed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace foxing::archive {

/// In the header of an archive.  Sizes in bytes; the average is a power of two.
struct ChunkSizes {
  std::uint32_t least = 2 * 1024;
  std::uint32_t average = 64 * 1024;
  std::uint32_t most = 2 * 1024 * 1024;
  /// 64 <= least <= average <= most <= 16 MiB, and an average that is a power of two from 256 on.
  bool make_sense() const;
  friend bool operator==(const ChunkSizes&, const ChunkSizes&) = default;
};

class Chunker {
 public:
  explicit Chunker(ChunkSizes sizes);
  /// The size of the chunk that `bytes` begins with.  `bytes` holds at least sizes().most bytes, or all that is left; never empty.
  std::size_t next(std::span<const std::byte> bytes) const;
  const ChunkSizes& sizes() const { return sizes_; }

 private:
  ChunkSizes sizes_;
  std::uint64_t before_average_;  // masks: a cut is where all of these bits are zero
  std::uint64_t after_average_;
};

}  // namespace foxing::archive
