// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/fanotify.h"

#include <sys/fanotify.h>
#include <unistd.h>

namespace foxing::capture {
namespace {

constexpr std::size_t kBuffer = 64 * 1024;  // about 700 records

Error explained(Error error) {
  switch (error.code) {
    case EPERM:
    case EACCES: error.detail = "watching a filesystem needs CAP_SYS_ADMIN: run foxingd as root"; break;
    case EINVAL: error.detail = "this kernel cannot name both sides of a rename: Linux 5.17 or later is needed"; break;
    case ENOSYS: error.detail = "this kernel has no fanotify"; break;
    case EMFILE: error.detail = "too many fanotify groups: /proc/sys/fs/fanotify/max_user_groups"; break;
    case ENODEV:
    case EXDEV:
    case EOPNOTSUPP:
      error.detail = "this filesystem cannot be watched as a whole (overlayfs, for one): watch the filesystem below it";
      break;
    default: break;
  }
  return error;
}

}  // namespace

Fanotify::Fanotify(sys::FanotifyGroup group) : group_(std::move(group)), self_(::getpid()), buffer_(new std::byte[kBuffer]) {}

Result<std::unique_ptr<EventSource>> Fanotify::start(sys::FdView root, Queue queue) {
  auto group = sys::FanotifyGroup::create(queue);
  if (!group) return tl::make_unexpected(explained(std::move(group).error()));
  if (auto watched = group->watch_filesystem(root); !watched) return tl::make_unexpected(explained(std::move(watched).error()));
  return std::unique_ptr<EventSource>(new Fanotify(std::move(*group)));
}

Coverage Fanotify::known_coverage() {
  return Coverage::all().without(Operation::mapped_write).without(Operation::aio_write).without(Operation::inode_flags);
}

Result<bool> Fanotify::poll(std::vector<Event>& events, std::size_t most) {
  const std::size_t before = events.size();
  while (events.size() - before < most) {
    const std::size_t got = FOX_TRY(group_.read({buffer_.get(), kBuffer}));
    if (got == 0) return true;
    sys::FanotifyGroup::for_each({buffer_.get(), got}, [&](const sys::FanotifyRecord& record) { take(record, events); });
  }
  return false;
}

void Fanotify::take(const sys::FanotifyRecord& record, std::vector<Event>& events) {
  ++counters_.heard;
  if ((record.mask & FAN_Q_OVERFLOW) != 0) {
    ++counters_.lost;
    events.push_back({.kind = Event::Kind::lost, .directory = {}});
    return;
  }
  if (record.pid == self_) {
    ++counters_.own;
    return;
  }
  if (record.place.directory.empty()) {
    if (!record.object.empty() && (record.mask & FAN_ONDIR) == 0)
      events.push_back({.kind = Event::Kind::object, .directory = {}, .object = record.object});
    return;
  }
  if ((record.mask & FAN_RENAME) != 0 && !record.moved_to.directory.empty()) {
    events.push_back({.kind = Event::Kind::renamed,
                      .directory = record.place.directory,
                      .name = std::string(record.place.name),
                      .object = record.object,
                      .to_directory = record.moved_to.directory,
                      .to_name = std::string(record.moved_to.name)});
    return;
  }
  const bool itself = record.place.name.empty() || record.place.name == ".";
  events.push_back({.kind = itself ? Event::Kind::itself : Event::Kind::name,
                    .directory = record.place.directory,
                    .name = itself ? std::string() : std::string(record.place.name),
                    .object = record.object});
}

}  // namespace foxing::capture
