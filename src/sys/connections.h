// SPDX-License-Identifier: GPL-2.0-or-later
// Stream sockets of this machine: Unix sockets by path, TCP on an address that is given in numbers.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/fd.h"

namespace foxing::sys {

/// Listens at `path`, for its owner alone (0600).  What a dead process has left there is replaced; EADDRINUSE where somebody listens.  ENAMETOOLONG: 107 bytes.
Result<UniqueFd> listen_unix(const std::string& path);
Result<UniqueFd> connect_unix(const std::string& path);
/// `host` in numbers: "127.0.0.1", "::1".
Result<UniqueFd> listen_tcp(const std::string& host, std::uint16_t port);
/// The port that it listens on: for port 0.
Result<std::uint16_t> port_of(FdView listener);

/// The next who connects.  Reading and writing there give up after `patience` (EAGAIN).
Result<UniqueFd> accept_from(FdView listener, std::chrono::milliseconds patience);
/// Who is at the other end of a Unix socket.  Source: unix(7), SO_PEERCRED.
Result<uid_t> peer_of(FdView connection);

/// For all of it, however slowly the other side sends; without one as long as the connection lasts.
using Patience = std::optional<std::chrono::milliseconds>;
/// Up to the first newline, which is left out, or the end.  EMSGSIZE where it is longer than `most`; ETIMEDOUT where it takes longer.
Result<std::string> receive_line(FdView connection, std::size_t most, Patience patience = {});
/// Up to the first empty line, or the end.  EMSGSIZE where it is longer than `most`; ETIMEDOUT where it takes longer.
Result<std::string> receive_head(FdView connection, std::size_t most, Patience patience = {});
Result<> send_all(FdView connection, std::string_view text);
/// One datagram to a Unix socket; a path that begins with @ is an abstract name.  Source: unix(7).
Result<> send_datagram(const std::string& path, std::string_view text);

}  // namespace foxing::sys
