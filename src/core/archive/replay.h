// SPDX-License-Identifier: GPL-2.0-or-later
// Snapshots that came through a pipe, entry by entry once more.
//   from  streaming.cc: records of entries, as they arrived        to  superseding.cc
//
// Why.   Only when the next snapshot of an archive begins is it known that the one before was not the newest.
// Holds. The records lie in a nameless file on the target; one of them is in memory at a time.  They were checked when they came, and are checked again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/archive/entry.h"
#include "core/archive/packing.h"
#include "core/archive/record.h"
#include "core/archive/restorer.h"

namespace foxing::archive {

/// The records of entries of one snapshot.
class EntryLog {
 public:
  Result<> add(Restorer& restorer, std::uint64_t at, const Head& head, std::string_view stored);

 private:
  friend class Replay;
  struct Record {
    std::uint64_t at;
    Head head;
    Restorer::Place place;
  };
  std::vector<Record> records_;
};

class Replay {
 public:
  /// Both outlive it.
  Replay(const EntryLog& log, Restorer& restorer) : log_(log), restorer_(restorer) {}
  /// The next entry with all of its content, what was taken back left out; nothing at the end.
  Result<std::optional<Item>> next_entry();

 private:
  Result<std::optional<Item>> next_item();

  const EntryLog& log_;
  Restorer& restorer_;
  std::size_t next_ = 0;
  std::string payload_;
  std::optional<BlockReader> block_;
  Unpacker unpacker_;
};

/// Two snapshots side by side: every path of either, in order, with the entry of each that has it.
using Beside = std::function<Result<>(const Item* older, const Item* newer)>;
Result<> side_by_side(const EntryLog& older, const EntryLog& newer, Restorer& restorer, const Beside& told);

/// True where both become the same in a target.
bool become_the_same(const Item& a, const Item& b);

}  // namespace foxing::archive
