// SPDX-License-Identifier: GPL-2.0-or-later
// Seen: a note on a copy that its bytes were compared with a certain version of its source, and were equal.
//
//   from  existing.cc, after a look        to  the attribute user.foxing.seen of the copy, for the next run
//
// Why.   A source that changed after its copy was made (a chmod is enough) leaves a doubt for ever: without a note every run would read both files again.
// Holds. The note names the source's inode, size, mtime and ctime to the nanosecond; any later change of the source makes it void.  It is believed only where
//        the copy has the size and modification time of the source.  Where it cannot be left (no extended attributes, a read-only file of an ordinary user)
//        the next run looks again.
// Format. Text: "1 INODE SIZE MTIME_S.MTIME_NS CTIME_S.CTIME_NS", decimal.
#pragma once

#include <string>

#include "sys/attributes.h"
#include "sys/status.h"

namespace foxing::copy {

/// The text of a note: this version of the source, and no other.
std::string version_of(const sys::FileStatus& source);

inline constexpr char kSeenAttribute[] = "user.foxing.seen";

/// True where the note on `copy` speaks of this version of the source.
bool was_seen(sys::Object copy, const sys::FileStatus& source);
/// Leaves the note; where that is refused nothing is lost but time.
void leave_seen(sys::Object copy, const sys::FileStatus& source);

}  // namespace foxing::copy
