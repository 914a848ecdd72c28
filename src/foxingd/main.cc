// SPDX-License-Identifier: GPL-2.0-or-later
// foxingd: keeps mirrors equal.  Reads the command line and hands over to one of its commands.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "base/text.h"
#include "foxingd/config_keys.h"
#include "foxingd/control/control.h"
#include "foxingd/daemon.h"
#include "foxingd/log/log.h"
#include "foxingd/record.h"
#include "foxingd/status.h"
#include "sys/fault.h"

namespace {

using namespace foxing;
using namespace foxing::foxingd;

int code(ExitCode exit) { return static_cast<int>(exit); }

int refused(const std::string& why) {
  std::fprintf(stderr, "foxingd: %s\n", printable(why).c_str());
  return code(ExitCode::nothing_done);
}

int print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return 0;
  std::perror("foxingd: standard output");
  return code(ExitCode::nothing_done);
}

int explain(const Options& options) {
  if (options.paths.empty()) return print(explain_text());
  for (const std::string& path : options.paths) {
    if (!path.starts_with('/')) return refused("'" + path + "' is a relative path: write it from the root, beginning with /");
    if (!is_utf8(path)) return refused("'" + path + "' is not UTF-8: a configuration, which is TOML, cannot name it");
  }
  return print(explain_text(options.paths[0], options.paths[1]));
}

/// The one pair of `foxingd sync` and `replay`.
Config config_of_pair(const Options& options, const std::string& from, const std::string& to) {
  Config config;
  config.worker_count = options.jobs;
  config.capture = options.capture;
  config.control_socket = options.socket;
  config.metrics.clear();
  SourceConfig source{.path = from, .rules = {}, .targets = {{to}}};
  for (const std::string& pattern : options.include) source.rules.push_back({true, pattern});
  for (const std::string& pattern : options.exclude) source.rules.push_back({false, pattern});
  config.sources.push_back(std::move(source));
  return config;
}

int run_configured(const Options& options, const std::string& path) {
  const ReadConfig read = read_config(path);
  for (const Mistake& mistake : read.mistakes) std::fprintf(stderr, "foxingd: %s\n", printable(mistake.text()).c_str());
  if (!read.mistakes.empty()) return code(ExitCode::nothing_done);
  return code(run_daemon(read.config, options));
}

/// The socket of the daemon that is meant: as said, as configured, or the usual one.
std::string socket_of(const Options& options, const std::string& config) {
  if (!options.socket.empty()) return options.socket;
  if (!config.empty()) return read_config(config).config.control_socket;
  return Config().control_socket;
}

int ask_daemon(const Options& options, const std::string& config) {
  static constexpr std::array kActions{std::pair{Command::status, "status"}, std::pair{Command::flush, "flush"},
                                       std::pair{Command::pause, "pause"}, std::pair{Command::resume, "resume"},
                                       std::pair{Command::metrics, "metrics"}};
  control::Request request;
  for (const auto& [command, action] : kActions)
    if (command == options.command) request.action = action;
  if (!options.paths.empty()) request.target = options.paths.front();
  const auto answer = control::ask(socket_of(options, config), request, options.timeout);
  if (!answer) {
    (void)refused(logging::told(answer.error()));
    return code(answer.error().code == ETIMEDOUT ? ExitCode::some_failed : ExitCode::nothing_done);
  }
  if (options.command == Command::status) return print(options.json ? *answer + "\n" : status_text(*answer));
  if (options.command == Command::metrics) return print(control::metrics_in(*answer));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::set_terminate([] {
    std::fputs("foxingd: out of memory, or an internal error; what is in the targets is whole, and the next start goes on\n",
               stderr);
    std::_Exit(code(ExitCode::some_failed));
  });
  if (const auto planned = sys::plan_faults_from_environment(); !planned) return refused(planned.error().message());
  const auto options = parse_options(argc, argv);
  if (!options) return refused(options.error().message());
  const std::string config = options->config.empty() ? default_config_path() : options->config;
  const auto needs_config = [&] {
    return config.empty() ? refused("there is no /etc/foxing/config.toml; --config names another") : 0;
  };
  switch (options->command) {
    case Command::daemon:
      if (const int missing = needs_config()) return missing;
      return run_configured(*options, config);
    case Command::check:
      if (const int missing = needs_config()) return missing;
      return code(run_check(config, *options));
    case Command::explain: return explain(*options);
    case Command::record: return code(run_record(*options));
    case Command::replay: {
      const Config pair = config_of_pair(*options, options->paths[1], options->paths[2]);
      return code(pair.control_socket.empty() ? run_replay(pair, *options) : run_daemon(pair, *options));
    }
    case Command::sync: {
      const Config pair = config_of_pair(*options, options->paths[0], options->paths[1]);
      return code(options->watch ? run_daemon(pair, *options) : run_once(pair, *options));
    }
    case Command::status:
    case Command::flush:
    case Command::pause:
    case Command::resume:
    case Command::metrics: return ask_daemon(*options, config);
    case Command::help: return print(help_text());
    case Command::version: return print(version_text());
  }
  return 0;
}
