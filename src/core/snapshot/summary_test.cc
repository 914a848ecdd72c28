// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/snapshot/summary.h"

#include <gmock/gmock.h>

#include "core/snapshot/measure.h"

namespace foxing::snapshot {
namespace {

Summary a_summary() {
  Summary summary{.name = "2026-03-12T101500", .tag = "v1", .source = "/srv \"data\"\n", .trigger = "fxcp --snapshot"};
  summary.files = 3;
  summary.entries = 5;
  summary.size = Bytes(1) + 4_GiB;
  summary.cloned = 2;
  summary.copied = 1;
  summary.written = Bytes(17);
  return summary;
}

TEST(Summary, ComesBackAsItWas) {
  const auto read = parse_summary(to_json(a_summary()));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, a_summary());
}

TEST(Summary, NamesThatAreNoTextAreWrittenAllTheSame) {
  Summary summary = a_summary();
  summary.source = "\xff\xfe";
  EXPECT_TRUE(parse_summary(to_json(summary)));
}

TEST(Summary, CutShortAtEveryByteIsAnError) {
  const std::string whole = to_json(a_summary());
  for (std::size_t size = 0; size + 2 < whole.size(); ++size) EXPECT_FALSE(parse_summary(whole.substr(0, size))) << size;
}

/// The good one with `from` replaced.
std::string with(std::string_view from, std::string_view to) {
  std::string text = to_json(a_summary());
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Summary, HostileJsonIsAnErrorThatNamesTheField) {
  const auto refused = [](const std::string& text, const char* why) {
    const auto read = parse_summary(text);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().detail, testing::HasSubstr(why));
  };
  refused(with("fxcp.snapshot/1", "fxcp.snapshot/2"), "schema");
  refused(with("2026-03-12T101500", "../../etc"), "snapshot");
  refused(with("\"v1\"", "\"../v1\""), "tag");
  refused(with("\"v1\"", "7"), "tag");
  refused(with("\"files\": 3", "\"files\": -3"), "files");
  refused(with("\"files\": 3", "\"files\": 3.5"), "files");
  refused(with("\"files\": 3", "\"files\": 99999999999999999999999"), "files");
  refused(with("\"files\": 3", "\"files\": {}"), "files");
  refused(with("\"entries\"", "\"entry\""), "entries");
  refused("[]", "object");
  refused("null", "object");
  refused(std::string(kLargestSummary + 1, ' '), "larger");
  refused(std::string(kLargestSummary, '['), "object");
}

TEST(Summary, TheIndexHasAllOfThem) {
  const Summary summaries[] = {a_summary(), a_summary()};
  EXPECT_THAT(index_json(summaries), testing::HasSubstr("\"schema\": \"fxcp.snapshots/1\""));
}

TEST(Ranges, TellWhatIsNew) {
  Ranges ranges;
  EXPECT_EQ(ranges.add(100, 50), 50u);
  EXPECT_EQ(ranges.add(100, 50), 0u);
  EXPECT_EQ(ranges.add(150, 50), 50u);
  EXPECT_EQ(ranges.add(90, 200), 100u);
  EXPECT_EQ(ranges.add(120, 10), 0u);
  EXPECT_EQ(ranges.add(300, 0), 0u);
  EXPECT_EQ(ranges.add(0, 1000), 800u);
}

}  // namespace
}  // namespace foxing::snapshot
