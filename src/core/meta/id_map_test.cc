// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/meta/id_map.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <random>

#include "core/meta/test_rsync.h"
#include "sys/status.h"
#include "testing/temp_tree.h"

namespace foxing::meta {
namespace {

using ::testing::HasSubstr;

const sys::Accounts& users() {
  static const sys::Accounts accounts = sys::Accounts::parse(
      "root:x:0:0::/root:/bin/sh\nbackup:x:34:34::/:/bin/sh\nbacula:x:100:100::/:\nanna:x:1000:1000::/:\ntoor:x:0:0::/:\n",
      "/etc/passwd");
  return accounts;
}
const sys::Accounts& groups() {
  static const sys::Accounts accounts = sys::Accounts::parse("root:x:0:\nstaff:x:50:anna\nanna:x:1000:\n", "/etc/group");
  return accounts;
}

Result<IdMap> parse(const IdOptions& options) { return IdMap::parse(options, users(), groups()); }
std::string refusal(const IdOptions& options) {
  const auto map = parse(options);
  return map ? "accepted" : map.error().message();
}

TEST(IdMap, WithoutOptionsNothingChanges) {
  const auto map = parse({});
  ASSERT_TRUE(map);
  EXPECT_FALSE(map->maps_owners());
  EXPECT_FALSE(map->maps_groups());
  for (const std::uint32_t id : {0u, 34u, 1000u, 4'294'967'294u}) {
    EXPECT_EQ(map->owner(id), id);
    EXPECT_EQ(map->group(id), id);
  }
}

TEST(IdMap, ATableOfUsers) {
  struct Row {
    const char* rules;
    uid_t from;
    uid_t to;
  };
  // clang-format off
  constexpr Row kRows[] = {
      {"1000:34",                   1000,   34},
      {"1000:34",                    999,  999},
      {"100-999:7",                  100,    7},
      {"100-999:7",                  999,    7},
      {"100-999:7",                   99,   99},
      {"100-999:7",                 1000, 1000},
      {"anna:backup",               1000,   34},
      {"anna:backup",                 34,   34},
      {"bac*:1",                      34,    1},
      {"bac*:1",                     100,    1},
      {"bac*:1",                    1000, 1000},
      {"?nna:1",                    1000,    1},
      {"[a-b]*:1",                    34,    1},
      {"[!a-b]*:1",                    0,    1},
      {"*:1",                      54321,    1},   // also without a name
      {"?*:1",                     54321, 54321},
      {":1",                       54321,    1},
      {":1",                        1000, 1000},
      {"anna:1,*:2",                1000,    1},   // the first that matches
      {"*:2,anna:1",                1000,    2},
      {"0:5",                          0,    5},
      {"root:5",                       0,    5},
      {"toor:5",                       0,    0},   // the first name of an id is its name
      {"1000:4294967294",           1000, 4'294'967'294u},
      {"1000:007",                  1000,    7},
  };
  // clang-format on
  for (const Row& row : kRows) {
    const auto map = parse({.usermap = row.rules});
    ASSERT_TRUE(map) << row.rules << ": " << map.error().message();
    EXPECT_EQ(map->owner(row.from), row.to) << row.rules << " of " << row.from;
    EXPECT_EQ(map->group(row.from), row.from) << "groups are another map";
    EXPECT_TRUE(map->maps_owners());
    EXPECT_FALSE(map->maps_groups());
  }
}

TEST(IdMap, GroupsHaveNamesOfTheirOwn) {
  const auto map = parse({.usermap = "anna:1", .groupmap = "staff:anna,anna:staff"});
  ASSERT_TRUE(map) << map.error().message();
  EXPECT_EQ(map->group(50), 1000u);
  EXPECT_EQ(map->group(1000), 50u);
  EXPECT_EQ(map->owner(1000), 1u);
  EXPECT_THAT(refusal({.groupmap = "backup:1,1:backup"}), HasSubstr("/etc/group"));
}

TEST(IdMap, NumericIdsHaveNoNames) {
  const auto map = parse({.usermap = "anna:1,bac*:2,34:3,:4", .numeric_ids = true});
  ASSERT_TRUE(map);
  EXPECT_EQ(map->owner(1000), 4u);
  EXPECT_EQ(map->owner(34), 3u);
}

TEST(IdMap, ChownIsAMapOfEverything) {
  const auto both = parse({.chown = "anna:staff"});
  ASSERT_TRUE(both);
  EXPECT_EQ(both->owner(54321), 1000u);
  EXPECT_EQ(both->group(0), 50u);
  const auto user = parse({.chown = "34"});
  ASSERT_TRUE(user);
  EXPECT_EQ(user->owner(0), 34u);
  EXPECT_EQ(user->group(7), 7u);
  EXPECT_FALSE(user->maps_groups());
  EXPECT_TRUE(parse({.chown = "anna:"}).has_value());
  const auto group = parse({.chown = ":staff", .usermap = "0:1"});
  ASSERT_TRUE(group) << "they are about different halves";
  EXPECT_EQ(group->owner(0), 1u);
  EXPECT_EQ(group->group(7), 50u);
}

TEST(IdMap, WhatCannotBeReadIsNamed) {
  EXPECT_THAT(refusal({.usermap = "anna"}), HasSubstr("--usermap: 'anna' is not FROM:TO"));
  EXPECT_THAT(refusal({.usermap = "1:2,"}), HasSubstr("'' is not FROM:TO"));
  EXPECT_THAT(refusal({.usermap = "anna:"}), HasSubstr("nothing after the colon"));
  EXPECT_THAT(refusal({.usermap = "*:nosuch"}), HasSubstr("'nosuch' is not in /etc/passwd"));
  EXPECT_THAT(refusal({.usermap = "*:a:b"}), HasSubstr("'a:b' is not in /etc/passwd"));
  EXPECT_THAT(refusal({.usermap = "*:4294967295"}), HasSubstr("the largest is 4294967294"));
  EXPECT_THAT(refusal({.usermap = "4294967296:1"}), HasSubstr("not with an id"));
  for (const char* text : {"0-:1", "0x:1", "1-2-3:1", "5 :1"})
    EXPECT_THAT(refusal({.usermap = text}), HasSubstr("not with an id")) << text;
  EXPECT_THAT(refusal({.usermap = "9-3:1"}), HasSubstr("ends before it begins"));
  for (const char* text : {"", ":"}) EXPECT_THAT(refusal({.chown = text}), HasSubstr("neither a user nor a group")) << text;
  EXPECT_THAT(refusal({.chown = "anna,34:1"}), HasSubstr("has a comma"));
  EXPECT_THAT(refusal({.chown = "anna", .usermap = "0:1"}), HasSubstr("so does --usermap"));
  EXPECT_THAT(refusal({.chown = ":staff", .groupmap = "0:1"}), HasSubstr("so does --groupmap"));
}

// ---- The same as the installed rsync does

TEST(IdMapAgainstRsync, RandomMapsGiveTheSameOwners) {
  if (!testing::is_root()) GTEST_SKIP() << "needs root, to give files away";
  if (!testing::rsync_takes("--usermap=0:0")) GTEST_SKIP() << "needs rsync";
  const auto passwd = sys::read_accounts(sys::working_directory(), "/etc/passwd");
  const auto group = sys::read_accounts(sys::working_directory(), "/etc/group");
  ASSERT_TRUE(passwd && group);
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);

  constexpr int kFiles = 60;
  const auto any_account = [&](const sys::Accounts& accounts) { return accounts.all()[random() % accounts.all().size()]; };
  const auto any_id = [&](const sys::Accounts& accounts) {
    return random() % 3 != 0 ? any_account(accounts).id : static_cast<std::uint32_t>(random() % 2000);
  };
  const auto any_rule = [&](const sys::Accounts& accounts) {
    const auto from = [&]() -> std::string {
      const std::string name = any_account(accounts).name;
      const auto id = any_id(accounts);
      switch (random() % 7) {
        case 0: return fmt::format("{}", id);
        case 1: return fmt::format("{}-{}", id, id + random() % 200);
        case 2: return name;
        case 3: return name.substr(0, 1) + "*";
        case 4: return "?" + name.substr(1);
        case 5: return fmt::format("[{}-z]*", name[0]);
        default: return random() % 4 == 0 ? "*" : "";
      }
    };
    const auto to = any_account(accounts);
    return from() + ":" + (random() % 2 == 0 ? to.name : fmt::format("{}", to.id));
  };
  const auto any_map = [&](const sys::Accounts& accounts) {
    std::string map = any_rule(accounts);
    while (random() % 4 != 0) map += "," + any_rule(accounts);
    return map;
  };

  const testing::TempTree world;
  std::vector<std::pair<uid_t, gid_t>> owners;
  for (int i = 0; i < kFiles; ++i) {
    owners.emplace_back(any_id(*passwd), any_id(*group));
    world.file(fmt::format("source/f{}", i), "x");
    ASSERT_EQ(::chown(world.at(fmt::format("source/f{}", i)).c_str(), owners.back().first, owners.back().second), 0);
  }
  int changed = 0;
  for (int round = 0; round < 25; ++round) {
    IdOptions options{.usermap = any_map(*passwd), .groupmap = any_map(*group), .numeric_ids = round % 5 == 4};
    if (round % 5 == 3)
      options.chown = fmt::format("{}:{}", any_account(*passwd).name, any_id(*group)), options.usermap = options.groupmap = {};
    std::vector<std::string> arguments{"-rog"};
    if (options.numeric_ids) arguments.emplace_back("--numeric-ids");
    if (options.usermap) arguments.push_back("--usermap=" + *options.usermap);
    if (options.groupmap) arguments.push_back("--groupmap=" + *options.groupmap);
    if (options.chown) arguments.push_back("--chown=" + *options.chown);
    std::string told;
    for (const std::string& argument : arguments) told += argument + ' ';
    SCOPED_TRACE(told);
    arguments.push_back(world.at("source/"));
    arguments.push_back(world.at("target/"));
    const auto ran = testing::run_rsync(arguments);
    ASSERT_EQ(ran.status, 0) << ran.output;
    const auto map = IdMap::parse(options, *passwd, *group);
    ASSERT_TRUE(map) << map.error().message();
    for (int i = 0; i < kFiles; ++i) {
      const auto [owner, group_id] = owners[static_cast<std::size_t>(i)];
      const auto status = world.status(fmt::format("target/f{}", i));
      EXPECT_EQ(map->owner(owner), status.st_uid) << "user " << owner;
      EXPECT_EQ(map->group(group_id), status.st_gid) << "group " << group_id;
      changed += status.st_uid != owner ? 1 : 0;
    }
    if (HasFailure()) return;
    world.remove("target");
  }
  EXPECT_GT(changed, 0);
}

}  // namespace
}  // namespace foxing::meta
