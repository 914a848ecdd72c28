// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/waiting.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <thread>

namespace foxing::sys {
namespace {

using std::chrono::milliseconds;

TEST(Bell, RingsUntilItIsSilenced) {
  const auto bell = Bell::create();
  ASSERT_TRUE(bell);
  const std::array files{bell->fd()};
  EXPECT_FALSE(*wait_any(files, milliseconds(0)));
  bell->ring();
  bell->ring();
  EXPECT_TRUE(*wait_any(files, std::nullopt));
  bell->silence();
  bell->silence();
  EXPECT_FALSE(*wait_any(files, milliseconds(0)));
}

TEST(Bell, WakesAnotherThread) {
  const auto quiet = Bell::create(), bell = Bell::create();
  std::thread ringer([&] { bell->ring(); });
  const std::array files{quiet->fd(), bell->fd(), FdView(-1)};  // what is not open is never ready
  EXPECT_TRUE(*wait_any(files, std::nullopt));
  ringer.join();
}

TEST(Gathering, IsReadableWhileOneOfItsFilesIs) {
  const auto quiet = Bell::create(), bell = Bell::create();
  auto all = Gathering::create();
  ASSERT_TRUE(all);
  ASSERT_TRUE(all->add(quiet->fd()));
  ASSERT_TRUE(all->add(bell->fd()));
  const std::array files{all->fd()};
  EXPECT_FALSE(*wait_any(files, milliseconds(0)));
  bell->ring();
  EXPECT_TRUE(*wait_any(files, std::nullopt));
  bell->silence();
  EXPECT_FALSE(*wait_any(files, milliseconds(0)));
}

TEST(Alarm, IsReadableFromItsMomentOnUntilItIsSetAgain) {
  using Clock = std::chrono::steady_clock;
  auto alarm = Alarm::create();
  ASSERT_TRUE(alarm);
  const std::array files{alarm->fd()};
  EXPECT_FALSE(*wait_any(files, milliseconds(0)));
  for (const auto moment : {Clock::now() + milliseconds(2), Clock::now(), Clock::time_point::min()}) {
    ASSERT_TRUE(alarm->set(moment));
    EXPECT_TRUE(*wait_any(files, std::nullopt));
    ASSERT_TRUE(alarm->set(std::nullopt));
    EXPECT_FALSE(*wait_any(files, milliseconds(0)));
  }
}

TEST(Signals, AreTold) {
  // On a thread of its own: what is blocked there stays blocked.
  std::thread([] {
    const auto signals = receive_signals({SIGUSR1});
    ASSERT_TRUE(signals);
    EXPECT_FALSE(*next_signal(*signals));
    ASSERT_EQ(::pthread_kill(::pthread_self(), SIGUSR1), 0);
    EXPECT_EQ(*next_signal(*signals), SIGUSR1);
    EXPECT_FALSE(*next_signal(*signals));
  }).join();
}

}  // namespace
}  // namespace foxing::sys
