// SPDX-License-Identifier: GPL-2.0-or-later
// Command lines for tests: options_test.cc, options_refused_test.cc, help_test.cc.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fxcp/options.h"

namespace foxing::fxcp {

using Words = std::vector<std::string>;

inline Result<Options> parse(const Words& words) {
  std::vector<char*> argv;
  std::string program = "fxcp";
  argv.push_back(program.data());
  Words copy = words;
  for (std::string& word : copy) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::vector<char*> before = argv;
  Result<Options> result = parse_options(static_cast<int>(argv.size() - 1), argv.data());
  EXPECT_EQ(argv, before) << "argv was permuted";
  EXPECT_EQ(copy, words) << "argv was written to";
  return result;
}

/// The options of a command line that is right; the operands are added.
inline Options options_of(Words words) {
  words.insert(words.end(), {"src", "dst"});
  const Result<Options> result = parse(words);
  EXPECT_TRUE(result) << result.error().message();
  return result.value_or(Options{});
}

inline std::string error_of(const Words& words) {
  const Result<Options> result = parse(words);
  return result ? "no error" : result.error().message();
}

}  // namespace foxing::fxcp
