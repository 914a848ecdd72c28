// SPDX-License-Identifier: GPL-2.0-or-later
// --itemize-changes: rsync's eleven characters, for scripts that read them.
#pragma once

#include <string>

#include "core/copy/outcome.h"

namespace foxing::fxcp {

/// ">f.st......", "*deleting  ": what happened, the type, and what differed.  Source: rsync(1), --itemize-changes.
std::string change_letters(const copy::FileEvent& event);

/// The name below the destination, for a terminal; "." is the destination itself.  A directory's ends in a slash.
std::string short_name(const copy::FileEvent& event);

}  // namespace foxing::fxcp
