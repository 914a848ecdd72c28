// SPDX-License-Identifier: GPL-2.0-or-later
// The estimate: how much there is to copy, and how much room it will take.  For progress, and for refusing a copy that cannot fit.
// A visitor like the copier, which only looks.  A file with several names counts once.
#pragma once

#include <atomic>
#include <mutex>
#include <unordered_set>

#include "core/copy/planner.h"
#include "core/walk/walk.h"

namespace foxing::copy {

class Estimate final : public walk::Visitor {
 public:
  struct Options {
    bool one_filesystem = false;
    bool sparse_never = false;
    /// Count data instead of blocks: blocks may be reserved and hold nothing.  Opens every file of some size.
    bool by_data = false;
    /// Files of this size and more share their blocks with the source and take no room.
    Bytes shared_from = Bytes(~std::uint64_t{0});
  };
  explicit Estimate(Options options) : options_(options) {}

  std::uint64_t files() const { return files_.load(std::memory_order_relaxed); }
  Bytes bytes() const { return Bytes(bytes_.load(std::memory_order_relaxed)); }
  /// Room on the target.
  Bytes room() const { return Bytes(room_.load(std::memory_order_relaxed)); }
  bool complete() const { return complete_.load(); }
  void mark_complete() { complete_.store(true); }

  Descend enter(walk::Directory& directory, walk::WorkerIndex worker) override;
  void visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) override;
  void leave(walk::Directory&) override {}
  void unreadable(walk::Directory&, std::string_view, Error) override {}  // the copier will say so
  void vanished(walk::Directory&, std::string_view) override {}

 private:
  Bytes room_for(const walk::Directory& directory, const walk::Entry& entry, const sys::FileStatus& status) const;

  const Options options_;
  std::atomic<std::uint64_t> files_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> room_{0};
  std::atomic<bool> complete_{false};
  std::mutex mutex_;
  std::unordered_set<FileKey> seen_;  // files with several names
};

/// How many names a tree has, its root not counted.
class EntryCount final : public walk::Visitor {
 public:
  std::uint64_t entries() const { return entries_.load(std::memory_order_relaxed); }

  Descend enter(walk::Directory& directory, walk::WorkerIndex) override {
    if (directory.parent() != nullptr) entries_.fetch_add(1, std::memory_order_relaxed);
    return Descend::yes;
  }
  void visit(const walk::Hold&, const walk::Entry&, walk::WorkerIndex) override {
    entries_.fetch_add(1, std::memory_order_relaxed);
  }
  void leave(walk::Directory&) override {}
  void unreadable(walk::Directory&, std::string_view, Error) override {}
  void vanished(walk::Directory&, std::string_view) override {}

 private:
  std::atomic<std::uint64_t> entries_{0};
};

}  // namespace foxing::copy
