// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/governor/deadline.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <vector>

#include "base/text.h"

namespace foxing::governor {
namespace {

/// What was given; -1 where it was not.
struct Given {
  int year = -1;
  int month = -1;
  int day = -1;
  int hour = -1;
  int minute = -1;
};

std::optional<int> parse_number(std::string_view text) {
  int number = 0;
  const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || text[0] == '-' || problem != std::errc{} || rest != text.data() + text.size() || number > 99'999)
    return std::nullopt;
  return number;
}

bool parse_date(std::string_view text, Given& given) {
  std::vector<int> numbers;
  while (true) {
    const std::size_t end = text.find_first_of("-/");
    const auto number = parse_number(text.substr(0, end));
    if (!number) return false;
    numbers.push_back(*number);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  if (numbers.size() > 3) return false;
  given.day = numbers.back();
  if (numbers.size() > 1) given.month = numbers[numbers.size() - 2];
  if (numbers.size() > 2) given.year = numbers[0] < 100 ? 2000 + numbers[0] : numbers[0];
  return given.day >= 1 && given.day <= 31 && (given.month == -1 || (given.month >= 1 && given.month <= 12));
}

bool parse_time(std::string_view text, bool hour_may_be_absent, Given& given) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const auto minute = parse_number(text.substr(colon + 1));
  if (!minute || *minute > 59) return false;
  given.minute = *minute;
  if (colon == 0) return hour_may_be_absent;
  const auto hour = parse_number(text.substr(0, colon));
  if (!hour || *hour > 23) return false;
  given.hour = *hour;
  return true;
}

bool parse_given(std::string_view text, Given& given) {
  const std::size_t mark = text.find_first_of("Tt");
  if (mark == std::string_view::npos) {
    if (text.find(':') == std::string_view::npos) return parse_date(text, given);
    return parse_time(text, true, given);
  }
  if (mark > 0 && !parse_date(text.substr(0, mark), given)) return false;
  const std::string_view time = text.substr(mark + 1);
  if (time.empty()) return mark > 0;
  return parse_time(time, false, given);
}

std::time_t local(int year, int month, int day, int hour, int minute) {
  std::tm time{};
  time.tm_year = year - 1900;
  time.tm_mon = month - 1;
  time.tm_mday = day;
  time.tm_hour = hour;
  time.tm_min = minute;
  time.tm_isdst = -1;
  return std::mktime(&time);
}

/// The days of a month; 29 in a leap year's February.
int days_in(int year, int month) {
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (month == 2) return leap ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/// The next one in the month `year`, `month`, if there is one.
std::optional<std::time_t> in_month(const Given& given, int year, int month, std::time_t now) {
  const int hour = given.hour == -1 ? 0 : given.hour;
  const int minute = given.minute == -1 ? 0 : given.minute;
  const int first = given.day == -1 ? 1 : given.day;
  const int last = given.day == -1 ? days_in(year, month) : given.day;
  for (int day = first; day <= last && day <= days_in(year, month); ++day) {
    const std::time_t time = local(year, month, day, hour, minute);
    if (time > now) return time;
  }
  return std::nullopt;
}

}  // namespace

Result<std::chrono::minutes> parse_stop_after(std::string_view text) {
  std::int64_t minutes = 0;
  const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), minutes);
  if (problem != std::errc{} || rest != text.data() + text.size() || minutes < 1 || minutes > 1'000'000'000)
    return fail(0, "--stop-after", {}, fmt::format("'{}' is not a number of minutes, at least 1", printable(text)));
  return std::chrono::minutes(minutes);
}

Result<std::time_t> parse_stop_at(std::string_view text, std::time_t now) {
  const auto refuse = [&](std::string_view why) {
    return fail(0, "--stop-at", {}, fmt::format("'{}' {}", printable(text), why));
  };
  Given given;
  if (!parse_given(text, given))
    return refuse("is not a time: YEAR-MONTH-DAYTHOUR:MINUTE, of which parts may be left out, as 14:00 or 12-31");
  std::tm today{};
  ::localtime_r(&now, &today);
  if (given.day == -1 && given.hour == -1) {
    // Minutes of the hour.  In steps of an hour rather than by the calendar: that is the next one also where clocks are set back.
    const std::time_t time = now - today.tm_sec + (given.minute - today.tm_min) * std::time_t{60};
    return time > now ? time : time + 3600;
  }
  if (given.year != -1) {
    if (given.day > days_in(given.year, given.month)) return refuse("is a day that there is not");
    const auto time = in_month(given, given.year, given.month, now);
    if (!time) return refuse("is not in the future");
    return *time;
  }
  int year = today.tm_year + 1900;
  int month = today.tm_mon + 1;
  // Nine years: 29 February may be as far away as that, around a century that is no leap year.
  for (int months = 0; months <= 9 * 12; ++months) {
    if (given.month == -1 || given.month == month) {
      if (const auto time = in_month(given, year, month, now)) return *time;
    }
    if (++month > 12) month = 1, ++year;
  }
  return refuse("is a day that there is not");
}

}  // namespace foxing::governor
