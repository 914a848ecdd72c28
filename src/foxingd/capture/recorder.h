// SPDX-License-Identifier: GPL-2.0-or-later
// Recorder: turns events, which speak of handles, into records, which speak of paths.
//   from  an EventSource        to  RecordingWriter
// Holds. Every event is recorded, or counted as left out: its directory lies outside of the source, or was gone before it could be asked for its path.
// Not here: files, time, signals (src/foxingd/record.cc).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>

#include "foxingd/capture/recording.h"
#include "sys/fd.h"

namespace foxing::capture {

class Recorder {
 public:
  /// `root` outlives this.  Errors: where the root lies cannot be found out.
  static Result<Recorder> create(sys::FdView root);

  void take(const Event& event, std::chrono::microseconds at);
  /// Directories are said where they are now, and that was all.
  void finish();
  /// What has been recorded since the last time, for the file.
  std::string take_bytes() { return std::exchange(bytes_, {}); }

  struct Counters {
    std::uint64_t events = 0;
    std::uint64_t left_out = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  struct Known {
    std::optional<std::uint64_t> number;  // nothing: outside
    std::string path;
  };
  Recorder(sys::FdView root, std::string root_path) : root_(root), root_path_(std::move(root_path)) {}
  std::optional<std::string> path_below(const sys::FileHandle& object) const;
  std::optional<std::uint64_t> number_of(const sys::FileHandle& directory);
  bool record(const Event& event, std::chrono::microseconds at);

  sys::FdView root_;
  std::string root_path_;
  std::unordered_map<sys::FileHandle, Known> known_;
  std::uint64_t numbers_ = 0;
  std::string bytes_;
  std::optional<RecordingWriter> writer_;
  Counters counters_;
};

}  // namespace foxing::capture
