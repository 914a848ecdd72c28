// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/manifest.h"

#include <utility>

namespace foxing::archive {
namespace {

constexpr std::size_t kMostRunsOfFile = 16 * 1024 * 1024;

}  // namespace

EntryCursor::EntryCursor(Archive& archive, const Snapshot& snapshot)
    : archive_(&archive), snapshot_(&snapshot), at_(snapshot.begins_at), check_(TreeCheck()) {}

Result<EntryCursor> EntryCursor::from(Archive& archive, const Snapshot& snapshot, std::string_view path) {
  EntryCursor cursor(archive, snapshot);
  for (std::size_t i = 0; i < snapshot.directories.size(); ++i) {
    const std::uint64_t at = snapshot.directories[i];
    const std::string payload = FOX_TRY(archive.payload(at, Kind::directory, i));
    auto places = decode_directory(payload);
    if (!places) return tl::make_unexpected(in_record(std::move(places).error(), at, {.kind = Kind::directory, .number = i}));
    for (const BlockPlace& place : *places) {
      if (compare_paths(place.first_path, path) > 0) return cursor;
      if (place.offset <= snapshot.begins_at || place.offset >= archive.end())
        return damage(FileOffset(at), "directory", "it leads out of the snapshot");
      cursor.at_ = place.offset;
      cursor.check_.reset();
      cursor.in_the_middle_ = true;
    }
  }
  return cursor;
}

Result<bool> EntryCursor::next_block() {
  while (true) {
    const Head found = FOX_TRY(archive_->head(at_));
    const std::uint64_t here = at_;
    at_ += found.whole_size();
    if (found.kind == Kind::snapshot_ends) return false;
    if (found.kind == Kind::footer) return damage(FileOffset(here), name_of(found), "the snapshot has not ended");
    if (found.kind != Kind::entries) continue;  // an index or a directory between the blocks, or a chunk
    head_ = found;
    block_at_ = here;
    payload_ = FOX_TRY(archive_->payload(here, found));
    auto block = BlockReader::open(payload_);
    if (!block) return tl::make_unexpected(in_record(std::move(block).error(), here, found));
    if (block->first_chunk() + block->new_chunks() > snapshot_->end_chunk)
      return damage(FileOffset(here), name_of(found), "it has more chunks than the snapshot");
    block_ = std::move(*block);
    if (block_->new_chunks() > 0) {
      const Placed last = FOX_TRY(archive_->place(block_->first_chunk() + block_->new_chunks() - 1));
      if (last.offset < at_) return damage(FileOffset(here), name_of(found), "its chunks are not behind it");
      at_ = last.offset + kHeadSize + last.stored_size;
    }
    return true;
  }
}

Result<std::optional<Item>> EntryCursor::next_item() {
  while (true) {
    if (!block_ && !FOX_TRY(next_block())) {
      const auto whole = check_ ? check_->finish() : Result<>();
      if (!whole) return damage(FileOffset(at_), "end of snapshot", whole.error().detail);
      return std::nullopt;
    }
    auto item = block_->next();
    if (!item) return tl::make_unexpected(in_record(std::move(item).error(), block_at_, head_));
    if (!*item) {
      block_.reset();
      continue;
    }
    if (in_the_middle_ && (*item)->what != Item::What::begins) continue;
    in_the_middle_ = false;
    if (check_) {
      if (auto shaped = check_->accept(**item); !shaped)
        return tl::make_unexpected(in_record(std::move(shaped).error(), block_at_, head_));
    }
    return item;
  }
}

Result<std::optional<Item>> EntryCursor::next_entry() {
  while (true) {
    auto item = FOX_TRY(next_item());
    if (!item || item->what != Item::What::begins) {
      if (!item) return item;
      continue;  // only in the middle of a damaged archive
    }
    bool taken_back = false;
    while (item->more) {
      auto next = FOX_TRY(next_item());
      if (!next || next->what == Item::What::begins)
        return damage(FileOffset(block_at_), name_of(head_), "the content of a file does not end");
      if (next->what == Item::What::taken_back) {
        taken_back = true;
        break;
      }
      for (const Run& run : next->content) {
        std::vector<Run>& content = item->content;
        const bool goes_on = !run.is_hole() && !content.empty() && !content.back().is_hole() &&
                             content.back().first + content.back().count == run.first;
        if (goes_on)
          content.back().count += run.count;
        else
          content.push_back(run);
      }
      if (item->content.size() > kMostRunsOfFile)
        return damage(FileOffset(block_at_), name_of(head_), "a file has more parts than there can be");
      item->more = next->more;
    }
    if (!taken_back) return item;
  }
}

Result<std::optional<Item>> find_entry(Archive& archive, const Snapshot& snapshot, std::string_view path) {
  EntryCursor cursor = FOX_TRY(EntryCursor::from(archive, snapshot, path));
  while (auto item = FOX_TRY(cursor.next_entry())) {
    const int order = compare_paths(item->entry.path, path);
    if (order == 0) return item;
    if (order > 0) break;
  }
  return std::nullopt;
}

}  // namespace foxing::archive
