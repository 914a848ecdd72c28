// SPDX-License-Identifier: GPL-2.0-or-later
// --list-only: what is in the sources, a line each, as rsync's: permissions, size, modification time, name.
//
//   from  Options: the sources, and what chooses among names        to  lines on standard output; with --json objects, schema fxcp.list/1
//
// Holds. Nothing is written anywhere, DST is not looked at, and no file's content is opened.  A directory comes before what is in it; else the order is
//        that in which the filesystem has the names: nothing is kept to be sorted, so that memory does not grow with the tree.
#pragma once

#include "fxcp/options.h"
#include "fxcp/report.h"

namespace foxing::fxcp {

ExitCode run_list(const Options& options);

}  // namespace foxing::fxcp
