// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/id_table.h"

#include <cstring>
#include <utility>

#include "base/assert.h"

namespace foxing::archive {
namespace {

constexpr std::uint32_t kNone = ~std::uint32_t{0};
constexpr std::size_t kFirstSize = 1024;

}  // namespace

IdTable::IdTable() : keys_(kFirstSize), numbers_(kFirstSize, kNone) {}

IdTable::Key IdTable::key_of(const digest::Digest& id) {
  Key key;
  std::memcpy(&key, id.bytes.data(), sizeof key);
  return key;
}

/// Where `key` is, or the free slot where it would be.
std::size_t IdTable::slot_of(const Key& key) const {
  const std::size_t mask = keys_.size() - 1;
  std::size_t slot = key.first & mask;
  while (numbers_[slot] != kNone && keys_[slot] != key) slot = (slot + 1) & mask;
  return slot;
}

std::optional<std::uint32_t> IdTable::find(const digest::Digest& id) const {
  const std::lock_guard lock(mutex_);
  const std::uint32_t number = numbers_[slot_of(key_of(id))];
  if (number == kNone) return std::nullopt;
  return number;
}

void IdTable::insert(const digest::Digest& id, std::uint32_t number) {
  FOX_ASSERT(number != kNone);
  const std::lock_guard lock(mutex_);
  if ((used_ + 1) * 4 > keys_.size() * 3) grow();
  const Key key = key_of(id);
  const std::size_t slot = slot_of(key);
  if (numbers_[slot] != kNone) return;
  keys_[slot] = key;
  numbers_[slot] = number;
  ++used_;
}

void IdTable::grow() {
  std::vector<Key> keys(keys_.size() * 2);
  std::vector<std::uint32_t> numbers(keys.size(), kNone);
  keys.swap(keys_);
  numbers.swap(numbers_);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (numbers[i] == kNone) continue;
    const std::size_t slot = slot_of(keys[i]);
    keys_[slot] = keys[i];
    numbers_[slot] = numbers[i];
  }
}

}  // namespace foxing::archive
