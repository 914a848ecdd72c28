// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/pipeline/reconciler.h"

#include <algorithm>
#include <utility>

namespace foxing::pipeline {

std::vector<Reconciler::Failure> Reconciler::run(std::size_t most) {
  failures_.clear();
  put_off_ = 0;
  std::vector<Item> items = pending_.take(most);
  world_.begin_batch();
  spread(items);
  // What waits for something that is further behind in the same batch (the directory that a file was moved into) has its turn again.
  while (!items.empty()) {
    progress_ = false;
    std::vector<Item> later;
    for (Item& item : items) {
      world_.breathe();
      if (look_at(item, item.tries >= kMostTries) == Answer::wait) {
        later.push_back(std::move(item));
      } else {
        progress_ = true;
      }
    }
    items = std::move(later);
    if (!progress_) break;
  }
  put_off_ = items.size();
  counters_.put_off += items.size();
  for (Item& item : items) {
    ++item.tries;
    pending_.put_back(item);
  }
  if (pending_.empty() || ++runs_without_search_ >= kRunsWithoutSearch) search_for_names();
  pending_.on_behalf_of(0);
  // What is left of renames has names in directories that came and went: nobody will ask for it.
  if (failures_.empty() && pending_.empty()) pending_.forget_moves();
  return std::move(failures_);
}

void Reconciler::spread(std::vector<Item>& items) {
  const Pending::Touched touched = pending_.take_touched();
  if (touched.empty()) return;
  pending_.on_behalf_of(touched.since);
  std::unordered_map<Name, Item*> in_hand;
  for (Item& item : items) in_hand.emplace(item.name, &item);
  const auto pend = [&](const Name& name) {
    const auto known = in_hand.find(name);
    if (known == in_hand.end()) return pending_.add(name);
    known->second->owed = std::min(known->second->oldest(), touched.since);
  };
  for (const FileHandle& object : touched.under_a_name) std::ranges::for_each(links_.names_of(object), pend);
  for (const FileHandle& object : touched.themselves) {
    const auto known = links_.names_of(object);
    std::ranges::for_each(known, pend);
    if (!known.empty()) continue;
    if (const auto name = world_.name_of(object); name && table_.has(name->directory)) pend(*name);
  }
}

void Reconciler::part(const Name& name) {
  for (const Name& other : links_.companions(name, 0))
    if (other != name) pending_.add(other);
  links_.forget(name);
}

World::Opening Reconciler::open(const FileHandle& directory) {
  const auto path = table_.path_of(directory);
  return path ? world_.open(directory, *path) : World::Opening::elsewhere;
}

void Reconciler::failed(const Item& item, Outcome outcome) { failures_.push_back({item, std::move(outcome)}); }

void Reconciler::forget(const FileHandle& directory) {
  table_.remove(directory);
  world_.settle();  // what is open may be what has gone
}

void Reconciler::doubt(const FileHandle& directory) {
  FileHandle at = directory;
  while (const auto place = table_.place_of(at)) {
    pending_.add({place->parent, place->name});
    at = place->parent;
  }
}

Reconciler::Answer Reconciler::look_at(const Item& item, bool force) {
  in_hand_ = item;
  pending_.on_behalf_of(item.oldest());
  if (!table_.has(item.name.directory)) {
    pending_.forget_moves_outside(item.name, [&](const FileHandle& directory) { return table_.has(directory); });
    // Not the source's.  Were it a new one of the source's, then whoever makes it will look at all its names.
    ++counters_.outside;
    return Answer::done;
  }
  switch (open(item.name.directory)) {
    case World::Opening::open: break;
    case World::Opening::elsewhere:
      if (!force) return Answer::wait;
      // No event has told where it went.  Whoever is there now is found by looking at its name; what is pending in it stays so, if it is still somewhere.
      doubt(item.name.directory);
      if (table_.place_of(item.name.directory)) pending_.add(item.name);
      return Answer::done;
    case World::Opening::no_target: {
      const auto place = table_.place_of(item.name.directory);
      if (!place) {
        failed(item, {Trouble::failed, world_.last_error()});
        return Answer::done;
      }
      ++counters_.repaired;
      forget(item.name.directory);
      pending_.add({place->parent, place->name});
      return Answer::done;
    }
    case World::Opening::failed: failed(item, {Trouble::failed, world_.last_error()}); return Answer::done;
  }
  if (item.name.name.empty()) return Answer::done;  // open: it gets its attributes when it is settled
  if (item.name.name == kInside) return look_inside(item);
  return look_at_name(item, force);
}

Reconciler::Answer Reconciler::look_at_name(const Item& item, bool force) {
  const Name& name = item.name;
  ++counters_.looked_at;
  // What was renamed to here, and what was renamed away: the target's copies follow, before anything is compared.
  std::set<FileHandle> on_the_way;
  if (const Move* move = pending_.move_to(name)) {
    if (follow(FileHandle(move->object), force, on_the_way) == Moved::not_now) return Answer::wait;
  }
  for (const Move& move : pending_.moves_from(name)) {
    if (follow(move.object, force, on_the_way) == Moved::not_now) return Answer::wait;
  }
  if (!can_open(name.directory)) return Answer::wait;  // it was moved with what was above it

  auto seen = world_.look(name);
  if (!seen) {
    failed(item, {Trouble::unreadable, std::move(seen).error()});
    return Answer::done;
  }
  if (!*seen) return gone(item);
  if ((*seen)->hidden) return Answer::done;
  if ((*seen)->mounted) {
    mounted(item);
    return Answer::done;
  }
  if ((*seen)->type == sys::FileType::directory) return directory_here(item, (*seen)->object, force);
  something_else(item, **seen);
  return Answer::done;
}

void Reconciler::mounted(const Item& item) {
  if (auto made = world_.make_directory(item.name); !made.outcome.good()) failed(item, std::move(made.outcome));
  // What lies below the mount cannot be reached: who still writes there is not followed.
  if (const auto below = table_.at(item.name.directory, item.name.name)) forget(*below);
}

Reconciler::Answer Reconciler::gone(const Item& item) {
  const auto directory = table_.at(item.name.directory, item.name.name);
  part(item.name);
  Outcome outcome = world_.remove(item.name);
  if (!outcome.good()) {
    failed(item, std::move(outcome));
    return Answer::done;
  }
  ++counters_.removed;
  if (directory) forget(*directory);
  return Answer::done;
}

Reconciler::Answer Reconciler::directory_here(const Item& item, const FileHandle& object, bool force) {
  const Name& name = item.name;
  part(name);
  const auto here = table_.at(name.directory, name.name);
  if (here == object) {
    const auto made = world_.make_directory(name);
    if (!made.outcome.good()) {
      failed(item, made.outcome);
    } else if (made.is_new) {  // somebody has taken it from the target
      ++counters_.repaired;
      pend_all_in(object);
    }
    return Answer::done;
  }
  if (table_.has(object)) {  // a rename that nobody told of
    std::set<FileHandle> on_the_way{object};
    const auto place = table_.place_of(object);
    if (!place) return Answer::done;  // the root cannot be below itself
    const Name before{place->parent, place->name};
    if (can_open(before.directory) && can_open(name.directory) && world_.is(before, object)) {
      // In two places at once: bound there, or on its way back.  It is mirrored where it was.
      if (!force) return Answer::wait;
      mounted(item);
      return Answer::done;
    }
    if (!can_open(name.directory)) return Answer::wait;
    const Moved moved = follow_directory({object, {place->parent, place->name}, name}, force, on_the_way);
    if (moved == Moved::not_now && !force) return Answer::wait;
    if (moved == Moved::done) return Answer::wait;  // once more, for its attributes
    forget(object);
    if (!can_open(name.directory)) return Answer::wait;
  }
  new_directory(item, object);
  return Answer::done;
}

void Reconciler::new_directory(const Item& item, const FileHandle& object) {
  auto made = world_.make_directory(item.name);
  const bool is_there = made.outcome.is_there();
  if (!made.outcome.good()) failed(item, std::move(made.outcome));
  if (!is_there) return;
  ++counters_.directories;
  if (const auto before = table_.at(item.name.directory, item.name.name); before && *before != object) {
    forget(*before);
    if (!can_open(item.name.directory)) return doubt(item.name.directory);
  }
  if (!table_.put(object, item.name.directory, item.name.name)) return;
  pend_all_in(object);
}

Reconciler::Answer Reconciler::look_inside(const Item& item) {
  const auto names = world_.names(item.name.directory);
  if (!names) {
    failed(item, {Trouble::unreadable, names.error()});
    return Answer::done;
  }
  for (const std::string& name : *names) pending_.add({item.name.directory, name});
  return Answer::done;
}

void Reconciler::pend_all_in(const FileHandle& directory) {
  const auto place = table_.place_of(directory);
  if (!place) return;
  const World::Opening opening = open(directory);
  const auto names = opening == World::Opening::open ? world_.names(directory)
                                                     : Result<std::vector<std::string>>(tl::make_unexpected(world_.last_error()));
  if (!names) {
    // What is in it has not been pending yet: it is a new directory once more.
    const Name name{place->parent, place->name};
    forget(directory);
    if (opening == World::Opening::elsewhere || opening == World::Opening::no_target) return pending_.add(name);
    return failed(pending_.derived(name, pending_.on_whose_behalf()), {Trouble::unreadable, names.error()});
  }
  for (const std::string& name : *names) pending_.add({directory, name});
}

void Reconciler::something_else(const Item& item, const Seen& seen) {
  const Name& name = item.name;
  std::vector<Name> names = links_.companions(name, seen.inode);
  if (names.size() > kMostTogether) return many_names(item, seen, names);
  if (names.size() > 1) {
    std::erase_if(names, [&](const Name& other) {  // whose directory is on its way: it has its turn when it can be found
      const bool later = other != name && !can_open(other.directory);
      if (later) pending_.add(other);
      return later;
    });
  }
  if (seen.links > 1) {
    const auto is_one = [&](const Name& other) {
      const auto there = world_.look(other);
      return there && *there && !(*there)->hidden && (*there)->inode == seen.inode;
    };
    const auto known = static_cast<std::uint64_t>(std::ranges::count_if(names, is_one));
    if (known < links_.expected(seen.inode, seen.links)) {
      incomplete(item, seen);
      return;
    }
  }
  // Those that are about to be renamed, or where the target has a directory, have their own turn.
  std::erase_if(names, [&](const Name& other) {
    const bool later = other != name && has_its_own_turn(other);
    if (later) pending_.add(other);
    return later;
  });
  Outcome outcome = world_.synchronise(names);
  const bool is_there = outcome.is_there();
  if (!outcome.good()) failed(item, std::move(outcome));
  if (is_there) synchronised(item, seen);
}

bool Reconciler::has_its_own_turn(const Name& name) {
  return !can_open(name.directory) || table_.at(name.directory, name.name) || pending_.move_to(name) != nullptr ||
         !pending_.moves_from(name).empty();
}

void Reconciler::many_names(const Item& item, const Seen& seen, const std::vector<Name>& names) {
  const Name& name = item.name;
  if (names.size() < links_.expected(seen.inode, seen.links)) {
    incomplete(item, seen);
    return;
  }
  std::optional<Name> first;  // the others become links to it
  for (auto next = names.begin(); next != names.end();) {
    world_.breathe();
    if (!can_open(name.directory)) return pending_.add(name);
    std::vector<Name> some;
    if (first && can_open(first->directory)) some.push_back(*first);
    for (; next != names.end() && some.size() < kMostTogether; ++next) {
      if (*next == name) continue;
      if (has_its_own_turn(*next)) {
        pending_.add(*next);
      } else {
        some.push_back(*next);
      }
    }
    some.push_back(name);
    if (Outcome outcome = world_.synchronise(some); !outcome.good()) {
      const bool is_there = outcome.is_there();
      failed(item, std::move(outcome));
      if (!is_there) return;
    }
    if (!first) first = some.front();
  }
  synchronised(item, seen);
}

void Reconciler::synchronised(const Item& item, const Seen& seen) {
  const Name& name = item.name;
  ++counters_.synchronised;
  links_.note(name, seen.inode, seen.links, seen.object);
  if (const auto directory = table_.at(name.directory, name.name)) forget(*directory);
}

void Reconciler::incomplete(const Item& item, const Seen& seen) {
  oldest_to_search_ = std::min(oldest_to_search_.value_or(item.oldest()), item.oldest());
  incomplete_.emplace_back(item, seen);
}

void Reconciler::search_for_names() {
  runs_without_search_ = 0;
  if (incomplete_.empty()) return;
  ++counters_.searches;
  std::unordered_set<std::uint64_t> inodes;
  for (const auto& [item, seen] : incomplete_) inodes.insert(seen.inode);
  const auto found = world_.search(inodes);
  for (auto& [item, seen] : incomplete_) {
    if (!found) {
      failed(item, {Trouble::unreadable, found.error()});
      continue;
    }
    std::uint64_t known = 0;
    for (const World::Found& one : *found) {
      if (one.inode != seen.inode || !table_.has(one.name.directory)) continue;
      ++known;
      if (one.name != item.name) links_.note(one.name, one.inode, seen.links, seen.object);
    }
    links_.searched(seen.inode, seen.links, known);
    pending_.put_back(item);
  }
  incomplete_.clear();
  oldest_to_search_.reset();
}

// ---- Renames

Reconciler::Moved Reconciler::follow(const FileHandle& object, bool force, std::set<FileHandle>& on_the_way) {
  const Move* known = pending_.move_of(object);
  if (known == nullptr) return Moved::no;
  const Move move = *known;
  if (!on_the_way.insert(object).second) return Moved::not_now;
  const Moved moved = table_.has(object) ? follow_directory(move, force, on_the_way) : follow_file(move, force, on_the_way);
  on_the_way.erase(object);
  if (moved == Moved::not_now && !force) return moved;
  pending_.forget_move(object);
  return moved == Moved::not_now ? Moved::no : moved;
}

Reconciler::Way Reconciler::make_way(const Name& place, const Name& from, bool force, std::set<FileHandle>& on_the_way) {
  if (const auto directory = table_.at(place.directory, place.name)) {
    if (on_the_way.contains(*directory)) return Way::exchange;  // a ring: each exchange brings one of them home
    const Move* move = pending_.move_of(*directory);
    if (move == nullptr) return Way::is_free;  // it is gone in the source
    if (move->to == from && can_open(from.directory) && world_.is(from, *directory)) return Way::exchange;
    return follow(FileHandle(*directory), force, on_the_way) == Moved::not_now ? Way::not_now : Way::is_free;
  }
  for (const Move& move : pending_.moves_from(place)) {
    if (table_.has(move.object) || on_the_way.contains(move.object)) continue;
    if (move.to == from && can_open(from.directory) && can_open(place.directory) && world_.is(from, move.object) &&
        world_.is_copy(place, from)) {
      pending_.forget_move(move.object);
      return Way::exchange;
    }
    if (follow(move.object, force, on_the_way) == Moved::not_now) return Way::not_now;
  }
  return Way::is_free;
}

Reconciler::Moved Reconciler::follow_directory(const Move& move, bool force, std::set<FileHandle>& on_the_way) {
  const auto place = table_.place_of(move.object);
  if (!place) return Moved::no;
  const Name from{place->parent, place->name};
  if (from == move.to) return Moved::no;
  if (!table_.has(move.to.directory))
    return force ? Moved::no : Moved::not_now;  // made later in this batch, or outside of the source
  if (table_.is_below(move.to.directory, move.object)) return Moved::not_now;
  if (!can_open(from.directory) || !can_open(move.to.directory)) return Moved::not_now;
  if (!world_.is(move.to, move.object)) return Moved::not_now;
  const auto hidden = world_.look(move.to);
  if (!hidden || !*hidden || (*hidden)->hidden) return Moved::no;
  const Way way = make_way(move.to, from, force, on_the_way);
  if (way == Way::not_now) return Moved::not_now;
  // Making way may have moved what lies above.
  const auto now = table_.place_of(move.object);
  if (!now) return Moved::no;
  return rename_directory(move.object, {now->parent, now->name}, move.to, way == Way::exchange);
}

Reconciler::Moved Reconciler::rename_directory(const FileHandle& object, const Name& from, const Name& to, bool exchange) {
  if (from == to) return Moved::done;
  if (!can_open(from.directory) || !can_open(to.directory)) return Moved::not_now;
  const auto other = table_.at(to.directory, to.name);
  if (exchange && !other) exchange = false;
  if (exchange) {
    if (table_.is_below(object, *other) || table_.is_below(*other, object)) return Moved::no;
    if (!world_.rename(from, to, World::How::exchange)) return Moved::no;
    table_.exchange(object, *other);
    pending_.forget_move(*other);
    ++counters_.exchanges;
  } else {
    if (other && table_.is_below(object, *other)) return Moved::no;  // it comes out of what it takes the place of
    if (!world_.rename(from, to, World::How::over_existing)) return Moved::no;
    table_.put(object, to.directory, to.name);
    ++counters_.renames;
  }
  part(to);
  pending_.add(from);  // where nobody told of the rename, nobody told who has the old name now
  return Moved::done;
}

Reconciler::Moved Reconciler::follow_file(const Move& move, bool force, std::set<FileHandle>& on_the_way) {
  if (!table_.has(move.from.directory)) return Moved::no;  // from outside: nothing of it is in the target
  if (!table_.has(move.to.directory)) return force ? Moved::no : Moved::not_now;
  if (!can_open(move.from.directory) || !can_open(move.to.directory)) return Moved::not_now;
  if (table_.at(move.from.directory, move.from.name)) return Moved::no;
  if (!world_.is(move.to, move.object)) return Moved::not_now;
  const auto seen = world_.look(move.to);
  if (!seen || !*seen || (*seen)->hidden || (*seen)->type == sys::FileType::directory) return Moved::no;
  if (world_.is(move.from, move.object)) return Moved::no;  // it has both names
  if (!world_.is_copy(move.from, move.to)) return Moved::no;
  const Way way = make_way(move.to, move.from, force, on_the_way);
  if (way == Way::not_now) return Moved::not_now;
  const bool exchange = way == Way::exchange;
  if (!can_open(move.from.directory) || !can_open(move.to.directory)) return Moved::not_now;
  if (table_.at(move.to.directory, move.to.name))
    return Moved::no;  // a directory is in the way: copying knows what to do about it
  if (!world_.is_copy(move.from, move.to)) return Moved::no;
  if (!world_.rename(move.from, move.to, exchange ? World::How::exchange : World::How::over_existing)) return Moved::no;
  ++(exchange ? counters_.exchanges : counters_.renames);
  // The copy comes as it was: what has changed of the file since then is looked at under its new name, unless that is what is being looked at.
  if (move.to != in_hand_.name) pending_.add(move.to);
  if (exchange && move.from != in_hand_.name) pending_.add(move.from);
  part(move.to);
  if (exchange) {
    part(move.from);
  } else {
    links_.rename(move.from, move.to);
  }
  return Moved::done;
}

}  // namespace foxing::pipeline
