// SPDX-License-Identifier: GPL-2.0-or-later
// Both sides of an entry that the source and the target have: where they are, what they were when they were looked at, and each opened once.
//
// Why.   Comparing data, notes and attributes, and setting what differs, each need an open file; opening for each of them was half of the calls of a run that
//        finds nothing but changed modes.
// Holds. What is opened is what was looked at: another inode under the name is ESTALE.  Regular files are opened for reading, without moving access times
//        where that is allowed, and as mere places (O_PATH) where reading is not; nothing else is opened otherwise than as a place.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "core/copy/target.h"
#include "core/walk/walk.h"
#include "sys/attributes.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::copy {

class Sides {
 public:
  /// `status` and `there` outlive this.
  Sides(const walk::Hold& directory, std::string name, sys::Links links, const sys::FileStatus& status, TargetDirectory& target,
        std::string target_name, const sys::BornStatus& there)
      : directory_(directory),
        name_(std::move(name)),
        links_(links),
        status_(status),
        target_(target),
        target_name_(std::move(target_name)),
        there_(there) {}

  const walk::Hold& directory() const { return directory_; }
  const std::string& name() const { return name_; }
  sys::Links links() const { return links_; }
  const sys::FileStatus& status() const { return status_; }
  TargetDirectory& target() const { return target_; }
  const std::string& target_name() const { return target_name_; }
  const sys::FileStatus& existing() const { return there_.status; }
  const std::optional<timespec>& born() const { return there_.born; }

  /// For attributes.  Errors: of openat; ESTALE.
  Result<sys::Object> source();
  Result<sys::Object> copy();
  /// For data.  EACCES where it is open as a place only.
  Result<sys::FdView> source_data() { return data(source()); }
  Result<sys::FdView> copy_data() { return data(copy()); }
  /// True where the source was, when it was opened for `source_data`, the version that was looked at.
  bool source_is_as_before() const { return sys::same_version(source_.as_opened, status_); }
  bool are_open() const { return source_.fd || copy_.fd; }

 private:
  struct Side {
    sys::UniqueFd fd;
    sys::Handle handle = sys::Handle::path;
    sys::FileStatus as_opened{};
  };
  static Result<sys::Object> opened(Side& side, sys::FdView directory, const std::string& name, sys::Links links,
                                    const sys::FileStatus& as);
  static Result<sys::FdView> data(Result<sys::Object> object);

  const walk::Hold& directory_;
  const std::string name_;
  const sys::Links links_;
  const sys::FileStatus& status_;
  TargetDirectory& target_;
  const std::string target_name_;
  const sys::BornStatus& there_;
  Side source_;
  Side copy_;
};

}  // namespace foxing::copy
