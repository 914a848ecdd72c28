// SPDX-License-Identifier: GPL-2.0-or-later
// Content: the first byte that two open files do not have in common, and whether they have the same holes.
//
// Why.   No digest stands between the two: bytes are compared with bytes, so that "the same" is not a matter of probability, and the place of
//        the first difference is known.
// Holds. Every byte is read on both sides, but for ranges that both filesystems call holes, and only where both are of a kind whose word on
//        holes is good (storage::Support::yes): a copy made from wrong word of a hole must be found out, not believed again.
// Cost.  Two buffers of 256 KiB a worker.
// Not here: attributes, files that change (regular_file.cc).
#pragma once

#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "base/strong.h"
#include "sys/fd.h"

namespace foxing::verify {

enum class Side : std::uint8_t { a, b };

/// What went wrong, and on which side.
struct Trouble {
  Side side;
  Error error;
};
template <class T>
using Answer = tl::expected<T, Trouble>;

/// What one worker keeps for its comparisons.  Memory is taken when it is first needed.
class Bench {
 public:
  std::span<std::byte> a() { return buffer().first(kSize); }
  std::span<std::byte> b() { return buffer().last(kSize); }
  static constexpr std::size_t kSize = 256 * 1024;

 private:
  std::span<std::byte> buffer();
  std::unique_ptr<std::byte[]> buffer_;
};

struct Files {
  sys::FdView a;
  sys::FdView b;
};

enum class Holes { read, pass_over /* what both sides call a hole */ };

/// The place of a difference that some worker has found: no other need look behind it.
class FirstDifference {
 public:
  std::uint64_t value() const { return at_.load(std::memory_order_relaxed); }
  bool is_before(FileOffset at) const { return value() <= at.value; }
  void found(FileOffset at);
  std::optional<FileOffset> get() const;

 private:
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
  std::atomic<std::uint64_t> at_{kNone};
};

/// Compares `range`, which lies inside both files; what is found goes to `first`.  Adds what was read to `bytes_read`.
/// Errors: of read and lseek; ECANCELED; code 0 where both sides end before the range does.
Answer<void> compare_range(Files files, ByteRange range, Holes holes, Bench& bench, FirstDifference& first,
                           std::atomic<std::uint64_t>& bytes_read);

/// Compares from the beginning until both end, whatever their sizes are said to be.
Answer<void> compare_until_end(Files files, Bench& bench, FirstDifference& first, std::atomic<std::uint64_t>& bytes_read);

/// Where the maps of data and holes of two files of `size` bytes begin to differ.  Source: lseek(2), SEEK_DATA and SEEK_HOLE.
Answer<std::optional<FileOffset>> first_hole_difference(Files files, Bytes size);

/// The next place at or behind `at` where one of the files has data; `end` where only holes follow.
Answer<FileOffset> next_data(Files files, FileOffset at, FileOffset end);

}  // namespace foxing::verify
