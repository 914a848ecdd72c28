// SPDX-License-Identifier: GPL-2.0-or-later
// The store of snapshots of one target: TARGET/.foxing_versions.  The door of this folder; docs/formats/snapshot-store.md has the layout.
//
//   from  fxcp, with an open target        to  the snapshots there, by name
//
// Why.   A run overwrites and deletes; what was there before can be had back.
// How.   A snapshot is a directory whose name is an epoch.  It is built under another name (.making-...), written to disk, and renamed: it is there whole or
//        not at all.  It goes the other way round: renamed to .removing-..., then removed.  Who changes the store holds its lock, so what has such a name and no
//        owner is of a dead run, and goes with the next change.
// Holds. What is in the store is believed in nothing: names are taken only where they are epochs, opened without following links, and index.json is
//        never read; it is for other programs.
// Cost.  One rename makes and unmakes a snapshot.  take.cc has what a snapshot costs.
// Reading order: epoch.h, summary.h, store.h, take.h; retention.h, measure.h.   Not here: words for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/own_names.h"
#include "base/result.h"
#include "core/snapshot/epoch.h"
#include "core/snapshot/summary.h"
#include "sys/fd.h"

namespace foxing::snapshot {

inline constexpr const char* kTreeName = "tree";
inline constexpr const char* kSummaryName = "summary.json";
inline constexpr const char* kIndexName = "index.json";

struct Entry {
  std::string name;
  Epoch epoch;
  Summary summary;
  std::string damage;  // why it cannot be used; empty where it can
};

class Store {
 public:
  enum class Use {
    look,  // it must be there
    change,  // it must be there, and nobody else may change it: EBUSY where somebody does
    make,  // as `change`, and made where it is missing
  };
  /// Errors: ENOENT where there is none; ENOTDIR, ELOOP where something else has its name.
  static Result<Store> open(sys::FdView target, Use use);

  /// All that have an epoch's name, the oldest first.
  Result<std::vector<Entry>> list() const;
  /// Names in the store that nothing of ours has made.
  Result<std::vector<std::string>> strangers() const;
  /// `word`: a name, the beginning of just one name, a tag, or "latest".
  Result<Entry> choose(std::string_view word) const;
  /// The root of a snapshot's tree.
  Result<sys::UniqueFd> tree(const std::string& name) const;

  // With Use::change or Use::make.
  /// A directory that is not a snapshot yet.
  Result<sys::UniqueFd> begin(const std::string& name);
  /// Makes it one: everything of it is on disk first.
  Result<> commit(const std::string& name, sys::FdView building);
  /// Removes it, whole or half.
  Result<> abandon(const std::string& name);
  Result<> remove(const std::string& name);
  /// An empty tag takes it away.  Errors: EEXIST where another has it.
  Result<> set_tag(const Entry& entry, const std::string& tag);
  /// What index.json says; for who checks it.
  Result<std::string> read_index() const;
  /// Writes index.json anew.
  Result<> write_index();
  /// What dead runs have left; `dry_run`: is only counted.
  Result<std::uint64_t> remove_dead(bool dry_run = false);

  /// Where a half is built; below kVersionsName.
  static std::string building_name(const std::string& name) { return ".making-" + name; }
  sys::FdView fd() const { return fd_; }

 private:
  explicit Store(sys::UniqueFd fd) : fd_(std::move(fd)) {}
  struct Names {
    std::vector<std::string> snapshots, dead, strangers;
  };
  Result<Names> names() const;
  Entry look_at(const std::string& name, const Epoch& epoch) const;
  /// Old or new, and on disk.
  static Result<> write_file(sys::FdView directory, const std::string& name, const std::string& text);

  sys::UniqueFd fd_;
};

}  // namespace foxing::snapshot
