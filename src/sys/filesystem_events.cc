// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/filesystem_events.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <cstring>

#include "sys/call.h"

namespace foxing::sys {
namespace {

// No MOVED_FROM, MOVED_TO, MOVE_SELF: FAN_RENAME says both names in one record, and is never merged with others.
constexpr std::uint64_t kWatched = FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_MODIFY | FAN_ATTRIB | FAN_CLOSE_WRITE | FAN_ONDIR;

/// A handle, and the name behind it where `named`; nothing where the record is cut short.
RecordedName name_in(const char* info, std::size_t length, bool named) {
  fanotify_event_info_fid head;
  file_handle handle;
  constexpr std::size_t kHandleAt = sizeof head;
  if (length < kHandleAt + sizeof handle) return {};
  std::memcpy(&handle, info + kHandleAt, sizeof handle);
  const std::size_t name_at = kHandleAt + sizeof handle + handle.handle_bytes;
  if (length < name_at) return {};
  RecordedName answer;
  answer.directory.bytes.reserve(sizeof handle.handle_type + handle.handle_bytes);
  answer.directory.bytes.append(reinterpret_cast<const char*>(&handle.handle_type), sizeof handle.handle_type);
  answer.directory.bytes.append(info + kHandleAt + sizeof handle, handle.handle_bytes);
  if (named) answer.name = std::string_view(info + name_at, ::strnlen(info + name_at, length - name_at));
  return answer;
}

FanotifyRecord parse(const char* record, const fanotify_event_metadata& head) {
  FanotifyRecord answer{.mask = head.mask, .pid = head.pid, .place = {}, .moved_to = {}, .object = {}};
  for (std::size_t at = head.metadata_len; at + sizeof(fanotify_event_info_header) <= head.event_len;) {
    fanotify_event_info_header info;
    std::memcpy(&info, record + at, sizeof info);
    if (info.len < sizeof info || at + info.len > head.event_len) break;
    switch (info.info_type) {
      case FAN_EVENT_INFO_TYPE_DFID_NAME:
      case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME: answer.place = name_in(record + at, info.len, true); break;
      case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME: answer.moved_to = name_in(record + at, info.len, true); break;
      case FAN_EVENT_INFO_TYPE_DFID: answer.place = name_in(record + at, info.len, false); break;
      case FAN_EVENT_INFO_TYPE_FID: answer.object = name_in(record + at, info.len, false).directory; break;
      default: break;
    }
    at += info.len;
  }
  return answer;
}

}  // namespace

Result<FanotifyGroup> FanotifyGroup::create(Queue queue) {
  const unsigned flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_DFID_NAME_TARGET |
                         (queue == Queue::unlimited ? FAN_UNLIMITED_QUEUE : 0u);
  const int fd = uninterrupted(Call::fanotify, [&] { return ::fanotify_init(flags, O_RDONLY | O_CLOEXEC); });
  if (fd < 0) return failed("fanotify_init");
  return FanotifyGroup(UniqueFd(fd));
}

Result<> FanotifyGroup::watch_filesystem(FdView root) {
  return done_or_failed(Call::fanotify, "fanotify_mark", [&] {
    return ::fanotify_mark(fd_.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM, kWatched, root.number(), nullptr);
  });
}

Result<std::size_t> FanotifyGroup::read(std::span<std::byte> buffer) {
  const ssize_t got = uninterrupted(Call::read, [&] { return ::read(fd_.get(), buffer.data(), buffer.size()); });
  if (got >= 0) return static_cast<std::size_t>(got);
  if (errno == EAGAIN) return std::size_t{0};
  return failed("read(fanotify)");
}

void FanotifyGroup::for_each(std::span<const std::byte> filled, const std::function<void(const FanotifyRecord&)>& each) {
  const char* const bytes = reinterpret_cast<const char*>(filled.data());
  for (std::size_t at = 0; at + sizeof(fanotify_event_metadata) <= filled.size();) {
    fanotify_event_metadata head;
    std::memcpy(&head, bytes + at, sizeof head);
    if (head.event_len < sizeof head || at + head.event_len > filled.size()) return;
    each(parse(bytes + at, head));
    at += head.event_len;
  }
}

}  // namespace foxing::sys
