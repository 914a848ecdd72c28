// SPDX-License-Identifier: GPL-2.0-or-later
// The source bpf-ctime: names from fanotify, and from a program in the kernel every file whose ctime moves.
//
//   from  fanotify.h (names), ctime_program.h (inodes)        to  Event: names as they are heard; objects that no name was told of, to be compared by bytes
//
// Why.   fanotify says nothing of stores through mmap and of libaio while a file stays open.  Since Linux 6.13 the ctime of a file moves with every change, at the
//        latest with the first one after somebody has asked for it.
// How.   A file that changed and of which no name is told soon is looked at (silent_changes.h).  Where somebody has it mapped, its dirty pages are written first:
//        that protects them, and the next store moves the ctime again.  At the first poll this is done for the whole filesystem.
// Holds. What lies outside of the source is not touched: it is told by its path before anything else.  A lost record is an event: Kind::lost.
// Cost.  In who changes a file: 0.1 to 0.9 us.   Not here: changes that no ctime tells of (inside of a filesystem that lies in a file, for one: it is another one).
#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "foxingd/capture/ctime_program.h"
#include "foxingd/capture/event_source.h"
#include "foxingd/capture/inode_handles.h"
#include "foxingd/capture/silent_changes.h"
#include "sys/filesystem_events.h"
#include "sys/waiting.h"

namespace foxing::capture {

class BpfCtime final : public EventSource {
 public:
  using Queue = sys::FanotifyGroup::Queue;
  /// Listens from now on to the filesystem that `root` lies on, and of it to what lies below `root`.  Errors say what is missing.
  static Result<std::unique_ptr<EventSource>> start(sys::FdView root, Queue queue = Queue::unlimited,
                                                    std::uint32_t room = CtimeProgram::kRoom);
  static Coverage known_coverage() { return Coverage::all(); }

  const char* name() const override { return "bpf-ctime"; }
  Coverage coverage() const override { return known_coverage(); }
  sys::FdView descriptor() const override { return all_.fd(); }
  Result<bool> poll(std::vector<Event>& events, std::size_t most) override;
  void hurry() override { hurried_ = true; }
  Counters counters() const override;

 private:
  BpfCtime(sys::UniqueFd root, std::string path, InodeHandles handles, std::unique_ptr<EventSource> names,
           std::unique_ptr<CtimeProgram> program, sys::Gathering all, sys::Alarm alarm);
  void protect_all();
  /// Takes what the program has; true where it has lost something.
  Result<bool> take_changes();
  void look_at(const SilentChanges::Due& due, std::vector<Event>& events);

  const sys::UniqueFd root_;
  const std::string path_;  // of the root, with a slash behind it
  const InodeHandles handles_;
  std::unique_ptr<EventSource> names_;
  std::unique_ptr<CtimeProgram> program_;
  sys::Gathering all_;
  sys::Alarm alarm_;
  SilentChanges silent_;
  std::vector<CtimeProgram::Changed> changed_;
  CtimeProgram::Counts counts_;
  std::uint64_t unreachable_ = 0;  // files that changed, and could not be opened
  bool hurried_ = false;
  bool protects_ = false;  // the pages of the whole filesystem have been
};

}  // namespace foxing::capture
