// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/little_endian.h"
#include "sys/file.h"
#include "sys/status.h"

namespace foxing::archive {
namespace {

constexpr std::size_t kCachedIndexes = 32;  // 0.75 MiB each

std::span<std::byte> writable(std::string& text) { return std::as_writable_bytes(std::span(text.data(), text.size())); }

}  // namespace

Error in_record(Error error, std::uint64_t at, const Head& head) {
  if (error.code != EBADMSG) return error;
  return std::move(damage(FileOffset(at), name_of(head), error.detail)).value();
}

Result<Archive> Archive::open(sys::UniqueFd file) {
  Archive archive(std::move(file));
  const sys::FileStatus status = FOX_TRY(sys::status_of(archive.file_));
  archive.size_ = status.size().value;
  FOX_TRY(archive.read_header());
  if (auto read = archive.read_footer(); !read) {
    archive.recovered_ = std::move(read).error();
    FOX_TRY(archive.walk());
  }
  return archive;
}

Result<> Archive::read_header() {
  std::string bytes(kHeaderSize, '\0');
  bytes.resize(FOX_TRY(sys::read_all_at(file_, writable(bytes), FileOffset(0))));
  header_ = FOX_TRY(decode_header(as_bytes(bytes)));
  return {};
}

Result<Head> Archive::head(std::uint64_t at) const {
  std::string bytes(kHeadSize, '\0');
  bytes.resize(at < size_ ? FOX_TRY(sys::read_all_at(file_, writable(bytes), FileOffset(at))) : 0);
  const Head head = FOX_TRY(decode_head(as_bytes(bytes), FileOffset(at), header_.chunks.most));
  if (head.whole_size() > size_ - at) return damage(FileOffset(at), name_of(head), "the archive ends in it");
  return head;
}

Result<std::string> Archive::payload(std::uint64_t at, const Head& head) {
  std::string stored(head.stored_size, '\0'), out;
  stored.resize(FOX_TRY(sys::read_all_at(file_, writable(stored), FileOffset(at + kHeadSize))));
  if (stored.size() < head.stored_size) return damage(FileOffset(at), name_of(head), "the archive ends in it");
  FOX_TRY(unpacker_.unpack(head, FileOffset(at), stored, out));
  return out;
}

Result<std::string> Archive::payload(std::uint64_t at, Kind kind, std::uint64_t number) {
  const Head found = FOX_TRY(head(at));
  if (found.kind != kind || found.number != number)
    return damage(FileOffset(at), name_of(found), fmt::format("{} should be here", name_of({.kind = kind, .number = number})));
  return payload(at, found);
}

// ---- What leads to everything

Result<> Archive::read_footer() {
  std::string bytes(kTailSize, '\0');
  if (size_ < kHeaderSize + kHeadSize + kTailSize) return damage(FileOffset(size_), "the end", "the archive is cut short");
  const std::uint64_t tail_at = size_ - kTailSize;
  bytes.resize(FOX_TRY(sys::read_all_at(file_, writable(bytes), FileOffset(tail_at))));
  const auto tail = decode_tail(bytes);
  if (!tail) return damage(FileOffset(tail_at), "the end", tail.error().detail);
  if (tail->footer < kHeaderSize || tail->footer > size_ || tail->footer + kHeadSize + tail->payload != size_)
    return damage(FileOffset(tail_at), "the end", "the footer is not where it says");
  const Head found = FOX_TRY(head(tail->footer));
  if (found.kind != Kind::footer) return damage(FileOffset(tail->footer), name_of(found), "the footer should be here");
  auto footer = decode_footer(FOX_TRY(payload(tail->footer, found)));
  if (!footer) return tl::make_unexpected(in_record(std::move(footer).error(), tail->footer, found));
  footer_ = std::move(*footer);
  end_ = size_;
  return read_snapshots();
}

Result<> Archive::read_snapshots() {
  snapshots_.clear();
  for (std::size_t i = 0; i < footer_.snapshots.size(); ++i) {
    const std::uint64_t at = footer_.snapshots[i];
    const Head found = FOX_TRY(head(at));
    if (found.kind != Kind::snapshot_ends || found.number != i)
      return damage(FileOffset(at), name_of(found), "the end of a snapshot should be here");
    auto snapshot = decode_snapshot_ends(FOX_TRY(payload(at, found)));
    if (!snapshot) return tl::make_unexpected(in_record(std::move(snapshot).error(), at, found));
    if (snapshot->begins_at >= at || snapshot->end_chunk > footer_.chunks)
      return damage(FileOffset(at), name_of(found), "its numbers make no sense");
    snapshots_.push_back(std::move(*snapshot));
  }
  if (snapshots_.empty()) return damage(FileOffset(end_), "footer", "there are no snapshots");
  return {};
}

/// Everything that leads somewhere is found out from the heads of records.
Result<> Archive::walk() {
  Footer so_far, whole;
  std::uint64_t at = kHeaderSize, chunks = 0, indexed = 0;
  std::optional<Error> stopped;
  while (at < size_) {
    const auto found = head(at);
    if (!found) {
      stopped = found.error();
      break;
    }
    // What is not in its turn is not of this archive.
    const bool in_turn = found->kind == Kind::chunk           ? found->number == chunks
                         : found->kind == Kind::index         ? found->number == indexed
                         : found->kind == Kind::snapshot_ends ? found->number == so_far.snapshots.size() && indexed == chunks
                                                              : true;
    if (!in_turn) {
      stopped = damage(FileOffset(at), name_of(*found), "it does not belong here").value();
      break;
    }
    switch (found->kind) {
      case Kind::chunk: ++chunks; break;
      case Kind::index:
        so_far.indexes.push_back({at, found->number, found->raw_size / static_cast<std::uint32_t>(kPlacedSize)});
        indexed += so_far.indexes.back().count;
        break;
      case Kind::snapshot_ends:
        so_far.snapshots.push_back(at);
        so_far.chunks = chunks;
        whole = so_far;
        end_ = at + found->whole_size();
        break;
      case Kind::footer:
        if (!whole.snapshots.empty() && at == end_) end_ = at + found->whole_size();
        break;
      default: break;
    }
    at += found->whole_size();
  }
  if (whole.snapshots.empty()) {
    Error why = stopped ? *stopped : *recovered_;
    why.detail += "; no snapshot ends before that";
    return tl::make_unexpected(std::move(why));
  }
  footer_ = std::move(whole);
  return read_snapshots();
}

// ---- Chunks

Result<Placed> Archive::place(std::uint64_t number) {
  const auto behind = std::ranges::upper_bound(footer_.indexes, number, {}, &IndexPlace::first);
  if (behind == footer_.indexes.begin()) return fail(EBADMSG, "", {}, fmt::format("damaged: chunk {} is in no index", number));
  const auto index = static_cast<std::size_t>(behind - footer_.indexes.begin()) - 1;
  const IndexPlace& where = footer_.indexes[index];
  const std::uint64_t within = number - where.first;
  if (within >= where.count) return fail(EBADMSG, "", {}, fmt::format("damaged: chunk {} is in no index", number));
  auto cached = std::ranges::find(cache_, index, &Cached::index);
  if (cached == cache_.end()) {
    const Head found = FOX_TRY(head(where.offset));
    if (found.kind != Kind::index || found.number != where.first)
      return damage(FileOffset(where.offset), name_of(found), "an index should be here");
    auto chunks = decode_index(FOX_TRY(payload(where.offset, found)));
    if (!chunks) return tl::make_unexpected(in_record(std::move(chunks).error(), where.offset, found));
    if (chunks->size() != where.count)
      return damage(FileOffset(where.offset), name_of(found), "it has another size than the footer says");
    cache_.push_front({index, std::move(*chunks)});
    if (cache_.size() > kCachedIndexes) cache_.pop_back();
    cached = cache_.begin();
  }
  const Placed placed = cached->chunks[within];
  const bool fits = placed.offset >= kHeaderSize && placed.offset < size_ && placed.stored_size <= placed.raw_size &&
                    placed.raw_size <= header_.chunks.most && kHeadSize + placed.stored_size <= size_ - placed.offset;
  if (!fits) return damage(FileOffset(where.offset), "index", fmt::format("where it puts chunk {} makes no sense", number));
  return placed;
}

Result<> Archive::read_chunk(const Placed& placed, std::uint64_t number, Unpacker& unpacker, std::string& stored,
                             std::string& out) const {
  stored.resize(kHeadSize + placed.stored_size);
  const std::size_t got = FOX_TRY(sys::read_all_at(file_, writable(stored), FileOffset(placed.offset)));
  if (got < stored.size()) return damage(FileOffset(placed.offset), fmt::format("chunk {}", number), "the archive ends in it");
  const Head head = FOX_TRY(decode_head(as_bytes(stored), FileOffset(placed.offset), header_.chunks.most));
  const bool is_it = head.kind == Kind::chunk && head.number == number && head.id == placed.id &&
                     head.stored_size == placed.stored_size && head.raw_size == placed.raw_size;
  if (!is_it) return damage(FileOffset(placed.offset), name_of(head), fmt::format("chunk {} should be here", number));
  return unpacker.unpack(head, FileOffset(placed.offset), std::string_view(stored).substr(kHeadSize), out);
}

}  // namespace foxing::archive
