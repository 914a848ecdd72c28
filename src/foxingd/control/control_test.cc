// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/control/control.h"

#include <gmock/gmock.h>

#include <array>
#include <thread>

#include "foxingd/control/metrics_server.h"
#include "sys/connections.h"
#include "sys/waiting.h"
#include "testing/temp_tree.h"

namespace foxing::control {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::TempTree;

/// A server that answers one request, on a thread.
template <class Handle, class Ask>
Result<std::string> served(const TempTree& world, Handle handle, Ask ask_it) {
  auto server = Server::listen(world.at("socket"));
  EXPECT_TRUE(server) << server.error().message();
  std::thread thread([&] { server->serve(handle); });
  auto answer = ask_it(world.at("socket"));
  thread.join();
  return answer;
}

const auto kEcho = [](const Request& request, std::shared_ptr<Reply> reply) {
  reply->send("{\"ok\":true,\"do\":\"" + request.action + "\",\"target\":\"" + request.target + "\"}");
};

TEST(Control, ARequestIsAnswered) {
  TempTree world;
  const auto answer =
      served(world, kEcho, [](const std::string& path) { return ask(path, {"flush", "/t"}, std::chrono::seconds(5)); });
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(*answer, R"({"ok":true,"do":"flush","target":"/t"})");
}

TEST(Control, TheSocketIsForItsOwnerAlone) {
  TempTree world;
  const auto server = Server::listen(world.at("deeper/socket"));
  ASSERT_TRUE(server);
  EXPECT_EQ(world.status("deeper/socket").st_mode & 0777, 0600u);
  EXPECT_EQ(world.status("deeper").st_mode & 0777, 0700u);
}

TEST(Control, WhatADeadProcessLeftIsReplacedAndALiveOneIsNot) {
  TempTree world;
  {
    const auto fd = sys::listen_unix(world.at("socket"));
    ASSERT_TRUE(fd);
    EXPECT_EQ(Server::listen(world.at("socket")).error().code, EADDRINUSE);
  }
  EXPECT_TRUE(Server::listen(world.at("socket")));
}

TEST(Control, NobodyThere) {
  TempTree world;
  const auto answer = ask(world.at("socket"), {"status", ""}, std::chrono::seconds(1));
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message(), HasSubstr("is it running?"));
}

TEST(Control, AnErrorIsOne) {
  TempTree world;
  const auto answer = served(
      world, [](const Request&, std::shared_ptr<Reply> reply) { reply->send(error_line("no such target")); },
      [](const std::string& path) { return ask(path, {"pause", "/t"}, std::chrono::seconds(5)); });
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message(), HasSubstr("no such target"));
}

TEST(Control, WhatIsNoRequestIsRefused) {
  TempTree world;
  for (const std::string& text : {std::string("hello"), std::string("{}"), std::string("[1]"), std::string(5000, 'x')}) {
    const auto answer = served(world, kEcho, [&](const std::string& path) -> Result<std::string> {
      const sys::UniqueFd connection = FOX_TRY(sys::connect_unix(path));
      FOX_TRY(sys::send_all(connection, text + "\n"));
      return sys::receive_line(connection, 1000);
    });
    ASSERT_TRUE(answer);
    EXPECT_THAT(*answer, HasSubstr("\"ok\":false"));
  }
}

TEST(Metrics, OnlyItsOwnQuestionsAreAnswered) {
  bool healthy = true;
  const Answers answers{.metrics = [] { return "foxing 1\n"; }, .healthy = [&] { return healthy; }};
  const auto answer = [&](const std::string& request) { return http_answer(request, "127.0.0.1", answers); };
  EXPECT_THAT(answer("GET /metrics HTTP/1.1\r\nHost: localhost:9100"),
              ::testing::AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\r\n\r\nfoxing 1\n")));
  EXPECT_THAT(answer("GET /metrics HTTP/1.0"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer("GET /metrics HTTP/1.1\r\nHost: evil.example"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(answer("POST /metrics HTTP/1.1"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(answer("GET /etc/passwd HTTP/1.1"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(answer("GET /healthz HTTP/1.1\r\nhost: [::1]:9100"), StartsWith("HTTP/1.1 200"));
  healthy = false;
  EXPECT_THAT(answer("GET /healthz HTTP/1.1"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer(""), StartsWith("HTTP/1.1 405"));
}

TEST(Metrics, ListensAndStops) {
  auto server = MetricsServer::start("127.0.0.1:0", {.metrics = [] { return "x 1\n"; }, .healthy = [] { return true; }});
  ASSERT_TRUE(server) << server.error().message();
  EXPECT_NE((*server)->port(), 0);
}

TEST(Metrics, WhoListensEverywhereAnswersToEveryName) {
  const Answers answers{.metrics = [] { return "foxing 1\n"; }, .healthy = [] { return true; }};
  EXPECT_THAT(http_answer("GET /metrics HTTP/1.1\r\nHost: backup.example:9100", "0.0.0.0", answers), StartsWith("HTTP/1.1 200"));
}

/// However the bytes come: the deadline is for all of them.
TEST(Connections, WhoSendsOneByteNowAndThenIsLeft) {
  TempTree world;
  const auto listener = sys::listen_unix(world.at("socket"));
  ASSERT_TRUE(listener) << listener.error().message();
  const auto slow = sys::connect_unix(world.at("socket"));
  ASSERT_TRUE(slow);
  const auto connection = sys::accept_from(*listener, std::chrono::milliseconds(60'000));
  ASSERT_TRUE(connection);
  const auto bell = sys::Bell::create();
  ASSERT_TRUE(bell);
  std::thread sender([&] {
    const std::array files{bell->fd()};
    for (bool left = false; !left;) {
      if (!sys::send_all(*slow, "x")) break;
      const auto rung = sys::wait_any(files, std::chrono::milliseconds(20));
      left = rung && *rung;
    }
  });
  const auto line = sys::receive_line(*connection, 1'000'000, std::chrono::milliseconds(100));
  bell->ring();
  sender.join();
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, ETIMEDOUT);
}

TEST(Metrics, AddressesAreNumbers) {
  EXPECT_EQ(parse_address("127.0.0.1:9100")->port, 9100);
  EXPECT_EQ(parse_address("[::1]:80")->host, "::1");
  for (const char* bad : {"", "9100", "host:", ":9100", "host:99999", "host:1x"}) EXPECT_FALSE(parse_address(bad)) << bad;
  EXPECT_FALSE(MetricsServer::start("somewhere.example:0", {}));
}

}  // namespace
}  // namespace foxing::control
