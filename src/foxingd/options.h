// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of foxingd: a command and a few options, as plain data.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace foxing::foxingd {

enum class Command : unsigned char {
  daemon,
  sync,
  check,
  explain,
  record,
  replay,
  status,
  flush,
  pause,
  resume,
  metrics,
  help,
  version
};

/// 0 all done, 1 some failed, 2 nothing done: as fxcp.
enum class ExitCode : int { all_done = 0, some_failed = 1, nothing_done = 2 };

struct Options {
  Command command = Command::help;
  std::string config;  // empty: where it is looked for
  std::string capture = "auto";
  std::string socket;  // empty: the one of the configuration, or the usual one
  bool watch = false;
  bool delete_anyway = false;
  bool json = false;
  bool limited_queue = false;
  bool self_test = false;
  unsigned jobs = 0;
  std::vector<std::string> exclude;
  std::vector<std::string> include;
  std::chrono::seconds timeout{60};
  std::string output;
  std::optional<std::chrono::seconds> duration;  // nothing: until it is stopped
  std::vector<std::string> paths;
};

Result<Options> parse_options(int argc, char** argv);
std::string help_text();
std::string version_text();

}  // namespace foxing::foxingd
