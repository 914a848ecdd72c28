// SPDX-License-Identifier: GPL-2.0-or-later
// Pressure stall information: how long tasks of this machine have waited for disks, processors and memory.
// Source: the kernel's Documentation/accounting/psi.rst.  Reading brings the totals up to date.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "sys/fd.h"

namespace foxing::governor {

enum class Resource : std::uint8_t { io, cpu, memory };
inline constexpr std::size_t kResources = 3;
const char* name_of(Resource resource);

/// The line "some": at least one task waited.
struct Pressure {
  double average_10s = 0;  // share of the last ten seconds, 0 to 1
  std::chrono::microseconds total{};
};
using Pressures = std::array<Pressure, kResources>;

/// One file of /proc/pressure.  An error without errno where it has no such line.
Result<Pressure> parse_pressure(std::string_view text);

/// The three files, opened once.
class PressureFiles {
 public:
  /// ENOENT, EOPNOTSUPP and the like, with what to do about it, where this kernel tells no pressure.  `directory` is "/proc/pressure" but in tests.
  static Result<PressureFiles> open(const char* directory = "/proc/pressure");
  Result<Pressures> read() const;

 private:
  std::array<sys::UniqueFd, kResources> files_;
};

}  // namespace foxing::governor
