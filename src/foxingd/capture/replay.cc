// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/replay.h"

#include "sys/file.h"

namespace foxing::capture {

Result<std::unique_ptr<EventSource>> Replay::start(sys::FdView root, Recording recording) {
  sys::UniqueFd own = FOX_TRY(sys::open_at(root, ".", {.directory = true, .keep_atime = true}));
  sys::Bell bell = FOX_TRY(sys::Bell::create());
  return std::unique_ptr<EventSource>(new Replay(std::move(own), std::move(recording), std::move(bell)));
}

void Replay::look_now() {
  if (next_ == recording_.events.size()) return;
  may_tell_ = true;
  bell_.ring();
}

Result<bool> Replay::poll(std::vector<Event>& events, std::size_t most) {
  if (!may_tell_) return true;
  const std::size_t before = events.size();
  while (next_ < recording_.events.size() && events.size() - before < most) {
    auto event = event_of(recording_.events[next_++]);
    if (event) {
      counters_.lost += event->kind == Event::Kind::lost ? 1 : 0;
      events.push_back(std::move(*event));
    } else {
      ++counters_.left_out;
    }
  }
  counters_.heard += events.size() - before;
  if (next_ < recording_.events.size()) return false;
  bell_.silence();
  return true;
}

std::optional<sys::FileHandle> Replay::handle_of(std::uint64_t directory) const {
  const std::string& path = recording_.directories[directory];
  const auto fd = sys::open_beneath(root_, path.empty() ? "." : path, {.access = sys::Access::path, .directory = true});
  auto handle = fd ? sys::handle_of(*fd) : Result<sys::FileHandle>(tl::make_unexpected(fd.error()));
  if (!handle) return std::nullopt;
  return std::move(*handle);
}

sys::FileHandle Replay::object_at(std::uint64_t directory, const std::string& name) const {
  const std::string& path = recording_.directories[directory];
  const auto fd = sys::open_beneath(root_, path.empty() ? "." : path, {.access = sys::Access::path, .directory = true});
  auto handle = fd ? sys::handle_at(*fd, name) : Result<sys::FileHandle>(tl::make_unexpected(fd.error()));
  return handle ? std::move(*handle) : sys::FileHandle();
}

std::optional<Event> Replay::event_of(const RecordedEvent& recorded) const {
  Event event{.kind = recorded.kind, .directory = {}, .name = recorded.name, .to_name = recorded.to_name};
  if (!recorded.directory) return event;
  const auto directory = handle_of(*recorded.directory);
  const auto to_directory = recorded.to_directory ? handle_of(*recorded.to_directory) : std::nullopt;
  if (recorded.kind == Event::Kind::renamed) {
    if (directory && to_directory) {
      event.directory = *directory;
      event.to_directory = *to_directory;
      event.object = object_at(*recorded.to_directory, recorded.to_name);
      return event;
    }
    // One of the two is gone by now: the other has a name to look at.
    if (!directory && !to_directory) return std::nullopt;
    return Event{.kind = Event::Kind::name,
                 .directory = directory ? *directory : *to_directory,
                 .name = directory ? recorded.name : recorded.to_name};
  }
  if (!directory) return std::nullopt;
  event.directory = *directory;
  if (recorded.kind == Event::Kind::name) event.object = object_at(*recorded.directory, recorded.name);
  return event;
}

}  // namespace foxing::capture
