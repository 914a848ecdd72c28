// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/process.h"

#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>
#include <thread>
#include <vector>

#include "sys/file.h"

namespace foxing::sys {
namespace {

std::atomic<bool> stop{false};
std::atomic<std::int64_t> first_signal_ms{0};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

void on_stop_signal(int number) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t now_ms = now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
  stop.store(true);
  std::int64_t none = 0;
  if (first_signal_ms.compare_exchange_strong(none, now_ms) || now_ms - none < 300) return;
  ::signal(number, SIG_DFL);
  ::raise(number);
}

/// Up to 512 bytes of a small file of /proc or /etc; empty where it cannot be read.
std::string read_small_file(const char* path) {
  const auto file = open_at(working_directory(), path, {.links = Links::follow});
  if (!file) return {};
  std::string text(512, '\0');
  const auto got = read_some(*file, std::as_writable_bytes(std::span(text)));
  text.resize(got ? *got : 0);
  return text;
}

/// FNV-1a: stable over versions, since names of temporary files outlive the process that made them.
std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  return hash ^ (hash >> 32);
}

/// Field 22 of /proc/PID/stat: when the process started, in clock ticks since boot.  Empty where there is no such process.
std::string start_time_of(std::uint32_t pid) {
  const std::string text = read_small_file(("/proc/" + std::to_string(pid) + "/stat").c_str());
  std::size_t at = text.rfind(')');  // the command may hold anything, also ") "
  if (at == std::string::npos) return {};
  for (int field = 2; field < 22; ++field) {
    at = text.find(' ', at + 1);
    if (at == std::string::npos) return {};
  }
  return text.substr(at + 1, text.find(' ', at + 1) - at - 1);
}

std::uint16_t bits(std::uint64_t hash, unsigned count) { return static_cast<std::uint16_t>(hash & ((1u << count) - 1)); }

/// "pid:[4026531836]": the same number on every boot for the namespace of the machine itself, another for each container.
std::string pid_namespace() {
  char text[64];
  const ssize_t length = ::readlink("/proc/self/ns/pid", text, sizeof text);
  return {text, length > 0 ? static_cast<std::size_t>(length) : 0};
}

ProcessIdentity identity_of(std::uint32_t pid, const std::string& start_time) {
  static const std::string machine = read_small_file("/etc/machine-id") + pid_namespace();
  static const std::string boot = read_small_file("/proc/sys/kernel/random/boot_id");
  return {.machine = bits(stable_hash(machine), 16),
          .boot = bits(stable_hash(boot), 12),
          .start_time = bits(stable_hash(start_time), 14),
          .pid = pid};
}

}  // namespace

std::uint64_t raise_open_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
  }
  return limit.rlim_cur;
}

Privileges privileges() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) != 0) return {};
  const auto has = [&](unsigned capability) { return (data[capability / 32].effective >> (capability % 32) & 1) != 0; };
  return {.set_owner = has(CAP_CHOWN),
          .trusted_attributes = has(CAP_SYS_ADMIN),
          .file_capabilities = has(CAP_SETFCAP),
          .ignore_permissions = has(CAP_DAC_OVERRIDE),
          .make_devices = has(CAP_MKNOD),
          .keep_setgid = has(CAP_FSETID)};
}

bool belongs_to_group(gid_t group) {
  static const std::vector<gid_t> groups = [] {
    const int count = ::getgroups(0, nullptr);
    std::vector<gid_t> all(static_cast<std::size_t>(std::max(count, 0)));
    all.resize(static_cast<std::size_t>(std::max(::getgroups(static_cast<int>(all.size()), all.data()), 0)));
    all.push_back(::getegid());
    return all;
  }();
  return std::ranges::find(groups, group) != groups.end();
}

unsigned usable_processors() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0)
    return std::max(1u, std::thread::hardware_concurrency());  // more than 1024 processors
  const int count = CPU_COUNT(&set);
  return count > 0 ? static_cast<unsigned>(count) : 1;
}

void clear_umask() { ::umask(0); }

mode_t current_umask() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return mask;
}

void catch_stop_signals() {
  struct sigaction action{};
  action.sa_handler = on_stop_signal;
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old{};
    ::sigaction(number, nullptr, &old);
    if (old.sa_handler != SIG_IGN) ::sigaction(number, &action, nullptr);  // nohup stays nohup
  }
  ::signal(SIGPIPE, SIG_IGN);
}

bool stop_requested() { return stop.load(std::memory_order_relaxed); }
void request_stop() { stop.store(true); }
void forget_stop_request() { stop.store(false); }

bool can_link_descriptors() {
  static const bool can = [] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    const bool known = ::syscall(SYS_capget, &header, data) == 0;
    if (known && (data[0].effective >> CAP_DAC_READ_SEARCH & 1) != 0) return true;
    return ::access("/proc/self/fd", X_OK) == 0;
  }();
  return can;
}

ProcessIdentity own_identity() {
  const auto pid = static_cast<std::uint32_t>(::getpid());
  return identity_of(pid, start_time_of(pid));
}

Liveness liveness(const ProcessIdentity& identity) {
  const std::string start_time = start_time_of(identity.pid);
  const ProcessIdentity now = identity_of(identity.pid, start_time);
  if (now.machine != identity.machine) return Liveness::unknown;
  if (now.boot != identity.boot) return Liveness::dead_with_boot;
  if (::kill(static_cast<pid_t>(identity.pid), 0) != 0 && errno == ESRCH) return Liveness::dead;
  // There is one with this id.  /proc may hide who it is (hidepid), and then it counts as ours.
  if (start_time.empty() || now.start_time == identity.start_time) return Liveness::alive;
  return Liveness::dead;
}

timespec wall_clock() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now;
}

std::int64_t boot_time() {
  timespec since_boot{};
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  return wall_clock().tv_sec - since_boot.tv_sec;
}

}  // namespace foxing::sys
