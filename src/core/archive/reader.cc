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
constexpr std::size_t kWindow = 1024 * 1024;
constexpr std::uint64_t kSector = 4096;
constexpr std::size_t kMostDamaged = 64;  // snapshots; an archive that has more of them is no archive

std::span<std::byte> writable(std::string& text) { return std::as_writable_bytes(std::span(text.data(), text.size())); }

}  // namespace

Error in_record(Error error, std::uint64_t at, const Head& head) {
  if (error.code != EBADMSG) return error;
  return std::move(damage(FileOffset(at), name_of(head), error.detail)).value();
}

Error unreadable(Error error, std::uint64_t at, std::string_view record) {
  if (error.code != EIO) return error;
  return std::move(damage(FileOffset(at), record, "it cannot be read: " + error.message())).value();
}

Result<std::uint64_t> next_head(sys::FdView file, std::uint64_t from, std::uint64_t end, std::uint32_t most_chunk,
                                bool* unreadable) {
  std::string window;
  for (std::uint64_t at = from; at < end;) {
    const std::uint64_t left = end - at;
    window.resize(std::min<std::uint64_t>(kWindow, left));
    auto got = sys::read_all_at(file, writable(window), FileOffset(at));
    if (!got && got.error().code != EIO) return tl::make_unexpected(std::move(got).error());
    if (!got) {
      // Up to the sector that cannot be read, and on behind it.
      const std::uint64_t sector_end = (at / kSector + 1) * kSector;
      window.resize(std::min(sector_end, end) - at);
      got = sys::read_all_at(file, writable(window), FileOffset(at));
      if (!got) {
        if (unreadable != nullptr) *unreadable = true;
        at = sector_end;
        continue;
      }
    }
    const bool file_ends = *got < window.size();
    window.resize(*got);
    for (std::size_t i = 0; (i = window.find(kRecordMagic, i)) != std::string::npos; ++i) {
      std::string rest;
      std::string_view bytes = std::string_view(window).substr(i);
      if (bytes.size() < kHeadSize && bytes.size() < left - i) {  // it goes on behind the window
        rest.resize(std::min<std::uint64_t>(kHeadSize, left - i));
        rest.resize(sys::read_all_at(file, writable(rest), FileOffset(at + i)).value_or(0));
        bytes = rest;
      }
      const auto head = decode_head(as_bytes(bytes), FileOffset(at + i), most_chunk);
      if (head && head->whole_size() <= left - i) return at + i;
    }
    if (file_ends || window.size() == left) break;
    at += std::max(window.size(), kRecordMagic.size()) - (kRecordMagic.size() - 1);
  }
  return end;
}

