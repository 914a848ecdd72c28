// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/walk/unsafe_links.h"

#include <algorithm>

namespace foxing::walk {

bool is_unsafe_link(std::string_view text, unsigned levels) {
  if (text.empty() || text.front() == '/') return true;
  bool climbing = true;
  unsigned climbed = 0;
  while (!text.empty()) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view name = text.substr(0, slash);
    const bool last = slash == text.size();
    text.remove_prefix(std::min(slash + 1, text.size()));
    if (name.empty()) continue;  // "a//b"
    if (name != "..") {
      climbing = false;
      continue;
    }
    if (!climbing) return true;
    if (last && climbed > 0) return true;  // "../.."
    if (++climbed > levels) return true;
  }
  return false;
}

bool is_unsafe_link(std::string_view text, const Directory& directory) {
  unsigned levels = 0;
  for (const Directory* at = &directory; at->parent() != nullptr; at = at->parent()) ++levels;
  return is_unsafe_link(text, levels);
}

bool leads_out(const Directory& directory, const char* name) {
  const auto text = sys::read_link_at(directory.fd(), name);
  return text && is_unsafe_link(*text, directory);
}

}  // namespace foxing::walk
