// SPDX-License-Identifier: GPL-2.0-or-later
// Recording: a stream of events as bytes that outlive the process.  docs/formats/recording.md is the format.
//   from  recorder.h        to  replay.h
// Why.   Handles mean something on one filesystem only; so a directory is said by its path, as it was when the recording ended, and a file by its name in it.
// Holds. What comes from a file is believed in nothing: a byte that is wrong, missing or too many is an error that says where.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "foxingd/capture/event.h"

namespace foxing::capture {

/// Numbers of directories are those of Recording::directories.
struct RecordedEvent {
  Event::Kind kind = Event::Kind::name;
  std::chrono::microseconds at{0};  // since the beginning
  std::optional<std::uint64_t> directory = {};
  std::string name = {};
  std::optional<std::uint64_t> to_directory = {};
  std::string to_name = {};
  friend bool operator==(const RecordedEvent&, const RecordedEvent&) = default;
};

struct Recording {
  std::vector<std::string> directories;  // paths below the source; empty: itself
  std::vector<RecordedEvent> events;
  std::uint64_t left_out = 0;  // outside of the source, or gone before they could be asked for their path
  friend bool operator==(const Recording&, const Recording&) = default;
};

class RecordingWriter {
 public:
  /// Appends to `out`, beginning with the header.
  explicit RecordingWriter(std::string& out);
  /// A new number, the next one; or a new place of one that there is.
  void directory(std::uint64_t number, std::string_view path);
  void event(const RecordedEvent& event);
  void end(std::uint64_t left_out);

 private:
  void record(std::string_view body);
  std::string& out_;
  std::uint64_t events_ = 0;
};

/// Errors (code 0) say what is wrong and at which byte.
Result<Recording> parse_recording(std::string_view bytes);
/// As long as a recording can be: what is read is held in memory.
inline constexpr std::uint64_t kLongestRecording = 64 << 20;
Result<Recording> read_recording(const std::string& path);

}  // namespace foxing::capture
