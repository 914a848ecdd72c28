// SPDX-License-Identifier: GPL-2.0-or-later
// The fanotify source: one mark on the whole filesystem, names and handles in every record.
//
//   from  the kernel's queue        to  Event, in its order
//
// Why.   It runs on every kernel since 5.17 without BPF; a mark a directory, as inotify has it, is lost in large trees.
// Holds. What this process did itself is left out, by its id: a mirror must not follow itself.  An overflow is an event: Kind::lost.
//        The mark hears of the whole filesystem; what lies outside of the source is left out later, by who knows the directories.
// Cost.  In the writer: 3.5 to 4 us a file created, written and closed.  Here: half a microsecond an event.
// Not here: stores through mmap and libaio while a file stays open, chattr: the kernel says nothing of those (coverage()).
#pragma once

#include <memory>

#include "foxingd/capture/event_source.h"
#include "sys/filesystem_events.h"

namespace foxing::capture {

class Fanotify final : public EventSource {
 public:
  using Queue = sys::FanotifyGroup::Queue;
  /// Listens from now on to the filesystem that `root` lies on.  Errors say what is missing: privilege, kernel, filesystem.
  static Result<std::unique_ptr<EventSource>> start(sys::FdView root, Queue queue = Queue::unlimited);
  static Coverage known_coverage();

  const char* name() const override { return "fanotify"; }
  Coverage coverage() const override { return known_coverage(); }
  sys::FdView descriptor() const override { return group_.fd(); }
  Result<bool> poll(std::vector<Event>& events, std::size_t most) override;
  Counters counters() const override { return counters_; }

 private:
  explicit Fanotify(sys::FanotifyGroup group);
  void take(const sys::FanotifyRecord& record, std::vector<Event>& events);

  sys::FanotifyGroup group_;
  const pid_t self_;
  std::unique_ptr<std::byte[]> buffer_;
  Counters counters_;
};

}  // namespace foxing::capture
