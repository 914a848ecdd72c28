// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/snapshot/epoch.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace foxing::snapshot {

constexpr std::string_view kForm = "0000-00-00T000000";

std::optional<std::string> name_of(const Epoch& epoch) {
  const std::time_t time = epoch.seconds;
  std::tm parts{};
  if (::gmtime_r(&time, &parts) == nullptr || parts.tm_year < -1900 || parts.tm_year > 8099) return std::nullopt;
  std::string name = fmt::format("{:04}-{:02}-{:02}T{:02}{:02}{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                                 parts.tm_hour, parts.tm_min, parts.tm_sec);
  if (epoch.number > 1) name += fmt::format("-{}", epoch.number);
  return name;
}

std::optional<Epoch> parse_epoch(std::string_view name) {
  if (name.size() < kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = name[i] >= '0' && name[i] <= '9';
    if (kForm[i] == '0' ? !digit : name[i] != kForm[i]) return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = 0;
    std::from_chars(name.data() + at, name.data() + at + length, value);
    return value;
  };
  std::tm parts{};
  parts.tm_year = number(0, 4) - 1900;
  parts.tm_mon = number(5, 2) - 1;
  parts.tm_mday = number(8, 2);
  parts.tm_hour = number(11, 2);
  parts.tm_min = number(13, 2);
  parts.tm_sec = number(15, 2);
  Epoch epoch{.seconds = ::timegm(&parts)};
  if (name.size() > kForm.size() + 1 && name[kForm.size()] == '-') {
    const char* const end = name.data() + name.size();
    const auto [rest, problem] = std::from_chars(name.data() + kForm.size() + 1, end, epoch.number);
    if (problem != std::errc{} || rest != end || epoch.number > kMostInOneSecond) return std::nullopt;
  }
  // The 31st of February is a day in March, and "-02" is -2: only one spelling is a name.
  return name_of(epoch) == name ? std::optional(epoch) : std::nullopt;
}

bool is_tag(std::string_view text) {
  if (text.empty() || text.size() > 64 || text.front() == '.' || text.front() == '-' || text == "latest") return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (is_digit(text.front())) return false;  // could be the beginning of an epoch
  return std::ranges::all_of(text, [&](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("._-+@").find(c) != std::string_view::npos;
  });
}

}  // namespace foxing::snapshot
