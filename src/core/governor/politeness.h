// SPDX-License-Identifier: GPL-2.0-or-later
// --nice and --ionice: what the kernel's own schedulers are told.  Once, before there are workers, which inherit it.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "sys/scheduling.h"

namespace foxing::governor {

struct IoPriority {
  sys::IoClass io_class = sys::IoClass::best_effort;
  int level = 4;  // 0 first, 7 last; for best_effort
};

struct Politeness {
  std::optional<int> nice;
  std::optional<IoPriority> io;
};

/// -20 to 19.  An error without errno says what is wrong.
Result<int> parse_nice(std::string_view text);
/// "idle", "best-effort" or "best-effort:0" to "best-effort:7".
Result<IoPriority> parse_io_priority(std::string_view text);

/// For the calling thread and those it makes.  EPERM, EACCES: less than now needs CAP_SYS_NICE.
Result<> apply(const Politeness& politeness);

}  // namespace foxing::governor
