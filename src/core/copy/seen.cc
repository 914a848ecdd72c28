// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/seen.h"

#include <fmt/format.h>

#include <string>

namespace foxing::copy {
namespace {

std::string note_of(const sys::FileStatus& source) {
  const auto shown = [](const timespec& time) { return fmt::format("{}.{:09}", time.tv_sec, time.tv_nsec); };
  return fmt::format("1 {} {} {} {}", source.inode().value, source.size().value, shown(source.modified()),
                     shown(source.changed()));
}

}  // namespace

bool was_seen(sys::Object copy, const sys::FileStatus& source) {
  std::string note;
  return sys::get_attribute(copy, kSeenAttribute, note) && note == note_of(source);
}

void leave_seen(sys::Object copy, const sys::FileStatus& source) {
  (void)sys::set_attribute(copy, kSeenAttribute, note_of(source));
}

}  // namespace foxing::copy
