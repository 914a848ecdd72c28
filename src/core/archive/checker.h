// SPDX-License-Identifier: GPL-2.0-or-later
// The checker: is every record of an archive what it says, and which files are hit where one is not?
//   from  `fxcp snap check`        to  damages, and names of files
// How.   All records are read, in their order and on several threads; behind a damaged head the next one is looked for.  Index and directory are held
//        against what lies there.
// Cost.  32 MiB, 4 bytes for every chunk, and 16 for every damaged one.
#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "core/archive/reader.h"

namespace foxing::archive {

class CheckObserver {
 public:
  virtual ~CheckObserver() = default;
  virtual void damaged(const Error& error) = 0;
  virtual void file_hit(const Snapshot& snapshot, const std::string& path) = 0;
};

struct CheckCounters {
  std::uint64_t records = 0;
  std::uint64_t chunks = 0;
  std::uint64_t bytes = 0;  // read
  std::uint64_t damages = 0;
  std::uint64_t files_hit = 0;
  std::uint64_t left_over = 0;  // bytes behind the last snapshot, of an append that was interrupted
};

/// Errors: of reading; ECANCELED after a signal.  Damage is none.
Result<CheckCounters> check(Archive& archive, unsigned workers, CheckObserver& observer);

}  // namespace foxing::archive
