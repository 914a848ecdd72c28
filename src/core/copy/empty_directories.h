// SPDX-License-Identifier: GPL-2.0-or-later
// --prune-empty-dirs: the directories of the source below which nothing but directories would be copied, found by a walk before the copy.
//
//   from  walk::Walk, with the options and the Selector of the copy        to  copier.cc, deleting.cc: contains()
//
// Why.   Whether a directory will hold anything is known only when everything below it has been looked at; a chain of empty ones is looked at once here and
//        not once for each of its links.
// Holds. As with rsync a name counts that the rules let through, whatever becomes of it then: limits of size, links and devices that are not asked for make no
//        directory empty.  One that cannot be read, or that another filesystem is mounted on (-x), is never empty.  Nor is a root whose contents are mirrored.
// Cost.  The names are read twice, without a stat; memory: the paths of the empty directories.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

#include "core/walk/walk.h"

namespace foxing::copy {

class EmptyDirectories final : public walk::Visitor {
 public:
  explicit EmptyDirectories(bool one_filesystem) : one_filesystem_(one_filesystem) {}

  bool contains(const walk::Directory& directory) const;
  /// A directory `name` in `parent`.
  bool contains(const walk::Directory& parent, std::string_view name) const;

  Descend enter(walk::Directory& directory, walk::WorkerIndex worker) override;
  void visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) override;
  void leave(walk::Directory& directory) override;
  void unreadable(walk::Directory& directory, std::string_view name, Error error) override;
  void vanished(walk::Directory& directory, std::string_view name) override;

 private:
  /// Each directory has one while it is walked.
  struct Mark final : walk::Attachment {
    std::atomic<bool> holds_something{false};
  };
  static void mark(walk::Directory& directory);
  /// The path below the root, and which root that is.
  static std::string key_of(const walk::Directory& directory);

  const bool one_filesystem_;
  std::mutex mutex_;
  std::unordered_set<std::string> empty_;
};

}  // namespace foxing::copy
