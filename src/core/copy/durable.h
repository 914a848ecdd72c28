// SPDX-License-Identifier: GPL-2.0-or-later
// --fsync: files that are whole wait together for one flush, and get their names after it.
//
// Why.   An fsync per file costs 2 ms and more; one syncfs(2) makes hundreds of files durable for the price of one flush.
// Holds. A name never stands for content that is not on disk.  After finish() everything is: data, then names, then directories.
// Cost.  Descriptors: one per waiting file.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "core/copy/target.h"
#include "core/walk/walk.h"
#include "sys/fd.h"

namespace foxing::copy {

class DurableCommits {
 public:
  /// `most`: so many files may wait.
  explicit DurableCommits(std::size_t most) : most_(most) {}

  struct Waiting {
    walk::Hold directory;
    DeviceId device;
    StagedFile staged;
    std::function<void(Result<>, walk::WorkerIndex)> then;  // called with what became of the commit, by whoever flushed
  };
  /// Takes the file over; flushes when enough wait.
  void add(Waiting waiting, walk::WorkerIndex worker);
  /// Commits all that wait.
  void flush(walk::WorkerIndex worker);
  /// Something was made on `device` that a last flush must catch.
  void touched(DeviceId device, sys::FdView directory);
  /// The last flush, when nothing waits any more: names and directories.  The first error.
  Result<> finish();

 private:
  static void commit(std::vector<Waiting> batch, walk::WorkerIndex worker);

  const std::size_t most_;
  std::mutex mutex_;
  std::vector<Waiting> waiting_;
  std::map<DeviceId, sys::UniqueFd> devices_;  // what the last flush must reach
  Result<> outcome_;
};

}  // namespace foxing::copy
