// SPDX-License-Identifier: GPL-2.0-or-later
// Which entries of a snapshot are meant: one pattern, of paths or of names.
//   from  --file GLOB        to  restore_some, inspecting
// Holds. A pattern with a slash is for the whole path from the root of the snapshot, one without for the last name, wherever it is.  Wildcards are rsync's: `*`
//        does not match a slash, `**` does.  What has none is looked up without reading the entries before it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace foxing::archive {

class Selection {
 public:
  /// EINVAL where nothing could match.
  static Result<Selection> of(std::string_view pattern);
  bool selects(std::string_view path) const;
  /// All that is selected is this, or below it; "" for the root.
  const std::string& place() const { return place_; }
  /// True where neither `path` nor what follows it can be selected.
  bool is_behind(std::string_view path) const;

 private:
  std::string pattern_;
  std::string place_;
  bool whole_path_ = false;
};

}  // namespace foxing::archive
