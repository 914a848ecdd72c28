// SPDX-License-Identifier: GPL-2.0-or-later
// `fxcp verify A B`: are two trees, or two files, the same?
//   from  core/verify   Events, on several workers        to  a line for each difference, or NDJSON; the exit code
// Holds. A root that is a symbolic link means what it leads to; below the roots none is followed.  Every attribute that can be read is
//        compared, whoever asks; access times are not.
#pragma once

#include <chrono>
#include <string>

#include "core/verify/outcome.h"
#include "fxcp/options.h"
#include "fxcp/report.h"

namespace foxing::fxcp {

struct VerifyEnd {
  ExitCode exit_code = ExitCode::all_done;
  bool interrupted = false;
  std::chrono::duration<double> elapsed{0};
};

/// "differs: a/b: content at byte 12345; mode 0644, 0600"
std::string verify_text(const verify::Event& event);
std::string verify_summary_text(const verify::Counters& counters, const Options& options, const VerifyEnd& end);

/// The lines of --json, schema "fxcp.verify/1" (docs/json.md), without the newline.
namespace json {
std::string verify_start(const Options& options, unsigned workers);
std::string verify_refusal(const Error& error);
std::string verify_entry(const verify::Event& event);
std::string verify_vanished(const std::string& path);
std::string verify_summary(const verify::Counters& counters, const Options& options, const VerifyEnd& end);
}  // namespace json

/// Exit code: 0 where all is the same; 1 where something differs, is missing, extra or unreadable, or a signal came; 2 where nothing was compared.
ExitCode run_verify(const Options& options);

/// "content at byte 5; mode 0644, 0600", or why it could not be compared.
std::string verify_difference(const verify::Event& event);

}  // namespace foxing::fxcp
