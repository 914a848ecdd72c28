// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/bpf_ctime.h"

#include "core/storage/storage.h"
#include "foxingd/capture/fanotify.h"
#include "sys/file.h"
#include "sys/mapped.h"

namespace foxing::capture {
namespace {

using Clock = std::chrono::steady_clock;

/// The number of the super block, which on btrfs is not what stat says.
Result<DeviceId> device_of_filesystem(const std::string& path) {
  const storage::Located located = FOX_TRY(storage::locate(path));
  const storage::MountTable mounts = storage::read_mounts(storage::SystemRoot());
  const storage::Mount* const mount = located.mount ? mounts.find(*located.mount) : nullptr;
  if (mount == nullptr) return fail(ENOENT, "/proc/self/mountinfo", path, "its mount is not listed");
  return mount->device;
}

}  // namespace

BpfCtime::BpfCtime(sys::UniqueFd root, std::string path, InodeHandles handles, std::unique_ptr<EventSource> names,
                   std::unique_ptr<CtimeProgram> program, sys::Gathering all, sys::Alarm alarm)
    : root_(std::move(root)),
      path_(std::move(path)),
      handles_(handles),
      names_(std::move(names)),
      program_(std::move(program)),
      all_(std::move(all)),
      alarm_(std::move(alarm)),
      silent_(sys::file_clock_tick()) {}

Result<std::unique_ptr<EventSource>> BpfCtime::start(sys::FdView root, Queue queue, std::uint32_t room) {
  sys::UniqueFd own_root = FOX_TRY(sys::duplicate(root));
  std::string path = FOX_TRY(sys::path_of(root));
  const InodeHandles handles = FOX_TRY(InodeHandles::of(root));
  const DeviceId device = FOX_TRY(device_of_filesystem(path));
  auto program = FOX_TRY(CtimeProgram::load(device.major_number(), device.minor_number(), room));
  auto names = FOX_TRY(Fanotify::start(root, queue));
  auto all = FOX_TRY(sys::Gathering::create());
  auto alarm = FOX_TRY(sys::Alarm::create());
  FOX_TRY(all.add(names->descriptor()));
  FOX_TRY(all.add(program->descriptor()));
  FOX_TRY(all.add(alarm.fd()));
  if (path != "/") path += '/';
  return std::unique_ptr<EventSource>(new BpfCtime(std::move(own_root), std::move(path), handles, std::move(names),
                                                   std::move(program), std::move(all), std::move(alarm)));
}

Result<bool> BpfCtime::poll(std::vector<Event>& events, std::size_t most) {
  if (!std::exchange(protects_, true)) protect_all();
  const std::size_t before = events.size();
  const Clock::time_point begin = Clock::now();  // what had changed until now and is told of now has been told of
  const bool all = FOX_TRY(names_->poll(events, most));
  const auto tell = [&] {
    for (std::size_t i = before; i < events.size(); ++i)
      if (!events[i].object.empty() && silent_.told(events[i].object, begin)) events[i].doubted = true;
  };
  tell();  // of changes that were known before
  if (FOX_TRY(take_changes())) {
    protect_all();  // what is missing may be that somebody has stored into a mapping
    events.push_back({.kind = Event::Kind::lost});
  }
  tell();  // of those that are new
  if (all) {
    if (std::exchange(hurried_, false)) silent_.hurry();
    for (const SilentChanges::Due& due : silent_.due(Clock::now())) look_at(due, events);
  }
  FOX_TRY(alarm_.set(silent_.next()));
  return all;
}

/// Pages that were dirty before anybody listened can be stored into without a sign.  A disk that refuses is met again when it is read.
void BpfCtime::protect_all() { (void)sys::sync_filesystem(root_); }

Result<bool> BpfCtime::take_changes() {
  changed_.clear();
  FOX_TRY(program_->drain(changed_));
  for (const CtimeProgram::Changed& file : changed_)
    silent_.changed(handles_.handle(file.inode, file.generation), file.last, file.mapped);
  const CtimeProgram::Counts now = FOX_TRY(program_->counts());
  const bool has_lost = now.lost != counts_.lost;
  counts_ = now;
  return has_lost;
}

void BpfCtime::look_at(const SilentChanges::Due& due, std::vector<Event>& events) {
  const Clock::time_point begin = Clock::now();
  const auto file = sys::open_handle(root_, due.file, sys::Opening::path);
  const auto path = file ? sys::path_of(*file) : Result<std::string>(tl::make_unexpected(file.error()));
  if (!path) {
    silent_.forget(due.file);
    if (path.error().code == ESTALE) return;  // it has no name any more
    ++unreachable_;
    events.push_back({.kind = Event::Kind::lost});
    return;
  }
  if (!path->starts_with(path_)) {
    // Shown is one of its names: another may be the source's.
    const auto status = sys::status_of(*file);
    if (!status || status->links() <= 1) return silent_.forget(due.file);
  } else if (due.mapped) {
    const auto readable = sys::open_handle(root_, due.file, sys::Opening::read);
    // Where the disk refuses, reading will say so.
    if (readable) (void)sys::watch_mapped(*readable);
  }
  silent_.looked(due.file, begin, Clock::now());
  events.push_back({.kind = Event::Kind::object, .object = due.file, .doubted = true});
}

EventSource::Counters BpfCtime::counters() const {
  Counters sum = names_->counters();
  sum.heard += counts_.heard;
  sum.own += counts_.own;
  sum.lost += counts_.lost + unreachable_;
  return sum;
}

}  // namespace foxing::capture
