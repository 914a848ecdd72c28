// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/seen.h"

#include <fmt/format.h>

#include <string>

namespace foxing::copy {

std::string version_of(const sys::FileStatus& source) {
  return fmt::format("1 {} {} {} {}", source.inode().value, source.size().value, sys::to_text(source.modified()),
                     sys::to_text(source.changed()));
}

bool was_seen(sys::Object copy, const sys::FileStatus& source) {
  std::string note;
  return sys::get_attribute(copy, kSeenAttribute, note) && note == version_of(source);
}

void leave_seen(sys::Object copy, const sys::FileStatus& source) {
  (void)sys::set_attribute(copy, kSeenAttribute, version_of(source));
}

}  // namespace foxing::copy
