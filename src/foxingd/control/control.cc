// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/control/control.h"

#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "foxingd/log/log.h"
#include "sys/connections.h"
#include "sys/names.h"
#include "sys/status.h"
#include "sys/waiting.h"

namespace foxing::control {
namespace {

using Json = nlohmann::json;
constexpr std::size_t kLongestRequest = 4096;
constexpr std::size_t kLongestAnswer = 16 << 20;
constexpr std::chrono::milliseconds kPatience{2000};

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Result<Request> parse(const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  const auto text = [&](const char* key) {
    return json.is_object() && json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : std::string();
  };
  Request request{.action = text("do"), .target = text("target")};
  if (request.action.empty()) return fail(EINVAL, "request", {}, "a request is a line like {\"do\":\"status\"}");
  return request;
}

}  // namespace

std::string error_line(const std::string& what) { return dumped({{"ok", false}, {"error", what}}); }

std::string metrics_line(const std::string& text) { return dumped({{"ok", true}, {"metrics", text}}); }

std::string metrics_in(const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  return json.is_object() ? json.value("metrics", std::string()) : std::string();
}

void Reply::send(const std::string& line) {
  (void)sys::send_all(connection_, line + "\n");  // who has left gets no answer
  connection_.reset();
}

Result<Server> Server::listen(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash != std::string::npos && slash > 0) {
    auto made = sys::make_directory_at(sys::working_directory(), path.substr(0, slash), 0700);
    if (!made && made.error().code != EEXIST) return tl::make_unexpected(std::move(made).error().about(path));
  }
  auto listener = sys::listen_unix(path);
  if (!listener) {
    Error error = std::move(listener).error();
    if (error.code == EADDRINUSE)
      error.detail = "another foxingd listens there; control_socket in the configuration names another place";
    return tl::make_unexpected(std::move(error).about(path));
  }
  return Server(std::move(*listener), path);
}

Server::~Server() {
  if (listener_) (void)sys::unlink_at(sys::working_directory(), path_);
}

void Server::serve(const std::function<void(const Request&, std::shared_ptr<Reply>)>& handle) {
  auto connection = sys::accept_from(listener_, kPatience);
  if (!connection) return logging::warning("control socket: {}", connection.error().message());
  const auto peer = sys::peer_of(*connection);
  if (!peer || (*peer != 0 && *peer != ::geteuid())) return;
  const auto line = sys::receive_line(*connection, kLongestRequest, kPatience);
  const auto reply = std::make_shared<Reply>(std::move(*connection));
  if (!line) return reply->send(error_line(line.error().message()));
  const auto request = parse(*line);
  if (!request) return reply->send(error_line(request.error().message()));
  handle(*request, reply);
}

Result<std::string> ask(const std::string& path, const Request& request, std::chrono::milliseconds patience) {
  auto connection = sys::connect_unix(path);
  if (!connection) {
    Error error = std::move(connection).error();
    if (error.code == ENOENT || error.code == ECONNREFUSED) error.detail = "no foxingd listens there: is it running?";
    return tl::make_unexpected(std::move(error).about(path));
  }
  Json json{{"do", request.action}};
  if (!request.target.empty()) json["target"] = request.target;
  FOX_TRY(sys::send_all(*connection, dumped(json) + "\n"));
  const std::array files{sys::FdView(*connection)};
  if (!FOX_TRY(sys::wait_any(files, patience))) return fail(ETIMEDOUT, request.action == "flush" ? "flush" : "recv", path);
  std::string answer = FOX_TRY(sys::receive_line(*connection, kLongestAnswer));
  if (answer.empty()) return fail(EPIPE, "recv", path, "foxingd has ended, or does not answer this user");
  const Json parsed = Json::parse(answer, nullptr, false);
  if (!parsed.is_object() || !parsed.value("ok", false))
    return fail(0, "", path, parsed.is_object() ? parsed.value("error", std::string("refused")) : "an answer that is none");
  return answer;
}

}  // namespace foxing::control