Result<Archive> Archive::open(sys::UniqueFd file) {
  Archive archive(std::move(file));
  const sys::FileStatus status = FOX_TRY(sys::status_of(archive.file_));
  archive.size_ = status.size().value;
  FOX_TRY(archive.read_header());
  if (auto read = archive.read_footer(); !read) {
    if (read.error().code != EBADMSG && read.error().code != EIO) return tl::make_unexpected(std::move(read).error());
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
  auto found = raw_head(at);
  if (!found) return tl::make_unexpected(unreadable(std::move(found).error(), at, "the head of a record"));
  return found;
}

Result<Head> Archive::raw_head(std::uint64_t at) const {
  std::string bytes(kHeadSize, '\0');
  bytes.resize(at < size_ ? FOX_TRY(sys::read_all_at(file_, writable(bytes), FileOffset(at))) : 0);
  const Head head = FOX_TRY(decode_head(as_bytes(bytes), FileOffset(at), header_.chunks.most));
  if (head.whole_size() > size_ - at) return damage(FileOffset(at), name_of(head), "the archive ends in it");
  return head;
}

Result<std::string> Archive::stored(std::uint64_t at, const Head& head) const {
  std::string bytes(head.stored_size, '\0');
  const auto got = sys::read_all_at(file_, writable(bytes), FileOffset(at + kHeadSize));
  if (!got) return tl::make_unexpected(unreadable(got.error(), at, name_of(head)));
  if (*got < bytes.size()) return damage(FileOffset(at), name_of(head), "the archive ends in it");
  return bytes;
}

Result<std::string> Archive::payload(std::uint64_t at, const Head& head) {
  std::string out;
  FOX_TRY(unpacker_.unpack(head, FileOffset(at), FOX_TRY(stored(at, head)), out));
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
  if (found.kind != Kind::footer || found.format != codec::Format::none)
    return damage(FileOffset(tail->footer), name_of(found), "the footer should be here");
  auto footer = decode_footer(FOX_TRY(payload(tail->footer, found)));
  if (!footer) return tl::make_unexpected(in_record(std::move(footer).error(), tail->footer, found));
  footer_ = std::move(*footer);
  end_ = size_;
  return read_snapshots();
}

/// One whose end is damaged keeps its place in the list: the others are not worse for it.
Result<> Archive::read_snapshots() {
  snapshots_.clear();
  std::uint64_t not_before = kHeaderSize;
  std::size_t damaged = 0;
  for (std::size_t i = 0; i < footer_.snapshots.size(); ++i) {
    const std::uint64_t at = footer_.snapshots[i];
    const auto found = head(at);
    if (found && (found->kind != Kind::snapshot_ends || found->number != i))
      return damage(FileOffset(at), name_of(*found), "the end of a snapshot should be here");
    auto snapshot = found ? read_snapshot(i, *found, not_before) : Result<Snapshot>(tl::make_unexpected(found.error()));
    if (!snapshot) {
      if (snapshot.error().code != EBADMSG || ++damaged > kMostDamaged) return tl::make_unexpected(std::move(snapshot).error());
      const std::string id = name_at_beginning(not_before);
      snapshot = Snapshot{.id = id, .damage = snapshot.error().detail};
    }
    snapshot->ends_at = at;
    snapshots_.push_back(std::move(*snapshot));
    not_before = at + (found ? found->whole_size() : kHeadSize);
  }
  if (snapshots_.empty()) return damage(FileOffset(end_), "footer", "there are no snapshots");
  return {};
}

/// `not_before`: where the one before it ends.
Result<Snapshot> Archive::read_snapshot(std::size_t index, const Head& found, std::uint64_t not_before) {
  const std::uint64_t at = footer_.snapshots[index];
  auto snapshot = decode_snapshot_ends(FOX_TRY(payload(at, found)));
  if (!snapshot) return tl::make_unexpected(in_record(std::move(snapshot).error(), at, found));
  // Every number that is kept stands for a record of its own: what is claimed cannot be more than the file has room for.
  std::uint64_t least = snapshot->begins_at + kHeadSize;
  bool make_sense =
      snapshot->begins_at >= not_before && snapshot->begins_at < at && least <= at && snapshot->end_chunk <= footer_.chunks;
  for (const std::uint64_t directory : snapshot->directories) {
    make_sense = make_sense && directory >= least && directory <= at - kHeadSize;
    least = directory + kHeadSize;
  }
  if (!make_sense) return damage(FileOffset(at), name_of(found), "its numbers make no sense");
  return snapshot;
}

/// The name of the snapshot that begins at `at`, or behind a footer there; "" where that cannot be read.
std::string Archive::name_at_beginning(std::uint64_t at) {
  auto found = head(at);
  while (found && found->kind == Kind::footer) {
    at += found->whole_size();
    found = head(at);
  }
  if (!found || found->kind != Kind::snapshot_begins) return {};
  const auto bytes = payload(at, *found);
  const auto snapshot = bytes ? decode_snapshot_begins(*bytes) : Result<Snapshot>(tl::make_unexpected(bytes.error()));
  return snapshot ? snapshot->id : std::string();
}

/// Everything that leads somewhere is found out from the heads of records.
Result<> Archive::walk() {
  Footer so_far, whole;
  std::uint64_t at = kHeaderSize, chunks = 0, indexed = 0;
  while (at < size_) {
    const auto found = raw_head(at);
    if (!found) {
      if (found.error().code != EBADMSG && found.error().code != EIO) return tl::make_unexpected(found.error());
      stopped_ = found.error();
      break;
    }
    // What is not in its turn is not of this archive.
    const bool in_turn = found->kind == Kind::chunk           ? found->number == chunks
                         : found->kind == Kind::index         ? found->number == indexed
                         : found->kind == Kind::snapshot_ends ? found->number == so_far.snapshots.size() && indexed == chunks
                                                              : true;
    if (!in_turn) {
      stopped_ = damage(FileOffset(at), name_of(*found), "it does not belong here").value();
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
  stopped_at_ = at;
  if (stopped_ && at == end_) footer_follows_ = footer_lies_at_end();
  if (!stopped_ && end_ < size_) stopped_ = damage(FileOffset(size_), "the end", "the last snapshot has not ended").value();
  if (whole.snapshots.empty()) {
    Error why = stopped_ ? *stopped_ : *recovered_;
    why.detail += "; no snapshot ends before that";
    return tl::make_unexpected(std::move(why));
  }
  footer_ = std::move(whole);
  return read_snapshots();
}

/// The last snapshot is followed by a footer that is cut short, or of which only the head is damaged: no snapshot is missing.
bool Archive::footer_lies_at_end() const {
  std::string bytes(std::max(kHeadSize, kTailSize), '\0');
  const auto at = [&](std::uint64_t place, std::size_t size) {
    bytes.resize(size);
    bytes.resize(sys::read_all_at(file_, writable(bytes), FileOffset(place)).value_or(0));
    return std::string_view(bytes);
  };
  const auto head = decode_head(as_bytes(at(end_, kHeadSize)), FileOffset(end_), header_.chunks.most);
  if (head) return head->kind == Kind::footer;
  const auto tail = decode_tail(at(size_ - kTailSize, kTailSize));
  return tail && tail->footer == end_;
}

Result<> Archive::may_end_here() const {
  const auto refused = [](Error why) -> Result<> {
    why.detail = (why.detail.empty() ? why.message() : why.detail) +
                 "; snapshots behind it would be lost if something were added: fxcp snap check says what is damaged, and a new "
                 "archive takes new snapshots";
    why.code = EBADMSG;
    why.operation = "";
    return tl::make_unexpected(std::move(why));
  };
  for (const Snapshot& snapshot : snapshots_)
    if (!snapshot.damage.empty()) return refused({.code = EBADMSG, .operation = "", .subject = {}, .detail = snapshot.damage});
  if (!stopped_ || footer_follows_) return {};
  if (stopped_->code == EIO) return refused(unreadable(*stopped_, stopped_at_, "the head of a record"));
  // Where the last record is cut short by the end of the file nothing can lie behind it.
  std::string bytes(kHeadSize, '\0');
  bytes.resize(FOX_TRY(sys::read_all_at(file_, writable(bytes), FileOffset(stopped_at_))));
  const auto cut = decode_head(as_bytes(bytes), FileOffset(stopped_at_), header_.chunks.most);
  if (bytes.size() < kHeadSize || (cut && cut->whole_size() > size_ - stopped_at_)) return {};
  std::string tail(kTailSize, '\0');
  tail.resize(FOX_TRY(sys::read_all_at(file_, writable(tail), FileOffset(size_ - kTailSize))));
  if (decode_tail(tail)) return refused(*stopped_);
  bool unreadable = false;
  for (std::uint64_t at = stopped_at_; (at = FOX_TRY(next_head(file_, at, size_, header_.chunks.most, &unreadable))) < size_;) {
    const auto found = head(at);
    if (!found || found->kind == Kind::snapshot_ends) return refused(*stopped_);
    at += found->whole_size();  // what is in a record may be an archive, too
  }
  if (unreadable) return refused(*stopped_);
  return {};
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
    auto chunks = read_index(where);
    if (!chunks && chunks.error().code == EBADMSG) chunks = learn_index(index);
    if (!chunks) return tl::make_unexpected(std::move(chunks).error());
    cache_.push_front({index, std::move(*chunks)});
    if (cache_.size() > kCachedIndexes) cache_.pop_back();
    cached = cache_.begin();
  }
  const Placed placed = cached->chunks[within];
  if (placed.raw_size == 0)
    return damage(FileOffset(where.offset), "index", fmt::format("where chunk {} lies cannot be found out", number));
  const bool fits = placed.offset >= kHeaderSize && placed.offset < size_ && placed.stored_size <= placed.raw_size &&
                    placed.raw_size <= header_.chunks.most && kHeadSize + placed.stored_size <= size_ - placed.offset;
  if (!fits) return damage(FileOffset(where.offset), "index", fmt::format("where it puts chunk {} makes no sense", number));
  return placed;
}

Result<std::vector<Placed>> Archive::read_index(const IndexPlace& where) {
  const Head found = FOX_TRY(head(where.offset));
  if (found.kind != Kind::index || found.number != where.first)
    return damage(FileOffset(where.offset), name_of(found), "an index should be here");
  auto chunks = decode_index(FOX_TRY(payload(where.offset, found)));
  if (!chunks) return tl::make_unexpected(in_record(std::move(chunks).error(), where.offset, found));
  if (chunks->size() != where.count)
    return damage(FileOffset(where.offset), name_of(found), "it has another size than the footer says");
  return chunks;
}

/// What a damaged index said, from the heads of its chunks: they lie between the index before it and itself.  Those that are not found have no size.
/// Behind a damaged head another one is looked for, and what is found may be of an archive within this one: it counts when it leads, chunk by chunk and
/// without a gap, up to where the index lies.
Result<std::vector<Placed>> Archive::learn_index(std::size_t index) const {
  const IndexPlace& where = footer_.indexes[index];
  std::vector<Placed> chunks(where.count);
  std::uint64_t at = index == 0 ? kHeaderSize : footer_.indexes[index - 1].offset;
  std::vector<std::pair<std::uint64_t, Placed>> doubtful;
  bool from_the_beginning = true;
  const auto take = [&](std::uint64_t number, const Placed& placed) {
    if (number >= where.first && number - where.first < where.count) chunks[number - where.first] = placed;
  };
  while (at < where.offset) {
    const auto found = head(at);
    if (!found && found.error().code != EBADMSG) return tl::make_unexpected(found.error());
    const bool chunk = found && found->kind == Kind::chunk;
    const bool goes_on =
        found && at + found->whole_size() <= where.offset &&
        (doubtful.empty() || (chunk ? found->number == doubtful.back().first + 1
                                    : found->kind == Kind::entries || found->kind == Kind::directory || found->ignorable()));
    if (!goes_on) {
      from_the_beginning = false;
      doubtful.clear();
      at = FOX_TRY(next_head(file_, at + 1, where.offset, header_.chunks.most));
      continue;
    }
    const Placed placed{found->id, at, found->stored_size, found->raw_size};
    if (chunk && from_the_beginning) take(found->number, placed);
    if (chunk && !from_the_beginning) doubtful.emplace_back(found->number, placed);
    at += found->whole_size();
  }
  if (!doubtful.empty() && doubtful.back().first + 1 == where.first + where.count)
    for (const auto& [number, placed] : doubtful) take(number, placed);
  return chunks;
}

Result<> Archive::read_chunk(const Placed& placed, std::uint64_t number, Unpacker& unpacker, std::string& stored,
                             std::string& out) const {
  stored.resize(kHeadSize + placed.stored_size);
  const auto got = sys::read_all_at(file_, writable(stored), FileOffset(placed.offset));
  if (!got) return tl::make_unexpected(unreadable(got.error(), placed.offset, fmt::format("chunk {}", number)));
  if (*got < stored.size()) return damage(FileOffset(placed.offset), fmt::format("chunk {}", number), "the archive ends in it");
  const Head head = FOX_TRY(decode_head(as_bytes(stored), FileOffset(placed.offset), header_.chunks.most));
  const bool is_it = head.kind == Kind::chunk && head.number == number && head.id == placed.id &&
                     head.stored_size == placed.stored_size && head.raw_size == placed.raw_size;
  if (!is_it) return damage(FileOffset(placed.offset), name_of(head), fmt::format("chunk {} should be here", number));
  return unpacker.unpack(head, FileOffset(placed.offset), std::string_view(stored).substr(kHeadSize), out);
}

}  // namespace foxing::archive
