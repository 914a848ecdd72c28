// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/stream.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/assert.h"
#include "core/copy/holes.h"
#include "sys/file.h"
#include "sys/process.h"

namespace foxing::copy {
namespace {

constexpr int kMostRefusals = 16;

tl::unexpected<Error> stopped() { return fail(ECANCELED, "copy"); }

/// Cuts data ranges at multiples of the buffer size.
class Segments {
 public:
  Segments(const Stream& stream, std::size_t size)
      : ranges_(stream.source, stream.range, asks_source(stream.holes)), size_(size) {}

  Result<std::optional<ByteRange>> next() {
    if (!left_ || left_->empty()) {
      left_ = FOX_TRY(ranges_.next());
      if (!left_) return std::nullopt;
    }
    const FileOffset cut((left_->begin.value / size_ + 1) * size_);
    const ByteRange segment{left_->begin, std::min(cut, left_->end)};
    left_->begin = segment.end;
    return segment;
  }

 private:
  DataRanges ranges_;
  std::size_t size_;
  std::optional<ByteRange> left_;
};

/// One buffer on its way: being read into, then written from, run by run.
struct Slot {
  bool writing = false;
  int refusals = 0;
  ByteRange segment;
  std::size_t done = 0;  // of the read, or of the run that is being written
  struct Run {
    std::size_t begin, end;  // in the buffer
  };
  std::vector<Run> runs;
  std::size_t run = 0;
};

class Pipeline {
 public:
  Pipeline(sys::Ring& ring, const Stream& stream)
      : ring_(ring), stream_(stream), segments_(stream, ring.shape().buffer_size), slots_(ring.shape().buffers) {
    for (unsigned i = 0; i < ring.shape().buffers; ++i) free_.push_back(i);
  }

  Result<Bytes> run() {
    FOX_ASSERT(ring_.in_flight() == 0);
    Result<> outcome;
    while (true) {
      if (outcome) outcome = start_reads();
      if (ring_.in_flight() == 0) break;
      const auto completion = FOX_TRY(ring_.next());
      auto handled = handle(completion, outcome.has_value());
      if (outcome && !handled) outcome = std::move(handled);  // the first error counts; the rest only drains
    }
    FOX_TRY(std::move(outcome));
    return written_;
  }

 private:
  Result<> start_reads() {
    while (!free_.empty() && !ended_) {
      if (sys::stop_requested()) return stopped();
      const auto segment = FOX_TRY(segments_.next());
      if (!segment) {
        ended_ = true;
        break;
      }
      const unsigned buffer = free_.back();
      free_.pop_back();
      Slot& slot = slots_[buffer];
      slot.writing = false;
      slot.refusals = 0;
      slot.segment = *segment;
      slot.done = 0;
      stream_.pacer.before(segment->size());
      ring_.queue_read(stream_.source, buffer, 0, segment->size().value, segment->begin);
    }
    return {};
  }

  Result<> handle(const sys::Ring::Completion& completion, bool going_on) {
    Slot& slot = slots_[completion.buffer];
    // A device that cannot promise not to wait says EAGAIN, perhaps for ever: then this file is for the plain way.
    const bool again = (completion.result == -EAGAIN || completion.result == -EINTR) && ++slot.refusals <= kMostRefusals;
    if (!going_on || (completion.result < 0 && !again)) {
      free_.push_back(completion.buffer);
      if (completion.result >= 0) return {};
      return fail(-completion.result, slot.writing ? "write" : "read");
    }
    const std::size_t moved = again ? 0 : static_cast<std::size_t>(completion.result);
    return slot.writing ? wrote(completion.buffer, slot, moved, again) : has_read(completion.buffer, slot, moved, again);
  }

