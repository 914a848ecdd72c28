// SPDX-License-Identifier: GPL-2.0-or-later
// Origin: which filesystem a target was mirrored from, and whether a source looks like one that is not mounted.
//
//   from  a mirror that went well        to  the attribute user.foxing.origin of the target's root, for the next one's guards
//
// Why.   Most mirrors that were ever lost were lost by a correct program and a source that was not mounted.
// Not here: what is refused, and in which words (fxcp/deletion.cc, foxingd/mirror/roots.cc).
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace foxing::copy {

/// No names in it but our own, and what a filesystem makes itself.
Result<bool> is_empty(sys::FdView directory);
/// What tells one filesystem from another, also after it was mounted anew; empty where it has no such number (tmpfs, some ext4).
std::string origin_of(const std::string& path);
/// Nothing where nothing is remembered, or nothing can be.
std::optional<std::string> remembered_origin(sys::FdView target);
/// Where the target has no extended attributes nothing is remembered.
void remember_origin(sys::FdView target, const std::string& origin);

}  // namespace foxing::copy
