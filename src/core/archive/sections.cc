// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/sections.h"

#include <fmt/format.h>

#include <ctime>

#include "base/little_endian.h"
#include "core/archive/crc32c.h"
#include "core/archive/entry.h"

namespace foxing::archive {
namespace {

constexpr std::string_view kTailMagic = "FXAREND\n";
constexpr std::size_t kMostId = 64;

tl::unexpected<Error> wrong(std::string what) { return fail(EBADMSG, "", {}, std::move(what)); }

void put_beginning(ByteWriter& writer, const Snapshot& snapshot) {
  writer.i64(snapshot.seconds);
  writer.u32(snapshot.nanoseconds);
  writer.u64(snapshot.device);
  writer.u64(snapshot.first_chunk);
  writer.u32(static_cast<std::uint32_t>(snapshot.id.size()));
  writer.text(snapshot.id);
}

bool is_id(std::string_view id) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
  };
  if (id.empty() || id.size() > kMostId || id.front() == '-' || id.front() == '.') return false;
  for (const char c : id)
    if (!allowed(c)) return false;
  return true;
}

Result<Snapshot> get_beginning(ByteReader& reader) {
  Snapshot snapshot;
  snapshot.seconds = reader.i64();
  snapshot.nanoseconds = reader.u32();
  snapshot.device = reader.u64();
  snapshot.first_chunk = reader.u64();
  const std::uint32_t size = reader.u32();
  snapshot.id = reader.text(size);
  if (!reader.ok()) return wrong("it ends too early");
  if (!is_id(snapshot.id) || snapshot.nanoseconds >= 1'000'000'000) return wrong("its name or time makes no sense");
  return snapshot;
}

}  // namespace

// ---- Index

std::string encode_index(const std::vector<Placed>& chunks) {
  std::string payload;
  payload.reserve(chunks.size() * kPlacedSize);
  ByteWriter writer(payload);
  for (const Placed& chunk : chunks) {
    writer.bytes(chunk.id.bytes);
    writer.u64(chunk.offset);
    writer.u32(chunk.stored_size);
    writer.u32(chunk.raw_size);
  }
  return payload;
}

Result<std::vector<Placed>> decode_index(std::string_view payload) {
  if (payload.empty() || payload.size() % kPlacedSize != 0 || payload.size() / kPlacedSize > kMostPlaced)
    return wrong("its size makes no sense");
  std::vector<Placed> chunks(payload.size() / kPlacedSize);
  ByteReader reader(payload);
  for (Placed& chunk : chunks) {
    reader.bytes(chunk.id.bytes);
    chunk.offset = reader.u64();
    chunk.stored_size = reader.u32();
    chunk.raw_size = reader.u32();
  }
  return chunks;
}

// ---- Directory

void append_block_place(std::string& payload, const BlockPlace& place) {
  ByteWriter writer(payload);
  writer.u64(place.offset);
  writer.u32(place.beginning);
  writer.u32(static_cast<std::uint32_t>(place.first_path.size()));
  writer.text(place.first_path);
}

Result<std::vector<BlockPlace>> decode_directory(std::string_view payload) {
  std::vector<BlockPlace> places;
  ByteReader reader(payload);
  while (reader.left() > 0) {
    BlockPlace place;
    place.offset = reader.u64();
    place.beginning = reader.u32();
    const std::uint32_t size = reader.u32();
    place.first_path = reader.text(size);
    if (!reader.ok()) return wrong("it ends too early");
    if (!place.first_path.empty() && !is_valid_path(place.first_path)) return wrong("a path is not allowed");
    if (!places.empty() &&
        (place.offset <= places.back().offset || compare_paths(places.back().first_path, place.first_path) > 0))
      return wrong("it is out of order");
    places.push_back(std::move(place));
  }
  return places;
}

// ---- Snapshots

std::string encode_snapshot_begins(const Snapshot& snapshot) {
  std::string payload;
  ByteWriter writer(payload);
  put_beginning(writer, snapshot);
  return payload;
}

Result<Snapshot> decode_snapshot_begins(std::string_view payload) {
  ByteReader reader(payload);
  Snapshot snapshot = FOX_TRY(get_beginning(reader));
  if (!reader.complete()) return wrong("it goes on behind its end");
  return snapshot;
}

