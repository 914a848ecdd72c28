// SPDX-License-Identifier: GPL-2.0-or-later
// Replay: events that were recorded, told once more.
//
//   from  a Recording        to  whoever would otherwise hear of the kernel
//
// Why.   Without privileges and without waiting for a kernel the whole way of an event can be walked.  Events are hints: where the same has been done to the
//        source that was done when they were recorded, a mirror that hears them again is equal to it.
// Holds. Nothing is told before somebody asks (look_now); then everything, at once.  Handles are those that the source's paths have now; what is not
//        there is left out, and counted.
#pragma once

#include <memory>
#include <vector>

#include "foxingd/capture/event_source.h"
#include "foxingd/capture/recording.h"
#include "sys/waiting.h"

namespace foxing::capture {

class Replay final : public EventSource {
 public:
  static Result<std::unique_ptr<EventSource>> start(sys::FdView root, Recording recording);

  const char* name() const override { return "replay"; }
  Coverage coverage() const override { return Coverage::all(); }
  sys::FdView descriptor() const override { return bell_.fd(); }
  Result<bool> poll(std::vector<Event>& events, std::size_t most) override;
  void look_now() override;
  Counters counters() const override { return counters_; }

 private:
  Replay(sys::UniqueFd root, Recording recording, sys::Bell bell)
      : root_(std::move(root)), recording_(std::move(recording)), bell_(std::move(bell)) {}
  /// Nothing where the source has no such directory now.
  std::optional<sys::FileHandle> handle_of(std::uint64_t directory) const;
  sys::FileHandle object_at(std::uint64_t directory, const std::string& name) const;
  std::optional<Event> event_of(const RecordedEvent& recorded) const;

  const sys::UniqueFd root_;
  const Recording recording_;
  const sys::Bell bell_;  // rings while there is something to tell
  std::size_t next_ = 0;
  bool may_tell_ = false;
  Counters counters_;
};

}  // namespace foxing::capture
