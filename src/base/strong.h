// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers with a meaning.  Two bare integers side by side invite a swap; these do not mix.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace foxing {

/// A number that only compares: an inode number is not added to anything.
template <class Tag, class Number>
struct Strong {
  Number value{};
  constexpr Strong() = default;
  constexpr explicit Strong(Number number) : value(number) {}
  friend constexpr auto operator<=>(Strong, Strong) = default;
};

/// A number that also adds up with its own kind.
template <class Tag, class Number>
struct Amount : Strong<Tag, Number> {
  using Strong<Tag, Number>::Strong;
  friend constexpr auto operator<=>(Amount, Amount) = default;
  friend constexpr Amount operator+(Amount a, Amount b) { return Amount(a.value + b.value); }
  friend constexpr Amount operator-(Amount a, Amount b) { return Amount(a.value - b.value); }
  constexpr Amount& operator+=(Amount other) {
    this->value += other.value;
    return *this;
  }
};

using InodeNo = Strong<struct InodeNoTag, std::uint64_t>;
using Bytes = Amount<struct BytesTag, std::uint64_t>;

/// A place in a file.  The distance of two places is an amount of bytes.
struct FileOffset {
  std::uint64_t value = 0;
  constexpr FileOffset() = default;
  constexpr explicit FileOffset(std::uint64_t offset) : value(offset) {}
  friend constexpr auto operator<=>(FileOffset, FileOffset) = default;
  friend constexpr FileOffset operator+(FileOffset at, Bytes size) { return FileOffset(at.value + size.value); }
  friend constexpr Bytes operator-(FileOffset end, FileOffset begin) { return Bytes(end.value - begin.value); }
};

/// [begin, end) of a file.
struct ByteRange {
  FileOffset begin;
  FileOffset end;
  constexpr Bytes size() const { return end - begin; }
  constexpr bool empty() const { return begin >= end; }
  friend constexpr bool operator==(ByteRange, ByteRange) = default;
};

/// A filesystem, as user space names it (stat's st_dev).  The kernel's own layout (mountinfo, BPF) differs: see `from_numbers`.
struct DeviceId {
  std::uint64_t value = 0;
  static DeviceId from_stat(std::uint64_t st_dev) { return DeviceId{st_dev}; }
  static DeviceId from_numbers(unsigned major, unsigned minor);
  unsigned major_number() const;
  unsigned minor_number() const;
  friend constexpr auto operator<=>(DeviceId, DeviceId) = default;
};

/// One inode of one filesystem: what two names of a hard link have in common.
struct FileKey {
  DeviceId device;
  InodeNo inode;
  friend constexpr auto operator<=>(FileKey, FileKey) = default;
};

constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes(n << 10); }
constexpr Bytes operator""_MiB(unsigned long long n) { return Bytes(n << 20); }
constexpr Bytes operator""_GiB(unsigned long long n) { return Bytes(n << 30); }

}  // namespace foxing

template <>
struct std::hash<foxing::FileKey> {
  std::size_t operator()(const foxing::FileKey& key) const noexcept {
    // Multiplicative mixing: inode numbers are dense, and a table by their low bits alone would cluster.
    return static_cast<std::size_t>((key.inode.value ^ (key.device.value << 40)) * 0x9E3779B97F4A7C15ULL);
  }
};
