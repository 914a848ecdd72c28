// SPDX-License-Identifier: GPL-2.0-or-later
// Disposition: what is done about a name that failed.  One pure function, one table of tests.
#pragma once

#include "foxingd/pipeline/outcome.h"

namespace foxing::pipeline {

enum class Disposition : unsigned char {
  done,        // nothing: it is right, or somebody will tell
  later,       // nothing has failed: when it is due
  retry,       // again, a little later each time
  stall,       // nothing can be written to this target: everything waits until something can
  report,      // it will not get better by itself: told, counted, and looked at again by the next scan
};
const char* name_of(Disposition disposition);

/// `attempts`: how often this name has failed in a row, this time included.
Disposition dispose(const Outcome& outcome, unsigned attempts);

inline constexpr unsigned kMostAttempts = 10;

}  // namespace foxing::pipeline
