// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/accounts.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <pwd.h>

#include <cerrno>

#include "sys/fault.h"
#include "sys/status.h"
#include "testing/temp_tree.h"

namespace foxing::sys {
namespace {

TEST(Accounts, TheFirstEntryOfANameCountsAndNonsenseIsSkipped) {
  const Accounts accounts = Accounts::parse(
      "root:x:0:0:root:/root:/bin/sh\n"
      "# a comment:x:1:1\n"
      "+nis::::::\n"
      "-nis:x:9:9\n"
      "\n"
      "anna:x:1000:1000::/home/anna:\n"
      "anna:x:1001:1001::/home/anna:\n"
      "short:x\n"
      "word:x:12a:1\n"
      "negative:x:-1:1\n"
      "large:x:4294967296:1\n"
      ":x:7:7\n"
      "last:x:7",
      "/etc/passwd");
  EXPECT_EQ(accounts.file(), "/etc/passwd");
  EXPECT_EQ(accounts.id_of("root"), 0u);
  EXPECT_EQ(accounts.id_of("anna"), 1000u);
  EXPECT_EQ(accounts.id_of("last"), 7u);
  for (const char* name : {"", "# a comment", "+nis", "-nis", "short", "word", "negative", "large", "nobody here"})
    EXPECT_FALSE(accounts.id_of(name)) << name;
  EXPECT_EQ(accounts.all().size(), 4u);
}

TEST(Accounts, AFileLongerThanOnePieceIsReadToItsEnd) {
  const testing::TempTree world;
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += fmt::format("user{}:x:{}:{}:A User:/home/user{}:/bin/sh\n", i, i, i, i);
  world.file("passwd", text);
  const auto accounts = read_accounts(working_directory(), world.at("passwd"));
  ASSERT_TRUE(accounts) << accounts.error().message();
  EXPECT_EQ(accounts->all().size(), 10'000u);
  EXPECT_EQ(accounts->id_of("user9999"), 9999u);
}

TEST(Accounts, NoFileIsNoAccounts) {
  const testing::TempTree world;
  const auto accounts = read_accounts(working_directory(), world.at("nothing"));
  ASSERT_TRUE(accounts);
  EXPECT_TRUE(accounts->all().empty());
  EXPECT_EQ(accounts->file(), world.at("nothing"));
}

TEST(Accounts, ThoseOfThisMachineAreAsTheLibrarySays) {
  const auto accounts = read_accounts(working_directory(), "/etc/passwd");
  ASSERT_TRUE(accounts);
  if (accounts->all().empty()) GTEST_SKIP() << "/etc/passwd is empty or missing";
  for (const Account& account : accounts->all()) {
    const passwd* entry = ::getpwnam(account.name.c_str());
    ASSERT_NE(entry, nullptr) << account.name;
    EXPECT_EQ(accounts->id_of(account.name), entry->pw_uid) << account.name;
  }
}

TEST(Accounts, AFileThatCannotBeReadIsAnError) {
  if (!kFaultsCanBePlanned) GTEST_SKIP() << "needs a build with faults";
  {
    const FaultPlan plan("openat:1:EACCES");
    const auto accounts = read_accounts(working_directory(), "/etc/passwd");
    ASSERT_FALSE(accounts);
    EXPECT_EQ(accounts.error().code, EACCES);
    EXPECT_EQ(accounts.error().subject, "/etc/passwd");
  }
  const testing::TempTree world;
  world.file("passwd", "root:x:0:0\n");
  const FaultPlan plan("read:2:EIO");
  const auto accounts = read_accounts(working_directory(), world.at("passwd"));
  ASSERT_FALSE(accounts) << "a half of it must not pass for the whole";
  EXPECT_EQ(accounts.error().code, EIO);
}

}  // namespace
}  // namespace foxing::sys
