// SPDX-License-Identifier: GPL-2.0-or-later
// Which chunks an archive has: from ids to their numbers.
//   from  writer.cc        to  deduplication
//
// How.   Open addressing over the first 16 bytes of ids, which are well mixed already.
// Holds. Two chunks with the same first 16 bytes count as the same: by chance once in 2^128.  (docs/formats/fxar-v2.md says what that means.)
//        `find` may be called by several threads while one calls `insert`.
// Cost.  20 bytes for each slot, three quarters of which are used at most: 27 to 54 bytes a chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "core/digest/digest.h"

namespace foxing::archive {

class IdTable {
 public:
  IdTable();
  std::optional<std::uint32_t> find(const digest::Digest& id) const;
  /// What is there already stays.
  void insert(const digest::Digest& id, std::uint32_t number);
  std::size_t size() const { return used_; }

 private:
  struct Key {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    bool operator==(const Key&) const = default;
  };
  static Key key_of(const digest::Digest& id);
  std::size_t slot_of(const Key& key) const;
  void grow();

  mutable std::mutex mutex_;
  std::vector<Key> keys_;
  std::vector<std::uint32_t> numbers_;  // kNone: the slot is free
  std::size_t used_ = 0;
};

}  // namespace foxing::archive
