// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/listening.h"

#include "core/storage/storage.h"
#include "foxingd/capture/fanotify.h"
#include "foxingd/capture/poll.h"
#include "foxingd/capture/replay.h"

namespace foxing::capture {
namespace {

/// The filesystem or the kernel has no such thing.  That a privilege is missing is no such answer: whoever starts foxingd should know.
bool cannot_be_had(const Error& error) {
  switch (error.code) {
    case EINVAL:
    case ENOSYS:
    case ENODEV:
    case EXDEV:
    case EOPNOTSUPP: return true;
    default: return false;
  }
}

}  // namespace

std::optional<Backend> backend_named(std::string_view name) {
  if (name == "auto") return Backend::automatic;
  if (name == "fanotify") return Backend::fanotify;
  if (name == "poll") return Backend::poll;
  return std::nullopt;
}

Result<std::unique_ptr<EventSource>> listen(sys::FdView root, const Listening& how) {
  const auto poll = [&] { return Poll::start(root, how.poll_interval); };
  if (how.backend == Backend::poll) return poll();
  if (how.backend == Backend::replay) {
    auto recording = FOX_TRY(read_recording(how.recording));
    return Replay::start(root, std::move(recording));
  }
  const bool is_remote = FOX_TRY(storage::quick_traits(root)).nature == storage::Nature::network;
  if (is_remote && how.backend == Backend::fanotify)
    return fail(0, "", {},
                "fanotify does not hear of what others change on a network filesystem: capture = \"poll\" looks for it");
  if (is_remote) return poll();
  auto events = Fanotify::start(root, how.limited_queue ? Fanotify::Queue::limited : Fanotify::Queue::unlimited);
  if (events || how.backend == Backend::fanotify || !cannot_be_had(events.error())) return events;
  return poll();
}

}  // namespace foxing::capture
