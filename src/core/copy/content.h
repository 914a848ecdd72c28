// SPDX-License-Identifier: GPL-2.0-or-later
// Content: offers a file to the tiers of its plan, one after the other, until one has done the work.
//
//   from  regular_file.cc   open source, open target, Plan        to  Moved
//
// Holds. A tier does the whole file or declines; what it wrote before it declined is written again by the next one.
//        errno decides: ENOSPC, EDQUOT, EIO and their like are real and end the file, anything else only ends the tier.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "core/copy/outcome.h"
#include "core/copy/pairs.h"
#include "core/copy/planner.h"
#include "core/copy/stream.h"
#include "core/governor/governor.h"
#include "sys/fd.h"
#include "sys/ring.h"
#include "sys/status.h"

namespace foxing::copy {

/// What one worker keeps for its copies.  Memory is taken when it is first needed.
class Workbench {
 public:
  /// For what has no better way.
  std::span<std::byte> buffer();
  /// Null where io_uring is not to be had; asked for once.
  sys::Ring* ring();
  /// After an error that left operations in flight: they must not be taken for those of the next file.
  void drop_ring() { ring_.reset(); }
  /// --bwlimit and --throttle: `governor` may be null, and outlives this.
  void paced_by(governor::Governor* governor) { governor_ = governor; }
  /// How much is to be moved at once.
  Bytes step(Bytes wanted) const { return governor_ == nullptr ? wanted : governor_->piece(wanted); }
  Pacer pacer() { return {governor_, &seat_}; }
  void pace_file() {
    if (governor_ != nullptr) [[unlikely]]
      governor_->before_file(seat_);
  }
  void rest() {
    if (governor_ != nullptr) [[unlikely]]
      governor_->rest(seat_);
  }
  /// Bytes moved by this worker so far, for progress.
  std::atomic<std::uint64_t>& so_far() { return so_far_; }
  const std::atomic<std::uint64_t>& so_far() const { return so_far_; }

 private:
  std::unique_ptr<std::byte[]> buffer_;
  std::optional<sys::Ring> ring_;
  bool ring_declines_ = false;
  std::atomic<std::uint64_t> so_far_{0};
  governor::Governor* governor_ = nullptr;
  governor::Governor::Seat seat_;
};

struct Moved {
  Tier tier = Tier::send;
  Bytes bytes;                    // read and written
  std::vector<Attempt> attempts;  // only where asked for
};

enum class Attempts { forget, keep };

/// True for errors that no other tier will get past.
bool is_real(int code);

/// Copies all content of `source` into the empty file `target`; sets its size where it ends in a hole.
/// Errors: real ones, of the call that failed; ECANCELED.
Result<Moved> copy_content(Workbench& bench, const Plan& plan, sys::FdView source, const sys::FileStatus& status,
                           sys::FdView target, Pair& pair, Attempts attempts);

/// True for a file that was written to a moment ago, which may still be changing under the times that it shows: it is compared after it has been copied.
bool is_hot(const sys::FileStatus& status);

/// True where several workers may share the file: the plan moves it through this machine, piece by piece.
bool can_be_shared(const Plan& plan);
/// Reads the source's data and the same places of its copy again and compares them.
Result<bool> same_content(Workbench& bench, sys::FdView source, sys::FdView target, Bytes size, Holes holes);

/// Copies `range`, by the tiers of the plan that work on pieces; for one of several workers on a large file.
Result<Moved> copy_piece(Workbench& bench, const Plan& plan, sys::FdView source, sys::FdView target, ByteRange range,
                         const Pair& pair);

}  // namespace foxing::copy
