// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/utc.h"

#include <charconv>
#include <ctime>

namespace foxing {

std::optional<std::int64_t> parse_utc(std::string_view text) {
  if (text.size() != kUtcForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kUtcForm.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kUtcForm[i] == '0' ? !digit : text[i] != kUtcForm[i]) return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + length, value);
    return value;
  };
  std::tm parts{};
  parts.tm_year = number(0, 4) - 1900;
  parts.tm_mon = number(5, 2) - 1;
  parts.tm_mday = number(8, 2);
  parts.tm_hour = number(11, 2);
  parts.tm_min = number(13, 2);
  parts.tm_sec = number(15, 2);
  const std::tm wanted = parts;
  const std::time_t time = ::timegm(&parts);  // which takes the 31st of February for a day in March
  const bool is_there = parts.tm_mon == wanted.tm_mon && parts.tm_mday == wanted.tm_mday && parts.tm_hour == wanted.tm_hour &&
                        parts.tm_min == wanted.tm_min && parts.tm_sec == wanted.tm_sec;
  if (!is_there) return std::nullopt;
  return time;
}

}  // namespace foxing