  Result<> has_read(unsigned buffer, Slot& slot, std::size_t moved, bool again) {
    slot.done += moved;
    const std::size_t length = slot.segment.size().value;
    const bool source_ended = moved == 0 && !again;
    if (slot.done < length && !source_ended) {
      ring_.queue_read(stream_.source, buffer, slot.done, length - slot.done, slot.segment.begin + Bytes(slot.done));
      return {};
    }
    if (source_ended) ended_ = true;
    slot.runs.clear();
    slot.run = 0;
    if (scans_zeros(stream_.holes)) {
      const auto bytes = std::span<const std::byte>(ring_.buffer(buffer)).first(slot.done);
      FOX_TRY(for_each_nonzero_run(bytes, slot.segment.begin, stream_.block,
                                   [&](FileOffset at, std::span<const std::byte> run) -> Result<> {
                                     const std::size_t begin = (at - slot.segment.begin).value;
                                     slot.runs.push_back({begin, begin + run.size()});
                                     return {};
                                   }));
    } else if (slot.done > 0) {
      slot.runs.push_back({0, slot.done});
    }
    slot.writing = true;
    slot.done = 0;
    write_or_free(buffer, slot);
    return {};
  }

  Result<> wrote(unsigned buffer, Slot& slot, std::size_t moved, bool again) {
    if (moved == 0 && !again) {
      free_.push_back(buffer);
      return fail(EIO, "write", {}, "the kernel took no byte");
    }
    slot.done += moved;
    written_ += Bytes(moved);
    stream_.count(moved);
    if (slot.done == slot.runs[slot.run].end - slot.runs[slot.run].begin) {
      ++slot.run;
      slot.done = 0;
    }
    write_or_free(buffer, slot);
    return {};
  }

  void write_or_free(unsigned buffer, const Slot& slot) {
    if (slot.run == slot.runs.size()) {
      free_.push_back(buffer);
      return;
    }
    const Slot::Run& run = slot.runs[slot.run];
    const std::size_t begin = run.begin + slot.done;
    ring_.queue_write(stream_.target, buffer, begin, run.end - begin, slot.segment.begin + Bytes(begin));
  }

  sys::Ring& ring_;
  const Stream& stream_;
  Segments segments_;
  std::vector<Slot> slots_;
  std::vector<unsigned> free_;
  bool ended_ = false;
  Bytes written_;
};

}  // namespace

Result<Bytes> stream_through(sys::Ring& ring, const Stream& stream) { return Pipeline(ring, stream).run(); }

Result<Bytes> stream_through(std::span<std::byte> buffer, const Stream& stream) {
  Segments segments(stream, buffer.size());
  Bytes written;
  while (const auto segment = FOX_TRY(segments.next())) {
    if (sys::stop_requested()) return stopped();
    stream.pacer.before(segment->size());
    const std::size_t got = FOX_TRY(sys::read_all_at(stream.source, buffer.first(segment->size().value), segment->begin));
    const std::span<const std::byte> bytes = buffer.first(got);
    const auto write = [&](FileOffset at, std::span<const std::byte> run) -> Result<> {
      written += Bytes(run.size());
      stream.count(run.size());
      return sys::write_all_at(stream.target, run, at);
    };
    if (scans_zeros(stream.holes)) {
      FOX_TRY(for_each_nonzero_run(bytes, segment->begin, stream.block, write));
    } else if (got > 0) {
      FOX_TRY(write(segment->begin, bytes));
    }
    if (got < segment->size().value) break;
  }
  return written;
}

Result<Bytes> stream_until_end(std::span<std::byte> buffer, sys::FdView source, sys::FdView target, Bytes limit, Pacer pacer) {
  Bytes written;
  while (true) {
    if (sys::stop_requested()) return stopped();
    const std::size_t got = FOX_TRY(sys::read_some(source, buffer));
    if (got == 0) return written;
    pacer.before(Bytes(got));
    if (written + Bytes(got) > limit) return fail(EFBIG, "read", {}, "the file grows as fast as it is read");
    FOX_TRY(sys::write_all(target, std::span<const std::byte>(buffer).first(got)));
    written += Bytes(got);
  }
}

}  // namespace foxing::copy
