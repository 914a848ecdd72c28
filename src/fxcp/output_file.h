// SPDX-License-Identifier: GPL-2.0-or-later
// A file that is to be written under a name the user typed: what it may take the place of.
//   from  stream.cc, snap_export.cc        to  a status, or a refusal
// Holds. Only a regular file gives way.  /dev/null, a fifo or an empty directory is never replaced by a file.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "sys/status.h"

namespace foxing::fxcp {

/// What `path` is, links followed; nothing where it does not exist.
Result<std::optional<sys::FileStatus>> look(const std::string& path);

/// Why nothing can be written as `path`, which is no regular file.  `what`: "a stream".
tl::unexpected<Error> no_file_may_be(const std::string& path, sys::FileType type, const std::string& what);

/// `path`, or where it leads as long as it is a symbolic link, whether something is there or not.
Result<std::string> resolve_links(const std::string& path);

/// True where `path`, links followed, is what `file` is open on.
Result<bool> is_still(const std::string& path, sys::FdView file);

}  // namespace foxing::fxcp
