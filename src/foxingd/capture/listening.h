// SPDX-License-Identifier: GPL-2.0-or-later
// Listening: which source of events a source has.
//   from  `capture` in the configuration, and what the filesystem is        to  an EventSource that has begun
// Why.   fanotify costs nothing while nothing happens, but hears neither of what others change on a network filesystem, nor can it be had on all of them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "foxingd/capture/event_source.h"

namespace foxing::capture {

enum class Backend : unsigned char { automatic, fanotify, poll, replay };
inline constexpr std::string_view kBackendNames = "auto, fanotify, poll";
/// All but replay, which is not for configurations.
std::optional<Backend> backend_named(std::string_view name);

struct Listening {
  Backend backend = Backend::automatic;
  bool limited_queue = false;  // of fanotify: the kernel's default of 16384 events
  std::chrono::milliseconds poll_interval = std::chrono::seconds(10);
  std::string recording = {};  // of replay: the file
  friend bool operator==(const Listening&, const Listening&) = default;
};

/// Listens from now on to what happens below `root`.  Errors say what is missing, and what else could be asked for.
Result<std::unique_ptr<EventSource>> listen(sys::FdView root, const Listening& how);

}  // namespace foxing::capture
