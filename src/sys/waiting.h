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

/// What this process sees mounted.  Source: proc_pid_mountinfo(5), poll(2): POLLPRI.
class MountWatch {
 public:
  static Result<MountWatch> create();
  /// Something was mounted, moved or unmounted since the last time, or since create().
  bool take_changed();

 private:
  explicit MountWatch(UniqueFd fd) : fd_(std::move(fd)) {}
  friend Result<bool> wait_any(std::span<const FdView>, std::optional<std::chrono::milliseconds>, MountWatch*);
  UniqueFd fd_;
  bool changed_ = false;  // the kernel tells it once
};

/// Waits until one of `files` has something to read, an end or an error; at most `patience`, without one for ever.
/// True where one has, or where `mounts` have changed.  Returns early where a signal came.  Source: poll(2).
Result<bool> wait_any(std::span<const FdView> files, std::optional<std::chrono::milliseconds> patience,
                      MountWatch* mounts = nullptr);

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

/// Several descriptors as one: readable while one of them is.  They are borrowed, and outlive it.  Source: epoll(7).
class Gathering {
 public:
  static Result<Gathering> create();
  Result<> add(FdView file);
  FdView fd() const { return fd_; }

 private:
  explicit Gathering(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// Readable from a moment on.  Source: timerfd_create(2).
class Alarm {
 public:
  static Result<Alarm> create();
  /// The moment before is forgotten; without one it is silent.
  Result<> set(std::optional<std::chrono::steady_clock::time_point> moment);
  FdView fd() const { return fd_; }

 private:
  explicit Alarm(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// These signals are blocked in this thread and all that it starts from now on, and told by the descriptor.  Source: signalfd(2).
Result<UniqueFd> receive_signals(std::initializer_list<int> numbers);
/// The next one; nothing where none has come.
Result<std::optional<int>> next_signal(FdView signals);

}  // namespace foxing::sys
