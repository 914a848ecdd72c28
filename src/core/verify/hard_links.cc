// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/verify/hard_links.h"

namespace foxing::verify {

std::optional<std::string> HardLinks::look(Groups& groups, const sys::FileStatus& status, const FileKey& other,
                                           const std::string& path, bool* same) {
  if (status.links() < 2) return std::nullopt;
  const auto [at, is_new] = groups.try_emplace(status.key(), Group{other, path, status.links(), false});
  Group& group = at->second;
  const bool fits = group.other == other;
  std::optional<std::string> first = fits ? std::nullopt : std::optional(group.path);
  if (same != nullptr) *same = !is_new && fits && group.same;
  if (--group.names_to_come == 0) groups.erase(at);
  return first;
}

HardLinks::Meeting HardLinks::meet(const sys::FileStatus& a, const sys::FileStatus& b, const std::string& path) {
  const std::lock_guard lock(mutex_);
  Meeting meeting;
  using enum Difference::What;
  const auto one_in_a = look(of_a_, a, b.key(), path, &meeting.known_same);
  const auto one_in_b = look(of_b_, b, a.key(), path, nullptr);
  if (one_in_a) {
    meeting.difference = Difference{hard_link, "one file", "two files", *one_in_a};
  } else if (one_in_b) {
    meeting.difference = Difference{hard_link, "two files", "one file", *one_in_b};
  }
  return meeting;
}

void HardLinks::compared_same(const FileKey& a, const FileKey& b) {
  const std::lock_guard lock(mutex_);
  if (const auto at = of_a_.find(a); at != of_a_.end() && at->second.other == b) at->second.same = true;
}

}  // namespace foxing::verify
