// SPDX-License-Identifier: GPL-2.0-or-later
// Names of temporary files: `.tmp.<uuid>`, in which the UUID says whose it is.
//
// Why.   A run that was killed leaves such names behind.  The next run, and `fxcp --cleanup`, must remove those and nothing
//        else: neither somebody's own `.tmp.notes` nor the file that another fxcp is writing now.
// How.   UUID version 8 (RFC 9562, section 5.8), whose bits are ours to use: "fxcp", machine, boot, start time of the process, its
//        id, a counter.  A name is litter when its process is certainly no longer alive; another machine's or container's is never touched.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sys/fd.h"
#include "sys/process.h"

namespace foxing::copy {

class TempNames {
 public:
  TempNames() : identity_(sys::own_identity()) {}
  /// A name that this run has not used.
  std::string next();

  /// Who made `name`; nothing where it is not one of these names.
  static std::optional<sys::ProcessIdentity> maker_of(std::string_view name);
  /// True where `name` in `directory` is one of these and its maker is surely no longer alive.
  static bool is_litter(sys::FdView directory, std::string_view name);

 private:
  const sys::ProcessIdentity identity_;
  std::atomic<std::uint32_t> counter_{0};
};

}  // namespace foxing::copy
