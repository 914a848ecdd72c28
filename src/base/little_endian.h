// SPDX-License-Identifier: GPL-2.0-or-later
// Records as bytes: little-endian numbers appended to a string, and read from bytes that may be anything.
//
//   from  formats that outlive the process: core/signature, core/archive        to  strings, and back
//
// Holds. ByteReader never reads past its end: it answers zeros from there on and `ok()` is false.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace foxing {

inline std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  void text(std::string_view bytes) { out_ += bytes; }
  void bytes(std::span<const std::byte> bytes) { out_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size()); }
  void u8(std::uint8_t value) { put(value, 1); }
  void u16(std::uint16_t value) { put(value, 2); }
  void u32(std::uint32_t value) { put(value, 4); }
  void u64(std::uint64_t value) { put(value, 8); }
  void i64(std::int64_t value) { put(static_cast<std::uint64_t>(value), 8); }
  /// LEB128: seven bits a byte, the lowest first; the last byte is below 128.
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(static_cast<unsigned char>(value | 0x80));
    out_ += static_cast<char>(static_cast<unsigned char>(value));
  }
  /// Small numbers of either sign are short: 0, -1, 1, -2 are 0, 1, 2, 3.
  void zigzag(std::int64_t value) { varint(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63)); }

 private:
  void put(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) out_ += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  }
  std::string& out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  std::string_view text(std::size_t size) {
    if (size > rest_.size()) {
      spoil();
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
  /// Ten bytes at most; more, or a tenth above 1, is not ok().  Longer forms of a number than needed are not ok() either.
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      const std::uint8_t byte = u8();
      if (!ok_ || (shift == 63 && byte > 1) || (shift > 0 && byte == 0)) break;
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    spoil();
    return 0;
  }
  std::int64_t zigzag() {
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
  }
  /// What has been read makes no sense: nothing more is read.
  void spoil() {
    ok_ = false;
    rest_ = {};
  }
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

}  // namespace foxing
