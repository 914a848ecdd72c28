// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/daemon.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/text.h"
#include "core/storage/storage.h"
#include "foxingd/capture/choose.h"
#include "foxingd/control/control.h"
#include "foxingd/control/metrics_server.h"
#include "foxingd/log/log.h"
#include "foxingd/mirror/replica.h"
#include "foxingd/status.h"
#include "sys/connections.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/waiting.h"

namespace foxing::foxingd {
namespace {

using Replicas = std::vector<std::unique_ptr<mirror::Replica>>;

unsigned worker_count(const Config& config) {
  return config.worker_count > 0 ? config.worker_count : std::min(sys::usable_processors(), 16u);
}

mirror::ReplicaOptions replica_options(const Config& config, const SourceConfig& source, const TargetConfig& target,
                                       const Options& options) {
  return {.source = source.path,
          .target = target.path,
          .rules = source.rules,
          .workers = worker_count(config),
          .most_pending = config.queue_max,
          .sweep_interval = config.sweep,
          .capture = config.capture,
          .limited_queue = options.limited_queue,
          .delete_anyway = source.delete_anyway || options.delete_anyway};
}

ExitCode refused(const Error& error) {
  std::fprintf(stderr, "foxingd: %s\n", printable(logging::told(error)).c_str());
  return ExitCode::nothing_done;
}

std::vector<Reported> reports_of(const Replicas& replicas) {
  std::vector<Reported> reports;
  for (const auto& replica : replicas) reports.push_back({replica->status(), replica->coverage()});
  return reports;
}

/// Answers when every replica has: with the first error, if there was one.
void flush_all(const std::vector<mirror::Replica*>& replicas, const std::shared_ptr<control::Reply>& reply) {
  struct Waiting {
    std::mutex mutex;
    std::size_t missing = 0;
    Result<> outcome;
  };
  const auto waiting = std::make_shared<Waiting>();
  waiting->missing = replicas.size();
  for (mirror::Replica* replica : replicas) {
    replica->flush([waiting, reply](Result<> flushed) {
      const std::lock_guard lock(waiting->mutex);
      if (!flushed && waiting->outcome) waiting->outcome = std::move(flushed);
      if (--waiting->missing > 0) return;
      reply->send(waiting->outcome ? "{\"ok\":true}" : control::error_line(logging::told(waiting->outcome.error())));
    });
  }
}

void answer(const Replicas& replicas, const control::Request& request, const std::shared_ptr<control::Reply>& reply) {
  std::vector<mirror::Replica*> meant;
  for (const auto& replica : replicas)
    if (request.target.empty() || replica->status().target == request.target) meant.push_back(replica.get());
  if (meant.empty()) return reply->send(control::error_line("no such target: " + request.target));
  if (request.action == "status") return reply->send(status_json(reports_of(replicas)));
  if (request.action == "flush") return flush_all(meant, reply);
  if (request.action == "metrics") return reply->send(control::metrics_line(metrics_text(reports_of(replicas))));
  if (request.action == "pause" || request.action == "resume") {
    for (mirror::Replica* replica : meant) replica->pause(request.action == "pause");
    return reply->send("{\"ok\":true}");
  }
  reply->send(control::error_line("no such request: " + request.action));
}

/// No tree of one pair may lie in a tree of another: foxingd does not hear of what it writes itself, so a mirror of a mirror would not follow.
Result<> check_pairs(const Config& config) {
  const auto apart = [](const std::string& one, const std::string& other, const char* why) -> Result<> {
    for (const auto& [inner, outer] : {std::pair(one, other), std::pair(other, one)}) {
      const auto lies = storage::nesting(inner, outer);
      if (lies && *lies != storage::Nesting::apart)
        return fail(0, "", inner, fmt::format("and '{}' are one directory, or lie in each other: {}", outer, why));
    }
    return {};
  };
  for (std::size_t i = 0; i < config.sources.size(); ++i) {
    const SourceConfig& source = config.sources[i];
    for (std::size_t t = 0; t < source.targets.size(); ++t) {
      for (std::size_t u = 0; u < t; ++u)
        FOX_TRY(apart(source.targets[t].path, source.targets[u].path, "two mirrors would undo each other"));
      for (std::size_t j = 0; j < config.sources.size(); ++j) {
        if (j == i) continue;
        FOX_TRY(apart(source.targets[t].path, config.sources[j].path,
                      "a mirror of a mirror is not followed; mirror the first source twice"));
        if (j > i) continue;
        for (const TargetConfig& other : config.sources[j].targets)
          FOX_TRY(apart(source.targets[t].path, other.path, "two mirrors would undo each other"));
      }
    }
  }
  return {};
}

bool is_healthy(const Replicas& replicas) {
  return std::ranges::none_of(replicas, [](const auto& replica) { return replica->status().state == mirror::State::stalled; });
}

/// Where systemd started this it waits to be told.  Source: sd_notify(3), which is one datagram; the program is linked statically, libsystemd is not.
void tell_service_manager(std::string_view state) {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') return;
  if (const auto told = sys::send_datagram(path, state); !told) logging::warning("NOTIFY_SOCKET: {}", told.error().message());
}

void ready_process() {
  sys::raise_open_file_limit();
  sys::clear_umask();
}

}  // namespace

ExitCode run_daemon(const Config& config, const Options& options) {
  auto signals = sys::receive_signals({SIGINT, SIGTERM, SIGHUP});  // before there are other threads
  if (!signals) return refused(signals.error());
  std::signal(SIGPIPE, SIG_IGN);
  ready_process();

  if (const auto checked = check_pairs(config); !checked) return refused(checked.error());
  Replicas replicas;
  for (const SourceConfig& source : config.sources) {
    for (const TargetConfig& target : source.targets) {
      auto replica = mirror::Replica::prepare(replica_options(config, source, target, options));
      if (!replica) return refused(replica.error());
      replicas.push_back(std::move(*replica));
    }
  }
  std::optional<control::Server> control;
  if (!config.control_socket.empty()) {
    auto listening = control::Server::listen(config.control_socket);
    if (!listening) return refused(listening.error());
    control.emplace(std::move(*listening));
  }
  std::unique_ptr<control::MetricsServer> metrics;
  if (!config.metrics.empty()) {
    auto started = control::MetricsServer::start(config.metrics, {.metrics = [&] { return metrics_text(reports_of(replicas)); },
                                                                  .healthy = [&] { return is_healthy(replicas); }});
    if (!started) return refused(started.error());
    metrics = std::move(*started);
  }
  for (auto& replica : replicas) replica->start();
  tell_service_manager("READY=1\nSTATUS=mirroring");

  for (bool running = true; running;) {
    const std::array files{sys::FdView(*signals), control ? control->fd() : sys::FdView(-1)};
    (void)sys::wait_any(files, std::nullopt);
    if (control) {
      const std::array only{control->fd()};
      if (const auto asked = sys::wait_any(only, std::chrono::milliseconds(0)); asked && *asked)
        control->serve(
            [&](const control::Request& request, std::shared_ptr<control::Reply> reply) { answer(replicas, request, reply); });
    }
    while (true) {
      const auto number = sys::next_signal(*signals);
      if (!number || !*number) break;
      running = false;
    }
  }
  tell_service_manager("STOPPING=1");
  metrics.reset();
  sys::request_stop();  // a scan or a large file is left in the midst, and nothing half has a name
  for (auto& replica : replicas) replica->stop();
  replicas.clear();
  return ExitCode::all_done;
}

ExitCode run_once(const Config& config, const Options& options) {
  sys::catch_stop_signals();
  ready_process();
  const SourceConfig& source = config.sources.front();
  auto how = replica_options(config, source, source.targets.front(), options);
  how.listens = false;
  auto replica = mirror::Replica::prepare(std::move(how));
  if (!replica) return refused(replica.error());
  const auto report = (*replica)->scan_once();
  if (!report) return refused(report.error());
  for (const Error& error : report->first_failures) (void)refused(error);
  std::printf("%s entries, %s changed, %s deleted, %s failed\n", grouped(report->entries).c_str(),
              grouped(report->changed).c_str(), grouped(report->deleted).c_str(), grouped(report->failures).c_str());
  return report->failures == 0 && !sys::stop_requested() ? ExitCode::all_done : ExitCode::some_failed;
}

ExitCode run_check(const std::string& path) {
  const ReadConfig read = read_config(path);
  for (const Mistake& mistake : read.mistakes) std::printf("%s\n", printable(mistake.text()).c_str());
  unsigned problems = static_cast<unsigned>(read.mistakes.size());
  std::map<std::string, capture::Coverage> coverages;  // of the sources that would be used
  if (read.mistakes.empty()) {
    if (const auto checked = check_pairs(read.config); !checked) {
      ++problems;
      std::printf("%s\n", printable(logging::told(checked.error())).c_str());
    }
  }
  for (const SourceConfig& source : read.config.sources) {
    const auto fd = sys::open_at(sys::working_directory(), source.path, {.links = sys::Links::follow, .directory = true});
    auto chosen = fd ? capture::choose(read.config.capture, *fd, {}) : Result<capture::Chosen>(tl::make_unexpected(fd.error()));
    if (!chosen) {
      ++problems;
      std::printf("%s\n", printable(logging::told(std::move(chosen).error().about(source.path))).c_str());
    } else {
      coverages.emplace(chosen->source->name(), chosen->source->coverage());
      std::printf("source %s: heard of by %s\n", printable(source.path).c_str(), chosen->source->name());
      for (const auto& [name, why] : chosen->declined)
        std::printf("  not by %s: %s\n", name, printable(logging::told(why)).c_str());
    }
    for (const TargetConfig& target : source.targets) {
      const auto there = sys::open_at(sys::working_directory(), target.path, {.links = sys::Links::follow, .directory = true});
      const bool is_problem = !there && there.error().code != ENOENT;
      problems += is_problem ? 1 : 0;
      std::printf("  target %s: %s\n", printable(target.path).c_str(),
                  there        ? "is there"
                  : is_problem ? there.error().message().c_str()
                               : "will be made");
    }
  }
  for (const auto& [name, coverage] : coverages) {
    std::printf("coverage of %s:\n", name.c_str());
    for (std::size_t i = 0; i < capture::kOperations; ++i) {
      const auto operation = static_cast<capture::Operation>(i);
      std::printf("  %-14s %s\n", capture::name_of(operation), capture::answer_to(operation, coverage));
    }
  }
  std::printf("%u problem%s\n", problems, problems == 1 ? "" : "s");
  return problems == 0 ? ExitCode::all_done : ExitCode::nothing_done;
}

}  // namespace foxing::foxingd
