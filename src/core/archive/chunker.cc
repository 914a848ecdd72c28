// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/chunker.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "base/assert.h"
#include "base/little_endian.h"
#include "core/digest/digest.h"

namespace foxing::archive {
namespace {

constexpr std::size_t kWindow = 64;  // so many bytes back the hash depends on
constexpr int kNormalisation = 2;
constexpr std::uint32_t kMost = 16 * 1024 * 1024;

using Table = std::array<std::uint64_t, 256>;

/// Entry i: the first 8 bytes of BLAKE3 of "FXARGEAR" and the byte i.
Table make_table() {
  Table table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const digest::Digest digest = digest::hash(as_bytes("FXARGEAR" + std::string(1, static_cast<char>(i))));
    table[i] = ByteReader(as_text(digest.bytes)).u64();
  }
  return table;
}
const Table& table() {
  static const Table made = make_table();
  return made;
}

std::uint64_t highest(int bits) { return ~std::uint64_t{0} << (64 - bits); }

/// The first place in [at, end) after whose byte the masked bits are zero, as the number of bytes up to and with it; else `end`.
std::size_t cut(const std::byte* bytes, std::size_t at, std::size_t end, std::uint64_t mask, std::uint64_t& hash, bool& found) {
  const Table& gear = table();
  std::uint64_t h = hash;
  const auto step = [&](std::size_t i) {
    h = (h << 1) + gear[std::to_integer<std::size_t>(bytes[i])];
    return (h & mask) == 0;
  };
  for (; at + 4 <= end; at += 4) {
    for (std::size_t i = 0; i < 4; ++i) {
      if (step(at + i)) [[unlikely]] {
        found = true;
        return at + i + 1;
      }
    }
  }
  for (; at < end; ++at) {
    if (step(at)) {
      found = true;
      return at + 1;
    }
  }
  hash = h;
  return end;
}

}  // namespace

bool ChunkSizes::make_sense() const {
  return least >= kWindow && least <= average && average <= most && most <= kMost && average >= 256 &&
         std::has_single_bit(average);
}

Chunker::Chunker(ChunkSizes sizes) : sizes_(sizes) {
  FOX_ASSERT(sizes.make_sense());
  const int bits = std::countr_zero(sizes.average);
  before_average_ = highest(bits + kNormalisation);
  after_average_ = highest(bits - kNormalisation);
}

std::size_t Chunker::next(std::span<const std::byte> bytes) const {
  const std::size_t size = std::min<std::size_t>(bytes.size(), sizes_.most);
  if (size <= sizes_.least) return size;
  std::uint64_t hash = 0;
  bool found = false;
  const Table& gear = table();
  for (std::size_t i = sizes_.least - kWindow; i < sizes_.least; ++i)
    hash = (hash << 1) + gear[std::to_integer<std::size_t>(bytes[i])];
  const std::size_t middle = std::clamp<std::size_t>(sizes_.average, sizes_.least, size);
  const std::size_t first = cut(bytes.data(), sizes_.least, middle, before_average_, hash, found);
  if (found) return first;
  return cut(bytes.data(), middle, size, after_average_, hash, found);
}

}  // namespace foxing::archive
