// SPDX-License-Identifier: GPL-2.0-or-later
// --link, --attributes-only, --munge-links, --safe-links: entries that become something else than a copy.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/copy/test_run.h"

namespace foxing::copy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TempTree;

sys::FileStatus look(const TempTree& world, const std::string& path) {
  auto status = sys::status_at(sys::working_directory(), world.at(path));
  EXPECT_TRUE(status) << path;
  return status.value_or(sys::FileStatus{});
}

void expect_untouched(const sys::FileStatus& before, const sys::FileStatus& after) {
  EXPECT_EQ(before.key(), after.key());
  EXPECT_EQ(before.permissions(), after.permissions());
  EXPECT_EQ(before.owner(), after.owner());
  EXPECT_EQ(before.size(), after.size());
  EXPECT_TRUE(sys::same_time(before.modified(), after.modified()));
}

TEST(Linking, GivesFurtherNamesAndTouchesNothing) {
  TempTree world;
  world.dir("source/sub");
  world.file("source/sub/a", "text", 0640);
  world.symlink("source/l", "sub/a");
  const auto before = look(world, "source/sub/a");
  Options options = archive();
  options.link_sources = true;
  TestRun run(world, options);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  expect_untouched(before, look(world, "target/sub/a"));
  EXPECT_EQ(look(world, "source/sub/a").links(), 2u);
  EXPECT_EQ(look(world, "source/l").key(), look(world, "target/l").key());
  EXPECT_NE(look(world, "source/sub").key(), look(world, "target/sub").key());
  EXPECT_EQ(run.counters.hard_links, 2u);

  const auto linked = look(world, "source/sub/a");
  TestRun again(world, options);
  again.copy();
  EXPECT_EQ(again.counters.unchanged, 2u);
  EXPECT_EQ(again.counters.hard_links, 0u);
  EXPECT_TRUE(sys::same_time(linked.changed(), look(world, "source/sub/a").changed())) << "not even its ctime";
}

TEST(Linking, ReplacesAnotherFileByALinkAndNotItsContent) {
  TempTree world;
  world.file("source/a", "new");
  world.file("target/a", "old");
  std::filesystem::create_hard_link(world.at("target/a"), world.at("elsewhere"));
  Options options = archive();
  options.link_sources = true;
  TestRun run(world, options);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_EQ(look(world, "source/a").key(), look(world, "target/a").key());
  EXPECT_EQ(world.read("elsewhere"), "old");
}

TEST(Linking, ARefusedLinkIsSaidAndLeavesNothing) {
  FOXING_NEEDS_FAULTS();
  TempTree world;
  world.file("source/a", "new");
  world.file("target/a", "old");
  Options options = archive();
  options.link_sources = true;
  TestRun run(world, options);
  run.faults = "linkat:1+:EMLINK";
  run.copy();
  EXPECT_EQ(run.failures().size(), 1u);
  EXPECT_EQ(world.read("target/a"), "old");
}

TEST(Linking, ADryRunLinksNothing) {
  TempTree world;
  world.file("source/a", "new");
  world.dir("target");
  Options options = archive();
  options.link_sources = options.dry_run = true;
  TestRun run(world, options);
  run.copy();
  EXPECT_FALSE(world.exists("target/a"));
  EXPECT_EQ(look(world, "source/a").links(), 1u);
  EXPECT_EQ(run.counters.hard_links, 1u);
}

TEST(AttributesOnly, LeaveDataAloneAndMakeEmptyFiles) {
  TempTree world;
  world.file("source/there", "new data", 0640);
  world.file("source/missing", "data", 0600);
  world.file("target/there", "old", 0600);
  std::filesystem::create_hard_link(world.at("target/there"), world.at("target/other"));
  const auto before = look(world, "target/there");
  Options options = archive();
  options.attributes_only = true;
  options.hard_links = false;
  TestRun run(world, options);
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_EQ(world.read("target/there"), "old");
  EXPECT_EQ(look(world, "target/there").key(), before.key()) << "the same file, whatever names it has";
  EXPECT_EQ(look(world, "target/there").permissions(), 0640u);
  EXPECT_TRUE(sys::same_time(look(world, "target/there").modified(), look(world, "source/there").modified()));
  EXPECT_EQ(world.read("target/missing"), "");
  EXPECT_EQ(look(world, "target/missing").permissions(), 0600u);
  EXPECT_TRUE(sys::same_time(look(world, "target/missing").modified(), look(world, "source/missing").modified()));
  EXPECT_EQ(run.counters.bytes, 0u);

  TestRun again(world, options);
  again.copy();
  EXPECT_EQ(again.counters.unchanged, 2u);
}

TEST(AttributesOnly, ReplaceNothing) {
  TempTree world;
  world.file("source/f", "data");
  world.dir("source/d");
  world.symlink("source/l", "f");
  world.dir("target/f");
  world.file("target/d", "precious");
  world.file("target/l", "precious");
  Options options = archive();
  options.attributes_only = true;
  options.hard_links = false;
  TestRun run(world, options);
  run.copy();
  EXPECT_EQ(run.failures().size(), 3u);
  EXPECT_EQ(world.read("target/d"), "precious");
  EXPECT_EQ(world.read("target/l"), "precious");
}

TEST(Munging, CanBeTakenBackAndSettles) {
  TempTree world;
  world.symlink("source/l", "../name");
  world.symlink("source/munged", "/rsyncd-munged//etc/passwd");
  Options options = archive();
  options.link_text = LinkText::munged;
  TestRun(world, options).copy();
  EXPECT_EQ(std::filesystem::read_symlink(world.at("target/l")), "/rsyncd-munged/../name");
  EXPECT_EQ(std::filesystem::read_symlink(world.at("target/munged")), "/rsyncd-munged//rsyncd-munged//etc/passwd");
  TestRun again(world, options);
  again.copy();
  EXPECT_EQ(again.counters.unchanged, 2u);
  options.link_text = LinkText::unmunged;
  TestRun(world, options).copy("target", "back");
  EXPECT_EQ(std::filesystem::read_symlink(world.at("back/l")), "../name");
  EXPECT_EQ(std::filesystem::read_symlink(world.at("back/munged")), "/rsyncd-munged//etc/passwd");
}

TEST(SafeLinks, LeaveOutWhatLeadsOutAndKeepWhatIsThere) {
  TempTree world;
  world.dir("source/d");
  world.symlink("source/d/in", "../name");
  world.symlink("source/d/out", "../../name");
  world.symlink("source/abs", "/etc");
  world.file("target/abs", "there");
  Options options = archive();
  options.safe_links = true;
  TestRun run(world, options);
  run.deleting = Deleting{};
  run.copy();
  EXPECT_THAT(run.failures(), IsEmpty());
  EXPECT_EQ(run.notes().size(), 2u);
  EXPECT_EQ(run.counters.skipped, 2u);
  EXPECT_EQ(run.counters.symlinks, 1u);
  EXPECT_FALSE(world.exists("target/d/out"));
  EXPECT_EQ(world.read("target/abs"), "there") << "the source has the name, so --delete spares it";
}

}  // namespace
}  // namespace foxing::copy
