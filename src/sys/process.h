// SPDX-License-Identifier: GPL-2.0-or-later
// This process: limits, privileges, signals, identity.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace foxing::sys {

/// Raises the soft limit of open files to the hard one; the limit in force afterwards.
std::uint64_t raise_open_file_limit();

/// Effective capabilities of this process, as /proc/self/status names them.  Source: capget(2).
struct Privileges {
  bool set_owner = false;         // CAP_CHOWN
  bool trusted_attributes = false;  // CAP_SYS_ADMIN
  bool file_capabilities = false;   // CAP_SETFCAP
  bool ignore_permissions = false;  // CAP_DAC_OVERRIDE
  bool make_devices = false;        // CAP_MKNOD
  bool keep_setgid = false;         // CAP_FSETID
};
Privileges privileges();

/// True where this process may give files to `group` without being root: its own group and its supplementary ones, as they were at the first call.
bool belongs_to_group(gid_t group);

/// Processors this process may run on; at least 1.
unsigned usable_processors();

/// Modes are then exactly what the calls say.
void clear_umask();
mode_t current_umask();

/// After this, the first SIGINT, SIGTERM or SIGHUP sets a flag that stop_requested() reads; a second one, at least 0.3 s later (a terminal
/// that closes and service managers send two at once), ends the process at once.  SIGPIPE becomes an error of write.
void catch_stop_signals();
/// True once a signal or request_stop() asked for it.
bool stop_requested();
/// For a fatal error that ends the whole run.  Does not count as a signal.
void request_stop();
void forget_stop_request();

/// True where link_descriptor_at() can name an O_TMPFILE file: CAP_DAC_READ_SEARCH, or a /proc to go through.
bool can_link_descriptors();

/// What tells one process of one boot of one machine from every other: for names of temporary files.
struct ProcessIdentity {
  std::uint16_t machine = 0;  // 16 bits of a hash of /etc/machine-id and the PID namespace: where the process id means something
  std::uint16_t boot = 0;  // 12 bits of a hash of /proc/sys/kernel/random/boot_id
  std::uint16_t start_time = 0;  // 14 bits of a hash of the process's start time
  std::uint32_t pid = 0;
};
ProcessIdentity own_identity();

enum class Liveness {
  alive,
  dead,
  dead_with_boot /* it ran on this machine before the last boot, if machine ids are unique */,
  unknown
};
/// `dead` only where that is certain: the kernel knows no such process in this namespace, or another one has its id.
Liveness liveness(const ProcessIdentity& identity);
/// CLOCK_REALTIME: the clock of file times, but for network filesystems.
timespec wall_clock();
/// When this machine was booted, in seconds since 1970.
std::int64_t boot_time();

}  // namespace foxing::sys
