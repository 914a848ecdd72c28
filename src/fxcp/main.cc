// SPDX-License-Identifier: GPL-2.0-or-later
// fxcp: copies files and trees.  Reads the command line and hands over to one of its commands.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "base/text.h"
#include "fxcp/help.h"
#include "fxcp/info.h"
#include "fxcp/list_only.h"
#include "fxcp/options.h"
#include "fxcp/run.h"
#include "fxcp/snap.h"
#include "fxcp/stream.h"
#include "fxcp/verify.h"
#include "sys/fault.h"

namespace {

/// Text is the whole result here: where it cannot be written the command has failed.
int print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return 0;
  std::perror("fxcp: standard output");
  return static_cast<int>(foxing::fxcp::ExitCode::nothing_done);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace foxing;
  using namespace foxing::fxcp;
  // What nobody catches is lack of memory, on whichever thread: nothing half-written has a name, and the next run cleans up.
  std::set_terminate([] {
    std::fputs("fxcp: out of memory, or an internal error; what is in the target is whole, and the same command goes on\n",
               stderr);
    std::_Exit(static_cast<int>(ExitCode::some_failed));
  });
  const auto usage_error = [](const Error& error) {
    std::fprintf(stderr, "fxcp: %s\n", printable(error.message()).c_str());
    return static_cast<int>(ExitCode::nothing_done);
  };
  if (const auto planned = sys::plan_faults_from_environment(); !planned) return usage_error(planned.error());
  const auto options = parse_options(argc, argv);
  if (!options) return usage_error(options.error());
  switch (options->command) {
    case Command::copy:
      if (options->list_only) return static_cast<int>(run_list(*options));
      return static_cast<int>(options->is_stream() ? run_stream(*options) : run_copy(*options));
    case Command::info: return run_info(options->paths, options->json);
    case Command::verify: return static_cast<int>(run_verify(*options));
    case Command::snap_export: return static_cast<int>(run_export(*options));
    case Command::snap_import: return static_cast<int>(run_import(*options));
    case Command::snap_inspect: return static_cast<int>(run_inspect(*options));
    case Command::snap_check: return static_cast<int>(run_check(*options));
    case Command::snap_restore: return static_cast<int>(run_restore(*options));
    case Command::snap_repair: return static_cast<int>(run_repair(*options));
    case Command::snap_list: return static_cast<int>(run_snap_list(*options));
    case Command::snap_stats: return static_cast<int>(run_snap_stats(*options));
    case Command::snap_tag: return static_cast<int>(run_snap_tag(*options));
    case Command::snap_diff: return static_cast<int>(run_snap_diff(*options));
    case Command::snap_log: return static_cast<int>(run_snap_log(*options));
    case Command::snap_revert: return static_cast<int>(run_snap_revert(*options));
    case Command::snap_copy: return static_cast<int>(run_snap_copy(*options));
    case Command::snap_prune: return static_cast<int>(run_snap_prune(*options));
    case Command::snap_rebuild_index: return static_cast<int>(run_snap_rebuild_index(*options));
    case Command::snap_verify: return static_cast<int>(run_snap_verify(*options));
    case Command::cleanup: return static_cast<int>(run_cleanup(*options));
    case Command::help: return print(help_text());
    case Command::version: return print(version_text());
  }
  return 0;
}
