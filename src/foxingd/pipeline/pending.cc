// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/pipeline/pending.h"

#include <utility>

#include "base/assert.h"

namespace foxing::pipeline {

using Kind = capture::Event::Kind;

void Pending::push(const capture::Event& event) {
  ++counters_.events;
  switch (event.kind) {
    case Kind::lost: return overflow();
    case Kind::renamed: return renamed(event);
    case Kind::itself: return add({event.directory, {}});
    case Kind::name:
      if (!event.object.empty()) touched(touched_.under_a_name, event.object);
      return add({event.directory, event.name});
    case Kind::inside: return add({event.directory, kInside});
    case Kind::object: return touched(touched_.themselves, event.object);
  }
}

void Pending::touched(std::unordered_set<FileHandle>& list, const FileHandle& object) {
  if (touched_.empty()) touched_.since = ++number_;
  list.insert(object);
  limit();
}

void Pending::merged(const capture::Event& event) {
  ++counters_.events;
  ++counters_.merged;
  if (!event.object.empty()) touched(touched_.under_a_name, event.object);
}

void Pending::add(const Name& name, unsigned tries) { put_back({name, ++number_, tries, behalf_}); }

void Pending::put_back(const Item& item) {
  const auto [at, is_new] = index_.try_emplace(item.name, item.since);
  if (!is_new) {
    ++counters_.merged;
    const auto known = items_.find(at->second);
    const std::uint64_t oldest = std::min(known->second.oldest(), item.oldest());
    oldest_.erase(oldest_.find(known->second.oldest()));
    oldest_.insert(oldest);
    known->second.owed = oldest;
    if (item.since >= at->second) return;
    // It was here before the one that came meanwhile.
    items_.erase(known);
    at->second = item.since;
    const auto [place, inserted] = items_.emplace(item.since, item);
    FOX_ASSERT(inserted);
    place->second.owed = oldest;
    return;
  }
  const bool inserted = items_.emplace(item.since, item).second;
  FOX_ASSERT(inserted);  // else the index would swallow all that is heard of this name
  oldest_.insert(item.oldest());
  limit();
}

/// Nothing of this grows without bound while nobody takes it: a target that is paused, or waits.
void Pending::limit() {
  if (items_.size() + moves_.size() + touched_.under_a_name.size() + touched_.themselves.size() > most_) overflow();
}

std::vector<Item> Pending::take(std::size_t most) {
  std::vector<Item> taken;
  while (!items_.empty() && taken.size() < most) {
    auto first = items_.begin();
    index_.erase(first->second.name);
    oldest_.erase(oldest_.find(first->second.oldest()));
    taken.push_back(std::move(first->second));
    items_.erase(first);
  }
  return taken;
}

std::optional<std::uint64_t> Pending::oldest() const {
  const auto touched = touched_.empty() ? std::nullopt : std::optional(touched_.since);
  if (oldest_.empty()) return touched;
  return touched ? std::min(*touched, *oldest_.begin()) : *oldest_.begin();
}

void Pending::renamed(const capture::Event& event) {
  const Name from{event.directory, event.name};
  const Name to{event.to_directory, event.to_name};
  if (!event.object.empty() && from != to) {
    Move move{event.object, from, to};
    if (const auto known = moves_.find(event.object); known != moves_.end()) {
      move.from = known->second.from;  // its copy is still where it was
      unindex(known->second);
      moves_.erase(known);
    }
    if (move.from != move.to) {
      by_target_[move.to] = move.object;
      by_origin_[move.from].insert(move.object);
      moves_.emplace(move.object, std::move(move));
    }
  }
  add(from);
  add(to);
}

void Pending::unindex(const Move& move) {
  if (const auto at = by_target_.find(move.to); at != by_target_.end() && at->second == move.object) by_target_.erase(at);
  const auto at = by_origin_.find(move.from);
  if (at == by_origin_.end()) return;
  at->second.erase(move.object);
  if (at->second.empty()) by_origin_.erase(at);
}

const Move* Pending::move_to(const Name& name) const {
  const auto at = by_target_.find(name);
  return at == by_target_.end() ? nullptr : move_of(at->second);
}

std::vector<Move> Pending::moves_from(const Name& name) const {
  std::vector<Move> moves;
  if (const auto at = by_origin_.find(name); at != by_origin_.end())
    for (const FileHandle& object : at->second) moves.push_back(moves_.at(object));
  return moves;
}

const Move* Pending::move_of(const FileHandle& object) const {
  const auto at = moves_.find(object);
  return at == moves_.end() ? nullptr : &at->second;
}

void Pending::forget_move(const FileHandle& object) {
  const auto at = moves_.find(object);
  if (at == moves_.end()) return;
  unindex(at->second);
  moves_.erase(at);
}

void Pending::forget_moves_outside(const Name& name, const std::function<bool(const FileHandle& directory)>& is_inside) {
  std::vector<Move> moves = moves_from(name);
  if (const Move* move = move_to(name)) moves.push_back(*move);
  for (const Move& move : moves)
    if (!is_inside(move.from.directory) && !is_inside(move.to.directory)) forget_move(move.object);
}

void Pending::forget_moves() {
  moves_.clear();
  by_target_.clear();
  by_origin_.clear();
}

void Pending::overflow() {
  clear();
  ++counters_.overflows;
  lost_ = true;
}

bool Pending::take_lost() { return std::exchange(lost_, false); }

void Pending::clear() {
  items_.clear();
  oldest_.clear();
  index_.clear();
  forget_moves();
  touched_ = {};
}

}  // namespace foxing::pipeline
