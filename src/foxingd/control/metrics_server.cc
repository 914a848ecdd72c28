// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/control/metrics_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sys/connections.h"

namespace foxing::control {
namespace {

constexpr std::chrono::milliseconds kPatience{2000};
constexpr std::size_t kLongestRequest = 4096;
constexpr std::chrono::milliseconds kPauseAfterFailure{100};

std::string answer(std::string_view status, std::string_view type, std::string_view body) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", status, type,
                     body.size(), body);
}

/// The value of `Host:`, without its port; empty where there is none.
std::string host_in(std::string_view request) {
  std::string lower(request);
  std::ranges::transform(lower, lower.begin(),
                         [](char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte; });
  const std::size_t at = lower.find("\nhost:");
  if (at == std::string::npos) return {};
  std::string value = lower.substr(at + 6, lower.find_first_of("\r\n", at + 1) - at - 6);
  value.erase(0, value.find_first_not_of(' '));
  const std::size_t port = value.rfind(':');
  if (port != std::string::npos && value.find(']', port) == std::string::npos) value.erase(port);
  return value;
}

}  // namespace

Result<HostAndPort> parse_address(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  HostAndPort parsed;
  if (colon == std::string::npos)
    return fail(EINVAL, "", address, "metrics is an address and a port, 127.0.0.1:9100 for example");
  parsed.host = address.substr(0, colon);
  if (parsed.host.size() > 2 && parsed.host.front() == '[' && parsed.host.back() == ']')
    parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
  const char* const end = address.data() + address.size();
  const auto [last, problem] = std::from_chars(address.data() + colon + 1, end, parsed.port);
  if (problem != std::errc{} || last != end || parsed.host.empty())
    return fail(EINVAL, "", address, "metrics is an address and a port, 127.0.0.1:9100 for example");
  return parsed;
}

std::string http_answer(const std::string& request, const std::string& own_host, const Answers& answers) {
  constexpr std::string_view kText = "text/plain; version=0.0.4";
  const std::string host = host_in(request);
  const bool everywhere = own_host == "0.0.0.0" || own_host == "::";  // then this machine's names are not known
  const bool known = everywhere || host.empty() || host == "localhost" || host == "127.0.0.1" || host == "[::1]" ||
                     host == own_host || host == "[" + own_host + "]";
  if (!known) return answer("403 Forbidden", "text/plain", "this Host is not mine\n");
  const std::string line = request.substr(0, request.find_first_of("\r\n"));
  if (!line.starts_with("GET ")) return answer("405 Method Not Allowed", "text/plain", "GET /metrics, GET /healthz\n");
  const std::string path = line.substr(4, line.find(' ', 4) - 4);
  if (path == "/metrics") return answer("200 OK", kText, answers.metrics());
  if (path == "/healthz")
    return answers.healthy() ? answer("200 OK", "text/plain", "ok\n")
                             : answer("503 Service Unavailable", "text/plain", "stalled\n");
  return answer("404 Not Found", "text/plain", "GET /metrics, GET /healthz\n");
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& address, Answers answers) {
  const HostAndPort where = FOX_TRY(parse_address(address));
  auto listener = sys::listen_tcp(where.host, where.port);
  if (!listener) {
    Error error = std::move(listener).error();
    if (error.code == EADDRINUSE)
      error.detail = "somebody listens there (node_exporter has the same port); metrics = \"\" switches this off";
    return tl::make_unexpected(std::move(error).about(address));
  }
  sys::Bell bell = FOX_TRY(sys::Bell::create());
  std::unique_ptr<MetricsServer> server(new MetricsServer(std::move(*listener), std::move(bell), where.host, std::move(answers)));
  server->port_ = FOX_TRY(sys::port_of(server->listener_));
  server->thread_ = std::thread([one = server.get()] { one->run(); });
  return server;
}

MetricsServer::~MetricsServer() {
  bell_.ring();
  if (thread_.joinable()) thread_.join();
}

void MetricsServer::run() {
  while (true) {
    const std::array files{sys::FdView(listener_), bell_.fd()};
    (void)sys::wait_any(files, std::nullopt);
    const std::array only_bell{bell_.fd()};
    if (const auto rung = sys::wait_any(only_bell, std::chrono::milliseconds(0)); rung && *rung) return;
    const std::array only_listener{sys::FdView(listener_)};
    if (const auto asked = sys::wait_any(only_listener, std::chrono::milliseconds(0)); asked && *asked) serve();
  }
}

void MetricsServer::serve() {
  const auto connection = sys::accept_from(listener_, kPatience);
  if (!connection) {  // no descriptors left, say: whoever waits still does
    const std::array only_bell{bell_.fd()};
    (void)sys::wait_any(only_bell, kPauseAfterFailure);
    return;
  }
  const auto request = sys::receive_head(*connection, kLongestRequest, kPatience);
  if (request) (void)sys::send_all(*connection, http_answer(*request, host_, answers_));
}

}  // namespace foxing::control
