// SPDX-License-Identifier: GPL-2.0-or-later
// --itemize-changes: rsync's eleven characters, for scripts that read them.
#pragma once

#include <string>

#include "core/copy/outcome.h"

namespace foxing::fxcp {

/// ">f.st...... d/name".  The name is the one below the destination; a directory's ends in a slash.  Source: rsync(1), --itemize-changes.
std::string itemized(const copy::FileEvent& event);

}  // namespace foxing::fxcp
