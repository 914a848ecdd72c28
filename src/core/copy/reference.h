// SPDX-License-Identifier: GPL-2.0-or-later
// Reference directories: an earlier copy that unchanged files are taken from (--link-dest, --copy-dest, --compare-dest).
//
//   from  regular_file.cc   a file that the target lacks        to  the same file in one of the references, open
//
// Why.   A backup a day, of which each looks whole: what has not changed since yesterday costs a name and no blocks.
// Holds. A file counts as unchanged by the rules of the quick check (quick_check.h); where that leaves a doubt, by its bytes.  Paths are opened beneath the
//        reference, and no link in them is followed.
// Not here: symbolic links, devices and the like, which are made anew: they cost no blocks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::copy {

struct References {
  enum class Use {
    link,  // shares its blocks where the filesystem can, else becomes another name of the reference's file if all attributes are equal
    copy,  // the data comes from there: as a clone where that can be done
    compare,  // nothing is made: what is equal there is left out here
  };
  Use use = Use::link;
  std::vector<sys::UniqueFd> directories;  // in the order in which they are asked

  struct Found {
    sys::UniqueFd fd;
    sys::FileStatus status;
    std::optional<timespec> born;
  };
  /// The first regular file of that path, and of that size.
  std::optional<Found> find(const std::string& relative_path, Bytes size) const;
};

}  // namespace foxing::copy
