// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/snapshot/epoch.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/utc.h"

namespace foxing::snapshot {

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
  const auto seconds = parse_utc(name.substr(0, kUtcForm.size()));
  if (!seconds) return std::nullopt;
  Epoch epoch{.seconds = *seconds};
  if (name.size() > kUtcForm.size() + 1 && name[kUtcForm.size()] == '-') {
    const char* const end = name.data() + name.size();
    const auto [rest, problem] = std::from_chars(name.data() + kUtcForm.size() + 1, end, epoch.number);
    if (problem != std::errc{} || rest != end || epoch.number > kMostInOneSecond) return std::nullopt;
  }
  // "-02" is -2: only one spelling is a name.
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
