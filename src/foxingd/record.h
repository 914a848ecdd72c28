// SPDX-License-Identifier: GPL-2.0-or-later
// `foxingd record`: what is heard of a source, into a file; until it is stopped, or for some seconds.
//   from  the source of events that a mirror would have        to  capture::Recorder, a file
// Holds. A file that is there already is not touched.  One that has no end, because the machine or this process died, is refused by replay.
#pragma once

#include "foxingd/options.h"

namespace foxing::foxingd {

ExitCode run_record(const Options& options);

}  // namespace foxing::foxingd
