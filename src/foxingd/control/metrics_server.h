// SPDX-License-Identifier: GPL-2.0-or-later
// The metrics server: GET /metrics for Prometheus, GET /healthz for whoever watches over the process; on a thread of its own.
//
// Holds. Nothing else is answered: no other method, no path, no Host but this machine's own names (so that no web page can ask through somebody's browser),
//        unless it listens on all addresses.
//        One request a connection, at most 4 KiB of it, and at most two seconds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/waiting.h"

namespace foxing::control {

struct Answers {
  std::function<std::string()> metrics;
  std::function<bool()> healthy;
};

/// "127.0.0.1:9100", "[::1]:9100".
struct HostAndPort {
  std::string host;
  std::uint16_t port = 0;
};
Result<HostAndPort> parse_address(const std::string& address);

/// The whole answer to the first lines of a request.
std::string http_answer(const std::string& request, const std::string& own_host, const Answers& answers);

class MetricsServer {
 public:
  static Result<std::unique_ptr<MetricsServer>> start(const std::string& address, Answers answers);
  ~MetricsServer();
  std::uint16_t port() const { return port_; }

 private:
  MetricsServer(sys::UniqueFd listener, sys::Bell bell, std::string host, Answers answers)
      : listener_(std::move(listener)), bell_(std::move(bell)), host_(std::move(host)), answers_(std::move(answers)) {}
  void run();
  void serve();

  sys::UniqueFd listener_;
  sys::Bell bell_;
  const std::string host_;
  const Answers answers_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace foxing::control
