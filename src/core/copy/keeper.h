// SPDX-License-Identifier: GPL-2.0-or-later
// The keeper: what gives way in the target is kept under another name instead of being lost (--backup, --backup-dir, --trash).
//
//   from  deleting.cc (what is deleted), target.cc (what is replaced)        to  NAME~ beside it, or the same path below another directory
//
// Holds. A replaced file gets its second name before the new one takes the first: at no moment is it without a name.  Where keeping fails the original stays.
//        Below another directory the path is made as it is in the target, open to nobody else.  One filesystem: nothing is copied.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/copy/temp_names.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::copy {

class Keeper {
 public:
  struct Options {
    std::string suffix;  // appended to the name; may be empty with a directory
    bool replaced = true;  // also what is replaced, not only what is deleted
  };
  /// Beside the original.
  Keeper(Options options, TempNames& names) : options_(std::move(options)), names_(names) {}
  /// Below `directory`, which lies on the filesystem of the target.
  Keeper(Options options, TempNames& names, sys::UniqueFd directory);

  bool keeps_replaced() const { return options_.replaced; }
  bool keeps_beside() const { return !directory_; }
  /// A name as this keeper makes them beside the original, now or in an earlier run: NAME~, and NAME~.7 where there was one.
  bool is_kept_name(std::string_view name) const;
  /// True for the directory that kept things go to, and those above it.
  bool leads_to_kept(const FileKey& key) const;

  /// Gives `name` in `directory`, which is about to be replaced, a second name.  Nothing to do for a directory, or where there is no such name.
  /// `relative`: the path of `directory` below the target's root.
  Result<> keep_replaced(sys::FdView directory, const std::string& relative, const std::string& name);
  /// Moves `name` away, a directory with all that is in it; it is kept as what was called `kept_as`.
  Result<> keep_deleted(sys::FdView directory, const std::string& relative, const std::string& name, const std::string& kept_as);

 private:
  struct Place {
    sys::UniqueFd owned;
    sys::FdView directory;
    std::string name;
  };
  Result<Place> place_for(sys::FdView directory, const std::string& relative, const std::string& name) const;

  const Options options_;
  TempNames& names_;
  const sys::UniqueFd directory_;  // invalid: beside the original
  std::vector<FileKey> way_;  // directory_ and all above it
};

}  // namespace foxing::copy
