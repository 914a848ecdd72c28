// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/utc.h"

#include <gtest/gtest.h>

namespace foxing {
namespace {

TEST(Utc, AMomentIsReadAndNothingElse) {
  EXPECT_EQ(parse_utc("1970-01-01T000000"), 0);
  EXPECT_EQ(parse_utc("2026-03-12T101500"), 1773310500);
  EXPECT_EQ(parse_utc("2024-02-29T235959"), 1709251199);
  for (const char* text : {"", "2026-03-12", "2026-03-12 101500", "2026-03-12T10150", "2026-03-12T1015000", "2026-0x-12T101500",
                           "2026-02-30T101500", "2025-02-29T000000", "2026-13-01T000000", "2026-03-12T246000"})
    EXPECT_FALSE(parse_utc(text)) << text;
}

}  // namespace
}  // namespace foxing
