// SPDX-License-Identifier: GPL-2.0-or-later
// EventSource: one way to hear of changes below a directory.  The door of this folder.
//   event.h   what is heard        coverage.h   which operations a source hears of        choose.h   which source is used
//   fanotify.h   the source that every kernel since 5.17 has        bpf_ctime.h   one that hears of everything, from Linux 6.13 on
//   poll.h   the last resort        replay.h   what was recorded
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "foxingd/capture/coverage.h"
#include "foxingd/capture/event.h"
#include "sys/fd.h"

namespace foxing::capture {

class EventSource {
 public:
  virtual ~EventSource() = default;

  /// "fanotify": the word in the configuration.
  virtual const char* name() const = 0;
  virtual Coverage coverage() const = 0;
  /// Readable when there is something to poll for.
  virtual sys::FdView descriptor() const = 0;
  /// Appends what there is, at most about `most` events; does not wait.  False: there may be more.
  virtual Result<bool> poll(std::vector<Event>& events, std::size_t most) = 0;

  /// Somebody waits for what has happened until now: the next poll that answers true has told of it, also of what is held back until it has settled and of
  /// what has to be looked for.  Sources that are told by the kernel always do.
  virtual void look_now() {}

  /// What was heard and left out, so that it is counted.
  struct Counters {
    std::uint64_t heard = 0;
    std::uint64_t own = 0;  // made by this process
    std::uint64_t lost = 0;  // overflows of the kernel's queue, and changes that found no room
    std::uint64_t left_out = 0;  // of a recording: in directories that the source has no more
  };
  virtual Counters counters() const = 0;
};

}  // namespace foxing::capture
