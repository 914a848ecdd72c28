// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/connections.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "sys/names.h"
#include "testing/temp_tree.h"

namespace foxing::sys {
namespace {

using std::chrono::milliseconds;
using testing::TempTree;

struct Pair {
  UniqueFd ours, theirs;
};

Pair connected(const TempTree& world) {
  const auto listener = listen_unix(world.at("socket"));
  EXPECT_TRUE(listener) << listener.error().message();
  auto ours = connect_unix(world.at("socket"));
  auto theirs = accept_from(*listener, milliseconds(5000));
  EXPECT_TRUE(ours && theirs);
  return {std::move(*ours), std::move(*theirs)};
}

TEST(Connections, LinesGoBothWays) {
  TempTree world;
  const Pair pair = connected(world);
  ASSERT_TRUE(send_all(pair.ours, "question\nmore"));
  EXPECT_EQ(*receive_line(pair.theirs, 100), "question");
  ASSERT_TRUE(send_all(pair.theirs, "answer\n"));
  EXPECT_EQ(*receive_line(pair.ours, 100), "answer");
  EXPECT_EQ(*peer_of(pair.theirs), ::geteuid());
}

TEST(Connections, TheEndEndsALine) {
  TempTree world;
  Pair pair = connected(world);
  ASSERT_TRUE(send_all(pair.ours, "rest"));
  pair.ours.reset();
  EXPECT_EQ(*receive_line(pair.theirs, 100), "rest");
  EXPECT_EQ(*receive_line(pair.theirs, 100), "");
}

TEST(Connections, LongLinesAreRefused) {
  TempTree world;
  const Pair pair = connected(world);
  ASSERT_TRUE(send_all(pair.ours, std::string(1000, 'x')));
  EXPECT_EQ(receive_line(pair.theirs, 100).error().code, EMSGSIZE);
}

TEST(Connections, WhoSaysNothingIsLeft) {
  TempTree world;
  const auto listener = listen_unix(world.at("socket"));
  const auto ours = connect_unix(world.at("socket"));
  const auto theirs = accept_from(*listener, milliseconds(1));
  EXPECT_EQ(receive_line(*theirs, 100).error().code, EAGAIN);
}

TEST(Connections, AHeadEndsWithAnEmptyLine) {
  TempTree world;
  const Pair pair = connected(world);
  ASSERT_TRUE(send_all(pair.ours, "GET / HTTP/1.1\r\nHost: x\r\n\r\nbody"));
  EXPECT_EQ(*receive_head(pair.theirs, 100), "GET / HTTP/1.1\r\nHost: x");
}

TEST(Connections, NobodyListens) {
  TempTree world;
  EXPECT_EQ(connect_unix(world.at("socket")).error().code, ENOENT);
  EXPECT_EQ(connect_unix(std::string(200, 'x')).error().code, ENAMETOOLONG);
  EXPECT_FALSE(send_datagram(world.at("socket"), "READY=1"));
  EXPECT_EQ(listen_tcp("localhost.example", 0).error().code, EINVAL);
}

TEST(Connections, APortOfOnesOwn) {
  const auto listener = listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(listener) << listener.error().message();
  EXPECT_NE(*port_of(*listener), 0);
}

}  // namespace
}  // namespace foxing::sys
