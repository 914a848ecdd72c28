// SPDX-License-Identifier: GPL-2.0-or-later
// What of an entry was not as in the source: told with every file event, and printed by --itemize-changes.
#pragma once

#include "core/meta/compare.h"
#include "sys/status.h"

namespace foxing::copy {

struct Changes {
  bool created = false;  // the target had no such name, or something of another type
  bool content = false;  // the data was compared, and differs
  bool size = false;
  bool modified = false;
  bool accessed = false;
  bool mode = false;
  bool owner = false;
  bool group = false;
  bool acls = false;
  bool xattrs = false;

  bool any() const { return created || content || size || modified || accessed || mode || owner || group || acls || xattrs; }

  static Changes creation() { return {.created = true}; }
  void add(const meta::Differences& found) {
    modified |= found.modified;
    accessed |= found.accessed;
    mode |= found.mode;
    owner |= found.owner;
    group |= found.group;
    acls |= found.acls();
    xattrs |= found.xattrs();
  }
};

}  // namespace foxing::copy
