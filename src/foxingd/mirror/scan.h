// SPDX-License-Identifier: GPL-2.0-or-later
// Scan: makes the whole target equal to the whole source, as `fxcp -a --delete` does, and learns which directories there are.
//
//   from  a replica that starts, that has lost events, or that makes up for what its source of events does not hear of        to  DirectoryTable, LinkGroups
//
// How.   The engine's walk, with a visitor in between that enters every directory into the table before it is read: what happens in it from then on is heard of.
// Holds. The source of events has been started before.  A directory that could not be read loses nothing in its copy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/copy/outcome.h"
#include "foxingd/mirror/selection.h"
#include "foxingd/mirror/tree_pair.h"
#include "foxingd/pipeline/directory_table.h"
#include "foxingd/pipeline/link_groups.h"

namespace foxing::mirror {

struct ScanReport {
  std::uint64_t entries = 0;
  std::uint64_t changed = 0;  // files, links and the like that were copied, linked, updated or deleted
  std::uint64_t deleted = 0;
  std::uint64_t failures = 0;
  std::uint64_t changing = 0;  // of the failures: files that were being written, of which an event tells
  bool full = false;  // the target has no room
  std::vector<Error> first_failures;  // a few, for the log
};

/// Errors: the roots cannot be read, or this filesystem has no file handles; nothing was done.
Result<ScanReport> scan(const TreePair::Roots& roots, Selection* selection, unsigned workers, pipeline::DirectoryTable& table,
                        pipeline::LinkGroups& links);

}  // namespace foxing::mirror
