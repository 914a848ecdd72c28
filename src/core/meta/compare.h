// SPDX-License-Identifier: GPL-2.0-or-later
// Comparing: what of an object is not as `apply` would leave it.
//
//   from  two objects and their status        to  Differences, as a value
//
// Holds. Sees exactly what `apply` keeps under the same policy: after an `apply` without losses nothing differs, and what only root may set is
//        not missed when an ordinary user compares.  Labels of security modules are not compared: the module decides what a file gets.
// Cost.  Two listxattr calls, none where the policy keeps no attributes; values are read only where both sides have names to compare.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "core/meta/meta.h"
#include "core/meta/modify_window.h"
#include "sys/attributes.h"
#include "sys/status.h"

namespace foxing::meta {

struct Differences {
  bool mode = false;
  bool owner = false;
  bool group = false;
  bool modified = false;
  bool accessed = false;
  std::vector<std::string> attributes;  // names of extended attributes and ACLs that differ or are on one side only
  bool no_attributes = false;  // both sides were asked, and have none

  bool any() const { return mode || owner || group || modified || accessed || !attributes.empty(); }
  bool acls() const;
  bool xattrs() const;  // others than ACLs
};

/// The part that stat tells.  Symbolic links have no mode.  `window`: modification times this close count as equal.
Differences status_differences(const sys::FileStatus& source, const sys::FileStatus& target, const Policy& policy,
                               ModifyWindow window = {});

/// All of it.  Errors: of listxattr and getxattr; EOPNOTSUPP is an empty list.
Result<Differences> differences(sys::Object source, const sys::FileStatus& source_status, sys::Object target,
                                const sys::FileStatus& target_status, const Policy& policy, ModifyWindow window = {});

/// As above for two names below open directories, neither of which is followed; opens nothing where neither has attributes.
Result<Differences> differences_at(sys::FdView source, sys::CString source_name, const sys::FileStatus& source_status,
                                   sys::FdView target, sys::CString target_name, const sys::FileStatus& target_status,
                                   const Policy& policy, ModifyWindow window = {});

}  // namespace foxing::meta
