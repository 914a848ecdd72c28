// SPDX-License-Identifier: GPL-2.0-or-later
// The polling source: looks at every directory from time to time, and tells which differ from the last look.
//
//   from  getdents64 and fstatat below the source        to  Event::Kind::name, itself, inside
//
// Why.   The last resort: for network filesystems, of which the kernel hears only what this machine does, for those that fanotify cannot watch (overlayfs,
//        FUSE), and for whoever has no privilege.
// How.   The first look is in start(), before anything is copied: so what is copied later is at least as new as what is remembered.  A look is taken in
//        pieces, between which the mirror works.  Where names came or went all that the directory has, and had, is looked at (inside).
// Holds. A file whose ctime is younger than kDoubt is told once more in the next look: a clock with coarse steps can hide a second change behind the first.
//        Nothing is opened but directories, nothing is followed, other filesystems are not entered.
// Cost.  Memory: about 300 bytes a directory, whatever is in it; while it is read, its names.  Time: 2 to 3 us a name, each look.
// Not here: renames (they are a name that went and one that came; a directory's is seen by who knows its handle), and changes that are undone between two looks.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/strong.h"
#include "foxingd/capture/directory_digest.h"
#include "foxingd/capture/event_source.h"
#include "sys/waiting.h"

namespace foxing::capture {

class Poll final : public EventSource {
 public:
  static constexpr std::chrono::seconds kDoubt{2};  // the coarsest times that filesystems in use have

  /// Looks for the first time; then again `interval` after the end of each look.
  static Result<std::unique_ptr<EventSource>> start(sys::FdView root, std::chrono::milliseconds interval);
  static Coverage known_coverage() {
    return Coverage::all().without(Operation::mapped_write).without(Operation::close_after_write);
  }

  const char* name() const override { return "poll"; }
  Coverage coverage() const override { return known_coverage(); }
  sys::FdView descriptor() const override { return alarm_.fd(); }
  Result<bool> poll(std::vector<Event>& events, std::size_t most) override;
  void look_now() override;
  Counters counters() const override { return counters_; }

 private:
  struct Known {
    DirectoryDigest digest;
    std::uint64_t look = 0;  // in which it was met last
  };
  /// A directory that is still to be looked at in this look.
  struct Due {
    std::string path;
    sys::FileHandle parent = {};
    std::string name = {};
  };
  struct Seen {
    DirectoryDigest digest;
    std::vector<std::string> files;  // and all else but directories, which tell of themselves
  };

  Poll(sys::UniqueFd root, DeviceId device, sys::Alarm alarm, std::chrono::milliseconds interval)
      : root_(std::move(root)), device_(device), alarm_(std::move(alarm)), interval_(interval) {}
  Result<> wake_in(std::chrono::milliseconds pause) { return alarm_.set(std::chrono::steady_clock::now() + pause); }
  void begin();
  void end();
  Result<> visit(const Due& due, std::vector<Event>& events);
  Result<Seen> read(sys::FdView directory, const sys::FileHandle& handle, const std::string& path);
  void tell(const sys::FileHandle& directory, const Seen& seen, std::vector<Event>& events);
  void cannot_read(const Due& due, std::vector<Event>& events);

  const sys::UniqueFd root_;
  const DeviceId device_;
  sys::Alarm alarm_;
  const std::chrono::milliseconds interval_;
  std::unordered_map<sys::FileHandle, Known> known_;
  std::unordered_set<std::string> unreadable_;  // paths: told once
  std::vector<Due> due_;
  std::uint64_t look_ = 0;
  bool is_looking_ = false;
  bool once_more_ = false;
  std::size_t looked_at_ = 0;  // names, in this piece
  Counters counters_;
};

}  // namespace foxing::capture
