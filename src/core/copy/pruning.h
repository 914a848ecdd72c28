// SPDX-License-Identifier: GPL-2.0-or-later
// Pruning: a directory of the source below which nothing has been touched since it was copied needs no look at its copy.
//
//   from  copier.cc   a pair of directories, entered or left        to  user.foxing.dir_hash of the target's (core/signature)
//
// How.   Entering: the stored hash is compared with the source's (subtrees.h).  Equal, and the pair's own attributes equal too: nothing below is looked at.
//        Otherwise a stored hash is taken away before anything below is changed.  Left without any failure: the hash is noted, and stored with others
//        once the target is on disk: after a crash no hash may speak of data that was lost.
// Holds. Believed only for the same options (the fingerprint), on the directory that it was stored on (its inode and birth).  docs/comparing.md tells users what is
//        assumed of the target.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/copy/subtrees.h"
#include "core/copy/target.h"
#include "core/copy/temp_names.h"
#include "core/signature/store.h"

namespace foxing::copy {

struct Pruning {
  const Subtrees* subtrees = nullptr;  // null: nothing is compared; outlives the copier
  digest::Digest options;  // of everything that decides what the target is to be
  bool believe = false;
  bool store = false;
  bool at_the_end = false;  // nothing is stored before Copier::store_hashes(): something that comes later may fail
};

/// Hashes on their way to their directories.
class DirectoryHashes {
 public:
  DirectoryHashes(const Pruning& pruning, signature::Store& store, TempNames& names)
      : pruning_(pruning), store_(store), names_(names) {}

  /// What the source has below `source`, where `target` is stored to be a whole copy of just that; else null.
  const Subtree* unchanged(const FileKey& source, TargetDirectory& target);
  /// Something below will be changed.
  Result<> forget(TargetDirectory& target);
  /// The pair is equal now, with all that is below.  `root`: the target's.
  Result<> note(const FileKey& source, const TargetDirectory& target, sys::FdView root);
  /// Stores what was noted.  After a failure nothing is stored any more: what was lost may lie below what is noted later.
  Result<> flush(sys::FdView root);

 private:
  struct Noted {
    std::string path;
    FileKey key;
    signature::DirSignature signature;
  };
  static constexpr std::size_t kBatch = 4096;  // one flush of the target's filesystem each
  Result<> store_all(sys::FdView root, const std::vector<Noted>& batch);
  Result<> store(sys::FdView root, const Noted& noted);
  Result<signature::DirSignature> signature_for(const Subtree& subtree, sys::FdView target) const;

  const Pruning& pruning_;
  signature::Store& store_;
  TempNames& names_;
  std::mutex flushing_;  // one at a time: an error of writing back is told once
  bool failed_ = false;  // a flush has; guarded by flushing_
  std::mutex mutex_;
  std::vector<Noted> noted_;
};

}  // namespace foxing::copy
