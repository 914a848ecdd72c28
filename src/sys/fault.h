// SPDX-License-Identifier: GPL-2.0-or-later
// Planned faults: what the kernel might answer one day, answered today.
//
// Why.   ENOSPC, EIO and short writes come when nobody looks.  A test asks for one at the n-th call of a kind, on real files, and
//        sees what the whole program makes of it; so no mock operating system has to be believed.
// How.   Every wrapper of sys/ asks planned_fault(Call) first.  In builds without FOXING_FAULT_INJECTION that is a constant.
//        A plan comes from FaultPlan (unit tests) or from the environment variable FOXING_FAULT (tests of the whole program):
//            FOXING_FAULT=write:3:ENOSPC,copy_file_range:2+:EIO,read:*7:EINTR,pwrite:*2:short
//        CALL:WHEN:EFFECT.  WHEN is n (the n-th call only), n+ (the n-th and all later ones) or *n (every n-th).
//        EFFECT is the name of an errno, or `short`: the call moves half of what was asked.
//        FOXING_FAULT_LOG=FILE gets a line per fault that fired, so that a test knows when it has gone past the last call.
// Holds. A faulted call has no effect in the kernel, but for `short`, which has half.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace foxing::sys {

// Named as in FOXING_FAULT.
#define FOXING_CALLS(X)                                                                                                      \
  X(openat)                                                                                                                  \
  X(openat2)                                                                                                                 \
  X(tmpfile)                                                                                                                 \
  X(close) X(fstat) X(fstatat) X(getdents64) X(readlinkat) X(read) X(pread) X(write) X(pwrite) X(lseek) X(ftruncate)         \
      X(fallocate) X(ficlone) X(copy_file_range) X(sendfile) X(fsync) X(syncfs) X(mkdirat) X(symlinkat) X(mknodat) X(linkat) \
          X(renameat2) X(unlinkat) X(fchown) X(fchmod) X(utimensat) X(listxattr) X(getxattr) X(setxattr) X(removexattr)      \
              X(getversion) X(fstatfs) X(io_uring_setup) X(uring_read) X(uring_write) X(poll) X(blkgetsize64) X(punch_hole)  \
                  X(setpriority) X(ioprio_set) X(lock) X(name_to_handle_at) X(fanotify) X(socket) X(fiemap)

enum class Call : std::uint8_t {
#define FOXING_CALL(name) name,
  FOXING_CALLS(FOXING_CALL)
#undef FOXING_CALL
      count
};

/// What to answer instead of calling: 0 nothing planned, > 0 this errno, kShort half of the length.
inline constexpr int kShort = -1;

#ifdef FOXING_FAULT_INJECTION
inline constexpr bool kFaultsCanBePlanned = true;
int planned_fault(Call call);
#else
inline constexpr bool kFaultsCanBePlanned = false;
constexpr int planned_fault(Call) { return 0; }
#endif

/// The length a call may ask for: halved (at least 1) where a short transfer is planned.
constexpr std::size_t cut_short(int fault, std::size_t length) { return fault == kShort && length > 1 ? length / 2 : length; }

/// Plans the faults of FOXING_FAULT.  EINVAL, with what is wrong, where it can't be read, and where this build has no faults.
Result<> plan_faults_from_environment();

/// The faults of one test; forgotten when it goes.  Not for two threads at once.
class FaultPlan {
 public:
  /// `text` as in FOXING_FAULT; FOX_ASSERTs that it can be read.
  explicit FaultPlan(const std::string& text);
  ~FaultPlan();
  FaultPlan(const FaultPlan&) = delete;
  FaultPlan& operator=(const FaultPlan&) = delete;
};

}  // namespace foxing::sys
