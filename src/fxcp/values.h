// SPDX-License-Identifier: GPL-2.0-or-later
// Values of options: numbers and sizes as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/strong.h"

namespace foxing::fxcp {

/// "-12".  Nothing for anything else, and for what does not fit.
std::optional<std::int64_t> parse_number(std::string_view text);

/// Bytes as rsync writes them: "4096", "4K" and "4KiB" (1024), "4KB" (1000), also with a point ("1.5G"), and b for bytes; "+1" and "-1" behind it add and take one
/// byte.  Upper or lower case.  Nothing for anything else, and from 2^63 on.
std::optional<Bytes> parse_size(std::string_view text);

}  // namespace foxing::fxcp
