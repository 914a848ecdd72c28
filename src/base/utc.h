// SPDX-License-Identifier: GPL-2.0-or-later
// A moment in UTC as people and names write it: "2026-03-12T101500".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace foxing {

inline constexpr std::string_view kUtcForm = "0000-00-00T000000";

/// Seconds since 1970; nothing for anything but kUtcForm, and for moments that are not there (the 31st of February).
std::optional<std::int64_t> parse_utc(std::string_view text);

}  // namespace foxing
