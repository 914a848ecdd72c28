// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/meta/chmod.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <random>

#include "core/meta/test_rsync.h"
#include "sys/process.h"
#include "testing/temp_tree.h"

namespace foxing::meta {
namespace {

using ::testing::HasSubstr;

constexpr mode_t kUmask = 022;

mode_t applied(std::string_view text, mode_t mode, bool is_directory = false, mode_t umask = kUmask) {
  const auto changes = ModeChanges::parse(text, umask);
  EXPECT_TRUE(changes) << text << ": " << changes.error().message();
  return changes ? changes->apply(mode, is_directory) : 0xFFFF;
}

TEST(Chmod, ATable) {
  struct Row {
    const char* text;
    mode_t mode;
    mode_t file;
    mode_t directory;
  };
  // clang-format off
  constexpr Row kRows[] = {
      {"755",              0644,  0755,  0755},
      {"D2755,F644",       0700,  0644, 02755},
      {"Dug=rwx",          0604,  0604,  0774},
      {"a+X",              0644,  0644,  0755},
      {"a+X",              0744,  0755,  0755},
      {"Dg+s,ug+w,Fo-w,+X", 0606, 0624, 02737},
      {"u=rwx,g=rX",       0644,  0744,  0754},   // X asks for the x of before the first item
      {"u=X",              0644,  0044,  0144},
      {"g=u",              0640,  0660,  0660},
      {"g-o",              0755,  0705,  0705},
      {"g=o,o=",           0754,  0740,  0740},
      {"+u",               0600,  0644,  0644},   // less the umask
      {"+w",               0444,  0644,  0644},
      {"a+w",              0444,  0666,  0666},
      {"=",                0755,  0000,  0000},
      {"ug+s",             0755, 06755, 06755},
      {"+s",               0755, 04755, 04755},
      {"o+t",              0755, 01755, 01755},
      {"u=r",             04755, 04455, 04455},
      {"u=s",              0755, 04055, 04055},
      {"755",             06755,  0755,  0755},
      {"7",                0755,  0007,  0007},
      {"0000000755",       0000,  0755,  0755},
  };
  // clang-format on
  for (const Row& row : kRows) {
    EXPECT_EQ(applied(row.text, row.mode), row.file) << fmt::format("{} on a file of {:o}", row.text, row.mode);
    EXPECT_EQ(applied(row.text, row.mode, true), row.directory) << fmt::format("{} on a directory of {:o}", row.text, row.mode);
  }
}

TEST(Chmod, LeavesTheTypeOfTheFileAlone) {
  EXPECT_EQ(applied("600", S_IFREG | 0755), mode_t{S_IFREG | 0600});
  EXPECT_EQ(applied("=", S_IFDIR | 07777, true), mode_t{S_IFDIR | 07000});
}

TEST(Chmod, ASecondOneIsAddedToTheFirst) {
  auto changes = ModeChanges::parse("u=rw", kUmask);
  ASSERT_TRUE(changes);
  EXPECT_FALSE(changes->empty());
  ASSERT_TRUE(changes->add("u+x,go=", kUmask));
  EXPECT_EQ(changes->apply(0444, false), 0700u);
  EXPECT_FALSE(changes->add("o+r,nonsense", kUmask));
  EXPECT_EQ(changes->apply(0444, false), 0700u) << "an error adds nothing";
  EXPECT_TRUE(ModeChanges().empty());
  EXPECT_EQ(ModeChanges().apply(0444, false), 0444u);
}

TEST(Chmod, WhatCannotBeReadIsNamed) {
  const auto message = [](std::string_view text) {
    const auto changes = ModeChanges::parse(text, kUmask);
    return changes ? std::string("accepted") : changes.error().message();
  };
  EXPECT_THAT(message("u=rw,F8"), HasSubstr("'F8' has '8' where one of D F u g o a + - = is expected"));
  EXPECT_THAT(message("77777"), HasSubstr("'77777' is more than 7777"));
  EXPECT_THAT(message("u755"), HasSubstr("a number behind u, g, o or a"));
  EXPECT_THAT(message("DFu=r"), HasSubstr("directories (D) and for files (F) at once"));
  EXPECT_THAT(message("g=uo"), HasSubstr("write two items"));
  EXPECT_THAT(message("u+z"), HasSubstr("has 'z' where one of r w x X s t is expected"));
  EXPECT_THAT(message("u+\033"), HasSubstr("has '\\x1b'")) << "what is shown of it harms no terminal";
  EXPECT_THAT(message("D"), HasSubstr("has no permissions"));
  EXPECT_THAT(message(""), HasSubstr("has no permissions"));
  EXPECT_THAT(message("u=r,"), HasSubstr("has no permissions"));
}

// ---- The same as the installed rsync does

template <class Random>
std::string pick(Random& random, std::string_view from, std::size_t least, std::size_t most) {
  std::string text;
  for (std::size_t left = least + random() % (most - least + 1); left > 0; --left) text += from[random() % from.size()];
  return text;
}

template <class Random>
std::string random_item(Random& random, bool copies) {
  const std::string objects = pick(random, "DF", 0, 1);
  const std::string classes = pick(random, "ugoa", 0, 3);
  switch (random() % (copies ? 4 : 3)) {
    case 0: return objects + pick(random, "01234567", 1, 4);
    case 3: return objects + classes + pick(random, "+-=", 1, 1) + pick(random, "ugo", 1, 1);
    default: return objects + classes + pick(random, "+-=", 1, 1) + pick(random, "rwxXst", 0, 4);
  }
}

template <class Random>
std::string random_spec(Random& random, bool copies) {
  std::string text = random_item(random, copies);
  while (random() % 2 == 0) text += "," + random_item(random, copies);
  return text;
}

TEST(ChmodAgainstRsync, RandomChangesGiveTheSameModes) {
  if (!testing::rsync_takes("--chmod=u=r")) GTEST_SKIP() << "needs rsync";
  const bool copies = testing::rsync_takes("--chmod=g=u");
  if (!copies) GTEST_LOG_(INFO) << "this rsync does not copy between classes (g=u): that part is not compared";
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);

