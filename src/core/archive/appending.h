// SPDX-License-Identifier: GPL-2.0-or-later
// Appending: one more snapshot behind those that an archive has, or none.
//   from  `fxcp snap export --append`        to  Writer, which knows what is there; back to what was, where something fails
//
// Holds. Until commit() has returned without an error the archive ends for every reader where it ended before, and what is given up is cut off again.
//        Nothing is added, or cut off, where a damaged record may hide snapshots: Archive::may_end_here().
// Not here: names and locks.  Who calls has the file for himself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "core/archive/exporter.h"
#include "core/archive/manifest.h"
#include "core/archive/reader.h"
#include "core/archive/writer.h"
#include "sys/fd.h"

namespace foxing::archive {

class Appending {
 public:
  /// `file` is open for reading and writing, and outlives this.  Nothing has been changed when this fails.
  static Result<std::unique_ptr<Appending>> to(sys::FdView file, codec::Codec codec);
  ~Appending();
  Appending(const Appending&) = delete;
  Appending& operator=(const Appending&) = delete;

  const Snapshot& last() const { return archive_.snapshots().back(); }
  /// What an export is to know of the snapshot before it.
  void prepare(ExportOptions& options);
  /// Where the snapshot goes.  What an interrupted run left behind the last one is cut off.
  Result<Writer*> begin();
  /// The snapshot has ended and the writer is finished: it is on disk.
  Result<> commit();
  /// All that was written is cut off again.  `why`, and where that fails, too, what is left.
  Error give_up(Error why);

 private:
  Appending(sys::FdView file, Archive archive, codec::Codec codec)
      : file_(file),
        archive_(std::move(archive)),
        before_(archive_, archive_.snapshots().back()),
        writer_(file, codec, archive_.end(), archive_.footer()) {}
  Result<> learn_ids();

  sys::FdView file_;
  Archive archive_;
  EntryCursor before_;
  Writer writer_;
  bool begun_ = false;
};

}  // namespace foxing::archive
