// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signature/hashing.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "base/assert.h"
#include "sys/file.h"
#include "sys/process.h"

namespace foxing::signature {
namespace {

constexpr std::size_t kBufferSize = 1 << 18;

/// The data that lies at or after `at`, cut to `range`; empty where only a hole follows.  Where the filesystem can't say, everything is data.
ByteRange next_data(sys::FdView file, FileOffset at, FileOffset end) {
  const auto data = sys::seek_data(file, at);
  if (!data) return {at, end};
  if (!*data || **data >= end) return {end, end};
  const auto hole = sys::seek_hole(file, **data);
  return {**data, hole && *hole > **data ? std::min(*hole, end) : end};
}

}  // namespace

Result<std::vector<LeafHash>> leaf_hashes_of(sys::FdView file, ByteRange range, unsigned leaf_log2, std::span<std::byte> buffer) {
  FOX_ASSERT(is_leaf_log2(leaf_log2) && range.begin.value % (std::uint64_t{1} << leaf_log2) == 0);
  std::unique_ptr<std::byte[]> own;
  if (buffer.size() < kLeaf.value) {
    const std::uint64_t wanted = std::clamp<std::uint64_t>(range.empty() ? 0 : range.size().value, 1, kBufferSize);
    own.reset(new std::byte[wanted]);
    buffer = std::span(own.get(), static_cast<std::size_t>(wanted));
  }
  MerkleBuilder builder(leaf_log2, std::numeric_limits<std::size_t>::max() - 1);
  FileOffset at = range.begin;
  while (at < range.end) {
    // A hole in a single leaf saves nothing worth two calls.
    const ByteRange data = range.size() <= kLeaf ? range : next_data(file, at, range.end);
    if (data.begin > at) builder.zeros(data.begin - at);
    at = data.begin;
    while (at < data.end) {
      if (sys::stop_requested()) return fail(EINTR, "hash");
      const std::uint64_t length = std::min<std::uint64_t>(buffer.size(), (data.end - at).value);
      const auto piece = buffer.first(static_cast<std::size_t>(length));
      if (FOX_TRY(sys::read_all_at(file, piece, at)) < length) return fail(ESTALE, "read", {}, "the file got shorter meanwhile");
      builder.update(piece);
      at = at + Bytes(length);
    }
  }
  return builder.finish().hashes;
}

Result<Content> hash_file(sys::FdView file, Bytes size, std::span<std::byte> buffer) {
  const unsigned leaf_log2 = leaf_log2_for(size);
  const ByteRange whole{FileOffset(0), FileOffset(size.value)};
  return content_of({.size = size, .leaf_log2 = leaf_log2, .hashes = FOX_TRY(leaf_hashes_of(file, whole, leaf_log2, buffer))});
}

std::vector<ByteRange> pieces_of(Bytes size, unsigned leaf_log2, std::size_t most) {
  const std::uint64_t leaves = leaves_of(size, leaf_log2);
  const std::uint64_t pieces = std::clamp<std::uint64_t>(most, 1, leaves);
  std::vector<ByteRange> ranges;
  std::uint64_t begin = 0;
  for (std::uint64_t i = 1; i <= pieces; ++i) {
    // leaves / pieces each, the remainder spread over the first ones; the last piece ends with the file.
    const std::uint64_t count = leaves / pieces + (i <= leaves % pieces ? 1 : 0);
    const std::uint64_t end = i == pieces ? size.value : begin + (count << leaf_log2);
    ranges.push_back({FileOffset(begin), FileOffset(end)});
    begin = end;
  }
  return ranges;
}

}  // namespace foxing::signature
