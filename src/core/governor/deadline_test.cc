// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/governor/deadline.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <stdlib.h>

#include <array>

namespace foxing::governor {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

/// Sets the time zone of this process for one test.
class Zone {
 public:
  explicit Zone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  ~Zone() {
    ::unsetenv("TZ");
    ::tzset();
  }
};

std::string local_text(std::time_t time) {
  std::tm parts{};
  ::localtime_r(&time, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

std::string parsed(std::string_view text, std::time_t now) {
  const auto time = parse_stop_at(text, now);
  return time ? local_text(*time) : time.error().detail;
}

TEST(StopAfter, IsAWholeNumberOfMinutes) {
  EXPECT_EQ(parse_stop_after("90").value_or(0min), 90min);
  for (const char* text : {"", "0", "-1", "1.5", "5m", "x", "99999999999"}) EXPECT_FALSE(parse_stop_after(text)) << text;
}

TEST(StopAt, IsTheNextTimeThatFits) {
  const Zone zone("UTC0");
  constexpr std::time_t kNow = 1'795'554'330;  // a Tuesday, 12 seconds or more after the minute
  ASSERT_EQ(local_text(kNow), "2026-11-24 21:05:30");
  constexpr std::pair<const char*, const char*> kRows[] = {
      {"14:00", "2026-11-25 14:00:00"},
      {"21:06", "2026-11-24 21:06:00"},
      {"21:05", "2026-11-25 21:05:00"},
      {"T22:00", "2026-11-24 22:00:00"},
      {"0:00", "2026-11-25 00:00:00"},
      {":59", "2026-11-24 21:59:00"},
      {":5", "2026-11-24 22:05:00"},
      {":06", "2026-11-24 21:06:00"},
      {"1", "2026-12-01 00:00:00"},
      {"31", "2026-12-31 00:00:00"},
      {"24", "2026-12-24 00:00:00"},
      {"24T21:30", "2026-11-24 21:30:00"},
      {"1-30", "2027-01-30 00:00:00"},
      {"12/31", "2026-12-31 00:00:00"},
      {"11-24", "2027-11-24 00:00:00"},
      {"2-29", "2028-02-29 00:00:00"},
      {"12-1T", "2026-12-01 00:00:00"},
      {"1t5:07", "2026-12-01 05:07:00"},
      {"2026-12-31T23:59", "2026-12-31 23:59:00"},
      {"26-12-31", "2026-12-31 00:00:00"},
      {"2027/1/2", "2027-01-02 00:00:00"},
  };
  for (const auto& [text, time] : kRows) EXPECT_EQ(parsed(text, kNow), time) << text;
  for (const char* text : {"2026-11-24", "2020-1-1", "127-1-1", "2026-11-24T21:05"})
    EXPECT_THAT(parsed(text, kNow), HasSubstr("not in the future")) << text;
  for (const char* text : {"2-30", "4-31", "2027-2-29"})
    EXPECT_THAT(parsed(text, kNow), HasSubstr("a day that there is not")) << text;
  for (const char* text :
       {"24:00",          ":60", "::5", "1:2:3", ":",   "",   "x",  "2027", "2027-1", "T",       "1T5",  "1T:30",
        "2027-1-1T5:5:5", "0",   "32",  "13-1",  "0-1", "-1", "1-", "1--2", "1 2",    "1-2-3-4", "T:30", "1-2T3-4"})
    EXPECT_THAT(parsed(text, kNow), HasSubstr("is not a time")) << text;
}

TEST(StopAt, ADayThatNotEveryMonthHasIsInTheNextMonthThatHasIt) {
  const Zone zone("UTC0");
  EXPECT_EQ(parsed("31", 1'769'904'000), "2026-03-31 00:00:00") << "from " << local_text(1'769'904'000);
  EXPECT_EQ(parsed("2-29", 4'076'000'000), "2104-02-29 00:00:00") << "2100 is no leap year; from " << local_text(4'076'000'000);
}

TEST(StopAt, IsLocalTimeAlsoWhereClocksAreSetBack) {
  const Zone zone("CET-1CEST,M3.5.0,M10.5.0/3");
  constexpr std::time_t kBefore = 1'792'886'400;  // some hours before 25 October 2026, 03:00, which becomes 02:00
  const auto noon = parse_stop_at("2026-10-25T12:00", kBefore);
  ASSERT_TRUE(noon);
  EXPECT_EQ(local_text(*noon), "2026-10-25 12:00:00");
  EXPECT_EQ(*noon % 3600, 0);
  const auto next = parse_stop_at(":30", *noon - 10 * 3600);
  ASSERT_TRUE(next);
  EXPECT_LE(*next - (*noon - 10 * 3600), 3600);
  EXPECT_EQ(parsed("12:00", kBefore).substr(10), " 12:00:00");
}

}  // namespace
}  // namespace foxing::governor
