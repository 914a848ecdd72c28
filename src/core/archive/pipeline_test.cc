// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/pipeline.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

namespace foxing::archive {
namespace {

struct Number {
  int value;
  int square = -1;
  unsigned worker = ~0U;
};

TEST(Pipeline, HandsBackInOrderWhateverManyWork) {
  for (const unsigned workers : {0U, 1U, 2U, 7U}) {
    SCOPED_TRACE(workers);
    Pipeline<Number> pipeline(workers, [](Number& number, unsigned worker) {
      number.square = number.value * number.value;
      number.worker = worker;
    });
    int next = 0;
    const auto pop = [&] {
      const Number number = pipeline.pop();
      EXPECT_EQ(number.value, next);
      EXPECT_EQ(number.square, next % 3 == 0 ? -1 : next * next);
      EXPECT_TRUE(number.worker == ~0U || number.worker <= workers);
      ++next;
    };
    for (int i = 0; i < 20'000; ++i) {
      pipeline.push({i}, 10, i % 3 != 0);
      while (pipeline.weight() > 500) pop();
    }
    while (!pipeline.empty()) pop();
    EXPECT_EQ(next, 20'000);
    EXPECT_EQ(pipeline.weight(), 0U);
  }
}

TEST(Pipeline, EndsWithWorkThatNobodyPopped) {
  std::atomic<int> done{0};
  {
    Pipeline<Number> pipeline(3, [&](Number&, unsigned) { ++done; });
    for (int i = 0; i < 1000; ++i) pipeline.push({i}, 1, true);
  }
  EXPECT_LE(done.load(), 1000);
}

}  // namespace
}  // namespace foxing::archive
