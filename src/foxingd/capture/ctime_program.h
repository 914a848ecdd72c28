// SPDX-License-Identifier: GPL-2.0-or-later
// The program src/bpf/ctime.bpf.c in the kernel: loaded, attached, and asked which files have changed.
//
//   from  tracepoints of Linux 6.13 and later        to  bpf_ctime: inodes
//
// Holds. It lives as long as this: whoever dies takes it along.  All of libbpf is in ctime_program.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace foxing::capture {

class CtimeProgram {
 public:
  static constexpr std::uint32_t kRoom = 65'536;
  /// `major`, `minor`: of the super block, as mountinfo has it.  What this process does is left out.  `room`: for so many files between two drains.
  /// Errors say what is missing: BPF in this build, privilege, the kernel's tracepoints.
  static Result<std::unique_ptr<CtimeProgram>> load(std::uint32_t major, std::uint32_t minor, std::uint32_t room = kRoom);
  ~CtimeProgram();

  /// Readable when a file has changed that had not before.
  sys::FdView descriptor() const;

  struct Changed {
    std::uint64_t inode = 0;
    std::uint32_t generation = 0;
    std::chrono::steady_clock::time_point last{};
    bool mapped = false;  // somebody can store into it through a mapping
  };
  /// Appends those that have changed since the last time, each once.
  Result<> drain(std::vector<Changed>& changed);

  struct Counts {
    std::uint64_t heard = 0;
    std::uint64_t own = 0;
    std::uint64_t lost = 0;  // changes that found no room
  };
  Result<Counts> counts() const;

  struct Parts;  // libbpf's

 private:
  explicit CtimeProgram(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace foxing::capture
