// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/verify/content.h"

#include <algorithm>
#include <cstring>

#include "sys/file.h"
#include "sys/process.h"

namespace foxing::verify {
namespace {

tl::unexpected<Trouble> trouble(Side side, Error error) { return tl::unexpected<Trouble>({side, std::move(error)}); }

Error ends_early() {
  return {.code = 0, .operation = "", .subject = {}, .detail = "ends before the size that its status tells, on both sides"};
}

/// The data of one file, run by run; a run is asked for once.
class DataRuns {
 public:
  DataRuns(sys::FdView file, FileOffset end) : file_(file), end_(end), run_{FileOffset(0), FileOffset(0)} {}

  /// The run that `at` lies in, or else the next one; empty at the end.  `at` only grows.
  Result<ByteRange> at(FileOffset at) {
    if (asked_ && at < run_.end) return ByteRange{std::max(at, run_.begin), run_.end};
    if (asked_ && run_.empty()) return run_;
    asked_ = true;
    auto begin = sys::seek_data(file_, at);
    if (!begin && tells_nothing(begin.error().code)) return run_ = {at, end_};
    const auto found = FOX_TRY(std::move(begin));
    if (!found || *found >= end_) return run_ = {end_, end_};
    return run_ = {*found, std::min(FOX_TRY(sys::seek_hole(file_, *found)), end_)};
  }

 private:
  /// A filesystem without the call has no holes to tell of.
  static bool tells_nothing(int code) { return code == EINVAL || code == EOPNOTSUPP; }

  sys::FdView file_;
  FileOffset end_;
  ByteRange run_;
  bool asked_ = false;
};

/// Reads and compares [at, at + length); answers false where there is nothing left to find behind it.
Answer<bool> compare_piece(Files files, FileOffset at, std::size_t length, bool size_is_known, Bench& bench,
                           FirstDifference& first, std::atomic<std::uint64_t>& bytes_read) {
  const auto a = sys::read_all_at(files.a, bench.a().first(length), at);
  if (!a) return trouble(Side::a, a.error());
  const auto b = sys::read_all_at(files.b, bench.b().first(length), at);
  if (!b) return trouble(Side::b, b.error());
  bytes_read.fetch_add(*a + *b, std::memory_order_relaxed);
  const std::size_t both = std::min(*a, *b);
  if (std::memcmp(bench.a().data(), bench.b().data(), both) != 0) {
    const auto where = std::mismatch(bench.a().begin(), bench.a().begin() + static_cast<std::ptrdiff_t>(both), bench.b().begin());
    first.found(at + Bytes(static_cast<std::uint64_t>(where.first - bench.a().begin())));
    return false;
  }
  if (*a != *b) {
    first.found(at + Bytes(both));
    return false;
  }
  if (both == length) return true;
  if (size_is_known) return trouble(Side::a, ends_early());
  return false;
}

}  // namespace

std::span<std::byte> Bench::buffer() {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::byte[]>(2 * kSize);
  return {buffer_.get(), 2 * kSize};
}

void FirstDifference::found(FileOffset at) {
  for (std::uint64_t now = at_.load(); at.value < now && !at_.compare_exchange_weak(now, at.value);) {
  }
}

std::optional<FileOffset> FirstDifference::get() const {
  const std::uint64_t at = at_.load();
  return at == kNone ? std::nullopt : std::optional(FileOffset(at));
}

Answer<void> compare_range(Files files, ByteRange range, Holes holes, Bench& bench, FirstDifference& first,
                           std::atomic<std::uint64_t>& bytes_read) {
  DataRuns runs_a(files.a, range.end), runs_b(files.b, range.end);
  FileOffset run_end = holes == Holes::read ? range.end : range.begin;  // [at, run_end) has data on one side at least
  for (FileOffset at = range.begin; at < range.end && !first.is_before(at);) {
    if (sys::stop_requested()) return trouble(Side::a, {.code = ECANCELED, .operation = "verify", .subject = {}, .detail = {}});
    if (at >= run_end) {
      const auto a = runs_a.at(at);
      if (!a) return trouble(Side::a, a.error());
      const auto b = runs_b.at(at);
      if (!b) return trouble(Side::b, b.error());
      const ByteRange next = !b->empty() && (a->empty() || b->begin < a->begin) ? *b : *a;
      if (next.empty()) break;
      at = next.begin;
      run_end = next.end;
    }
    const std::size_t length = std::min<std::uint64_t>(Bench::kSize, (run_end - at).value);
    const auto more = compare_piece(files, at, length, true, bench, first, bytes_read);
    if (!more) return tl::unexpected<Trouble>(more.error());
    if (!*more) break;
    at = at + Bytes(length);
  }
  return {};
}

Answer<void> compare_until_end(Files files, Bench& bench, FirstDifference& first, std::atomic<std::uint64_t>& bytes_read) {
  for (FileOffset at;; at = at + Bytes(Bench::kSize)) {
    if (sys::stop_requested()) return trouble(Side::a, {.code = ECANCELED, .operation = "verify", .subject = {}, .detail = {}});
    const auto more = compare_piece(files, at, Bench::kSize, false, bench, first, bytes_read);
    if (!more) return tl::unexpected<Trouble>(more.error());
    if (!*more) return {};
  }
}

Answer<std::optional<FileOffset>> first_hole_difference(Files files, Bytes size) {
  const FileOffset end(size.value);
  DataRuns runs_a(files.a, end), runs_b(files.b, end);
  for (FileOffset at; at < end;) {
    if (sys::stop_requested()) return trouble(Side::a, {.code = ECANCELED, .operation = "verify", .subject = {}, .detail = {}});
    const auto a = runs_a.at(at);
    if (!a) return trouble(Side::a, a.error());
    const auto b = runs_b.at(at);
    if (!b) return trouble(Side::b, b.error());
    if (a->begin != b->begin) return std::min(a->begin, b->begin);
    if (a->end != b->end) return std::min(a->end, b->end);
    if (a->empty()) break;
    at = a->end;
  }
  return std::nullopt;
}

Answer<FileOffset> next_data(Files files, FileOffset at, FileOffset end) {
  const auto a = sys::seek_data(files.a, at);
  if (!a) return trouble(Side::a, a.error());
  const auto b = sys::seek_data(files.b, at);
  if (!b) return trouble(Side::b, b.error());
  return std::min({a->value_or(end), b->value_or(end), end});
}

}  // namespace foxing::verify
