// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/values.h"

#include <charconv>
#include <cmath>

namespace foxing::fxcp {
namespace {

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

/// The power of the letter; -1 for none.
int power_of(char letter) {
  constexpr std::string_view kLetters = "bkmgtp";
  const std::size_t at = kLetters.find(lower(letter));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc{} || rest != end) return std::nullopt;
  return number;
}

std::optional<Bytes> parse_size(std::string_view text) {
  double correction = 0;
  if (text.size() > 2 && (text.ends_with("+1") || text.ends_with("-1"))) {
    correction = text[text.size() - 2] == '+' ? 1 : -1;
    text.remove_suffix(2);
  }
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (problem != std::errc{} || number < 0 || !std::isfinite(number)) return std::nullopt;
  std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  double base = 1024;
  int power = 0;
  if (!unit.empty()) {
    power = power_of(unit.front());
    if (power < 0) return std::nullopt;
    unit.remove_prefix(1);
    if (unit.size() == 2 && lower(unit[0]) == 'i' && lower(unit[1]) == 'b') unit = {};
    if (unit.size() == 1 && lower(unit[0]) == 'b') {
      base = 1000;
      unit = {};
    }
    if (!unit.empty()) return std::nullopt;
  }
  const double bytes = std::floor(number * std::pow(base, power)) + correction;
  if (bytes < 0 || bytes >= std::ldexp(1.0, 63)) return std::nullopt;
  return Bytes(static_cast<std::uint64_t>(bytes));
}

}  // namespace foxing::fxcp
