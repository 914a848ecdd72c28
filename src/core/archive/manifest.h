// SPDX-License-Identifier: GPL-2.0-or-later
// The entries of a snapshot, in their order, from the beginning or from a path on.
//   from  reader.h's records        to  items, checked to have the shape of a tree
// How.   From block to block: the index tells where the chunks behind a block end, so none of them is touched.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/archive/entry.h"
#include "core/archive/reader.h"

namespace foxing::archive {

class EntryCursor {
 public:
  /// All of them.  `archive` and `snapshot` outlive the cursor.
  EntryCursor(Archive& archive, const Snapshot& snapshot);
  /// From an entry on that is not behind `path`.
  static Result<EntryCursor> from(Archive& archive, const Snapshot& snapshot, std::string_view path);

  /// The next item; nothing at the end.
  Result<std::optional<Item>> next_item();
  /// The next entry with all of its content; what was taken back is left out.
  Result<std::optional<Item>> next_entry();

 private:
  Result<bool> next_block();

  Archive* archive_;
  const Snapshot* snapshot_;
  std::uint64_t at_;  // the next record
  Head head_;  // of the block under way
  std::uint64_t block_at_ = 0;
  std::string payload_;
  std::optional<BlockReader> block_;
  std::optional<TreeCheck> check_;  // not where it begins in the middle
  bool in_the_middle_ = false;  // what goes on is not ours until something begins
};

/// The entry of this path; nothing where there is none.
Result<std::optional<Item>> find_entry(Archive& archive, const Snapshot& snapshot, std::string_view path);

}  // namespace foxing::archive
