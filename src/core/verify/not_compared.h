// SPDX-License-Identifier: GPL-2.0-or-later
// Names that are no part of what is mirrored, and are passed over on both sides: Foxing's own, and temporary files of fxcp.
// The form of temporary names is a format that outlives the process: docs/adr/0005-temporary-names-that-say-whose-they-are.md.
#pragma once

#include <string_view>

#include "base/own_names.h"

namespace foxing::verify {

/// ".tmp." and a UUID of version 8 that begins with "fxcp"; whether its maker is alive does not matter here.
constexpr bool is_temporary_of_fxcp(std::string_view name) {
  constexpr std::string_view kBegin = ".tmp.66786370-";
  constexpr std::string_view kForm = ".tmp.66786370-xxxx-8xxx-vxxx-xxxxxxxxxxxx";
  if (name.size() != kForm.size() || !name.starts_with(kBegin)) return false;
  for (std::size_t i = kBegin.size(); i < kForm.size(); ++i) {
    const char c = name[i];
    const bool is_hexadecimal = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    const bool fits = kForm[i] == 'x'   ? is_hexadecimal
                      : kForm[i] == 'v' ? c == '8' || c == '9' || c == 'a' || c == 'b'
                                        : c == kForm[i];
    if (!fits) return false;
  }
  return true;
}

constexpr bool is_not_compared(std::string_view name) { return is_own_name(name) || is_temporary_of_fxcp(name); }

}  // namespace foxing::verify
