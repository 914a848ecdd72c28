// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/waiting.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "sys/call.h"
#include "sys/file.h"

namespace foxing::sys {

Result<MountWatch> MountWatch::create() { return MountWatch(FOX_TRY(open_at(working_directory(), "/proc/self/mountinfo", {}))); }

bool MountWatch::take_changed() {
  (void)wait_any({}, std::chrono::milliseconds(0), this);
  return std::exchange(changed_, false);
}

Result<bool> wait_any(std::span<const FdView> files, std::optional<std::chrono::milliseconds> patience, MountWatch* mounts) {
  std::vector<pollfd> wanted;
  wanted.reserve(files.size() + 1);
  for (const FdView file : files) wanted.push_back({.fd = file.number(), .events = POLLIN, .revents = 0});
  if (mounts != nullptr) wanted.push_back({.fd = mounts->fd_.get(), .events = POLLPRI, .revents = 0});
  int ready = -1;
  if (const int fault = planned_fault(Call::poll); fault > 0) {
    errno = fault;
  } else {
    ready = ::poll(wanted.data(), wanted.size(), patience ? static_cast<int>(patience->count()) : -1);
  }
  if (ready < 0 && errno == EINTR) return false;
  if (ready < 0) return failed("poll");
  if (mounts != nullptr && wanted.back().revents != 0) mounts->changed_ = true;
  return ready > 0;
}

Result<Bell> Bell::create() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return failed("eventfd");
  return Bell(std::move(fd));
}

void Bell::ring() const {
  const std::uint64_t one = 1;
  // EAGAIN: it has rung four billion times, and is readable.
  (void)!::write(fd_.get(), &one, sizeof one);
}

void Bell::silence() const {
  std::uint64_t count = 0;
  (void)!::read(fd_.get(), &count, sizeof count);  // EAGAIN: it was silent
}

Result<Gathering> Gathering::create() {
  UniqueFd fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!fd) return failed("epoll_create1");
  return Gathering(std::move(fd));
}

Result<> Gathering::add(FdView file) {
  epoll_event wanted{.events = EPOLLIN, .data = {.fd = file.number()}};
  return done_or_failed(Call::poll, "epoll_ctl", [&] { return ::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, file.number(), &wanted); });
}

Result<Alarm> Alarm::create() {
  UniqueFd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!fd) return failed("timerfd_create");
  return Alarm(std::move(fd));
}

Result<> Alarm::set(std::optional<std::chrono::steady_clock::time_point> moment) {
  itimerspec wanted{};  // zero: silent
  if (moment) {
    const auto since_boot = std::max(moment->time_since_epoch(), std::chrono::steady_clock::duration(1));
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_boot);
    wanted.it_value = {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(since_boot - seconds).count()};
  }
  return done_or_failed(Call::poll, "timerfd_settime",
                        [&] { return ::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &wanted, nullptr); });
}

Result<UniqueFd> receive_signals(std::initializer_list<int> numbers) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : numbers) ::sigaddset(&set, number);
  if (const int code = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); code != 0) return fail(code, "pthread_sigmask");
  UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return failed("signalfd");
  return fd;
}

Result<std::optional<int>> next_signal(FdView signals) {
  signalfd_siginfo info;
  const ssize_t got = uninterrupted(Call::read, [&] { return ::read(signals.number(), &info, sizeof info); });
  if (got == static_cast<ssize_t>(sizeof info)) return std::optional<int>(static_cast<int>(info.ssi_signo));
  if (got < 0 && errno != EAGAIN) return failed("read(signalfd)");
  return std::optional<int>();
}

}  // namespace foxing::sys
