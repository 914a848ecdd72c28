// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/selection.h"

#include "core/archive/entry.h"
#include "core/filter/wildcard.h"

namespace foxing::archive {

Result<Selection> Selection::of(std::string_view pattern) {
  Selection selection;
  selection.whole_path_ = pattern.find('/') != std::string_view::npos;
  while (pattern.starts_with('/') || pattern.starts_with("./")) pattern.remove_prefix(pattern.front() == '/' ? 1 : 2);
  while (pattern.ends_with('/')) pattern.remove_suffix(1);
  if (pattern.empty()) return fail(EINVAL, "", {}, "the pattern is empty; the whole snapshot is what import restores");
  selection.pattern_ = pattern;
  if (!selection.whole_path_) return selection;
  const std::size_t wild = pattern.find_first_of("*?[\\");
  if (wild == std::string_view::npos) {
    selection.place_ = pattern;
  } else if (const std::size_t slash = pattern.substr(0, wild).rfind('/'); slash != std::string_view::npos) {
    selection.place_ = pattern.substr(0, slash);
  }
  return selection;
}

bool Selection::selects(std::string_view path) const {
  if (!whole_path_) path.remove_prefix(path.rfind('/') + 1);  // npos + 1 is 0
  return filter::wildcard_match(pattern_, path, filter::Dialect::rsync);
}

bool Selection::is_behind(std::string_view path) const {
  if (place_.empty() || compare_paths(path, place_) <= 0) return false;
  return !(path.starts_with(place_) && path[place_.size()] == '/');
}

}  // namespace foxing::archive
