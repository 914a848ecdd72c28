// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/delta.h"

#include <sys/stat.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/assert.h"
#include "core/copy/holes.h"
#include "core/copy/stream.h"
#include "sys/file.h"
#include "sys/process.h"

namespace foxing::copy {
namespace {

// One worker's piece of delta_whole: as far as one looks at a hole, and how often mtime is put back.
constexpr Bytes kPiece = 16_MiB;

FileOffset end_of(const sys::FileStatus& status) { return FileOffset(status.size().value); }
FileOffset round_down(FileOffset at, std::uint64_t unit) { return FileOffset(at.value / unit * unit); }
FileOffset round_up(FileOffset at, std::uint64_t unit) { return FileOffset((at.value + unit - 1) / unit * unit); }

/// The data of a file, asked for from left to right.
class Extents {
 public:
  Extents(sys::FdView file, ByteRange range, bool holes_count) : ranges_(file, range, holes_count) {}

  /// The first data at or after `at`.
  Result<std::optional<FileOffset>> next(FileOffset at) {
    while (!ended_ && ahead_.end <= at) {
      const auto range = FOX_TRY(ranges_.next());
      if (range) ahead_ = *range;
      ended_ = !range;
    }
    if (ended_) return std::nullopt;
    return std::max(ahead_.begin, at);
  }

  /// The data inside `chunk`, in `parts`.
  Result<> within(ByteRange chunk, std::vector<ByteRange>& parts) {
    parts.clear();
    for (FileOffset at = chunk.begin; at < chunk.end; at = parts.back().end) {
      const auto begin = FOX_TRY(next(at));
      if (!begin || *begin >= chunk.end) break;
      parts.push_back({*begin, std::min(ahead_.end, chunk.end)});
    }
    return {};
  }

 private:
  DataRanges ranges_;
  ByteRange ahead_;
  bool ended_ = false;
};

/// The data of the old version inside `range`.  Behind its end there is none, even where another worker has written there by now.
ByteRange within_old(const Delta& delta, ByteRange range) {
  const FileOffset end = std::min(range.end, end_of(delta.old_status));
  return {std::min(range.begin, end), end};
}

Result<> look_old_where_marked(const Delta& delta) {
  return delta.way != DeltaWay::in_place || delta.mark == DirtyMark::none ? Result<>() : look_old(delta.into);
}

/// Two buffers of one chunk each: the worker's own, or larger ones where a leaf does not fit.
class Buffers {
 public:
  Buffers(Workbench& bench, Bytes leaf) {
    std::span<std::byte> both = bench.buffer();
    const std::size_t half = both.size() / 2;
    const std::size_t unit = leaf.value;
    size_ = unit == 0 ? half : std::max(half / unit * unit, unit);
    if (size_ > half) {
      large_ = std::make_unique_for_overwrite<std::byte[]>(2 * size_);
      both = {large_.get(), 2 * size_};
    }
    source = both.first(size_);
    old = both.subspan(size_, size_);
  }
  std::size_t size() const { return size_; }
  std::span<std::byte> source;
  std::span<std::byte> old;

 private:
  std::size_t size_ = 0;
  std::unique_ptr<std::byte[]> large_;
};

/// One worker on one piece.  The piece is cut into chunks, a chunk into parts that are data or hole on either side, a part into
/// blocks.
class Piece {
 public:
  Piece(Workbench& bench, const Delta& delta, ByteRange range)
      : bench_(bench),
        delta_(delta),
        range_(range),
        buffers_(bench, delta.leaves.hashes.empty() ? Bytes(0) : delta.leaves.leaf_size),
        source_(delta.source, range, asks_source(delta.holes)),
        old_(delta.old, within_old(delta, range), delta.old_tells_holes) {}

  Result<DeltaMoved> run() {
    FileOffset at = range_.begin;
    while (at < range_.end && !source_ended_) {
      if (sys::stop_requested()) return fail(ECANCELED, "copy");
      bench_.pacer().before(Bytes(buffers_.size()));
      const auto source = FOX_TRY(source_.next(at));
      const auto old = FOX_TRY(old_.next(at));
      const FileOffset from = std::min(source.value_or(range_.end), old.value_or(range_.end));
      if (from >= range_.end) break;
      at = std::max(at, round_down(from, buffers_.size()));
      const ByteRange chunk{at, std::min(round_down(at, buffers_.size()) + Bytes(buffers_.size()), range_.end)};
      FOX_TRY(do_chunk(chunk));
      bench_.so_far().fetch_add(chunk.size().value, std::memory_order_relaxed);
      moved_.examined += chunk.size();
      at = chunk.end;
    }
    if (source_ended_) return moved_;
    end_hole(range_.end);
    FOX_TRY(punch_ended_holes());
    return moved_;
  }

