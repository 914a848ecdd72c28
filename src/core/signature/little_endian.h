// SPDX-License-Identifier: GPL-2.0-or-later
// Records as bytes: little-endian numbers appended to a string, and read from bytes that may be anything.
//
// Holds. Reader never reads past its end: it answers zeros from there on and `ok()` is false.  For this folder only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/digest/digest.h"

namespace foxing::signature {

inline std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void text(std::string_view bytes) { out_ += bytes; }
  void bytes(std::span<const std::byte> bytes) { out_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size()); }
  void u8(std::uint8_t value) { put(value, 1); }
  void u16(std::uint16_t value) { put(value, 2); }
  void u32(std::uint32_t value) { put(value, 4); }
  void u64(std::uint64_t value) { put(value, 8); }
  void i64(std::int64_t value) { put(static_cast<std::uint64_t>(value), 8); }

 private:
  void put(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) out_ += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  }
  std::string& out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::string_view text(std::size_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  /// Fills `into`, with zeros where the bytes are at an end.
  template <std::size_t kSize>
  void bytes(std::array<std::byte, kSize>& into) {
    const std::string_view taken = text(kSize);
    into.fill(std::byte{0});
    if (!taken.empty()) std::memcpy(into.data(), taken.data(), kSize);
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(get(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(get(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(get(4)); }
  std::uint64_t u64() { return get(8); }
  std::int64_t i64() { return static_cast<std::int64_t>(get(8)); }
  std::size_t left() const { return rest_.size(); }
  bool ok() const { return ok_; }
  /// True where everything was there, and nothing more.
  bool complete() const { return ok_ && rest_.empty(); }

 private:
  std::uint64_t get(std::size_t size) {
    const std::string_view taken = text(size);
    std::uint64_t value = 0;
    for (std::size_t i = taken.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(taken[i]);
    return value;
  }
  std::string_view rest_;
  bool ok_ = true;
};

/// The first 8 bytes of BLAKE3 of both pieces, as a little-endian number.  Against damage, not against forgery: it has no key.
inline std::uint64_t checksum(std::string_view bytes, std::string_view more = {}) {
  const digest::Digest whole = digest::Blake3().update(as_bytes(bytes)).update(as_bytes(more)).finish();
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(whole.bytes[i]);
  return value;
}

inline constexpr std::size_t kChecksumSize = 8;

}  // namespace foxing::signature
