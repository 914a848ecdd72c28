// SPDX-License-Identifier: GPL-2.0-or-later
// The runs of fxcp: what each command does, as a flat table of contents.
#pragma once

#include "fxcp/options.h"
#include "fxcp/report.h"

namespace foxing::fxcp {

/// Copies.  Everything that is refused is refused before anything is touched.
ExitCode run_copy(const Options& options);

/// `fxcp --cleanup TARGET...`
ExitCode run_cleanup(const Options& options);

}  // namespace foxing::fxcp
