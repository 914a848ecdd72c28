// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon: replicas, control socket, metrics, connected.  daemon.cc is its table of contents.
#pragma once

#include "foxingd/config.h"
#include "foxingd/options.h"

namespace foxing::foxingd {

/// `foxingd daemon`, and `foxingd sync --watch` with a configuration of one pair and neither socket nor metrics.  Returns when it is told to stop.
ExitCode run_daemon(const Config& config, const Options& options);
/// `foxingd sync` without --watch.
ExitCode run_once(const Config& config, const Options& options);
/// `foxingd replay` without a socket: scans, tells all that was recorded, and ends when that is done.
ExitCode run_replay(const Config& config, const Options& options);
/// `foxingd check`, with or without --self-test.
ExitCode run_check(const std::string& path, const Options& options);

}  // namespace foxing::foxingd
