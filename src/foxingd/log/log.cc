// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/log/log.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "base/text.h"

namespace foxing::logging {
namespace {

std::atomic<Level> most_detailed{Level::info};

}  // namespace

void set_most_detailed(Level level) { most_detailed.store(level); }

void write(Level level, const std::string& line) {
  if (level > most_detailed.load(std::memory_order_relaxed)) return;
  // journald reads the level from "<6>" in front, and sets this where it reads standard error.
  static const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
  const std::string whole =
      journal ? fmt::format("<{}>{}\n", static_cast<int>(level), printable(line)) : fmt::format("foxingd: {}\n", printable(line));
  std::fwrite(whole.data(), 1, whole.size(), stderr);
}

std::string told(const Error& error) {
  return error.subject.empty() ? error.message() : fmt::format("{}: {}", error.subject, error.message());
}

}  // namespace foxing::logging
