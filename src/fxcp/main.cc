// SPDX-License-Identifier: GPL-2.0-or-later
// fxcp: copies files and trees.  Reads the command line and hands over to one of its commands.
#include <cstdio>

#include "base/text.h"
#include "fxcp/help.h"
#include "fxcp/info.h"
#include "fxcp/options.h"
#include "fxcp/run.h"
#include "sys/fault.h"

int main(int argc, char** argv) {
  using namespace foxing;
  using namespace foxing::fxcp;
  const auto usage_error = [](const Error& error) {
    std::fprintf(stderr, "fxcp: %s\n", printable(error.message()).c_str());
    return static_cast<int>(ExitCode::nothing_done);
  };
  if (const auto planned = sys::plan_faults_from_environment(); !planned) return usage_error(planned.error());
  const auto options = parse_options(argc, argv);
  if (!options) return usage_error(options.error());
  switch (options->command) {
    case Command::copy: return static_cast<int>(run_copy(*options));
    case Command::info: return run_info(options->paths, options->json);
    case Command::cleanup: return static_cast<int>(run_cleanup(*options));
    case Command::help: std::fputs(help_text().c_str(), stdout); return 0;
    case Command::version: std::fputs(version_text().c_str(), stdout); return 0;
  }
  return 0;
}
