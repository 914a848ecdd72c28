// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/replay.h"

#include <utility>

#include "base/little_endian.h"
#include "core/archive/reader.h"

namespace foxing::archive {

Result<> EntryLog::add(Restorer& restorer, std::uint64_t at, const Head& head, std::string_view stored) {
  const Restorer::Place place = FOX_TRY(restorer.set_aside(as_bytes(stored)));
  records_.push_back({at, head, place});
  return {};
}

Result<std::optional<Item>> Replay::next_item() {
  while (true) {
    if (block_) {
      const EntryLog::Record& record = log_.records_[next_ - 1];
      auto item = block_->next();
      if (!item) return tl::make_unexpected(in_record(std::move(item).error(), record.at, record.head));
      if (*item) return item;
      block_.reset();
    }
    if (next_ == log_.records_.size()) return std::nullopt;
    const EntryLog::Record& record = log_.records_[next_++];
    std::string stored(record.head.stored_size, '\0');
    FOX_TRY(restorer_.read_back(record.place, std::as_writable_bytes(std::span(stored.data(), stored.size()))));
    FOX_TRY(unpacker_.unpack(record.head, FileOffset(record.at), stored, payload_));
    auto block = BlockReader::open(payload_);
    if (!block) return tl::make_unexpected(in_record(std::move(block).error(), record.at, record.head));
    block_ = std::move(*block);
  }
}

Result<std::optional<Item>> Replay::next_entry() {
  while (true) {
    auto item = FOX_TRY(next_item());
    if (!item) return item;
    bool taken_back = item->what == Item::What::taken_back;
    while (item->more && !taken_back) {
      auto next = FOX_TRY(next_item());
      if (!next) return next;  // TreeCheck has refused such a snapshot
      taken_back = next->what == Item::What::taken_back;
      for (const Run& run : next->content) item->content.push_back(run);
      item->more = next->more;
    }
    if (!taken_back) return item;
  }
}

Result<> side_by_side(const EntryLog& older, const EntryLog& newer, Restorer& restorer, const Beside& told) {
  Replay first(older, restorer), second(newer, restorer);
  auto a = FOX_TRY(first.next_entry());
  auto b = FOX_TRY(second.next_entry());
  while (a || b) {
    const int order = !a ? 1 : !b ? -1 : compare_paths(a->entry.path, b->entry.path);
    FOX_TRY(told(order <= 0 ? &*a : nullptr, order >= 0 ? &*b : nullptr));
    if (order <= 0) a = FOX_TRY(first.next_entry());
    if (order >= 0) b = FOX_TRY(second.next_entry());
  }
  return {};
}

bool become_the_same(const Item& a, const Item& b) {
  const Entry &x = a.entry, &y = b.entry;
  if (x.path != y.path || x.hard_link != y.hard_link || x.text != y.text) return false;
  if (x.hard_link) return true;
  // Where an entry was read (ctime, inode) makes no difference, and a file may be cut into other runs of the same chunks.
  const bool same = x.type == y.type && x.mode == y.mode && x.owner == y.owner && x.group == y.group &&
                    x.modified.tv_sec == y.modified.tv_sec && x.modified.tv_nsec == y.modified.tv_nsec && x.size == y.size &&
                    x.major == y.major && x.minor == y.minor && x.leads_links == y.leads_links && x.attributes == y.attributes;
  return same && a.content == b.content;
}

}  // namespace foxing::archive
