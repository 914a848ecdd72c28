// SPDX-License-Identifier: GPL-2.0-or-later
// The control socket: one request a connection, a line of JSON each way.
//
//   from  foxingd status, flush, pause, resume        to  the running daemon
//
// Format. Request: {"do":"status"}; flush, pause and resume have "target" where only one is meant.  Answer: {"ok":true, ...} or {"ok":false,"error":"..."}.
// Holds. Only the daemon's own user and root are answered.  A request is at most 4 KiB, and whoever sends none within two seconds is left.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace foxing::control {

/// Answers once, from whichever thread; an answer that nobody gives is an error to the other side when this goes.
class Reply {
 public:
  explicit Reply(sys::UniqueFd connection) : connection_(std::move(connection)) {}
  void send(const std::string& line);

 private:
  sys::UniqueFd connection_;
};

struct Request {
  std::string action;
  std::string target;  // empty: all
};

class Server {
 public:
  /// The directory of `path` is made, 0700, where it is missing.
  static Result<Server> listen(const std::string& path);
  Server(Server&&) = default;
  ~Server();

  sys::FdView fd() const { return listener_; }
  /// Somebody connects: reads the request and hands it over, or answers that it is none.
  void serve(const std::function<void(const Request&, std::shared_ptr<Reply>)>& handle);

 private:
  Server(sys::UniqueFd listener, std::string path) : listener_(std::move(listener)), path_(std::move(path)) {}
  sys::UniqueFd listener_;
  std::string path_;
};

/// Asks the daemon that listens at `path`, and waits for its answer.
Result<std::string> ask(const std::string& path, const Request& request, std::chrono::milliseconds patience);

std::string error_line(const std::string& what);
std::string metrics_line(const std::string& text);
/// The text of a metrics_line.
std::string metrics_in(const std::string& line);

}  // namespace foxing::control
