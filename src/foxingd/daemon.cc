// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/daemon.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/text.h"
#include "core/storage/storage.h"
#include "foxingd/capture/choose.h"
#include "foxingd/config_keys.h"
#include "foxingd/control/control.h"
#include "foxingd/control/metrics_server.h"
#include "foxingd/log/log.h"
#include "foxingd/mirror/replica.h"
#include "foxingd/mirrors.h"
#include "foxingd/self_test.h"
#include "foxingd/status.h"
#include "sys/connections.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/waiting.h"

namespace foxing::foxingd {
namespace {

constexpr std::chrono::milliseconds kChangePause{20};  // between two looks at who is still ending

unsigned worker_count(const Config& config) {
  return config.worker_count > 0 ? config.worker_count : std::min(sys::usable_processors(), 16u);
}

capture::Wishes wishes(const Config& config) { return {.poll_interval = config.poll}; }

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
          .poll_interval = config.poll,
          .recording = options.command == Command::replay ? options.paths.front() : std::string(),
          .delete_anyway = source.delete_anyway || options.delete_anyway,
          .must_be_mounted = target.must_be_mounted};
}

ExitCode refused(const Error& error) {
  std::fprintf(stderr, "foxingd: %s\n", printable(logging::told(error)).c_str());
  return ExitCode::nothing_done;
}

