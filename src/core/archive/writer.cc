// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/writer.h"

#include <utility>

#include "base/assert.h"
#include "base/little_endian.h"
#include "sys/file.h"

namespace foxing::archive {
namespace {

constexpr std::size_t kBuffer = 1024 * 1024;
constexpr std::uint64_t kNewBytes = 4 * 1024 * 1024;  // chunks behind a block
constexpr std::size_t kBlockSize = 512 * 1024;
constexpr std::uint32_t kBlockItems = 4096;
constexpr std::uint64_t kMostChunks = 0xFFFFFFFF;  // IdTable

}  // namespace

Writer::Writer(sys::FdView out, codec::Codec codec, std::uint64_t at, Footer before)
    : out_(out), packer_(codec), at_(at), footer_(std::move(before)), chunks_(footer_.chunks) {}

Result<> Writer::begin_archive(const Header& header) {
  FOX_ASSERT(at_ == 0);
  return put(encode(header));
}

Result<> Writer::put(std::string_view bytes) {
  at_ += bytes.size();
  if (buffer_.size() + bytes.size() < kBuffer) {
    buffer_ += bytes;
    return {};
  }
  FOX_TRY(flush());
  if (bytes.size() < kBuffer) {
    buffer_ = bytes;
    return {};
  }
  return sys::write_all(out_, as_bytes(bytes));
}

Result<> Writer::flush() {
  if (buffer_.empty()) return {};
  auto written = sys::write_all(out_, as_bytes(buffer_));
  buffer_.clear();
  return written;
}

Result<> Writer::put_record(Kind kind, std::uint64_t number, std::string_view payload) {
  return put(FOX_TRY(make_record(kind, number, payload, packer_)));
}

// ---- Snapshots

Result<> Writer::begin_snapshot(Snapshot snapshot) {
  snapshot_ = std::move(snapshot);
  snapshot_.first_chunk = chunks_;
  snapshot_.begins_at = at_;
  snapshot_.directories.clear();
  blocks_ = 0;
  block_.emplace(chunks_);
  return put_record(Kind::snapshot_begins, footer_.snapshots.size(), encode_snapshot_begins(snapshot_));
}

Result<Snapshot> Writer::end_snapshot() {
  FOX_ASSERT(!item_);
  FOX_TRY(flush_block());
  FOX_TRY(flush_index());
  FOX_TRY(flush_directory());
  snapshot_.end_chunk = chunks_;
  const std::uint64_t here = at_;
  FOX_TRY(put_record(Kind::snapshot_ends, footer_.snapshots.size(), encode_snapshot_ends(snapshot_)));
  footer_.snapshots.push_back(here);
  return snapshot_;
}

Result<> Writer::finish() {
  footer_.chunks = chunks_;
  const std::string payload = encode_footer(footer_, at_);
  if (payload.size() > kMostPayload) return fail(EFBIG, "", {}, "would have a larger index than the format allows");
  // As it is: the archive's last bytes are the payload's.
  const auto bytes = as_bytes(payload);
  FOX_TRY(put(encode(head_for(Kind::footer, footer_.snapshots.size(), bytes, digest::hash(bytes), {}))));
  FOX_TRY(put(payload));
  return flush();
}

// ---- Entries

Result<> Writer::begin(Entry entry) {
  FOX_ASSERT(!item_);
  item_ = Item{.what = Item::What::begins, .entry = std::move(entry)};
  item_content_ = 0;
  item_was_begun_ = false;
  return {};
}

void Writer::add_run(Run run) {
  std::vector<Run>& content = item_->content;
  if (!run.is_hole() && !content.empty() && !content.back().is_hole() &&
      content.back().first + content.back().count == run.first) {
    content.back().count += run.count;
  } else {
    content.push_back(run);
  }
}

Result<> Writer::chunk(std::span<const std::byte> bytes, const digest::Digest& id, const Packed& packed) {
  if (const auto known = ids_.find(id)) return refer_to({*known, 1});
  if (chunks_ >= kMostChunks) return fail(EFBIG, "", {}, "would have more chunks than this program can count");
  ids_.insert(id, static_cast<std::uint32_t>(chunks_));
  const Head head = head_for(Kind::chunk, chunks_, bytes, id, packed);
  new_placed_.push_back({id, new_records_.size(), head.stored_size, head.raw_size});
  new_records_ += encode(head);
  new_records_ += packed.format == codec::Format::none ? as_text(bytes) : std::string_view(packed.stored);
  new_bytes_ += bytes.size();
  snapshot_.new_content += bytes.size();
  snapshot_.stored += head.stored_size;
  add_run({chunks_++, 1});
  return flush_if_full();
}

Result<> Writer::refer_to(Run run) {
  add_run(run);
  return flush_if_full();
}

Result<> Writer::end() {
  const bool regular = !item_->entry.hard_link && item_->entry.type == sys::FileType::regular;
  if (item_->what == Item::What::begins) item_content_ = item_->entry.size;
  ++snapshot_.entries;
  if (regular) {
    ++snapshot_.files;
    snapshot_.content += item_content_;
  }
  block_->add(*std::exchange(item_, std::nullopt));
  return flush_if_full();
}

Result<> Writer::take_back() {
  item_.reset();
  if (!std::exchange(item_was_begun_, false)) return {};  // nobody has heard of it
  block_->add({.what = Item::What::taken_back});
  return flush_if_full();
}

// ---- Blocks

Result<> Writer::flush_if_full() {
  const std::size_t content = item_ ? item_->content.size() * kMostRunBytes : 0;
  if (new_bytes_ < kNewBytes && block_->size() + content < kBlockSize && block_->items() < kBlockItems) return {};
  return flush_block();
}

Result<> Writer::flush_block() {
  if (item_) {
    if (item_->what == Item::What::begins) item_content_ = item_->entry.size;
    item_->more = true;
    block_->add(*item_);
    item_ = Item{.what = Item::What::continues};
    item_was_begun_ = true;
  }
  if (block_->items() == 0 && new_placed_.empty()) return {};
  const std::uint64_t here = at_;
  FOX_TRY(put_record(Kind::entries, blocks_++, block_->finish(static_cast<std::uint32_t>(new_placed_.size()))));
  if (block_->beginning() > 0) append_block_place(directory_, {here, block_->beginning(), block_->first_path()});
  const std::uint64_t base = at_;
  FOX_TRY(put(new_records_));
  for (Placed& placed : new_placed_) {
    placed.offset += base;
    placed_.push_back(placed);
    if (placed_.size() == kMostPlaced) FOX_TRY(flush_index());
  }
  new_records_.clear();
  new_placed_.clear();
  new_bytes_ = 0;
  block_.emplace(chunks_);
  if (directory_.size() >= kDirectorySize) FOX_TRY(flush_directory());
  return {};
}

Result<> Writer::flush_index() {
  if (placed_.empty()) return {};
  const std::uint64_t first = footer_.indexes.empty() ? 0 : footer_.indexes.back().first + footer_.indexes.back().count;
  footer_.indexes.push_back({at_, first, static_cast<std::uint32_t>(placed_.size())});
  FOX_TRY(put_record(Kind::index, first, encode_index(placed_)));
  placed_.clear();
  return {};
}

Result<> Writer::flush_directory() {
  if (directory_.empty()) return {};
  snapshot_.directories.push_back(at_);
  FOX_TRY(put_record(Kind::directory, snapshot_.directories.size() - 1, directory_));
  directory_.clear();
  return {};
}

}  // namespace foxing::archive
