// SPDX-License-Identifier: GPL-2.0-or-later
// Importing: a snapshot becomes a tree, from a file that can be read anywhere or from a pipe while it arrives.
//   from  reader.h, stream.h        to  Restorer, in the order of the archive
//
// How.   A pipeline reads (from files), decompresses and checks chunks on several threads, and hands them back in order.  From a pipe, a chunk that came before
//        is read again from the file that it was restored to, and checked again.
// Holds. No byte is written that has not the BLAKE3 that the archive says.  What is damaged costs the files that it belongs to; from a pipe, where nothing
//        behind a damaged record can be trusted, it ends the run.
// Cost.  32 MiB under way; from a pipe 40 bytes for every chunk and the names of all files, and on the target, for the
//        time being, entries and, of archives of several snapshots, the chunks that are new in later ones.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "core/archive/reader.h"
#include "core/archive/restorer.h"
#include "core/archive/selection.h"

namespace foxing::archive {

struct ImportOptions {
  unsigned workers = 0;  // beside the thread that calls
  std::string wanted;  // import_stream: the beginning of the snapshot's name
};

/// All of a snapshot.  Errors: what ends everything.
Result<> import_snapshot(Archive& archive, const Snapshot& snapshot, const ImportOptions& options, Restorer& restorer);

/// How many bytes of data the files of a snapshot have, holes not counted; `selection`: of those only, or null.  Errors: of reading, EBADMSG.
Result<std::uint64_t> data_of(Archive& archive, const Snapshot& snapshot, const Selection* selection);

/// The entries that are selected, all that is in selected directories, and the directories that lead there.  How many entries were selected.
/// A name of a file whose first name is not selected becomes a file of its own.
Result<std::uint64_t> restore_some(Archive& archive, const Snapshot& snapshot, const Selection& selection,
                                   const ImportOptions& options, Restorer& restorer);

/// The newest snapshot that comes through `in` and whose name begins with `wanted`.  The first of these is restored while it arrives, later ones change what it
/// left when all have come.  After EBADMSG the target has the newest that was whole.
Result<Snapshot> import_stream(sys::FdView in, const ImportOptions& options, Restorer& restorer);

}  // namespace foxing::archive
