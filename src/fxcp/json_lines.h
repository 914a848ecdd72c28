// SPDX-License-Identifier: GPL-2.0-or-later
// The lines of --json, schema "fxcp/1" (docs/json.md).  Each function answers one object on one line, without the newline.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/copy/outcome.h"
#include "fxcp/options.h"
#include "fxcp/report.h"

namespace foxing::fxcp::json {

std::string start(const Options& options, unsigned workers);
std::string refusal(const Error& error);
std::string problem(const copy::Problem& problem);
std::string file(const copy::FileEvent& event, bool dry_run);
std::string progress(const ProgressState& state);
std::string summary(const copy::Counters& counters, const RunEnd& run, std::uint64_t failures, std::uint64_t notes, bool dry_run);
std::string cleanup_summary(std::uint64_t removed, std::uint64_t kept, bool dry_run);

// ---- --list-only: schema "fxcp.list/1"

struct Listed {
  std::string path;  // below the root
  sys::FileStatus status;
  std::optional<std::string> link;  // a symbolic link's text, where links are kept
};
struct ListSum {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  // of regular files
  std::uint64_t failures = 0;
  std::uint64_t warnings = 0;
  bool interrupted = false;
  std::chrono::duration<double> elapsed{0};
};
std::string list_start(const Options& options);
std::string list_entry(const Listed& entry);
std::string list_summary(const ListSum& sum, ExitCode exit_code);

}  // namespace foxing::fxcp::json
