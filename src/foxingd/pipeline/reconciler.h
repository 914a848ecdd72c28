// SPDX-License-Identifier: GPL-2.0-or-later
// Reconciler: makes the target's names equal to what the source has now, name by name.
//
//   from  Pending (where to look)        to  World (what is done), DirectoryTable and LinkGroups (what the target has)
//
// Why.   Operations cannot be replayed: they are merged, late, and some are missing.  What source and target hold can be compared at any time.
// How.   A name is looked at in the source.  Gone: it goes from the target.  A directory that the table has elsewhere: it is renamed there.  A directory that
//        the table has not: it is made, and all its names are pending.  Anything else: it is compared and copied by the engine.
//        A rename that was heard of is done as one rename, where the source confirms it and the target's old name is still the copy; whoever has the
//        new place goes first, if it goes, and two that want each other's place are exchanged.
// Holds. Nothing is done that the source does not confirm at that moment.  What cannot be decided yet, because an event is still on its way, is put off;
//        after kMostTries it is decided without the hint: the result is the same, by another way.
// Not here: descriptors, threads, time, what is done about failures (disposition.h).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "foxingd/pipeline/directory_table.h"
#include "foxingd/pipeline/link_groups.h"
#include "foxingd/pipeline/pending.h"
#include "foxingd/pipeline/world.h"

namespace foxing::pipeline {

class Reconciler {
 public:
  Reconciler(DirectoryTable& table, LinkGroups& links, Pending& pending, World& world)
      : table_(table), links_(links), pending_(pending), world_(world) {}

  struct Failure {
    Item item;
    Outcome outcome;
  };
  /// Takes the oldest `most` names and looks at them.  What failed is told; what was put off is pending again.
  /// Directories stay open, for the next names in them: World::settle() is for when nothing comes.
  std::vector<Failure> run(std::size_t most);

  /// Files whose other names have to be searched for wait for each other, while there is something else to do: a search walks through the whole source.
  /// Of the oldest of them; nothing where none waits.
  std::optional<std::uint64_t> oldest_to_search() const { return oldest_to_search_; }

  /// Names that were put off in the last run: nothing helps but time, or another event.
  std::size_t put_off() const { return put_off_; }

  struct Counters {
    std::uint64_t looked_at = 0;
    std::uint64_t outside = 0;  // in directories that are not the source's
    std::uint64_t renames = 0;
    std::uint64_t exchanges = 0;
    std::uint64_t removed = 0;
    std::uint64_t directories = 0;  // made
    std::uint64_t synchronised = 0;
    std::uint64_t put_off = 0;
    std::uint64_t searches = 0;  // of the source, for the names of files
    std::uint64_t repaired = 0;  // directories that the target had lost
  };
  const Counters& counters() const { return counters_; }

  static constexpr unsigned kMostTries = 8;
  static constexpr unsigned kRunsWithoutSearch = 64;
  static constexpr std::size_t kMostTogether = 32;  // names of one file, each with two directories open

 private:
  enum class Answer : unsigned char { done, wait };
  /// With `force` nothing is put off any more.
  Answer look_at(const Item& item, bool force);
  Answer look_at_name(const Item& item, bool force);
  Answer gone(const Item& item);
  Answer look_inside(const Item& item);
  Answer directory_here(const Item& item, const FileHandle& object, bool force);
  void new_directory(const Item& item, const FileHandle& object);
  void something_else(const Item& item, const Seen& seen);
  /// A file with so many names that their directories are not opened at a time: a few go with one of them, then the next few.
  void many_names(const Item& item, const Seen& seen, const std::vector<Name>& names);
  /// Whoever is about to be renamed, or has a directory in the way, or lies where nothing can be opened now, has a turn of its own.
  bool has_its_own_turn(const Name& name);
  void synchronised(const Item& item, const Seen& seen);
  void incomplete(const Item& item, const Seen& seen);
  /// Names of files whose other names are not known are looked at again when those have been found.
  void search_for_names();
  void pend_all_in(const FileHandle& directory);
  void failed(const Item& item, Outcome outcome);
  /// Something that is not mirrored lies on this directory's name: its place stays empty.
  void mounted(const Item& item);

  enum class Moved : unsigned char {
    done,
    not_now,  // the source does not confirm it yet
    no  // nothing to rename: it is forgotten
  };
  Moved follow(const FileHandle& object, bool force, std::set<FileHandle>& on_the_way);
  Moved follow_directory(const Move& move, bool force, std::set<FileHandle>& on_the_way);
  Moved follow_file(const Move& move, bool force, std::set<FileHandle>& on_the_way);
  /// Who has the place leaves first, if it is on its way too.
  enum class Way : unsigned char { is_free, exchange, not_now };
  Way make_way(const Name& place, const Name& from, bool force, std::set<FileHandle>& on_the_way);
  Moved rename_directory(const FileHandle& object, const Name& from, const Name& to, bool exchange);

  World::Opening open(const FileHandle& directory);
  bool can_open(const FileHandle& directory) { return open(directory) == World::Opening::open; }
  /// Other names of files that something happened to are pending, too.
  void spread(std::vector<Item>& items);
  /// The name has left its file: what is known of the others may be out of date.
  void part(const Name& name);
  /// The target has it no more.
  void forget(const FileHandle& directory);
  /// The directory's place in the target, and those of all above it, are to be looked at.
  void doubt(const FileHandle& directory);

  DirectoryTable& table_;
  LinkGroups& links_;
  Pending& pending_;
  World& world_;
  std::vector<Failure> failures_;
  std::vector<std::pair<Item, Seen>> incomplete_;
  std::optional<std::uint64_t> oldest_to_search_;
  unsigned runs_without_search_ = 0;
  std::size_t put_off_ = 0;
  Item in_hand_;  // what is being looked at
  bool progress_ = false;
  Counters counters_;
};

}  // namespace foxing::pipeline
