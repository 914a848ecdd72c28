// SPDX-License-Identifier: GPL-2.0-or-later
// Pending: the names that have to be looked at, each once, in the order in which they were first heard of; and the renames among them.
//
//   from  capture::Event        to  the reconciler
//
// Why.   A storm of a million writes to a hundred files is a hundred names here.  A file renamed a, b, c, d, e is one rename a to e, and five names.
// Holds. A name that is pushed again keeps its place, so that nothing waits for ever behind newer ones.  A rename is a hint: what is done about it is
//        decided by what source and target hold when it is looked at, and where the hint is lost the names are still there.
// Cost.  Memory: about 250 bytes a name, a rename or a file.  Bounded by `most` of all three: beyond it everything is forgotten, and lost() says so.
// Not here: paths, files, time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "foxingd/capture/event.h"
#include "sys/handle.h"

namespace foxing::pipeline {

using sys::FileHandle;

/// A name in a directory; the directory itself where the name is empty; all names that either side has in it where it is kInside, which no name can be.
inline constexpr const char* kInside = "/";
struct Name {
  FileHandle directory;
  std::string name;
  friend auto operator<=>(const Name&, const Name&) = default;
};

}  // namespace foxing::pipeline

template <>
struct std::hash<foxing::pipeline::Name> {
  std::size_t operator()(const foxing::pipeline::Name& name) const noexcept {
    return std::hash<foxing::sys::FileHandle>{}(name.directory) * 31 + std::hash<std::string>{}(name.name);
  }
};

namespace foxing::pipeline {

struct Item {
  Name name;
  std::uint64_t since = 0;  // the number of the push that brought it: lower is earlier; no two items have the same
  unsigned tries = 0;  // how often it was put off
  std::uint64_t owed = 0;  // the number of the push that led to it, where that was of another name; else 0
  std::uint64_t oldest() const { return owed == 0 ? since : std::min(owed, since); }
};

/// An object that had the name `from` when the target was last looked after, and now has `to`.
struct Move {
  FileHandle object;
  Name from;
  Name to;
};

class Pending {
 public:
  explicit Pending(std::size_t most) : most_(most) {}

  void push(const capture::Event& event);
  /// What is added from now on is added because of a push of this number: it is not done before that is.  0: for its own sake.
  void on_behalf_of(std::uint64_t number) { behalf_ = number; }
  std::uint64_t on_whose_behalf() const { return behalf_; }
  /// It is heard, and its name waits elsewhere.
  void merged(const capture::Event& event);
  /// A name that is there because of a push of this number, to be put back later.
  Item derived(const Name& name, std::uint64_t owed) { return {name, ++number_, 0, owed}; }
  /// A name alone; `tries` counts only where it is new.
  void add(const Name& name, unsigned tries = 0);
  /// Files that something happened to under whatever name, and those that got or lost a name; since the last time.
  struct Touched {
    std::unordered_set<FileHandle> under_a_name;
    std::unordered_set<FileHandle> themselves;
    std::uint64_t since = 0;  // the number of the first
    bool empty() const { return under_a_name.empty() && themselves.empty(); }
  };
  Touched take_touched() { return std::exchange(touched_, {}); }
  /// Put back: with its age.
  void put_back(const Item& item);

  bool empty() const { return items_.empty() && touched_.empty(); }
  std::size_t size() const { return items_.size(); }
  /// The oldest ones, at most so many.  They are no longer here.
  std::vector<Item> take(std::size_t most);
  /// The next push gets a higher number than this.
  std::uint64_t last_number() const { return number_; }
  /// Of the oldest push of which something is here.
  std::optional<std::uint64_t> oldest() const;

  /// By what the object is now called, and by where its copy lies.
  const Move* move_to(const Name& name) const;
  std::vector<Move> moves_from(const Name& name) const;
  const Move* move_of(const FileHandle& object) const;
  void forget_move(const FileHandle& object);
  /// The name lies outside: so do renames between it and where `is_inside` says no.
  void forget_moves_outside(const Name& name, const std::function<bool(const FileHandle& directory)>& is_inside);
  void forget_moves();
  std::size_t moves() const { return moves_.size(); }

  /// Events are missing, or there were too many: only a look at everything helps.  Asked once: then it is no longer so.
  bool take_lost();
  bool lost() const { return lost_; }
  /// Everything is about to be looked at.
  void clear();

  struct Counters {
    std::uint64_t events = 0;
    std::uint64_t merged = 0;  // names that were here already
    std::uint64_t overflows = 0;  // times that everything was forgotten
  };
  const Counters& counters() const { return counters_; }

 private:
  void renamed(const capture::Event& event);
  void touched(std::unordered_set<FileHandle>& list, const FileHandle& object);
  void limit();
  void unindex(const Move& move);
  void overflow();

  const std::size_t most_;
  std::uint64_t number_ = 0;
  std::uint64_t behalf_ = 0;
  std::map<std::uint64_t, Item> items_;
  std::multiset<std::uint64_t> oldest_;  // Item::oldest()
  std::unordered_map<Name, std::uint64_t> index_;
  std::unordered_map<FileHandle, Move> moves_;
  std::unordered_map<Name, FileHandle> by_target_;  // Move::to
  std::unordered_map<Name, std::set<FileHandle>> by_origin_;  // Move::from
  Touched touched_;
  bool lost_ = false;
  Counters counters_;
};

}  // namespace foxing::pipeline
