// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "sys/call.h"
#include "sys/names.h"
#include "sys/status.h"
#include "sys/waiting.h"

namespace foxing::sys {
namespace {

struct UnixAddress {
  sockaddr_un address{};
  socklen_t length = 0;
};

Result<UnixAddress> unix_address(const std::string& path) {
  UnixAddress answer;
  answer.address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof answer.address.sun_path) return fail(ENAMETOOLONG, "bind", path);
  std::memcpy(answer.address.sun_path, path.data(), path.size());
  answer.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  if (path.front() == '@') {
    answer.address.sun_path[0] = '\0';
    --answer.length;
  }
  return answer;
}

const sockaddr* plain(const void* address) { return static_cast<const sockaddr*>(address); }

Result<UniqueFd> new_socket(int family, int type) {
  const int fd = uninterrupted(Call::socket, [&] { return ::socket(family, type | SOCK_CLOEXEC, 0); });
  if (fd < 0) return failed("socket");
  return UniqueFd(fd);
}

}  // namespace

Result<UniqueFd> listen_unix(const std::string& path) {
  const UnixAddress address = FOX_TRY(unix_address(path));
  if (connect_unix(path)) return fail(EADDRINUSE, "bind", path);
  if (const auto old = status_at(working_directory(), path); old && old->type() == FileType::socket)
    FOX_TRY(unlink_at(working_directory(), path));
  UniqueFd fd = FOX_TRY(new_socket(AF_UNIX, SOCK_STREAM));
  // The socket's own mode is what bind gives the name: nobody else can connect, not even for a moment.
  if (::fchmod(fd.get(), 0600) != 0) return failed("fchmod");
  if (::bind(fd.get(), plain(&address.address), address.length) != 0) return failed("bind");
  if (::listen(fd.get(), 16) != 0) return failed("listen");
  return fd;
}

Result<UniqueFd> connect_unix(const std::string& path) {
  const UnixAddress address = FOX_TRY(unix_address(path));
  UniqueFd fd = FOX_TRY(new_socket(AF_UNIX, SOCK_STREAM));
  if (uninterrupted(Call::socket, [&] { return ::connect(fd.get(), plain(&address.address), address.length); }) != 0)
    return failed("connect");
  return fd;
}

Result<UniqueFd> listen_tcp(const std::string& host, std::uint16_t port) {
  sockaddr_in four{};
  sockaddr_in6 six{};
  four.sin_family = AF_INET;
  four.sin_port = htons(port);
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  const bool is_four = ::inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1;
  if (!is_four && ::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) != 1)
    return fail(EINVAL, "bind", host, "an address in numbers is needed, 127.0.0.1 or ::1 for example");
  UniqueFd fd = FOX_TRY(new_socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM));
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const int bound = is_four ? ::bind(fd.get(), plain(&four), sizeof four) : ::bind(fd.get(), plain(&six), sizeof six);
  if (bound != 0) return failed("bind");
  if (::listen(fd.get(), 16) != 0) return failed("listen");
  return fd;
}

Result<std::uint16_t> port_of(FdView listener) {
  sockaddr_in6 address{};  // the port is at the same place in both families
  socklen_t length = sizeof address;
  if (::getsockname(listener.number(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return failed("getsockname");
  return ntohs(address.sin6_port);
}

Result<UniqueFd> accept_from(FdView listener, std::chrono::milliseconds patience) {
  const int fd = uninterrupted(Call::socket, [&] { return ::accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC); });
  if (fd < 0) return failed("accept");
  UniqueFd connection(fd);
  const timeval limit{.tv_sec = static_cast<time_t>(patience.count() / 1000),
                      .tv_usec = static_cast<suseconds_t>(patience.count() % 1000 * 1000)};
  for (const int which : {SO_RCVTIMEO, SO_SNDTIMEO})
    if (::setsockopt(fd, SOL_SOCKET, which, &limit, sizeof limit) != 0) return failed("setsockopt");
  return connection;
}

Result<uid_t> peer_of(FdView connection) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(connection.number(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return failed("getsockopt(SO_PEERCRED)");
  return peer.uid;
}

namespace {

/// Reads until `end` answers where what has been read so far ends.
template <class End>
Result<std::string> receive_until(FdView connection, std::size_t most, Patience patience, End end) {
  const auto deadline = patience ? std::optional(std::chrono::steady_clock::now() + *patience) : std::nullopt;
  std::string text;
  char piece[512];
  while (true) {
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
      const std::array files{connection};
      if (left.count() <= 0) return fail(ETIMEDOUT, "recv");
      if (!FOX_TRY(wait_any(files, left))) continue;
    }
    const ssize_t got = uninterrupted(Call::read, [&] { return ::recv(connection.number(), piece, sizeof piece, 0); });
    if (got < 0) return failed("recv");
    if (got == 0) return text;
    text.append(piece, static_cast<std::size_t>(got));
    const std::size_t length = end(text);
    if (std::min(length, text.size()) > most) return fail(EMSGSIZE, "recv");
    if (length != std::string::npos) return text.substr(0, length);
  }
}

}  // namespace

Result<std::string> receive_line(FdView connection, std::size_t most, Patience patience) {
  return receive_until(connection, most, patience, [](const std::string& text) { return text.find('\n'); });
}

Result<std::string> receive_head(FdView connection, std::size_t most, Patience patience) {
  return receive_until(connection, most, patience,
                       [](const std::string& text) { return std::min(text.find("\r\n\r\n"), text.find("\n\n")); });
}

Result<> send_all(FdView connection, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = transfer(Call::write, text.size(), [&](std::size_t length) {
      return ::send(connection.number(), text.data(), length, MSG_NOSIGNAL);
    });
    if (sent < 0) return failed("send");
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<> send_datagram(const std::string& path, std::string_view text) {
  const UnixAddress address = FOX_TRY(unix_address(path));
  const UniqueFd fd = FOX_TRY(new_socket(AF_UNIX, SOCK_DGRAM));
  const ssize_t sent = uninterrupted(Call::socket, [&] {
    return ::sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL, plain(&address.address), address.length);
  });
  if (sent < 0) return failed("sendto");
  return {};
}

}  // namespace foxing::sys
