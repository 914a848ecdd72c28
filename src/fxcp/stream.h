// SPDX-License-Identifier: GPL-2.0-or-later
// Streams: `fxcp - DST`, --copy-devices and --write-devices.  One source that is read from its beginning to its end, once.
//   from  main.cc, Options that are a stream        to  core/copy/ingest.h, and the report
// Holds. Everything that can be refused is refused before the first byte is read: the source, the name, the room, the device.
#pragma once

#include "fxcp/options.h"
#include "fxcp/report.h"

namespace foxing::fxcp {

ExitCode run_stream(const Options& options);

}  // namespace foxing::fxcp
