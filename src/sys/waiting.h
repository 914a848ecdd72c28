// SPDX-License-Identifier: GPL-2.0-or-later
// Waiting for several things at once without waking up in between: descriptors, another thread, signals.
#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>
#include <span>

#include "base/result.h"
#include "sys/fd.h"

namespace foxing::sys {

/// Waits until one of `files` has something to read, an end or an error; at most `patience`, without one for ever.
/// True where one has.  Returns early where a signal came.  Source: poll(2).
Result<bool> wait_any(std::span<const FdView> files, std::optional<std::chrono::milliseconds> patience);

/// One thread wakes another.  Source: eventfd(2).
class Bell {
 public:
  static Result<Bell> create();
  /// Readable from now on, until it is silenced.
  void ring() const;
  void silence() const;
  FdView fd() const { return fd_; }

 private:
  explicit Bell(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// Readable when its time has come.  Source: timerfd_create(2), CLOCK_MONOTONIC.
class Timer {
 public:
  /// Not set: never readable.
  static Result<Timer> create();
  /// Once, so long from now; what it was set to before is forgotten.
  void set(std::chrono::nanoseconds from_now) const;
  bool has_come() const;
  FdView fd() const { return fd_; }

 private:
  explicit Timer(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// These signals are blocked in this thread and all that it starts from now on, and told by the descriptor.  Source: signalfd(2).
Result<UniqueFd> receive_signals(std::initializer_list<int> numbers);
/// The next one; nothing where none has come.
Result<std::optional<int>> next_signal(FdView signals);

}  // namespace foxing::sys
