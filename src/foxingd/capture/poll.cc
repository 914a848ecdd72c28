// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/poll.h"

#include <array>
#include <cstdlib>

#include "base/text.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::capture {
namespace {

constexpr std::size_t kNamesAtOnce = 20'000;  // 50 ms
constexpr std::size_t kBuffer = 32 * 1024;

bool has_gone(int code) { return code == ENOENT || code == ENOTDIR || code == ELOOP || code == ESTALE; }

bool is_doubtful(const timespec& changed, const timespec& now) {
  return std::llabs(static_cast<long long>(now.tv_sec) - static_cast<long long>(changed.tv_sec)) <= Poll::kDoubt.count();
}

}  // namespace

Result<std::unique_ptr<EventSource>> Poll::start(sys::FdView root, std::chrono::milliseconds interval) {
  sys::UniqueFd own = FOX_TRY(sys::open_at(root, ".", {.directory = true, .keep_atime = true}));
  const DeviceId device = FOX_TRY(sys::status_of(own)).device();
  sys::Alarm alarm = FOX_TRY(sys::Alarm::create());
  std::unique_ptr<Poll> source(new Poll(std::move(own), device, std::move(alarm), interval));
  std::vector<Event> first;
  source->begin();
  while (!FOX_TRY(source->poll(first, kNamesAtOnce))) first.clear();
  source->counters_ = {};
  return std::unique_ptr<EventSource>(std::move(source));
}

void Poll::begin() {
  ++look_;
  is_looking_ = true;
  once_more_ = false;
  due_ = {{.path = "."}};
}

void Poll::end() {
  is_looking_ = false;
  due_.clear();
  std::erase_if(known_, [&](const auto& one) { return one.second.look != look_; });
  (void)wake_in(once_more_ ? std::chrono::milliseconds(0) : interval_);  // fails for times that are none only
}

/// The alarm is readable, too, while a look has begun: whoever waits for the descriptor calls poll().
void Poll::look_now() {
  once_more_ = true;
  (void)wake_in(std::chrono::milliseconds(0));
}

Result<bool> Poll::poll(std::vector<Event>& events, std::size_t most) {
  if (!is_looking_) {
    const std::array files{alarm_.fd()};
    if (!once_more_ && !FOX_TRY(sys::wait_any(files, std::chrono::milliseconds(0)))) return true;
    begin();
  }
  const std::size_t before = events.size();
  looked_at_ = 0;
  Result<> visited;
  while (visited && !due_.empty() && looked_at_ < kNamesAtOnce && events.size() - before < most) {
    const Due due = std::move(due_.back());
    due_.pop_back();
    visited = visit(due, events);
  }
  counters_.heard += events.size() - before;
  if (visited && !due_.empty()) return false;
  end();
  if (!visited) return tl::make_unexpected(std::move(visited).error());
  return !once_more_;
}

/// Errors are those of the root alone.
Result<> Poll::visit(const Due& due, std::vector<Event>& events) {
  const auto give_up = [&](Error error) -> Result<> {
    if (due.path == ".") return tl::make_unexpected(std::move(error));
    if (!has_gone(error.code)) cannot_read(due, events);
    return {};
  };
  const auto directory = sys::open_beneath(root_, due.path, {.directory = true, .keep_atime = true});
  if (!directory) return give_up(directory.error());
  const auto status = sys::status_of(*directory);
  if (!status) return give_up(status.error());
  if (status->device() != device_) return {};
  const auto handle = sys::handle_of(*directory);
  if (!handle) return give_up(handle.error());
  auto seen = read(*directory, *handle, due.path);
  if (!seen) return give_up(seen.error());
  seen->digest.itself(*status);  // asked before the names: what came later is in the next look
  if (is_doubtful(status->changed(), sys::wall_clock())) seen->digest.doubt_itself(look_);
  unreadable_.erase(due.path);
  tell(*handle, *seen, events);
  return {};
}

Result<Poll::Seen> Poll::read(sys::FdView directory, const sys::FileHandle& handle, const std::string& path) {
  Seen seen;
  const timespec now = sys::wall_clock();
  sys::DirectoryReader reader(kBuffer);
  while (FOX_TRY(reader.fill(directory))) {
    while (const auto entry = reader.next()) {
      ++looked_at_;
      std::string name(entry->name, entry->length);
      const auto status = sys::status_at(directory, name);
      if (!status && has_gone(status.error().code)) continue;
      const sys::FileStatus known = status.value_or(sys::FileStatus());  // what cannot be looked at is a name all the same
      seen.digest.add(name, known);
      const bool is_directory = known.type() == sys::FileType::directory;
      if (!is_directory && is_doubtful(known.changed(), now)) seen.digest.doubt(name, look_);
      if (is_directory) {
        due_.push_back({join_path(path == "." ? "" : path, name), handle, std::move(name)});
      } else {
        seen.files.push_back(std::move(name));
      }
    }
  }
  return seen;
}

void Poll::tell(const sys::FileHandle& directory, const Seen& seen, std::vector<Event>& events) {
  const auto [known, is_new] = known_.try_emplace(directory);
  const auto difference = seen.digest.from(known->second.digest);
  known->second = {seen.digest, look_};
  if (look_ == 1 || (!is_new && !difference.any())) return;
  if (is_new || difference.itself) events.push_back({.kind = Event::Kind::itself, .directory = directory});
  if (is_new || difference.names) {
    events.push_back({.kind = Event::Kind::inside, .directory = directory});
    return;
  }
  for (const std::string& name : seen.files)
    if (difference.parts[DirectoryDigest::part_of(name)])
      events.push_back({.kind = Event::Kind::name, .directory = directory, .name = name});
}

/// Told once, so that somebody finds out why, and says so; what lies below is met as new when it can be read again.
void Poll::cannot_read(const Due& due, std::vector<Event>& events) {
  if (unreadable_.insert(due.path).second)
    events.push_back({.kind = Event::Kind::name, .directory = due.parent, .name = due.name});
}

}  // namespace foxing::capture
