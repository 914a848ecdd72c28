// SPDX-License-Identifier: GPL-2.0-or-later
// Roots: the two directories of a replica, held open, and whether they are still what their paths lead to.
//
// Why.   A target that is unmounted leaves an empty directory under its path, and a source that is unmounted looks like one where everything was deleted.
// Holds. One foxingd at a time has a target: it is locked, for as long as this lives.
//        Before anything is deleted for the first time the guards of `fxcp --delete` are asked: an empty source, another filesystem than last time.  A target that
//        comes back is the directory that went, not another one that lies there now; and a source that has been emptied meanwhile empties nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "foxingd/mirror/tree_pair.h"
#include "sys/fd.h"
#include "sys/handle.h"
#include "sys/status.h"

namespace foxing::mirror {

class Roots {
 public:
  /// A target that is missing is made where its parent is there.  Errors: a sentence that names the path, the reason and the way out; nothing was deleted.
  struct How {
    bool delete_anyway = false;
    bool must_be_mounted = false;  // the target, or the directory it lies in, is where something is mounted
  };
  static Result<std::unique_ptr<Roots>> open(const std::string& source, const std::string& target, How how);

  sys::FdView source() const { return source_; }
  sys::FdView target() const { return target_; }
  TreePair::Roots for_trees() const;

  /// Empty where both paths lead to what is open; else which does not, in words.
  std::string missing() const;
  /// What is mounted below the source: it is not mirrored, and hides what is.
  std::vector<std::string> mounts() const;
  /// The target may go: nothing of it is held open until it is opened again.
  void let_go_of_target() { target_.reset(); }
  /// Before everything is looked at: the source is not empty, or the target is, or it is meant so.
  Result<> guard_emptying() const;
  /// After missing(): takes the target that its path leads to now, where that is the first one, mounted anew or not.
  Result<> open_target_again();

  /// After a scan that went well: for the guards of the next start.
  void remember_origin() const;

 private:
  Roots(std::string source, std::string target, How how)
      : source_path_(std::move(source)), target_path_(std::move(target)), how_(how) {}
  Result<> open_target(bool again);
  Result<> check_mounted() const;
  Result<> check_is_the_same(sys::FdView opened) const;
  Result<> guard_deletion() const;

  const std::string source_path_;
  const std::string target_path_;
  const How how_;
  sys::UniqueFd source_;
  sys::UniqueFd target_;  // locked
  FileKey source_key_;
  FileKey target_key_;
  // What it is known by after it was mounted anew; empty where the filesystem has none.
  std::string target_filesystem_;
  sys::FileHandle target_handle_;
};

}  // namespace foxing::mirror
