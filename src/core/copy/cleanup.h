// SPDX-License-Identifier: GPL-2.0-or-later
// Cleanup: removes from a tree the temporary files of runs that are dead, and nothing else.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "core/copy/outcome.h"
#include "core/walk/walk.h"

namespace foxing::copy {

class Cleanup final : public walk::Visitor {
 public:
  /// `partial`: another name of directories of partial files than kPartialDirectory; may be empty.
  Cleanup(Observer& observer, bool dry_run, std::string partial = {})
      : observer_(observer), dry_run_(dry_run), partial_(std::move(partial)) {}

  std::uint64_t removed() const { return removed_.load(); }
  std::uint64_t kept() const { return kept_.load(); }  // ours by name, of a run that lives or of another machine

  Descend enter(walk::Directory& directory, walk::WorkerIndex worker) override;
  void visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) override;
  void leave(walk::Directory& directory) override;
  void unreadable(walk::Directory& directory, std::string_view name, Error error) override;
  void vanished(walk::Directory&, std::string_view) override {}

 private:
  /// True where `name` is one of ours whose run is dead; counts those that live.
  bool is_litter(walk::Directory& directory, std::string_view name);
  void remove(walk::Directory& directory, const std::string& name, bool is_directory);
  bool holds_partials(const walk::Directory& directory) const;

  Observer& observer_;
  const bool dry_run_;
  const std::string partial_;
  std::atomic<std::uint64_t> removed_{0};
  std::atomic<std::uint64_t> kept_{0};
};

}  // namespace foxing::copy
