// SPDX-License-Identifier: GPL-2.0-or-later
// The repairer: what is whole of a damaged archive becomes an archive that is whole, and what is lost is named.
//   from  survey.h: records, wherever they were found        to  writer.h
//
// How.   Snapshot by snapshot, entry by entry.  A file is taken where every chunk of it is whole; its chunks go over as they are stored.  Directories of which only
//        the contents are left are made anew, closed.
// Holds. What is taken is checked again while it is written.  Everything else is told: by its path where that is known, else by where the gap is.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "core/archive/survey.h"
#include "core/archive/writer.h"

namespace foxing::archive {

class RepairObserver {
 public:
  virtual ~RepairObserver() = default;
  virtual void lost(const std::string& snapshot, const std::string& path, const std::string& why) = 0;
  /// Something of which no path is known.
  virtual void gap(const std::string& snapshot, const std::string& what) = 0;
};

struct RepairCounters {
  std::uint64_t snapshots = 0;  // written
  std::uint64_t entries = 0;
  std::uint64_t files = 0;
  std::uint64_t lost = 0;  // told to lost()
  std::uint64_t gaps = 0;  // told to gap()
};

/// `writer` has begun an archive; who calls finishes it where snapshots > 0.  Errors: of reading and writing; ECANCELED after a signal.
Result<RepairCounters> repair(Survey& survey, Writer& writer, RepairObserver& observer);

}  // namespace foxing::archive
