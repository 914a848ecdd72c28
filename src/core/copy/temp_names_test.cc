// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/temp_names.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>
#include <vector>

#include "sys/file.h"
#include "testing/temp_tree.h"

namespace foxing::copy {
namespace {

/// A name as another process would make it: that of a child which is dead by now.
std::string name_of_a_dead_run() {
  int pipe[2];
  EXPECT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    TempNames names;
    const std::string name = names.next();
    [[maybe_unused]] const ssize_t ignored = ::write(pipe[1], name.data(), name.size());
    ::_exit(0);
  }
  ::close(pipe[1]);
  char buffer[256];
  const ssize_t length = ::read(pipe[0], buffer, sizeof buffer);
  ::close(pipe[0]);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  return std::string(buffer, length > 0 ? static_cast<std::size_t>(length) : 0);
}

TEST(TempNames, AreUuidsOfVersion8WithTheMakerInThem) {
  TempNames names;
  const std::string name = names.next();
  EXPECT_THAT(name, ::testing::MatchesRegex("\\.tmp\\.66786370-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  const auto maker = TempNames::maker_of(name);
  ASSERT_TRUE(maker);
  const sys::ProcessIdentity own = sys::own_identity();
  EXPECT_EQ(maker->pid, own.pid);
  EXPECT_EQ(maker->machine, own.machine);
  EXPECT_EQ(maker->boot, own.boot);
  EXPECT_EQ(maker->start_time, own.start_time);
}

TEST(TempNames, AreNeverUsedTwiceAlsoByManyWorkers) {
  TempNames names;
  constexpr int kEach = 2000;
  std::vector<std::vector<std::string>> made(4);
  {
    std::vector<std::thread> workers;
    for (auto& list : made) {
      workers.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) list.push_back(names.next());
      });
    }
    for (std::thread& worker : workers) worker.join();
  }
  std::set<std::string> all;
  for (const auto& list : made) all.insert(list.begin(), list.end());
  EXPECT_EQ(all.size(), made.size() * kEach);
}

/// As a file in a directory.
bool is_litter(const std::string& name) {
  const testing::TempTree world;
  if (!name.empty()) world.file(name, "");
  const auto directory = sys::open_at(sys::working_directory(), world.path(), {.directory = true});
  return TempNames::is_litter(*directory, name);
}

TEST(TempNames, OfThisRunAreNoLitter) {
  TempNames names;
  EXPECT_FALSE(is_litter(names.next()));
}

TEST(TempNames, OfADeadRunAreLitter) {
  const std::string name = name_of_a_dead_run();
  ASSERT_TRUE(TempNames::maker_of(name)) << name;
  EXPECT_TRUE(is_litter(name)) << name;
}

/// Machines made from one image may have one id: a name of "another boot" may be that of a run next door, and the file is new.
TEST(TempNames, OfAnotherBootAreNoLitterWhereTheFileIsOfThisOne) {
  TempNames names;
  std::string name = names.next();
  char& digit = name[5 + 14 + 3];  // the last digit of the boot's hash
  digit = digit == '0' ? '1' : '0';
  EXPECT_TRUE(TempNames::maker_of(name));
  EXPECT_FALSE(is_litter(name));
}

TEST(TempNames, OfAProcessNumberThatWasUsedAgainAreLitter) {
  TempNames names;
  std::string name = names.next();
  char& digit = name[5 + 19 + 3];  // the last digit of the start time's hash
  digit = digit == '0' ? '1' : '0';
  EXPECT_TRUE(is_litter(name));
}

TEST(TempNames, OfAnotherMachineAreNobodysLitter) {
  std::string name = name_of_a_dead_run();
  char& digit = name[5 + 9];
  digit = digit == '0' ? '1' : '0';
  EXPECT_TRUE(TempNames::maker_of(name));
  EXPECT_FALSE(is_litter(name));
}

TEST(TempNames, WhatSomebodyElseCallsTmpIsNotOurs) {
  TempNames names;
  const std::string good = names.next();
  std::vector<std::string> others{
      "",
      ".tmp.",
      ".tmp.notes",
      ".tmp.123e4567-e89b-12d3-a456-426614174000",  // a UUID of somebody else
      good.substr(1),                               // without the dot
      good + "0",                                   // too long
      good.substr(0, good.size() - 1),              // too short
      "x" + good.substr(1),
  };
  const auto altered = [&](std::size_t at, char to) {
    std::string name = good;
    name[at] = to;
    return name;
  };
  for (const std::size_t dash : {8u, 13u, 18u, 23u}) others.push_back(altered(5 + dash, '0'));
  others.push_back(altered(5, '7'));           // not "fxcp"
  others.push_back(altered(5 + 14, '4'));      // a random UUID's version
  others.push_back(altered(5 + 19, 'c'));      // another variant
  others.push_back(altered(5 + 30, 'g'));      // no hexadecimal digit
  others.push_back(altered(5 + 24, '-'));      // a sign is no digit
  others.push_back(altered(5 + 24, '+'));
  others.push_back(altered(5 + 24, 'A'));      // we write lower case
  for (const std::string& name : others) {
    EXPECT_FALSE(TempNames::maker_of(name)) << name;
    EXPECT_FALSE(is_litter(name)) << name;
  }
}

}  // namespace
}  // namespace foxing::copy
