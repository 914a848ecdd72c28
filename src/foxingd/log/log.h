// SPDX-License-Identifier: GPL-2.0-or-later
// The log: lines for people and for journald, on standard error.  One line a call, whole lines only; names in it are made printable here.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/error.h"

namespace foxing::logging {

/// As syslog(3) numbers them, so that journald keeps them apart.
enum class Level : unsigned char { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

void set_most_detailed(Level level);
void write(Level level, const std::string& line);

template <class... Values>
void error(fmt::format_string<Values...> text, Values&&... values) {
  write(Level::error, fmt::format(text, std::forward<Values>(values)...));
}
template <class... Values>
void warning(fmt::format_string<Values...> text, Values&&... values) {
  write(Level::warning, fmt::format(text, std::forward<Values>(values)...));
}
template <class... Values>
void info(fmt::format_string<Values...> text, Values&&... values) {
  write(Level::info, fmt::format(text, std::forward<Values>(values)...));
}

/// "path: openat: Permission denied"
std::string told(const Error& error);

}  // namespace foxing::logging
