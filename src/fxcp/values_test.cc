// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/values.h"

#include <gtest/gtest.h>

namespace foxing::fxcp {
namespace {

TEST(Values, Sizes) {
  const std::pair<const char*, std::uint64_t> good[] = {
      {"0", 0},       {"17", 17},        {"4k", 4096},       {"4K", 4096},           {"4KiB", 4096},
      {"4kb", 4000},  {"1.5M", 1572864}, {"2g", 2147483648}, {"1TB", 1000000000000}, {"9b", 9},
      {"1K-1", 1023}, {"1K+1", 1025},    {"0.5K", 512}};
  for (const auto& [text, bytes] : good) {
    const auto size = parse_size(text);
    ASSERT_TRUE(size) << text;
    EXPECT_EQ(size->value, bytes) << text;
  }
  for (const char* text : {"", "K", "-1", "1X", "1KK", "1KiBs", "inf", "nan", "1e9", " 1", "1 ", "99999999T", "0-1"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Values, Numbers) {
  EXPECT_EQ(parse_number("-12"), -12);
  for (const char* text : {"", "1.5", "1k", " 1", "99999999999999999999"}) EXPECT_FALSE(parse_number(text)) << text;
}

}  // namespace
}  // namespace foxing::fxcp
