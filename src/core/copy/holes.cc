// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/holes.h"

#include <algorithm>
#include <cstring>

#include "sys/file.h"

namespace foxing::copy {

Result<std::optional<ByteRange>> DataRanges::next() {
  if (at_ >= end_) return std::nullopt;
  if (!holes_count_) {
    const ByteRange all{at_, end_};
    at_ = end_;
    return all;
  }
  const auto begin = FOX_TRY(sys::seek_data(file_, at_));
  if (!begin || *begin >= end_) {
    at_ = end_;
    return std::nullopt;
  }
  const FileOffset end = std::min(FOX_TRY(sys::seek_hole(file_, *begin)), end_);
  at_ = end;
  return ByteRange{*begin, end};
}

bool is_zero(std::span<const std::byte> bytes) {
  // If the first sixteen are zero and every byte equals the one sixteen before it, all are zero.
  static constexpr std::byte kZeros[16]{};
  if (bytes.size() <= sizeof kZeros) return bytes.empty() || std::memcmp(bytes.data(), kZeros, bytes.size()) == 0;
  return std::memcmp(bytes.data(), kZeros, sizeof kZeros) == 0 &&
         std::memcmp(bytes.data(), bytes.data() + sizeof kZeros, bytes.size() - sizeof kZeros) == 0;
}

}  // namespace foxing::copy