  // The umask of this process is that of rsync.
  const mode_t umask = sys::current_umask();
  const testing::TempTree world;
  std::vector<mode_t> modes;
  world.dir("source");
  for (int i = 0; i < 40; ++i) {
    // An ordinary user can neither read everything nor keep every setgid.
    const mode_t mode = random() % 010000;
    modes.push_back(testing::is_root() ? mode : (mode & 0777) | 0700);
    world.file(fmt::format("source/file{}", i), "x", modes.back());
    world.dir(fmt::format("source/dir{}", i), modes.back());
  }
  for (int round = 0; round < 30; ++round) {
    const std::string first = random_spec(random, copies);
    const std::string second = random_spec(random, copies);
    SCOPED_TRACE(fmt::format("--chmod={} --chmod={}", first, second));
    // The root itself stays accessible: the change is for what is in it.
    const auto ran = testing::run_rsync(
        {"-rp", "--chmod=" + first, "--chmod=" + second, "--chmod=Du+rwx", world.at("source/"), world.at("target/")});
    ASSERT_EQ(ran.status, 0) << ran.output;
    auto changes = ModeChanges::parse(first, umask);
    ASSERT_TRUE(changes) << changes.error().message();
    ASSERT_TRUE(changes->add(second, umask));
    ASSERT_TRUE(changes->add("Du+rwx", umask));
    for (int i = 0; i < 40; ++i) {
      const mode_t mode = modes[static_cast<std::size_t>(i)];
      const mode_t all = testing::is_root() ? 07777 : 01777 | 0;
      EXPECT_EQ(fmt::format("{:o}", changes->apply(mode, false) & all),
                fmt::format("{:o}", world.mode(fmt::format("target/file{}", i)) & all))
          << fmt::format("file of {:o}", mode);
      EXPECT_EQ(fmt::format("{:o}", changes->apply(mode, true) & all),
                fmt::format("{:o}", world.mode(fmt::format("target/dir{}", i)) & all))
          << fmt::format("directory of {:o}", mode);
    }
    if (HasFailure()) return;
    world.remove("target");
  }
}

TEST(ChmodAgainstRsync, TheSameTextsAreRefused) {
  if (!testing::rsync_takes("--chmod=g=u")) GTEST_SKIP() << "needs an rsync that copies between classes (3.5)";
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  int refused = 0;
  for (int round = 0; round < 150; ++round) {
    const std::string text = pick(random, "DFugoa+-=rwxXst,0178", 1, 5);
    const bool rsync = testing::rsync_takes("--chmod=" + text);
    EXPECT_EQ(ModeChanges::parse(text, kUmask).has_value(), rsync) << "'" << text << "'";
    if (!rsync) ++refused;
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 150);
}

}  // namespace
}  // namespace foxing::meta