 private:
  Result<> do_chunk(ByteRange chunk) {
    chunk_ = chunk;
    FOX_TRY(source_.within(chunk, source_parts_));
    FOX_TRY(old_.within(chunk, old_parts_));
    FOX_TRY(read_source());
    if (source_ended_) return {};
    hashed_leaf_.reset();

    auto source = source_parts_.cbegin();
    auto old = old_parts_.cbegin();
    for (FileOffset at = chunk.begin; at < chunk.end;) {
      while (source != source_parts_.cend() && source->end <= at) ++source;
      while (old != old_parts_.cend() && old->end <= at) ++old;
      ByteRange part{at, chunk.end};
      if (!delta_.leaves.hashes.empty()) part.end = std::min(part.end, round_down(at, leaf_size()) + delta_.leaves.leaf_size);
      const bool in_source = source != source_parts_.cend() && source->begin <= at;
      if (source != source_parts_.cend()) part.end = std::min(part.end, in_source ? source->end : source->begin);
      const bool in_old = old != old_parts_.cend() && old->begin <= at;
      if (old != old_parts_.cend()) part.end = std::min(part.end, in_old ? old->end : old->begin);
      FOX_TRY(do_part(part, in_source, in_old));
      at = part.end;
    }
    FOX_TRY(write_run());
    return punch_ended_holes();
  }

  Result<> read_source() {
    if (!delta_.leaves.hashes.empty()) std::ranges::fill(buffers_.source.first(chunk_.size().value), std::byte{0});
    for (const ByteRange& part : source_parts_) {
      const std::size_t got = FOX_TRY(sys::read_all_at(delta_.source, place(buffers_.source, part), part.begin));
      moved_.read += Bytes(got);
      source_ended_ |= got < part.size().value;
    }
    return {};
  }

  Result<> do_part(ByteRange part, bool in_source, bool in_old) {
    if (!in_source) {
      if (in_old) want_hole(part);
      return {};
    }
    bool equal = false;
    std::size_t known = 0;  // bytes of the old version that could be read
    if (in_old) {
      equal = leaf_is_equal(part.begin);
      if (!equal) known = FOX_TRY(sys::read_all_at(delta_.old, place(buffers_.old, part), part.begin));
      moved_.read += Bytes(known);
    }
    const bool scans = scans_zeros(delta_.holes);
    const FileOffset known_end = part.begin + Bytes(known);
    for (FileOffset at = part.begin; at < part.end;) {
      const FileOffset cut = scans ? round_down(at, delta_.block) + Bytes(delta_.block) : part.end;
      const ByteRange step{at, std::min(cut, part.end)};
      at = step.end;
      if (scans && is_zero(place(buffers_.source, step))) {
        if (in_old) want_hole(step);
        continue;
      }
      end_hole(step.begin);
      if (!in_old) {
        FOX_TRY(change(step));
      } else if (equal) {
        moved_.blocks_skipped += (step.size().value + kDeltaBlock.value - 1) / kDeltaBlock.value;
      } else {
        FOX_TRY(compare(step, known_end));
      }
    }
    return {};
  }

  Result<> compare(ByteRange step, FileOffset known_end) {
    for (FileOffset at = step.begin; at < step.end;) {
      const ByteRange block{at, std::min(round_down(at, kDeltaBlock.value) + kDeltaBlock, step.end)};
      at = block.end;
      const bool same = block.end <= known_end && std::memcmp(place(buffers_.source, block).data(),
                                                              place(buffers_.old, block).data(), block.size().value) == 0;
      if (same) {
        ++moved_.blocks_skipped;
      } else {
        FOX_TRY(change(block));
      }
    }
    return {};
  }

  // ---- Leaves

  std::uint64_t leaf_size() const { return delta_.leaves.leaf_size.value; }

