// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes and holes of two open regular files.
#pragma once

#include <sys/stat.h>

#include <string_view>

#include "compare_node.h"

namespace foxing::test {

/// Bytes are compared wherever one of the two has data.  Holes first: reading an unwritten extent makes the kernel call it data.
void compare_content(std::string_view path, int a, int b, const struct statx& stat_a, const struct statx& stat_b, bool holes,
                     Verdict& verdict);

}  // namespace foxing::test
