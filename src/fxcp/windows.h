// SPDX-License-Identifier: GPL-2.0-or-later
// What happens between two windows of a list (--files-from), for copies and for listings alike.
//
//   from  Selection   windows        to  run.cc, list_only.cc: what to walk next; a Report: what was not there
#pragma once

#include "fxcp/arrangement.h"
#include "fxcp/report.h"
#include "fxcp/selection.h"

namespace foxing::fxcp {

/// What the present window lists and no walk has met are failures.  `selection` may be null; after a stop nothing is missed.
void report_missing(const Selection* selection, Report& report);

/// Goes to the next window; false where there is none, or the run is to stop.  What is wrong with it is reported; what is right in it is there.
bool next_window(Selection* selection, const Options& options, Report& report);

/// The directories that lines of the present window leave behind ("a" of "a/./b"), as items beside those of `plan`; the target is there.
/// Those that cannot be copied are reported.
Arrangement bases_of_window(const Selection& selection, const Arrangement& plan, const Options& options, Report& report);

}  // namespace foxing::fxcp
