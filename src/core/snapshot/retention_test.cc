// SPDX-License-Identifier: GPL-2.0-or-later
// Which snapshots stay: a table, on a made-up calendar and a made-up clock.
#include "core/snapshot/retention.h"

#include <gmock/gmock.h>

namespace foxing::snapshot {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Candidate taken(std::string_view name, std::string tag = {}, Bytes size = Bytes(10)) {
  return {.epoch = parse_epoch(name).value(), .tag = std::move(tag), .size = size};
}

const std::int64_t kNow = parse_epoch("2026-03-12T120000")->seconds;

/// One letter a candidate: k keep, - remove.
std::string judged(const std::vector<Candidate>& candidates, const Rules& rules) {
  std::string letters;
  for (const Verdict& verdict : judge(candidates, rules, kNow)) {
    EXPECT_NE(verdict.reason, "");
    letters += verdict.keep ? 'k' : '-';
  }
  return letters;
}

const std::vector<Candidate> kDays = {taken("2025-12-31T235959"), taken("2026-01-01T000000"), taken("2026-02-10T080000"),
                                      taken("2026-03-09T080000"), taken("2026-03-10T080000"), taken("2026-03-11T080000"),
                                      taken("2026-03-11T230000"), taken("2026-03-12T110000"), taken("2026-03-12T113000")};

TEST(Retention, ATableOfRules) {
  EXPECT_EQ(judged(kDays, {.last = 3}), "------kkk");
  EXPECT_EQ(judged(kDays, {.last = 100}), "kkkkkkkkk");
  EXPECT_EQ(judged(kDays, {.hourly = 2}), "------k-k");
  EXPECT_EQ(judged(kDays, {.daily = 3}), "----k-k-k");
  EXPECT_EQ(judged(kDays, {.weekly = 2}), "--k-----k");
  EXPECT_EQ(judged(kDays, {.monthly = 2}), "--k-----k");
  EXPECT_EQ(judged(kDays, {.monthly = 3}), "-kk-----k");
  EXPECT_EQ(judged(kDays, {.yearly = 5}), "k-------k");
  EXPECT_EQ(judged(kDays, {.daily = 2, .yearly = 2}), "k-----k-k");
  EXPECT_EQ(judged(kDays, {.older_than_s = parse_age("30d")}), "---kkkkkk") << "February the 10th is 30 days and 4 hours old";
  EXPECT_EQ(judged(kDays, {.older_than_s = parse_age("2d"), .last = 1}), "-----kkkk");
  EXPECT_EQ(judged(kDays, {.older_than_s = parse_age("30d"), .yearly = 2}), "k--kkkkkk");
}

TEST(Retention, TheNewestStaysWhateverIsSaid) {
  EXPECT_EQ(judged({taken("2020-01-01T000000")}, {.older_than_s = 1}), "k");
  EXPECT_EQ(judged({taken("2020-01-01T000000")}, {.max_size = Bytes(0)}), "k");
  EXPECT_EQ(judged({}, {.last = 1}), "");
}

TEST(Retention, TheOrderDoesNotMatter) {
  EXPECT_EQ(judged({taken("2026-03-12T000000"), taken("2026-03-10T000000"), taken("2026-03-11T000000")}, {.last = 2}), "k-k");
  EXPECT_EQ(judged({taken("2026-03-12T000000-10"), taken("2026-03-12T000000-9")}, {.last = 1}), "k-");
}

TEST(Retention, TagsProtect) {
  const std::vector<Candidate> some = {taken("2025-01-01T000000", "v1"), taken("2025-01-02T000000", "test"),
                                       taken("2025-01-03T000000"), taken("2026-01-01T000000")};
  EXPECT_EQ(judged(some, {.last = 1}), "kk-k");
  EXPECT_EQ(judged(some, {.max_size = Bytes(0)}), "kk-k");
  EXPECT_EQ(judged(some, {.last = 1, .tags = {"v*"}}), "k--k");
  EXPECT_EQ(judged(some, {.last = 1, .tags = {"v?", "te*"}}), "kk-k");
}

TEST(Retention, TheOldestGoUntilTheRestIsSmallEnough) {
  const std::vector<Candidate> some = {taken("2026-01-01T000000", "", Bytes(100)), taken("2026-01-02T000000", "v1", Bytes(100)),
                                       taken("2026-01-03T000000", "", Bytes(100)), taken("2026-01-04T000000", "", Bytes(1))};
  EXPECT_EQ(judged(some, {.max_size = Bytes(301)}), "kkkk");
  EXPECT_EQ(judged(some, {.max_size = Bytes(300)}), "-kkk");
  EXPECT_EQ(judged(some, {.max_size = Bytes(200)}), "-k-k");
  EXPECT_EQ(judged(some, {.last = 4, .max_size = Bytes(250)}), "-kkk") << "it wins against what a rule keeps";
  EXPECT_THAT(judge(some, {.max_size = Bytes(300)}, kNow)[0].reason, HasSubstr("300 B"));
}

TEST(Retention, AClockThatWasSetBackRemovesNothingOfTheFuture) {
  EXPECT_EQ(judged({taken("2030-01-01T000000"), taken("2031-01-01T000000")}, {.older_than_s = 0}), "kk");
}

TEST(Retention, EveryRuleThatKeepsIsNamed) {
  const auto verdicts = judge(kDays, {.last = 1, .daily = 1}, kNow);
  EXPECT_EQ(verdicts.back().reason, "the newest, last 1 of 1, daily 2026-03-12");
  EXPECT_EQ(verdicts.front().reason, "no rule keeps it");
}

TEST(Retention, Ages) {
  EXPECT_EQ(parse_age("30d"), 30 * 86400);
  EXPECT_EQ(parse_age("2w"), 14 * 86400);
  EXPECT_EQ(parse_age("90s"), 90);
  for (const char* age : {"", "d", "30", "-1d", "1.5d", "1dd", "1y", " 1d", "99999999999999999999d", "9999999999999999w"})
    EXPECT_FALSE(parse_age(age)) << age;
}

TEST(Retention, Patterns) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("v*2", "v1.2"));
  EXPECT_TRUE(matches("a*b*c", "aXbYbc"));
  EXPECT_FALSE(matches("a*b", "abc"));
  EXPECT_FALSE(matches("?", ""));
}

}  // namespace
}  // namespace foxing::snapshot
