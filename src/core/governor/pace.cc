// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/governor/pace.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/text.h"

namespace foxing::governor {
namespace {

/// Bytes and nanoseconds multiplied: 1 PiB/s over a year has 75 bits.
__extension__ typedef unsigned __int128 Wide;
constexpr std::uint64_t kSecond = 1'000'000'000;

tl::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(0, "--bwlimit", {}, fmt::format("'{}' {}", printable(text), why));
}

/// A decimal number at the front of `text`, which it loses; no sign, no exponent.
std::optional<double> take_number(std::string_view& text) {
  const std::size_t length = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const auto [rest, problem] = std::from_chars(text.data(), text.data() + length, number, std::chars_format::fixed);
  if (length == 0 || problem != std::errc{} || rest != text.data() + length) return std::nullopt;
  text.remove_prefix(length);
  return number;
}

std::optional<double> unit_of(std::string_view unit) {
  if (unit.empty()) return 1024;
  std::string lower(unit);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  if (lower == "b") return 1;
  static constexpr std::string_view kLetters = "kmgtp";
  const std::size_t power = kLetters.find(lower[0]);
  if (power == std::string_view::npos) return std::nullopt;
  const std::string_view rest = std::string_view(lower).substr(1);
  if (!rest.empty() && rest != "b" && rest != "ib") return std::nullopt;
  return std::pow(rest == "b" ? 1000.0 : 1024.0, static_cast<double>(power + 1));
}

Result<Bytes> parse_bytes(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  if (!number) return refuse(text, "is not a rate: a number, with K, M, G, T or none for KiB per second, or FILES/s");
  double offset = 0;
  if (rest.ends_with("+1") || rest.ends_with("-1")) {
    offset = rest[rest.size() - 2] == '+' ? 1 : -1;
    rest.remove_suffix(2);
  }
  const auto unit = unit_of(rest);
  if (!unit)
    return refuse(text, fmt::format("has an unknown unit '{}': K, M, G, T, P, with iB for 1024 and B for 1000, or B for bytes",
                                    printable(rest)));
  const double rate = *number * *unit + offset;
  if (rate == 0) return Bytes(0);
  if (rate < 512) return refuse(text, "is less than 512 bytes per second (0 is no limit)");
  if (rate > 9e18) return refuse(text, "is more than can be counted");
  return Bytes(static_cast<std::uint64_t>(rate));
}

Result<std::uint64_t> parse_files(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  if (!number || rest != "/s") return refuse(text, "is not a number of files per second, as 500/s");
  if (*number != 0 && *number < 0.001) return refuse(text, "is less than one file in 1000 seconds (0/s is no limit)");
  if (*number > 1e12) return refuse(text, "is more than can be counted");
  return static_cast<std::uint64_t>(std::llround(*number * 1000));
}

std::uint64_t scaled(std::uint64_t a, std::uint64_t by, std::uint64_t over) {
  return static_cast<std::uint64_t>(Wide{a} * by / over);
}

}  // namespace

Result<Limits> parse_limits(std::string_view text) {
  Limits limits;
  const std::size_t comma = text.find(',');
  const std::string_view first = text.substr(0, comma);
  if (comma == std::string_view::npos && first.ends_with("/s")) {
    limits.millifiles_per_second = FOX_TRY(parse_files(first));
    return limits;
  }
  limits.bytes_per_second = FOX_TRY(parse_bytes(first));
  if (comma != std::string_view::npos) limits.millifiles_per_second = FOX_TRY(parse_files(text.substr(comma + 1)));
  return limits;
}

Duration Bucket::take(std::uint64_t units, Duration now) {
  if (!begun_) start_ = now;
  begun_ = true;
  const auto elapsed = static_cast<std::uint64_t>(std::max(Duration(0), now - start_).count());
  // What was not used until now is lost, but for the burst.
  taken_ = std::max(taken_, scaled(elapsed, rate_, kSecond)) + units;
  const std::uint64_t burst = scaled(static_cast<std::uint64_t>(kBurst.count()), rate_, kSecond);
  const std::uint64_t due = taken_ > burst ? taken_ - burst : 0;
  const Wide ready = (Wide{due} * kSecond + rate_ - 1) / rate_;
  if (ready <= elapsed) return Duration(0);
  return Duration(static_cast<std::int64_t>(std::min(ready - elapsed, Wide{kSecond} * 3600 * 24 * 365)));
}

Pace::Pace(Limits limits)
    : limits_(limits),
      bytes_(std::max<std::uint64_t>(limits.bytes_per_second.value, 1)),
      files_(std::max<std::uint64_t>(limits.millifiles_per_second, 1)) {}

Duration Pace::take(Bytes bytes, TimePoint now) {
  if (limits_.bytes_per_second.value == 0) return Duration(0);
  const std::lock_guard lock(mutex_);
  return bytes_.take(bytes.value, now.time_since_epoch());
}

Duration Pace::take_file(TimePoint now) {
  if (limits_.millifiles_per_second == 0) return Duration(0);
  const std::lock_guard lock(mutex_);
  return files_.take(1000, now.time_since_epoch());
}

Bytes Pace::piece(Bytes wanted) const {
  if (limits_.bytes_per_second.value == 0) return wanted;
  const std::uint64_t most = std::max<std::uint64_t>(limits_.bytes_per_second.value / 10, (64_KiB).value);
  return std::min(wanted, Bytes(most / 65536 * 65536));
}

}  // namespace foxing::governor
