// SPDX-License-Identifier: GPL-2.0-or-later
// --compress and --decompress for files and trees: what the engine is told, and what a single file is called.  Streams: stream.h.
#pragma once

#include <string>

#include "core/copy/packing.h"
#include "fxcp/options.h"

namespace foxing::fxcp {

/// `selector` may be null; it outlives what comes out.
copy::Packing packing_of(const Options& options, const walk::Selector* selector);

/// What the file SRC is called in a directory: its name, with the suffix of the format or without it.
std::string packed_name_of(const Options& options, const std::string& source, sys::Links links, const std::string& name);
/// What DST is called, where it is the name of a file: compressing adds the suffix if it is missing, as for a stream.
std::string packed_name_as_given(const Options& options, const std::string& name);

}  // namespace foxing::fxcp
