// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace foxing::archive {
namespace {

constexpr std::size_t kMostRunsOfFile = 16 * 1024 * 1024;

}  // namespace

EntryCursor::EntryCursor(Archive& archive, const Snapshot& snapshot)
    : archive_(&archive), snapshot_(&snapshot), at_(snapshot.begins_at), check_(TreeCheck()), next_number_(0) {}

Result<EntryCursor> EntryCursor::from(Archive& archive, const Snapshot& snapshot, std::string_view path) {
  EntryCursor cursor(archive, snapshot);
  for (std::size_t i = 0; i < snapshot.directories.size(); ++i) {
    const std::uint64_t at = snapshot.directories[i];
    const auto payload = archive.payload(at, Kind::directory, i);
    if (!payload && payload.error().code != EBADMSG) return tl::make_unexpected(payload.error());
    if (!payload) continue;  // it only spares reading
    auto places = decode_directory(*payload);
    if (!places) return tl::make_unexpected(in_record(std::move(places).error(), at, {.kind = Kind::directory, .number = i}));
    for (const BlockPlace& place : *places) {
      if (compare_paths(place.first_path, path) > 0) return cursor;
      if (place.offset <= snapshot.begins_at || place.offset >= snapshot.ends_at)
        return damage(FileOffset(at), "directory", "it leads out of the snapshot");
      cursor.at_ = place.offset;
      cursor.check_.reset();
      cursor.next_number_.reset();
      cursor.in_the_middle_ = true;
    }
  }
  return cursor;
}

std::string EntryCursor::Gap::words() const {
  const std::string from =
      last.empty() ? "what the snapshot has" : fmt::format("what the snapshot has behind '{}'", printable(last));
  return next.empty() ? from : fmt::format("{} and before '{}'", from, printable(next));
}

tl::unexpected<Error> EntryCursor::hit(Error error, std::uint64_t at) {
  if (error.code == EBADMSG) hit_ = at;
  return tl::make_unexpected(std::move(error));
}

/// The first block from `at` on in which an entry begins, as far as the directories can be read.  Each tells of the blocks before it.
Result<EntryCursor::Behind> EntryCursor::place_from(std::uint64_t at) const {
  Behind behind;
  for (std::size_t i = 0; i < snapshot_->directories.size(); ++i) {
    if (snapshot_->directories[i] <= at) continue;
    const auto payload = archive_->payload(snapshot_->directories[i], Kind::directory, i);
    if (!payload && payload.error().code != EBADMSG) return tl::make_unexpected(payload.error());
    const auto places =
        payload ? decode_directory(*payload) : Result<std::vector<BlockPlace>>(tl::make_unexpected(payload.error()));
    if (!places) {
      behind.all_known = false;
      continue;
    }
    const auto place = std::ranges::lower_bound(*places, at, {}, &BlockPlace::offset);
    if (place == places->end() || place->offset >= snapshot_->ends_at) continue;
    behind.place = *place;
    break;
  }
  return behind;
}

/// The record at `at`, which does not say what it is, was no block: the next one is in its turn, or there is none.
Result<bool> EntryCursor::step_over(std::uint64_t at) {
  if (open_ || !next_number_) return false;
  const Behind behind = FOX_TRY(place_from(at));
  if (behind.place) {
    if (behind.place->offset == at) return false;
    const auto next = archive_->head(behind.place->offset);
    if (!next || next->kind != Kind::entries || next->number != *next_number_) return false;
  }
  if (!behind.place && !behind.all_known) return false;
  at_ = behind.place ? behind.place->offset : snapshot_->ends_at;
  return true;
}

Result<std::optional<EntryCursor::Gap>> EntryCursor::pass_damage() {
  if (!hit_) return std::nullopt;
  const auto place = FOX_TRY(place_from(*std::exchange(hit_, std::nullopt) + 1)).place;
  block_.reset();
  at_ = place ? place->offset : snapshot_->ends_at;
  in_the_middle_ = true;
  next_number_.reset();
  open_ = false;
  if (check_) check_->pass_gap();
  return Gap{last_path_, place ? place->first_path : std::string()};
}

Result<bool> EntryCursor::next_block() {
  while (true) {
    if (at_ == snapshot_->ends_at) return false;
    const auto found = archive_->head(at_);
    if (!found && found.error().code == EBADMSG && FOX_TRY(step_over(at_))) continue;
    if (!found) return hit(found.error(), at_);
    const std::uint64_t here = at_;
    at_ += found->whole_size();
    if (found->kind == Kind::snapshot_ends || found->kind == Kind::footer || at_ > snapshot_->ends_at)
      return damage(FileOffset(here), name_of(*found), "the snapshot has not ended");
    if (found->kind != Kind::entries) continue;  // an index or a directory between the blocks, or a chunk
    head_ = *found;
    block_at_ = here;
    next_number_ = found->number + 1;
    auto payload = archive_->payload(here, *found);
    if (!payload) return hit(std::move(payload).error(), here);
    payload_ = std::move(*payload);
    auto block = BlockReader::open(payload_);
    if (!block) return tl::make_unexpected(in_record(std::move(block).error(), here, *found));
    if (block->first_chunk() + block->new_chunks() > snapshot_->end_chunk)
      return damage(FileOffset(here), name_of(*found), "it has more chunks than the snapshot");
    block_ = std::move(*block);
    if (block_->new_chunks() > 0) {
      const auto last = archive_->place(block_->first_chunk() + block_->new_chunks() - 1);
      if (!last && last.error().code != EBADMSG) return tl::make_unexpected(last.error());
      // Where that is not known the heads of the chunks lead on.
      if (last && last->offset < at_) return damage(FileOffset(here), name_of(*found), "its chunks are not behind it");
      if (last) at_ = last->offset + kHeadSize + last->stored_size;
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
    open_ = (*item)->more;
    if ((*item)->what == Item::What::begins) last_path_ = (*item)->entry.path;
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
