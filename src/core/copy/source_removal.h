// SPDX-License-Identifier: GPL-2.0-or-later
// Removing sources: files whose copies are whole, in place and on disk go from the source (--remove-source-files).
//
//   from  the copier, which tells what is placed        to  the source, when everything has been copied and flushed
//
// Why.   What is removed here may be the only copy that was left.  So nothing goes while the copy is under way: names are noted, the run ends, the target is flushed
//        (syncfs), and then each name is looked at once more.
// Holds. A name is removed only where the copier has said of it that its copy is in place and lost nothing, and where it still is, by inode, size, mtime and
//        ctime, what was read.  The names of one file (hard links) that this run has met go together: one that failed, or was not placed, keeps them all; and so does
//        any failure, where the file has more names than were placed.  Names
//        reached through a symbolic link stay, and no link is followed on the way to any.  Directories stay.
// Cost.  Memory: about 55 bytes and the name for a file (a million of 20 letters: 80 MB), a path for a directory, and about 150 bytes for each name of a file
//        that has several.
// Not here: that everything is on disk (Copier::finish), what counts as placed.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/strong.h"
#include "core/copy/outcome.h"
#include "core/walk/walk.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::copy {

class SourceRemoval {
 public:
  /// `groups`: names of one file are to be one file in the target (-H), so that they go together.
  explicit SourceRemoval(bool groups) : groups_matter_(groups) {}

  /// Before the walk: the directory that messages call `name`, where removing begins.
  void add_root(const std::string& name, sys::UniqueFd directory);

  // By the copier, from several workers at once.
  /// One more name of the file `key` is to be copied.
  void met(const FileKey& key);
  /// The copy of `name`, which was `status` when it was read, has its name in the target, and nothing of it was lost.
  void placed(const walk::Directory& directory, std::string_view name, const sys::FileStatus& status);
  /// A name of `key` is there, but not as it should be.
  void spoiled(const FileKey& key);
  /// Something failed, which may have been a name of any file.
  void failed() { something_failed_.store(true, std::memory_order_relaxed); }
  /// Nothing more comes from this directory, whose object goes.
  void left(const walk::Directory& directory);

  struct Done {
    std::uint64_t removed = 0;
    std::uint64_t kept = 0;  // placed, and not removed; reported
  };
  /// After everything placed is on disk.  A dry run names what would go, and removes nothing.  What fails reaches the observer.
  Done run(Observer& observer, bool dry_run);

 private:
  /// A directory of the source and the names in it, packed: `Record` and then the letters.
  struct Names {
    const sys::UniqueFd* root = nullptr;
    std::string root_name;
    std::string path;  // below the root
    FileKey key;  // for a place, whose inode nobody has looked at: none
    std::vector<std::string> packed;  // in pieces, so that growing never needs it twice
  };
  static constexpr std::size_t kPiece = 64 * 1024;
  struct Record {
    std::uint64_t inode;
    std::uint64_t size;
    std::int64_t modified_s;
    std::int64_t changed_s;
    std::uint32_t modified_ns;
    std::uint32_t changed_ns;
    std::uint16_t length;
    std::uint8_t type;
  };
  struct Member {
    Names* in;
    std::string name;
    sys::FileStatus status;
  };
  struct Group {
    std::uint64_t met = 0;
    std::vector<Member> placed;
    bool spoiled = false;
  };
  class Removal;

  Names* names_of(const walk::Directory& directory);  // with mutex_

  const bool groups_matter_;
  std::atomic<bool> something_failed_{false};
  std::map<std::string, sys::UniqueFd> roots_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Names>> all_;
  std::unordered_map<const walk::Directory*, Names*> open_;
  std::map<FileKey, Group> groups_;
};

}  // namespace foxing::copy
