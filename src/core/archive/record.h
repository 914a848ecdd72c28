// SPDX-License-Identifier: GPL-2.0-or-later
// Records: what an archive is made of after its header, each with a head of 64 bytes that says what follows.
//   from  writer.cc        to  bytes        and from  bytes, which may be anything, to  reader.cc, stream.cc
//
// Why.   A record describes itself: whoever finds one knows its kind, its sizes and whether it is damaged, without an index.
// Holds. Bounds are checked before anything is believed.  An error names the byte and the record.  docs/formats/fxar-v2.md is the law.
// Not here: what is in the payloads (entry.h, sections.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"
#include "core/archive/chunker.h"
#include "core/codec/codec.h"
#include "core/digest/digest.h"

namespace foxing::archive {

// ---- The header of the archive

inline constexpr std::size_t kHeaderSize = 64;
inline constexpr std::uint16_t kMajor = 2;
inline constexpr std::uint16_t kMinor = 0;

struct Header {
  std::uint16_t minor = kMinor;
  std::uint32_t compatible = 0;  // features that a reader need not know
  std::uint32_t ro_compatible = 0;  // ... that a reader need not know, and a writer must
  std::uint32_t incompatible = 0;  // ... that everybody must know
  ChunkSizes chunks;
};
/// The features of this version.
inline constexpr std::uint32_t kKnownRoCompatible = 0;
inline constexpr std::uint32_t kKnownIncompatible = 0;

std::string encode(const Header& header);
/// EBADMSG: not an archive, or damaged.  EOPNOTSUPP: of a version or with features that this one does not know.
Result<Header> decode_header(std::span<const std::byte> bytes);
/// EOPNOTSUPP where something may be read and not appended to.
Result<> may_append(const Header& header);

// ---- The head of a record

inline constexpr std::size_t kHeadSize = 64;
inline constexpr std::uint32_t kMostPayload = 16 * 1024 * 1024;

enum class Kind : std::uint8_t {
  snapshot_begins = 1,
  entries = 2,
  chunk = 3,
  index = 4,
  directory = 5,
  snapshot_ends = 6,
  footer = 7,
};
/// Kinds from here on may be passed over by who does not know them.
inline constexpr std::uint8_t kFirstIgnorable = 128;

struct Head {
  Kind kind{};
  codec::Format format = codec::Format::none;
  std::uint32_t raw_size = 0;
  std::uint32_t stored_size = 0;
  std::uint64_t number = 0;
  digest::Digest id;  // BLAKE3 of the payload as it was before compression
  std::uint32_t stored_crc = 0;

  bool ignorable() const { return static_cast<std::uint8_t>(kind) >= kFirstIgnorable; }
  /// Head and payload.
  std::uint64_t whole_size() const { return kHeadSize + stored_size; }
};

/// "chunk 17"
std::string name_of(const Head& head);

std::string encode(const Head& head);
/// `at`: where the head lies, for messages.  `most_chunk`: from the archive's header.
Result<Head> decode_head(std::span<const std::byte> bytes, FileOffset at, std::uint32_t most_chunk);
/// What a record begins with.
inline constexpr std::string_view kRecordMagic = "FXRC";

/// EBADMSG, naming the byte and the record.
tl::unexpected<Error> damage(FileOffset at, std::string_view record, std::string_view what);

}  // namespace foxing::archive
