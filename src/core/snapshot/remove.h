// SPDX-License-Identifier: GPL-2.0-or-later
// Removing a tree of the store: whatever lies in it, however deep, without following a link.
#pragma once

#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace foxing::snapshot {

/// Removes `name` in `parent`, with all that is in it where it is a directory.  Nothing by that name is no error.
/// At most kDeepest descriptors are open: what lies deeper is moved up first.
Result<> remove_tree(sys::FdView parent, const std::string& name);

}  // namespace foxing::snapshot
