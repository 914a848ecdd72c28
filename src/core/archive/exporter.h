// SPDX-License-Identifier: GPL-2.0-or-later
// The exporter: a tree as it is now becomes a snapshot of an archive.
//   from  an open directory        to  Writer, entry by entry
//
// How.   One thread walks the tree depth first, names sorted as bytes, reads and cuts; a pipeline hashes and compresses, and hands back in order.
// Holds. The same tree gives the same bytes, however many threads.  No link is followed below the root, nothing but regular files is opened for content.
//        A file that changes while it is read is read again, three times in all, else it is left out and said.  Errors of one entry leave the others alone.
// Cost.  32 MiB of content under way; the names of the directories on the way down; an entry for every file with more than one link; IdTable.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "core/archive/manifest.h"
#include "core/archive/writer.h"
#include "core/filter/filter.h"
#include "sys/fd.h"

namespace foxing::archive {

/// Hears of what is not as it should be, while others go on.
class Observer {
 public:
  virtual ~Observer() = default;
  /// An entry that is not there, or lacks something.  Fails the run where `failure`.
  virtual void problem(const std::string& path, const Error& error, bool failure) = 0;
  /// An entry is done.
  virtual void done(const std::string& /*path*/) {}
};

struct ExportOptions {
  codec::Codec codec{codec::Format::zstd, 3};
  unsigned workers = 0;  // beside the thread that calls; 0: it does all
  filter::Rules rules;
  std::string root_shown;  // how the rules' absolute paths and messages call the root
  bool one_filesystem = false;
  std::vector<FileKey> leave_out;  // the archive itself
  std::int64_t now_s = 0;  // when the snapshot begins; 0: the clock is asked
  ChunkSizes chunks;
  /// The snapshot before this one: files that have not changed since are not read.  Null where there is none.
  EntryCursor* previous = nullptr;
  std::uint64_t previous_device = 0;
};

struct ExportCounters {
  std::uint64_t unchanged = 0;  // files that were not read
  std::uint64_t bytes_read = 0;
};

/// Writes the entries of a snapshot that has begun.  Errors: of writing; ECANCELED after a signal.
Result<ExportCounters> export_tree(sys::FdView root, const ExportOptions& options, Writer& writer, Observer& observer);

}  // namespace foxing::archive
