// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/digest/digest.h"

#include <blake3.h>

#include <new>
#include <type_traits>

namespace foxing::digest {
namespace {

static_assert(BLAKE3_OUT_LEN == Digest::kSize);
static_assert(std::is_trivially_copyable_v<blake3_hasher>, "Blake3 is copied as bytes");

/// The library looks up the processor's abilities at its first call and keeps them in a plain variable (until 1.5).
/// That call is made here once, before two threads can make it at the same time.
bool look_at_the_processor() {
  // One piece of several chunks goes through both kinds of code that the library chooses: single blocks and many chunks.
  static constexpr std::array<std::byte, 4 * BLAKE3_CHUNK_LEN> kPiece{};
  blake3_hasher hasher;
  blake3_hasher_init(&hasher);
  blake3_hasher_update(&hasher, kPiece.data(), kPiece.size());
  return true;
}

}  // namespace

std::string Digest::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * kSize);
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte >> 4)];
    text += kDigits[std::to_integer<unsigned>(byte & std::byte{0x0F})];
  }
  return text;
}

Blake3::Blake3() {
  static_assert(sizeof(blake3_hasher) <= kStateSize && alignof(blake3_hasher) <= alignof(std::max_align_t));
  [[maybe_unused]] static const bool looked = look_at_the_processor();
  blake3_hasher_init(::new (state_.data()) blake3_hasher);
}

Blake3& Blake3::update(std::span<const std::byte> piece) {
  blake3_hasher_update(reinterpret_cast<blake3_hasher*>(state_.data()), piece.data(), piece.size());
  return *this;
}

Digest Blake3::finish() const {
  Digest digest;
  blake3_hasher_finalize(reinterpret_cast<const blake3_hasher*>(state_.data()),
                         reinterpret_cast<std::uint8_t*>(digest.bytes.data()), digest.bytes.size());
  return digest;
}

Digest hash(std::span<const std::byte> bytes) { return Blake3().update(bytes).finish(); }

}  // namespace foxing::digest
