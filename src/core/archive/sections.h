// SPDX-License-Identifier: GPL-2.0-or-later
// Sections: what leads through an archive without reading it all: index of chunks, directory of blocks, beginnings and ends of snapshots, footer.
//   from  writer.cc        to  payloads        and from  payloads, which may be anything, to  reader.cc
//
// Holds. All of it can be found out again from the records themselves; it only spares the reading.  An offset is believed when the record that lies
//        there is of the right kind and number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "core/digest/digest.h"

namespace foxing::archive {

// ---- Index: where chunks lie, from a number on

struct Placed {
  digest::Digest id;
  std::uint64_t offset = 0;  // of the record
  std::uint32_t stored_size = 0;
  std::uint32_t raw_size = 0;
};
inline constexpr std::size_t kPlacedSize = 48;
inline constexpr std::uint32_t kMostPlaced = 16384;  // in an index record

std::string encode_index(const std::vector<Placed>& chunks);
Result<std::vector<Placed>> decode_index(std::string_view payload);

// ---- Directory: where the blocks of a snapshot lie, and with which path each begins

struct BlockPlace {
  std::uint64_t offset = 0;
  std::uint32_t beginning = 0;  // entries that begin in it, at least one
  std::string first_path;  // of the first of these
};
void append_block_place(std::string& payload, const BlockPlace& place);
/// A directory record is ended when it is so large.
inline constexpr std::size_t kDirectorySize = 256 * 1024;
Result<std::vector<BlockPlace>> decode_directory(std::string_view payload);

// ---- Snapshots

struct Snapshot {
  std::string id;  // "2026-03-12T101500", UTC
  std::int64_t seconds = 0;  // when it was begun, since 1970
  std::uint32_t nanoseconds = 0;
  std::uint64_t device = 0;  // of the root, where it was made
  std::uint64_t first_chunk = 0;  // chunks with lower numbers are of earlier snapshots

  // Known at its end.
  std::uint64_t begins_at = 0;  // the record
  std::uint64_t entries = 0;
  std::uint64_t files = 0;  // regular ones, hard links not counted
  std::uint64_t content = 0;  // bytes of all files, holes included
  std::uint64_t new_content = 0;  // bytes of chunks that are in no earlier snapshot, before compression
  std::uint64_t stored = 0;  // ... after it
  std::uint64_t end_chunk = 0;  // one more than the highest number
  std::vector<std::uint64_t> directories;  // records

  // Not in archives: what a reader finds.
  std::uint64_t ends_at = 0;  // the record at its end
  std::string damage;  // why that cannot be believed; then nothing above counts but, where it is not empty, the name
};
std::string encode_snapshot_begins(const Snapshot& snapshot);
Result<Snapshot> decode_snapshot_begins(std::string_view payload);
std::string encode_snapshot_ends(const Snapshot& snapshot);
Result<Snapshot> decode_snapshot_ends(std::string_view payload);

/// "2026-03-12T101500" of seconds since 1970.
std::string id_of_time(std::int64_t seconds);

// ---- Footer

struct IndexPlace {
  std::uint64_t offset = 0;
  std::uint64_t first = 0;  // chunk number
  std::uint32_t count = 0;
};
struct Footer {
  std::vector<std::uint64_t> snapshots;  // their end records, the oldest first
  std::vector<IndexPlace> indexes;  // ascending, without gaps
  std::uint64_t chunks = 0;
};
/// The last bytes of an archive: they lead to the footer, whose payload they end.
inline constexpr std::size_t kTailSize = 24;
/// `at`: where the record will lie.
std::string encode_footer(const Footer& footer, std::uint64_t at);
Result<Footer> decode_footer(std::string_view payload);
struct Tail {
  std::uint64_t footer = 0;
  std::uint32_t payload = 0;
};
Result<Tail> decode_tail(std::string_view bytes);

}  // namespace foxing::archive
