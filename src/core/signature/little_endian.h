// SPDX-License-Identifier: GPL-2.0-or-later
// Records of signatures as bytes: base/little_endian.h, and their checksum.  For this folder only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/little_endian.h"
#include "core/digest/digest.h"

namespace foxing::signature {

using Writer = ByteWriter;
using Reader = ByteReader;

/// The first 8 bytes of BLAKE3 of both pieces, as a little-endian number.  Against damage, not against forgery: it has no key.
inline std::uint64_t checksum(std::string_view bytes, std::string_view more = {}) {
  const digest::Digest whole = digest::Blake3().update(as_bytes(bytes)).update(as_bytes(more)).finish();
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(whole.bytes[i]);
  return value;
}

inline constexpr std::size_t kChecksumSize = 8;

}  // namespace foxing::signature