  /// Whether the leaf around `at` has the hash that it had.  Only a leaf that is whole in this chunk and equally long on both sides
  /// can.
  bool leaf_is_equal(FileOffset at) {
    if (delta_.leaves.hashes.empty()) return false;
    const std::uint64_t index = at.value / leaf_size();
    if (hashed_leaf_ == index) return hashed_leaf_is_equal_;
    hashed_leaf_ = index;
    hashed_leaf_is_equal_ = false;
    const FileOffset begin(index * leaf_size());
    const ByteRange leaf{begin, std::min(begin + delta_.leaves.leaf_size, end_of(delta_.source_status))};
    const bool as_long = leaf.end == std::min(begin + delta_.leaves.leaf_size, end_of(delta_.old_status));
    if (index < delta_.leaves.hashes.size() && as_long && leaf.begin >= chunk_.begin && leaf.end <= chunk_.end)
      hashed_leaf_is_equal_ = delta_.hash(place(buffers_.source, leaf)) == delta_.leaves.hashes[index];
    return hashed_leaf_is_equal_;
  }

  // ---- What is to be written: a run of neighbouring blocks

  Result<> change(ByteRange range) {
    if (run_.end != range.begin || run_.empty()) {
      FOX_TRY(write_run());
      run_.begin = range.begin;
    }
    run_.end = range.end;
    return {};
  }

  Result<> write_run() {
    if (run_.empty()) return {};
    FOX_TRY(sys::write_all_at(delta_.into, place(buffers_.source, run_), run_.begin));
    moved_.written += run_.size();
    run_ = {};
    return {};
  }

  // ---- What is to be a hole: from the first to the last old data in it

  void want_hole(ByteRange old_data) {
    if (hole_.empty()) hole_.begin = old_data.begin;
    hole_.end = old_data.end;
  }

  /// Data of the source, or the end of the piece, follows at `next`.
  void end_hole(FileOffset next) {
    if (hole_.empty()) return;
    // The last block of the old version may be shorter than a block, and a hole that ends at the end of the file has its last block
    // too.
    const FileOffset whole_blocks = round_up(hole_.end, kDeltaAlignment.value);
    hole_.end = next == end_of(delta_.source_status) ? whole_blocks : std::min(whole_blocks, next);
    ended_holes_.push_back(hole_);
    hole_ = {};
  }

  Result<> punch_ended_holes() {
    for (const ByteRange& hole : ended_holes_) {
      auto punched =
          punching_declines_ ? Result<>(fail(EOPNOTSUPP, "fallocate(PUNCH_HOLE)")) : sys::punch_hole(delta_.into, hole);
      if (punched) {
        moved_.punched += hole.size();
        continue;
      }
      if (is_real(punched.error().code)) return punched;
      punching_declines_ = true;
      FOX_TRY(write_zeros(hole));
    }
    ended_holes_.clear();
    return {};
  }

  Result<> write_zeros(ByteRange hole) {
    hole.end = std::min(hole.end, end_of(delta_.source_status));
    std::ranges::fill(buffers_.source, std::byte{0});
    DataRanges ranges(delta_.old, within_old(delta_, hole), delta_.old_tells_holes);
    while (const auto range = FOX_TRY(ranges.next())) {
      for (FileOffset at = range->begin; at < range->end;) {
        if (sys::stop_requested()) return fail(ECANCELED, "copy");
        const std::size_t length = std::min<std::uint64_t>(buffers_.size(), (range->end - at).value);
        const std::size_t got = FOX_TRY(sys::read_all_at(delta_.old, buffers_.old.first(length), at));
        moved_.read += Bytes(got);
        FOX_TRY(for_each_nonzero_run(std::span<const std::byte>(buffers_.old).first(got), at, kDeltaBlock.value,
                                     [&](FileOffset where, std::span<const std::byte> run) -> Result<> {
                                       moved_.written += Bytes(run.size());
                                       moved_.zeros += Bytes(run.size());
                                       return sys::write_all_at(
                                           delta_.into, std::span<const std::byte>(buffers_.source).first(run.size()), where);
                                     }));
        if (got < length) break;
        at = at + Bytes(length);
      }
    }
    return {};
  }

  std::span<std::byte> place(std::span<std::byte> buffer, ByteRange range) const {
    return buffer.subspan((range.begin - chunk_.begin).value, range.size().value);
  }

  Workbench& bench_;
  const Delta& delta_;
  const ByteRange range_;
  Buffers buffers_;
  Extents source_;
  Extents old_;
  DeltaMoved moved_;
  bool source_ended_ = false;
  bool punching_declines_ = false;