std::vector<mirror::ReplicaOptions> wanted_by(const Config& config, const Options& options) {
  std::vector<mirror::ReplicaOptions> wanted;
  for (const SourceConfig& source : config.sources)
    for (const TargetConfig& target : source.targets) wanted.push_back(replica_options(config, source, target, options));
  return wanted;
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

void answer(const Mirrors& mirrors, const control::Request& request, const std::shared_ptr<control::Reply>& reply) {
  std::vector<mirror::Replica*> meant;
  for (const auto& replica : mirrors.all())
    if (request.target.empty() || replica->status().target == request.target) meant.push_back(replica.get());
  const auto absent = mirrors.absence_of(request.target);
  if (meant.empty() && !absent) return reply->send(control::error_line("no such target: " + request.target));
  if (request.action == "status") return reply->send(status_json(mirrors.reports()));
  if (request.action == "flush" && mirrors.someone_waits())
    return reply->send(control::error_line("a mirror of the new configuration has not begun yet: ask again"));
  if (request.action == "flush" && absent) return reply->send(control::error_line(*absent));
  if (request.action == "flush") return flush_all(meant, reply);
  if (request.action == "metrics") return reply->send(control::metrics_line(metrics_text(mirrors.reports())));
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

/// Where systemd started this it waits to be told.  Source: sd_notify(3), which is one datagram; the program is linked statically, libsystemd is not.
void tell_service_manager(std::string_view state) {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') return;
  if (const auto told = sys::send_datagram(path, state); !told) logging::warning("NOTIFY_SOCKET: {}", told.error().message());
}

/// `self_test = true`: what the sources of events are believed to hear of, they hear of here.
Result<> prove_sources(const Config& config) {
  for (const SourceConfig& source : config.sources) {
    const auto proofs = FOX_TRY(self_test(source.path, config.capture, wishes(config)));
    for (const Proof& proof : proofs)
      if (proof.is_wrong())
        return fail(
            0, "", source.path,
            fmt::format("'{}' is not heard of on this filesystem, though it should be: capture = \"poll\" may hear of it, "
                        "self_test = false does without",
                        capture::name_of(proof.operation)));
    logging::info("{}: self-test passed", source.path);
  }
  return {};
}

/// SIGHUP.  What cannot be used changes nothing.
void read_again(Config& running, const Options& options, Mirrors& mirrors) {
  ReadConfig read = read_config(running.file);
  for (const Mistake& mistake : read.mistakes) logging::error("{}", mistake.text());
  std::optional<Error> refusal;
  if (read.mistakes.empty()) {
    if (auto checked = check_pairs(read.config); !checked) refusal = std::move(checked).error();
  }
  if (read.mistakes.empty() && !refusal) {
    for (const std::string_view key : waiting_for_restart(running, read.config))
      logging::warning("{}: {} stays as it is: only a restart changes it", running.file, key);
    read.config.control_socket = running.control_socket;
    read.config.metrics = running.metrics;
    const auto change = mirrors.change_to(wanted_by(read.config, options));
    if (change) {
      running = std::move(read.config);
      return logging::info("{}: read again: {} mirrors begin, {} end, {} go on", running.file, change->begin, change->end,
                           change->go_on);
    }
    refusal = change.error();
  }
  if (refusal) logging::error("{}", logging::told(*refusal));
  logging::error("{}: is not used; everything goes on as it was", running.file);
}

/// What is not heard of although it should be; and its lines.
unsigned print_self_test(const std::string& source, const Config& config) {
  const auto proofs = self_test(source, config.capture, wishes(config));
  if (!proofs) {
    std::printf("%s\n", printable(logging::told(proofs.error())).c_str());
    return 1;
  }
  std::printf("self-test of %s:\n", printable(source).c_str());
  unsigned wrong = 0;
  for (const Proof& proof : *proofs) {
    wrong += proof.is_wrong() ? 1 : 0;
    std::printf("  %-14s %s\n", capture::name_of(proof.operation), in_words(proof).c_str());
  }
  return wrong;
}

void ready_process() {
  sys::raise_open_file_limit();
  sys::clear_umask();
}

}  // namespace

ExitCode run_daemon(const Config& config, const Options& options) {
  if (config.self_test) {
    sys::catch_stop_signals();
    if (const auto proved = prove_sources(config); !proved) return refused(proved.error());
  }
  auto signals = sys::receive_signals({SIGINT, SIGTERM, SIGHUP});  // before there are other threads
  if (!signals) return refused(signals.error());
  std::signal(SIGPIPE, SIG_IGN);
  ready_process();

  if (const auto checked = check_pairs(config); !checked) return refused(checked.error());
  Config running = config;
  Mirrors mirrors;
  if (const auto begun = mirrors.change_to(wanted_by(config, options)); !begun) return refused(begun.error());
  std::optional<control::Server> control;
  if (!config.control_socket.empty()) {
    auto listening = control::Server::listen(config.control_socket);
    if (!listening) return refused(listening.error());
    control.emplace(std::move(*listening));
  }
  std::unique_ptr<control::MetricsServer> metrics;
  if (!config.metrics.empty()) {
    auto started = control::MetricsServer::start(config.metrics, {.metrics = [&] { return metrics_text(mirrors.reports()); },
                                                                  .healthy = [&] { return mirrors.are_healthy(); }});
    if (!started) return refused(started.error());
    metrics = std::move(*started);
  }
  mirrors.start();
  tell_service_manager("READY=1\nSTATUS=mirroring");

  for (bool goes_on = true; goes_on;) {
    const std::array files{sys::FdView(*signals), control ? control->fd() : sys::FdView(-1)};
    (void)sys::wait_any(files, mirrors.is_changing() ? std::optional(kChangePause) : mirrors.patience());
    mirrors.tend();
    if (control) {
      const std::array only{control->fd()};
      if (const auto asked = sys::wait_any(only, std::chrono::milliseconds(0)); asked && *asked)
        control->serve(
            [&](const control::Request& request, std::shared_ptr<control::Reply> reply) { answer(mirrors, request, reply); });
    }
    while (true) {
      const auto number = sys::next_signal(*signals);
      if (!number || !*number) break;
      if (**number != SIGHUP || running.file.empty()) {  // `sync --watch` has no file: its terminal is gone
        goes_on = false;
        continue;
      }
      tell_service_manager("RELOADING=1");
      read_again(running, options, mirrors);
      tell_service_manager("READY=1");
    }
  }
  tell_service_manager("STOPPING=1");
  metrics.reset();
  sys::request_stop();  // a scan or a large file is left in the midst, and nothing half has a name
  mirrors.stop();
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

ExitCode run_replay(const Config& config, const Options& options) {
  sys::catch_stop_signals();
  ready_process();
  const SourceConfig& source = config.sources.front();
  auto replica = mirror::Replica::prepare(replica_options(config, source, source.targets.front(), options));
  if (!replica) return refused(replica.error());
  std::promise<Result<>> settled;
  (*replica)->start();
  (*replica)->flush([&](Result<> outcome) { settled.set_value(std::move(outcome)); });
  auto outcome = settled.get_future();
  while (outcome.wait_for(kChangePause) != std::future_status::ready)
    if (sys::stop_requested()) (*replica)->stop();
  const auto status = (*replica)->status();
  if (const Result<> all = outcome.get(); !all) return refused(all.error());
  std::printf("%s events, %s left out; %s names looked at, %s scans\n", grouped(status.heard.heard).c_str(),
              grouped(status.heard.left_out).c_str(), grouped(status.done.looked_at).c_str(), grouped(status.scans).c_str());
  return status.failures == 0 && !sys::stop_requested() ? ExitCode::all_done : ExitCode::some_failed;
}

ExitCode run_check(const std::string& path, const Options& options) {
  sys::catch_stop_signals();  // a self-test takes away what it has made
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
    auto chosen = fd ? capture::choose(read.config.capture, *fd, wishes(read.config))
                     : Result<capture::Chosen>(tl::make_unexpected(fd.error()));
    if (!chosen) {
      ++problems;
      std::printf("%s\n", printable(logging::told(std::move(chosen).error().about(source.path))).c_str());
    } else {
      coverages.emplace(chosen->source->name(), chosen->source->coverage());
      std::printf("source %s: heard of by %s\n", printable(source.path).c_str(), chosen->source->name());
      for (const auto& [name, why] : chosen->declined)
        std::printf("  not by %s: %s\n", name, printable(logging::told(why)).c_str());
      if (options.self_test) problems += print_self_test(source.path, read.config);
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
