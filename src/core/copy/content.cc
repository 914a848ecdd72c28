// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/content.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "core/copy/holes.h"
#include "core/copy/stream.h"
#include "sys/file.h"
#include "sys/process.h"

namespace foxing::copy {
namespace {

// Pieces of 256 KiB: larger writes ask XFS and ext4 for large folios, whose pages are not recycled and fault anew (docs/benchmarks.md).
constexpr std::size_t kBufferSize = 256 * 1024;
// Bounded, so that a stop is obeyed, progress is seen, and a wrong length does no harm.
constexpr std::size_t kRangeStep = 64 * 1024 * 1024;
constexpr std::size_t kSendStep = 8 * 1024 * 1024;

/// A tier's answer: the bytes it moved, or why it declines (errno, 0 where there is none).
struct Answer {
  std::optional<Bytes> moved;
  int declined = 0;
  static Answer done(Bytes moved) { return {moved, 0}; }
  static Answer decline(int code) { return {std::nullopt, code}; }
};

Result<Answer> declined_unless_real(Error error) {
  if (is_real(error.code)) return tl::make_unexpected(std::move(error));
  return Answer::decline(error.code);
}

/// These say that a pair can never do it; the others are about one file.
bool is_for_good(int code) { return code == EXDEV || code == EOPNOTSUPP || code == ENOSYS || code == ENOTTY; }

Result<Answer> clone_tier(sys::FdView source, sys::FdView target, Pair& pair) {
  auto cloned = sys::clone(source, target);
  if (cloned) return Answer::done(Bytes(0));
  if (is_for_good(cloned.error().code)) pair.clone_declines.store(true, std::memory_order_relaxed);
  return declined_unless_real(std::move(cloned).error());
}

Result<Answer> copy_range_tier(Workbench& bench, sys::FdView source, Bytes size, sys::FdView target, Pair& pair) {
  FileOffset at;
  while (at.value < size.value) {
    if (sys::stop_requested()) return fail(ECANCELED, "copy");
    const auto moved = sys::copy_range(source, at, target, at, std::min<std::uint64_t>(size.value - at.value, kRangeStep));
    if (!moved) {
      if (at.value == 0 && is_for_good(moved.error().code)) pair.copy_range_declines.store(true, std::memory_order_relaxed);
      return declined_unless_real(moved.error());
    }
    // The end before the size: the file shrank, or this filesystem says so where it is not true (FUSE, procfs).  Reading will tell.
    if (*moved == 0) return Answer::decline(0);
    bench.so_far().fetch_add(*moved, std::memory_order_relaxed);
    at = at + Bytes(*moved);
  }
  return Answer::done(size);
}

/// Sends `range` to the same place in `target`, whose position is there.  Less than the range where the source ends: it shrank, and the caller
/// sees that its status has changed.
Result<Answer> send_tier(Workbench& bench, sys::FdView source, ByteRange range, sys::FdView target) {
  FileOffset at = range.begin;
  while (at < range.end) {
    if (sys::stop_requested()) return fail(ECANCELED, "copy");
    const Bytes step = std::min(range.end - at, bench.step(Bytes(kSendStep)));
    bench.pacer().before(step);
    const auto moved = sys::send_file(source, at, target, step.value);
    if (!moved) return declined_unless_real(moved.error());
    if (*moved == 0) break;
    bench.so_far().fetch_add(*moved, std::memory_order_relaxed);
    at = at + Bytes(*moved);
  }
  return Answer::done(at - range.begin);
}

/// Each worker needs a position of its own in the target.
Result<Answer> send_piece(Workbench& bench, sys::FdView source, ByteRange range, sys::FdView target) {
  const auto own = sys::reopen_for_writing(target);
  if (!own) return declined_unless_real(own.error());
  FOX_TRY(sys::set_position(*own, range.begin));
  return send_tier(bench, source, range, *own);
}

/// Room for a file to grow while it is read: twice its size, but a page of /proc may be anything.
Bytes growth_limit(Bytes size) { return size + size + 1_GiB; }

/// A file whose filesystem knows no such reads (EINVAL, EOPNOTSUPP) is for the plain way.
Result<Answer> ring_tier(Workbench& bench, const Stream& stream) {
  sys::Ring* ring = bench.ring();
  if (ring == nullptr) return Answer::decline(ENOSYS);
  sys::make_blocking(stream.source);
  auto moved = stream_through(*ring, stream);
  if (ring->in_flight() > 0) bench.drop_ring();
  if (moved) return Answer::done(*moved);
  return declined_unless_real(std::move(moved).error());
}

Result<Answer> streamed(Result<Bytes> moved) {
  if (!moved) return tl::make_unexpected(std::move(moved).error());
  return Answer::done(*moved);
}

}  // namespace

std::span<std::byte> Workbench::buffer() {
  // make_unique_for_overwrite: not touched, so that only what is used costs memory
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::byte[]>(kBufferSize);
  return {buffer_.get(), kBufferSize};
}

sys::Ring* Workbench::ring() {
  if (!ring_ && !ring_declines_) {
    auto ring = sys::Ring::create({.buffers = 8, .buffer_size = kBufferSize});
    if (ring) ring_ = std::move(*ring);
    ring_declines_ = !ring_;
  }
  return ring_ ? &*ring_ : nullptr;
}

bool is_real(int code) {
  switch (code) {
    case EIO:
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EFBIG:
    case ESTALE:
    case ENODEV:
    case EUCLEAN:
    case ECANCELED: return true;
    default: return false;
  }
}

Result<Moved> copy_content(Workbench& bench, const Plan& plan, sys::FdView source, const sys::FileStatus& status,
                           sys::FdView target, Pair& pair, Attempts keep) {
  Moved moved;
  const ByteRange whole{FileOffset(0), FileOffset(status.size().value)};
  const Stream stream{source, target, whole, plan.holes, pair.target_block, &bench.so_far(), bench.pacer()};
  const auto offer = [&](Tier tier) -> Result<Answer> {
    switch (tier) {
      case Tier::clone: return clone_tier(source, target, pair);
      case Tier::copy_range: return copy_range_tier(bench, source, status.size(), target, pair);
      case Tier::send: return send_tier(bench, source, whole, target);
      case Tier::ring: return ring_tier(bench, stream);
      case Tier::delta:
      case Tier::codec: break;
      case Tier::plain:
        return streamed(plan.until_end
                            ? stream_until_end(bench.buffer(), source, target, growth_limit(status.size()), bench.pacer())
                            : stream_through(bench.buffer(), stream));
    }
    FOX_ASSERT(false);
    return Answer::decline(0);
  };

  int last_code = 0;
  for (std::size_t i = 0; i < plan.count; ++i) {
    moved.tier = plan.steps[i].tier;
    const Answer answer = FOX_TRY(offer(moved.tier));
    last_code = answer.declined;
    if (keep == Attempts::keep) moved.attempts.push_back({moved.tier, answer.moved ? 0 : last_code});
    if (!answer.moved) continue;
    moved.bytes = *answer.moved;
    if (plan.holes != Holes::none && moved.tier != Tier::clone) FOX_TRY(sys::truncate(target, status.size()));
    return moved;
  }
  return fail(last_code, name_of(moved.tier), {}, "no way of copying is left: the allowed ones were declined");
}

bool can_be_shared(const Plan& plan) {
  return !plan.until_end && plan.count > 0 && (plan.steps[0].tier == Tier::send || plan.steps[0].tier == Tier::ring);
}

Result<Moved> copy_piece(Workbench& bench, const Plan& plan, sys::FdView source, sys::FdView target, ByteRange range,
                         const Pair& pair) {
  const Stream stream{source, target, range, plan.holes, pair.target_block, &bench.so_far(), bench.pacer()};
  for (std::size_t i = 0; i < plan.count; ++i) {
    const Tier tier = plan.steps[i].tier;
    Answer answer = Answer::decline(0);
    if (tier == Tier::send) answer = FOX_TRY(send_piece(bench, source, range, target));
    if (tier == Tier::ring) answer = FOX_TRY(ring_tier(bench, stream));
    if (tier == Tier::plain) answer = Answer::done(FOX_TRY(stream_through(bench.buffer(), stream)));
    if (answer.moved) return Moved{.tier = tier, .bytes = *answer.moved, .attempts = {}};
  }
  return fail(ENOSYS, "copy", {}, "no way of copying is left: the allowed ones were declined");
}

Result<bool> same_content(Workbench& bench, sys::FdView source, sys::FdView target, Bytes size, Holes holes) {
  const std::span<std::byte> half = bench.buffer().first(kBufferSize / 2);
  const std::span<std::byte> other = bench.buffer().last(kBufferSize / 2);
  DataRanges ranges(source, {FileOffset(0), FileOffset(size.value)}, asks_source(holes));
  while (const auto range = FOX_TRY(ranges.next())) {
    for (FileOffset at = range->begin; at < range->end; at = at + Bytes(half.size())) {
      if (sys::stop_requested()) return fail(ECANCELED, "copy");
      const std::size_t length = std::min<std::uint64_t>(half.size(), (range->end - at).value);
      const std::size_t got = FOX_TRY(sys::read_all_at(source, half.first(length), at));
      const std::size_t there = FOX_TRY(sys::read_all_at(target, other.first(length), at));
      if (got != there || std::memcmp(half.data(), other.data(), got) != 0) return false;
    }
  }
  return true;
}

}  // namespace foxing::copy
