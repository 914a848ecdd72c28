// SPDX-License-Identifier: GPL-2.0-or-later
// Checkpoints: what has come of a long stream, every now and then, under a name of its own.
//   from  ingest.cc, the staged file        to  NAME.checkpoint-1, -2, ... beside it
//
// Why.   A stream of hours that breaks off leaves nothing: the staged file has no name.  A checkpoint is as much of it as there was.
// How.   FICLONE into another staged file: the blocks are shared, so a checkpoint costs a few metadata blocks.
// Holds. A checkpoint appears whole, is on disk before it has its name, and is never changed.  Of those that were made here the newest `keep` stay;
//        older ones go when a newer one is there.  Those of a run that died stay: numbers go on behind the highest that is there.
// Not here: when.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "base/result.h"
#include "core/copy/target.h"
#include "core/copy/temp_names.h"
#include "sys/fd.h"

namespace foxing::copy {

class Checkpoints {
 public:
  /// Tries whether blocks can be shared here: EOPNOTSUPP, with the filesystem's name in `detail`, where not.  Leaves nothing behind.
  static Result<Checkpoints> create(TargetDirectory& directory, TempNames& names, std::string name, mode_t mode, unsigned keep);

  /// One more: `staged` as it is now.
  Result<> make(sys::FdView staged);
  /// The stream is whole under its own name.
  Result<> remove_all();

  std::uint64_t made() const { return made_; }
  /// The newest one's name; empty where there is none.
  std::string newest() const { return kept_.empty() ? std::string() : kept_.back(); }

 private:
  Checkpoints(TargetDirectory& directory, TempNames& names, std::string name, mode_t mode, unsigned keep)
      : directory_(&directory), names_(&names), name_(std::move(name)), mode_(mode), keep_(keep) {}
  Result<> find_number();
  Result<> remove_oldest(std::size_t left);

  TargetDirectory* directory_;
  TempNames* names_;
  std::string name_;
  mode_t mode_;
  unsigned keep_;
  std::uint64_t number_ = 0;  // of the last one
  std::uint64_t made_ = 0;
  std::deque<std::string> kept_;  // the oldest first
};

}  // namespace foxing::copy
