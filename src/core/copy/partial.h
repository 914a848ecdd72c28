// SPDX-License-Identifier: GPL-2.0-or-later
// Partial files: what an interrupted run has of a large file stays, and the next run goes on with it (--partial, --partial-dir).
//
//   from  regular_file.cc, before a large file is copied        to  a StagedFile that is kept where it is not committed
//
// Why.   A file of 500 GiB that was interrupted at 490 should not begin anew.  rsync's --partial leaves what it has under the file's own name; here a name
//        shows old or new content and nothing else (docs/adr/0018-partial-files-lie-aside.md), so it lies in a directory of its own.
// How.   The file is made under its name in `.fxcp-partial` (or DIR) beside its target, with a name from the beginning, so that SIGKILL leaves it too, and is
//        renamed when it is whole.  The next run finds it, compares it with the source byte by byte, and writes what differs (delta.h): neither its
//        size nor its times are believed, so it does not matter which version of the source it was made from, in which order its pieces came, or what a
//        power failure made of them.
// Holds. One run at a time works on a partial file (a lock on the open file); another one stages as if there were no --partial.  Whoever else may write into the directory, or
//        owns what lies there, is not trusted: no partial file is used then.  A file is removed only where it carries our attribute.
// Format. The attribute `user.foxing.partial` on the file, text: "1 INODE SIZE MTIME_S.MTIME_NS CTIME_S.CTIME_NS" of the source, decimal; for people, and so that
//        cleaning up knows what is ours.  It goes before the file gets its name.
// Not here: whether a file is worth it, comparing and copying (resuming.cc).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/own_names.h"
#include "base/result.h"
#include "core/copy/target.h"
#include "core/copy/temp_names.h"
#include "sys/attributes.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::copy {

inline constexpr const char* kPartialAttribute = "user.foxing.partial";

struct PartialPlace {
  std::string name = {};  // a directory of this name in each target directory; empty where there is one for all
  sys::FdView for_all{-1};  // on the target's filesystem; outlives the run
  Bytes smallest = 1_MiB;  // smaller files begin anew

  bool wanted() const { return !name.empty() || static_cast<bool>(for_all); }
};

struct StagedPartial {
  std::optional<StagedFile> file;
  const char* refused = nullptr;  // why not, where there is no file: for a note
};
/// A new or an old partial file for `name` in `target`, which is locked.  Errors: of making it, ENOSPC for instance.
Result<StagedPartial> stage_partial(const PartialPlace& place, TargetDirectory& target, TempNames& names, const std::string& name,
                                    mode_t mode, const sys::FileStatus& source);

/// The attribute goes; the file is about to be what it will be.
Result<> unmark_partial(sys::FdView file);

/// True for one of ours that nobody works on.
bool is_left_partial(sys::FdView directory, const std::string& name);
/// Removes partial files in `target` that nobody will go on with: their names are gone from `source`, or the target has the file.  Then the directory, where it
/// is empty.  How many files.
Result<std::uint64_t> sweep_partials(const PartialPlace& place, sys::FdView source, const TargetDirectory& target);

}  // namespace foxing::copy