  ByteRange chunk_;
  std::vector<ByteRange> source_parts_;
  std::vector<ByteRange> old_parts_;
  ByteRange run_;
  ByteRange hole_;
  std::vector<ByteRange> ended_holes_;
  std::optional<std::uint64_t> hashed_leaf_;
  bool hashed_leaf_is_equal_ = false;
};

}  // namespace

const char* name_of(DeltaWay way) { return way == DeltaWay::clone ? "clone_delta" : "in_place"; }

DeltaMoved& DeltaMoved::operator+=(const DeltaMoved& other) {
  read += other.read;
  written += other.written;
  zeros += other.zeros;
  punched += other.punched;
  blocks_skipped += other.blocks_skipped;
  examined += other.examined;
  return *this;
}

Result<DeltaBegun> begin_delta(const Delta& delta) {
  if (delta.way == DeltaWay::clone) {
    auto cloned = sys::clone(delta.old, delta.into);
    if (!cloned && is_real(cloned.error().code)) return tl::make_unexpected(std::move(cloned).error());
    if (!cloned) return DeltaBegun{.ready = false, .declined = cloned.error().code, .marked = false};
    // Now rather than at the end, so that pieces behind the old end extend nothing and what is cut off costs nothing.
    FOX_TRY(sys::truncate(delta.into, delta.source_status.size()));
    return DeltaBegun{.ready = true, .declined = 0, .marked = false};
  }
  int refused = 0;
  if (delta.mark != DirtyMark::none) {
    refused = FOX_TRY(mark_dirty({delta.into}, delta.source_status));
    if (refused != 0 && delta.mark == DirtyMark::required)
      return DeltaBegun{.ready = false, .declined = refused, .marked = false};
    FOX_TRY(look_old_where_marked(delta));
    if (delta.durable) FOX_TRY(sys::sync_file(delta.into));
  }
  // Grown at once: behind the end XFS sets blocks aside for what may follow, and later holes there would be data.
  if (delta.source_status.size() > delta.old_status.size()) {
    FOX_TRY(sys::truncate(delta.into, delta.source_status.size()));
    FOX_TRY(look_old_where_marked(delta));
  }
  return DeltaBegun{.ready = true, .declined = 0, .marked = delta.mark != DirtyMark::none && refused == 0};
}

Result<DeltaMoved> delta_piece(Workbench& bench, const Delta& delta, ByteRange range) {
  FOX_ASSERT(range.begin.value % kDeltaAlignment.value == 0);
  FOX_ASSERT(range.end.value % kDeltaAlignment.value == 0 || range.end == end_of(delta.source_status));
  FOX_ASSERT(delta.leaves.hashes.empty() ||
             (delta.leaves.leaf_size.value % kDeltaBlock.value == 0 && delta.leaves.leaf_size > Bytes(0)));
  auto moved = Piece(bench, delta, range).run();
  // Also after a failure: an ordinary end leaves a file that looks old.  The first error counts.
  auto dated = look_old_where_marked(delta);
  if (moved && !dated) return tl::make_unexpected(std::move(dated).error());
  return moved;
}

Result<FileOffset> next_to_compare(const Delta& delta, FileOffset at) {
  const FileOffset end = end_of(delta.source_status);
  if (at >= end || !asks_source(delta.holes)) return std::min(at, end);
  const auto source = FOX_TRY(sys::seek_data(delta.source, at));
  if (source == at || !delta.old_tells_holes) return at;
  const auto old = at < end_of(delta.old_status) ? FOX_TRY(sys::seek_data(delta.old, at)) : std::nullopt;
  return std::min({source.value_or(end), old.value_or(end), end});
}

Result<DeltaEnd> end_delta(Workbench& bench, const Delta& delta) {
  if (delta.way == DeltaWay::in_place) {
    FOX_TRY(sys::truncate(delta.into, delta.source_status.size()));
    FOX_TRY(look_old_where_marked(delta));
  } else {
    const sys::FileStatus now = FOX_TRY(sys::status_of(delta.old));
    if (!sys::same_version(delta.old_status, now)) return DeltaEnd::old_changed;
  }
  if (delta.verify_after && !FOX_TRY(same_bytes(bench, delta.source, delta.into, delta.source_status.size())))
    return DeltaEnd::differs;
  return DeltaEnd::done;
}

Result<DeltaDone> delta_whole(Workbench& bench, const Delta& delta) {
  DeltaDone done;
  done.begun = FOX_TRY(begin_delta(delta));
  if (!done.begun.ready) return done;
  const FileOffset end = end_of(delta.source_status);
  for (FileOffset at; (at = FOX_TRY(next_to_compare(delta, at))) < end;) {
    const FileOffset begin = round_down(at, kPiece.value);
    at = std::min(begin + kPiece, end);
    done.moved += FOX_TRY(delta_piece(bench, delta, {begin, at}));
  }
  done.end = FOX_TRY(end_delta(bench, delta));
  return done;
}

Result<bool> same_bytes(Workbench& bench, sys::FdView source, sys::FdView target, Bytes size, bool skip_holes) {
  const Buffers buffers(bench, Bytes(0));
  const FileOffset end(size.value);
  for (FileOffset at; at < end;) {
    if (sys::stop_requested()) return fail(ECANCELED, "copy");
    if (skip_holes) {
      const FileOffset here = FOX_TRY(sys::seek_data(source, at)).value_or(end);
      const FileOffset there = FOX_TRY(sys::seek_data(target, at)).value_or(end);
      at = std::max(at, std::min(here, there));
      if (at >= end) break;
    }
    const std::size_t length = std::min<std::uint64_t>(buffers.size(), (end - at).value);
    const std::size_t got = FOX_TRY(sys::read_all_at(source, buffers.source.first(length), at));
    const std::size_t had = FOX_TRY(sys::read_all_at(target, buffers.old.first(length), at));
    if (got != length || had != length || std::memcmp(buffers.source.data(), buffers.old.data(), length) != 0) return false;
    at = at + Bytes(length);
  }
  return true;
}

Result<Appended> append_verify(Workbench& bench, sys::FdView source, const sys::FileStatus& source_status, sys::FdView target,
                               const sys::FileStatus& target_status, Holes holes, std::size_t block,
                               const std::function<Result<>()>& before_writing) {
  Appended appended;
  if (target_status.size() > source_status.size()) return appended;
  if (!FOX_TRY(same_bytes(bench, source, target, target_status.size()))) return appended;
  if (before_writing) FOX_TRY(before_writing());
  const ByteRange rest{end_of(target_status), end_of(source_status)};
  const Bytes compared = target_status.size();
  bench.so_far().fetch_add(compared.value, std::memory_order_relaxed);
  const Bytes written =
      FOX_TRY(stream_through(bench.buffer(), Stream{source, target, rest, holes, block, &bench.so_far(), bench.pacer()}));
  if (!rest.empty() && holes != Holes::none) FOX_TRY(sys::truncate(target, source_status.size()));
  appended.done = true;
  appended.moved.read = compared + compared + written;
  appended.moved.written = written;
  appended.moved.examined = compared + written;
  return appended;
}

bool is_marked_dirty(sys::Object object) {
  std::string value;
  const auto got = sys::get_attribute(object, kDirtyAttribute, value);
  if (got) return true;
  switch (got.error().code) {
    case ENODATA:
    case EOPNOTSUPP:
    case ENOSYS: return false;
    default: return true;
  }
}

Result<int> mark_dirty(sys::Object object, const sys::FileStatus& source) {
  char value[128];
  std::snprintf(value, sizeof value, "1 %" PRIu64 " %" PRIu64 " %" PRIu64 " %lld.%09ld", source.device().value,
                source.inode().value, source.size().value, static_cast<long long>(source.modified().tv_sec),
                source.modified().tv_nsec);
  auto set = sys::set_attribute(object, kDirtyAttribute, value);
  if (set) return 0;
  if (is_real(set.error().code)) return tl::make_unexpected(std::move(set).error());
  return set.error().code;
}

Result<> look_old(sys::FdView file) {
  const timespec keep{.tv_sec = 0, .tv_nsec = UTIME_OMIT};
  auto set = sys::set_times({file}, keep, timespec{});
  if (!set && is_real(set.error().code)) return set;
  return {};
}

Result<> clear_dirty(sys::Object object, bool durable) {
  if (durable) FOX_TRY(sys::sync_file(object.fd));
  auto removed = sys::remove_attribute(object, kDirtyAttribute);
  if (!removed && removed.error().code == ENODATA) return {};
  return removed;
}

}  // namespace foxing::copy