std::string encode_snapshot_ends(const Snapshot& snapshot) {
  std::string payload;
  ByteWriter writer(payload);
  put_beginning(writer, snapshot);
  for (const std::uint64_t number : {snapshot.begins_at, snapshot.entries, snapshot.files, snapshot.content, snapshot.new_content,
                                     snapshot.stored, snapshot.end_chunk})
    writer.u64(number);
  writer.u32(static_cast<std::uint32_t>(snapshot.directories.size()));
  for (const std::uint64_t offset : snapshot.directories) writer.u64(offset);
  return payload;
}

Result<Snapshot> decode_snapshot_ends(std::string_view payload) {
  ByteReader reader(payload);
  Snapshot snapshot = FOX_TRY(get_beginning(reader));
  for (std::uint64_t* const number : {&snapshot.begins_at, &snapshot.entries, &snapshot.files, &snapshot.content,
                                      &snapshot.new_content, &snapshot.stored, &snapshot.end_chunk})
    *number = reader.u64();
  const std::uint32_t count = reader.u32();
  if (!reader.ok() || reader.left() != std::size_t{count} * 8) return wrong("its size makes no sense");
  for (std::uint32_t i = 0; i < count; ++i) snapshot.directories.push_back(reader.u64());
  if (snapshot.end_chunk < snapshot.first_chunk || snapshot.files > snapshot.entries) return wrong("its numbers make no sense");
  return snapshot;
}

std::string id_of_time(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}{:02}{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                     parts.tm_min, parts.tm_sec);
}

// ---- Footer

std::string encode_footer(const Footer& footer, std::uint64_t at) {
  std::string payload;
  ByteWriter writer(payload);
  writer.u64(footer.chunks);
  writer.u32(static_cast<std::uint32_t>(footer.snapshots.size()));
  writer.u32(static_cast<std::uint32_t>(footer.indexes.size()));
  for (const std::uint64_t offset : footer.snapshots) writer.u64(offset);
  for (const IndexPlace& index : footer.indexes) {
    writer.u64(index.offset);
    writer.u64(index.first);
    writer.u32(index.count);
  }
  std::string tail;
  ByteWriter end(tail);
  end.u64(at);
  end.u32(static_cast<std::uint32_t>(payload.size() + kTailSize));
  end.u32(crc32c(as_bytes(tail)));
  end.text(kTailMagic);
  return payload + tail;
}

Result<Footer> decode_footer(std::string_view payload) {
  Footer footer;
  ByteReader reader(payload);
  footer.chunks = reader.u64();
  const std::uint32_t snapshots = reader.u32();
  const std::uint32_t indexes = reader.u32();
  if (!reader.ok() || reader.left() != std::uint64_t{snapshots} * 8 + std::uint64_t{indexes} * 20 + kTailSize)
    return wrong("its size makes no sense");
  for (std::uint32_t i = 0; i < snapshots; ++i) {
    footer.snapshots.push_back(reader.u64());
    if (i > 0 && footer.snapshots[i] <= footer.snapshots[i - 1]) return wrong("its snapshots are out of order");
  }
  std::uint64_t next = 0;
  for (std::uint32_t i = 0; i < indexes; ++i) {
    const IndexPlace index{.offset = reader.u64(), .first = reader.u64(), .count = reader.u32()};
    if (index.first != next || index.count == 0 || index.count > kMostPlaced) return wrong("its indexes make no sense");
    next += index.count;
    footer.indexes.push_back(index);
  }
  if (next != footer.chunks) return wrong("its indexes make no sense");
  return footer;
}

Result<Tail> decode_tail(std::string_view bytes) {
  if (bytes.size() != kTailSize || bytes.substr(16) != kTailMagic) return wrong("it does not end as archives do");
  ByteReader reader(bytes);
  const Tail tail{.footer = reader.u64(), .payload = reader.u32()};
  if (reader.u32() != crc32c(as_bytes(bytes.substr(0, 12)))) return wrong("the checksum of its last bytes is wrong");
  return tail;
}

}  // namespace foxing::archive
