// SPDX-License-Identifier: GPL-2.0-or-later
// A pair of trees: source and target as the reconciler works on them, name by name, with the engine of core/copy.
//
//   from  pipeline::Reconciler        to  the target
//
// How.   A directory is opened in both trees by its path, below the roots and without following links, and is then asked for its handle: so nothing is done in
//        a directory that is not the one that was meant.  For a name in it the engine is called as a walk would call it.
// Holds. Directories get their attributes when all that was pending in them is done (settle()).
// Cost.  Opening a pair of directories: about 15 us.  Not here: what is to be done (pipeline), whole trees (scan.h).
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/copy/copier.h"
#include "core/copy/deleting.h"
#include "core/walk/walk.h"
#include "foxingd/mirror/collector.h"
#include "foxingd/mirror/doubts.h"
#include "foxingd/mirror/selection.h"
#include "foxingd/pipeline/pace.h"
#include "foxingd/pipeline/world.h"

namespace foxing::mirror {

/// The engine's options for a mirror: everything is kept, as with `fxcp -a`.
copy::Options engine_options(const std::string& target_name);

class TreePair final : public pipeline::World {
 public:
  /// `source` and `target` are how messages call them; the descriptors, the selection and the doubts outlive this.
  struct Roots {
    std::string source;
    std::string target;
    sys::FdView source_fd;
    sys::FdView target_fd;
    DeviceId source_device;
    FileKey source_key = {};  // neither it nor what is in it is ever deleted, wherever a rename or a mount puts it
    bool may_be_emptied = false;  // also the last name of the source goes from the target
  };
  TreePair(Roots roots, Selection* selection, Doubts* doubts = nullptr);
  ~TreePair() override;

  /// The target's root has been opened.
  Result<> connect();

  Opening open(const pipeline::FileHandle& directory, const std::string& path) override;
  Error last_error() const override { return last_error_; }
  Result<std::optional<pipeline::Seen>> look(const pipeline::Name& name) override;
  bool is(const pipeline::Name& name, const pipeline::FileHandle& object) override;
  bool is_copy(const pipeline::Name& copy, const pipeline::Name& name) override;
  pipeline::Outcome synchronise(std::span<const pipeline::Name> names) override;
  Made make_directory(const pipeline::Name& name) override;
  pipeline::Outcome remove(const pipeline::Name& name) override;
  Result<> rename(const pipeline::Name& from, const pipeline::Name& to, How how) override;
  std::optional<pipeline::Name> name_of(const pipeline::FileHandle& object) override;
  Result<std::vector<Found>> search(const std::unordered_set<std::uint64_t>& inodes) override;
  Result<std::vector<std::string>> names(const pipeline::FileHandle& directory) override;
  void begin_batch() override { ++batch_; }
  void breathe() override;
  void settle() override;
  bool is_unsettled() const override { return !open_.empty(); }

  /// When a name that was too_soon may be copied.
  pipeline::Clock::time_point due(const pipeline::Name& name) const { return pace_.due(name); }
  /// Somebody waits: nothing is too soon any more.
  void hurry() { pace_.hurry(); }

  /// Sums since the beginning, of what single names needed.
  void add_counters_to(copy::Counters& sum) const;
  /// Directories that did not get their attributes.
  struct Unsettled {
    pipeline::FileHandle directory;
    pipeline::Outcome outcome;
  };
  std::vector<Unsettled> take_unsettled() { return std::exchange(unsettled_, {}); }

 private:
  static constexpr std::size_t kMostOpen = 64;  // pairs of directories at a time

  const walk::Hold& at(const pipeline::FileHandle& directory) const;
  static copy::TargetDirectory& target_of(const walk::Hold& directory);
  Opening could_not_open(Error error, bool of_target);
  /// The engine for one way of telling what is equal.
  struct Engine {
    std::unique_ptr<copy::Copier> copier;
    std::unique_ptr<walk::Walk> walk;
  };
  Result<Engine> make_engine(copy::Comparison::By by);
  /// Those of the names' files whose status is not to be believed.
  std::vector<pipeline::FileHandle> doubted(std::span<const pipeline::Name> names) const;

  const Roots roots_;
  Selection* const selection_;
  Doubts* const doubts_;  // null: there are none
  Collector collector_;
  pipeline::Pace pace_;
  std::unique_ptr<copy::Deleter> deleter_;
  Engine engine_;
  Engine comparing_;  // by bytes; made when it is needed first
  struct Open {
    walk::Hold hold;
    std::uint64_t checked = 0;  // the batch in which its path last led to it
  };
  bool still_leads_to(const Open& open, const std::string& path) const;
  std::unordered_map<pipeline::FileHandle, Open> open_;
  std::uint64_t batch_ = 1;
  Error last_error_;
  std::vector<Unsettled> unsettled_;
};

}  // namespace foxing::mirror
