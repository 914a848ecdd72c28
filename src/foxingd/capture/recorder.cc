// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/recorder.h"

#include "sys/file.h"
#include "sys/handle.h"
#include "sys/names.h"

namespace foxing::capture {

using Kind = Event::Kind;

Result<Recorder> Recorder::create(sys::FdView root) {
  std::string path = FOX_TRY(sys::read_link_at(sys::working_directory(), "/proc/self/fd/" + std::to_string(root.number())));
  return Recorder(root, std::move(path));
}

std::optional<std::string> Recorder::path_below(const sys::FileHandle& object) const {
  const auto path = sys::path_of_handle(root_, object);
  if (!path) return std::nullopt;
  if (*path == root_path_) return std::string();
  const std::string above = root_path_ == "/" ? "/" : root_path_ + '/';
  if (!path->starts_with(above)) return std::nullopt;
  return path->substr(above.size());
}

std::optional<std::uint64_t> Recorder::number_of(const sys::FileHandle& directory) {
  if (const auto known = known_.find(directory); known != known_.end()) return known->second.number;
  Known known;
  if (auto path = path_below(directory)) {
    known = {numbers_++, std::move(*path)};
    writer_->directory(*known.number, known.path);
  }
  return known_.emplace(directory, std::move(known)).first->second.number;
}

void Recorder::take(const Event& event, std::chrono::microseconds at) {
  if (!writer_) writer_.emplace(bytes_);
  ++(record(event, at) ? counters_.events : counters_.left_out);
}

bool Recorder::record(const Event& event, std::chrono::microseconds at) {
  RecordedEvent recorded{.kind = event.kind, .at = at};
  switch (event.kind) {
    case Kind::lost: break;
    case Kind::object: {  // a file without a name in the event: it is said by one that it has now
      const auto path = path_below(event.object);
      if (!path || path->empty()) return false;
      const std::size_t slash = path->rfind('/');
      recorded.kind = Kind::name;
      recorded.name = slash == std::string::npos ? *path : path->substr(slash + 1);
      const auto directory = sys::open_beneath(root_, slash == std::string::npos ? "." : path->substr(0, slash),
                                               {.access = sys::Access::path, .directory = true});
      const auto handle =
          directory ? sys::handle_of(*directory) : Result<sys::FileHandle>(tl::make_unexpected(directory.error()));
      if (handle) recorded.directory = number_of(*handle);
      if (!recorded.directory) return false;
      break;
    }
    case Kind::renamed: {
      recorded.directory = number_of(event.directory);
      recorded.to_directory = number_of(event.to_directory);
      recorded.name = event.name;
      recorded.to_name = event.to_name;
      if (recorded.directory && recorded.to_directory) break;
      if (!recorded.directory && !recorded.to_directory) return false;
      // It left the source, or came in: a name there that is to be looked at.
      if (!recorded.directory) {
        std::erase_if(known_, [](const auto& one) { return !one.second.number; });  // some of those are inside from now on
        recorded.directory = recorded.to_directory;
        recorded.name = recorded.to_name;
      }
      recorded.kind = Kind::name;
      recorded.to_directory.reset();
      recorded.to_name.clear();
      break;
    }
    default:
      recorded.directory = number_of(event.directory);
      recorded.name = event.name;
      if (!recorded.directory) return false;
      break;
  }
  writer_->event(recorded);
  return true;
}

void Recorder::finish() {
  if (!writer_) writer_.emplace(bytes_);
  for (auto& [handle, known] : known_) {
    if (!known.number) continue;
    const auto now = path_below(handle);
    if (now && *now != known.path) writer_->directory(*known.number, *now);
  }
  writer_->end(counters_.left_out);
}

}  // namespace foxing::capture
