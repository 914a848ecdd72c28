// SPDX-License-Identifier: GPL-2.0-or-later
// Subtrees: for each directory of the source one hash over everything below it, made by a walk that only looks.
//
//   from  a walk of the sources, before the copier's        to  pruning.h
//
// Why before.  What is stored must describe the source not later than it was copied: then a change that the copy has missed shows as another hash.
// Holds. A directory below which something could not be looked at, or was touched within the last tick of the clock, is not `settled`: its hash is right,
//        but tells less than it should, and is not to be stored.
//        A directory that is met twice with different things below it (a bind mount that a rule of the user's cuts elsewhere) is not known.
// Cost.  One stat call an entry.  Memory: about 150 bytes a directory; for files only while names of one with several links are to come.
#pragma once

#include <cstdint>
#include <mutex>
#include <random>
#include <unordered_map>
#include <unordered_set>

#include "base/strong.h"
#include "core/digest/digest.h"
#include "core/signature/dir_hash.h"
#include "core/walk/walk.h"

namespace foxing::copy {

struct Subtree {
  digest::Digest hash;
  std::uint64_t names = 0;  // in the directory itself
  std::uint64_t entries = 0;  // everything below
  std::uint64_t directories = 0;  // of these
  Bytes bytes;
  bool settled = true;
  /// 0: every hard link of what lies below lies below too.  Else some may lie elsewhere: whoever keeps hard links must look at these, for a link
  /// elsewhere may have been moved with its directory, which moves nothing here.
  std::uint64_t links_elsewhere = 0;
};

class Subtrees final : public walk::Visitor {
 public:
  struct Options {
    bool one_filesystem = false;
  };
  explicit Subtrees(Options options);

  /// After the walk.  Null: the directory has not been met.
  const Subtree* find(const FileKey& directory) const;

  Descend enter(walk::Directory& directory, walk::WorkerIndex worker) override;
  void visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) override;
  void leave(walk::Directory& directory) override;
  void unreadable(walk::Directory& directory, std::string_view name, Error error) override;
  void vanished(walk::Directory& directory, std::string_view name) override;

 private:
  class Node;
  static Node* node_of(walk::Directory* directory);
  bool is_recent(const timespec& changed) const;
  /// Numbers for the names of one file, one at each call, that are 0 in all, and in no part of all but by chance.
  std::uint64_t share_of(const FileKey& file, std::uint64_t links);

  const Options options_;
  const timespec begin_;
  std::mutex mutex_;
  std::unordered_map<FileKey, Subtree> known_;
  std::unordered_set<FileKey> contradictory_;
  struct Met {
    std::uint64_t names = 0;
    std::uint64_t sum = 0;
  };
  std::mt19937_64 random_{std::random_device{}()};
  std::unordered_map<FileKey, Met> linked_;  // files of which names are to come
};

}  // namespace foxing::copy
