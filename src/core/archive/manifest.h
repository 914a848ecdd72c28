// SPDX-License-Identifier: GPL-2.0-or-later
// The entries of a snapshot, in their order, from the beginning or from a path on.
//   from  reader.h's records        to  items, checked to have the shape of a tree
// How.   From block to block: the index tells where the chunks behind a block end, so none of them is touched.
// Holds. A block that is damaged costs what is in it: the directory tells where the next one lies (`pass_damage`).
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

  /// What could not be read.
  struct Gap {
    std::string last;  // the path of the last item before it
    std::string next;  // of the next one; empty: there is none

    /// "what the snapshot has behind 'a' and before 'b'"
    std::string words() const;
  };
  /// After an EBADMSG: goes to where the next entry begins.  Nothing where that is not known, and where a record is whole and makes no sense: somebody made
  /// it so, and what follows is no better.
  Result<std::optional<Gap>> pass_damage();

 private:
  Result<bool> next_block();
  struct Behind {
    std::optional<BlockPlace> place;
    bool all_known = true;  // every directory can be read
  };
  Result<Behind> place_from(std::uint64_t at) const;
  Result<bool> step_over(std::uint64_t at);
  tl::unexpected<Error> hit(Error error, std::uint64_t at);

  Archive* archive_;
  const Snapshot* snapshot_;
  std::uint64_t at_;  // the next record
  Head head_;  // of the block under way
  std::uint64_t block_at_ = 0;
  std::string payload_;
  std::optional<BlockReader> block_;
  std::optional<TreeCheck> check_;  // not where it begins in the middle
  std::optional<std::uint64_t> next_number_;  // of the next block, where that is known
  bool open_ = false;  // the last item goes on
  std::optional<std::uint64_t> hit_;  // where a record was damaged that ended the last call
  std::string last_path_;
  bool in_the_middle_ = false;  // what goes on is not ours until something begins
};

/// The entry of this path; nothing where there is none.
Result<std::optional<Item>> find_entry(Archive& archive, const Snapshot& snapshot, std::string_view path);

}  // namespace foxing::archive
