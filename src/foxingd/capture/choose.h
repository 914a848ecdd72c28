// SPDX-License-Identifier: GPL-2.0-or-later
// Choosing a source of events by its word in the configuration: `capture = "auto"`, or one of those in the table of choose.cc.
//   from  the configuration        to  a source that listens, and why those before it in the table do not
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "foxingd/capture/event_source.h"
#include "sys/filesystem_events.h"

namespace foxing::capture {

inline constexpr std::string_view kAuto = "auto";

/// "auto", and the words of all sources, the best one first.
std::vector<std::string_view> words();
bool is_word(std::string_view word);

struct Wishes {
  sys::FanotifyGroup::Queue queue = sys::FanotifyGroup::Queue::unlimited;
  std::chrono::milliseconds poll_interval = std::chrono::seconds(10);
  std::string recording = {};  // a file: it is told once more, and nothing else is heard of
};

struct Chosen {
  struct Declined {
    const char* name;
    Error why;
  };
  std::unique_ptr<EventSource> source;
  std::vector<Declined> declined;  // better ones
};
/// Starts the source named `word`, or with "auto" the first one that can be started.  Errors: of the one that was asked for; of the last one.
Result<Chosen> choose(std::string_view word, sys::FdView root, const Wishes& wishes);

}  // namespace foxing::capture
