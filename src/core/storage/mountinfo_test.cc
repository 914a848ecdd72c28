// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/storage/mountinfo.h"

#include <gmock/gmock.h>

#include <random>

#include "core/storage/system_root.h"

namespace foxing::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

TEST(Mountinfo, ReadsTheManualPagesLine) {
  const auto mount = parse_mount("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue");
  ASSERT_TRUE(mount);
  EXPECT_EQ(mount->id, MountId(36));
  EXPECT_EQ(mount->parent, MountId(35));
  EXPECT_EQ(mount->device, DeviceId::from_numbers(98, 0));
  EXPECT_EQ(mount->root, "/mnt1");
  EXPECT_EQ(mount->point, "/mnt2");
  EXPECT_THAT(mount->options, ElementsAre("rw", "noatime"));
  EXPECT_THAT(mount->propagation, ElementsAre("master:1"));
  EXPECT_EQ(mount->type, "ext3");
  EXPECT_EQ(mount->source, "/dev/root");
  EXPECT_THAT(mount->super_options, ElementsAre("rw", "errors=continue"));
  EXPECT_FALSE(mount->read_only());
  EXPECT_THAT(mount->super_option("errors"), Optional(std::string_view("continue")));
  EXPECT_FALSE(mount->super_option("error"));
}

TEST(Mountinfo, OptionalFieldsMayBeNoneOrMany) {
  const auto none = parse_mount("22 1 0:21 / /proc rw - proc proc rw");
  ASSERT_TRUE(none);
  EXPECT_THAT(none->propagation, IsEmpty());
  const auto many = parse_mount("22 1 0:21 / /a rw shared:5 master:7 propagate_from:2 unbindable - tmpfs none rw");
  ASSERT_TRUE(many);
  EXPECT_THAT(many->propagation, ElementsAre("shared:5", "master:7", "propagate_from:2", "unbindable"));
}

TEST(Mountinfo, UndoesTheKernelsEscapes) {
  const auto mount = parse_mount(
      "40 1 8:1 /with\\040space /tab\\011newline\\012back\\134slash\\043hash rw - fuse.ssh\\040fs a\\040b "
      "rw,upperdir=/a\\054b\\134040c");
  ASSERT_TRUE(mount);
  EXPECT_EQ(mount->root, "/with space");
  EXPECT_EQ(mount->point, "/tab\tnewline\nback\\slash#hash");
  EXPECT_EQ(mount->type, "fuse.ssh fs");
  EXPECT_EQ(mount->source, "a b");
  EXPECT_THAT(mount->super_option("upperdir"), Optional(std::string_view("/a,b\\040c")));
}

TEST(Mountinfo, WhatIsNoEscapeStays) {
  EXPECT_EQ(unescape("\\"), "\\");
  EXPECT_EQ(unescape("\\04"), "\\04");
  EXPECT_EQ(unescape("\\0a0"), "\\0a0");
  EXPECT_EQ(unescape("\\400"), "\\400") << "more than a byte";
  EXPECT_EQ(unescape("\\377"), "\xFF");
  EXPECT_EQ(unescape("a\\040\\040b"), "a  b");
}

TEST(Mountinfo, AnEmptySourceIsOne) {
  const auto mount = parse_mount("40 1 0:50 / /m rw - tmpfs  rw,size=4k");
  ASSERT_TRUE(mount);
  EXPECT_EQ(mount->source, "");
  EXPECT_THAT(mount->super_options, ElementsAre("rw", "size=4k"));
}

TEST(Mountinfo, EveryTruncationIsLeftOutAndCounted) {
  const std::string whole = "36 35 98:0 /mnt1 /mnt2 rw,noatime shared:1 - ext3 /dev/root rw";
  ASSERT_TRUE(parse_mount(whole));
  const std::size_t options_begin = whole.rfind(' ') + 1;
  for (std::size_t length = 0; length <= options_begin; ++length)
    EXPECT_FALSE(parse_mount(whole.substr(0, length))) << whole.substr(0, length);
}

TEST(Mountinfo, HostileLinesAreLeftOut) {
  for (const char* line :
       {"x 35 98:0 / /m rw - ext3 a rw", "36 x 98:0 / /m rw - ext3 a rw", "36 35 98 / /m rw - ext3 a rw",
        "36 35 98:x / /m rw - ext3 a rw", "36 35 :0 / /m rw - ext3 a rw", "99999999999 35 98:0 / /m rw - ext3 a rw",
        "36 35 98:99999999999 / /m rw - ext3 a rw", "36 35 98:0 / relative rw - ext3 a rw", "36 35 98:0  /m rw - ext3 a rw",
        "36 35 98:0 / /m rw ext3 a rw", "-", " ", "- - - - - - -", "36 35 98:0 / /m rw -", "36 35 98:0 / /m rw - ",
        "36 35 98:0 / /m rw - ext3", "36 35 98:0 / /m rw -  a rw"})
    EXPECT_FALSE(parse_mount(line)) << line;
}

TEST(Mountinfo, AGoodLineStandsBesideABadOne) {
  const MountTable table = parse_mountinfo("1 0 8:1 / / rw - ext4 /dev/sda1 rw\nrubbish\n\n2 1 8:2 / /b rw - xfs /dev/sda2 rw");
  EXPECT_EQ(table.unreadable, 1u);
  ASSERT_EQ(table.mounts.size(), 2u);
  ASSERT_NE(table.find(MountId(2)), nullptr);
  EXPECT_EQ(table.find(MountId(2))->point, "/b");
  EXPECT_EQ(table.find(MountId(3)), nullptr);
}

TEST(Mountinfo, AMountUnderAnotherOnTheSamePointIsCovered) {
  const MountTable table = parse_mountinfo(
      "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:2 / /dev/shm rw - tmpfs a rw\n3 2 0:3 / /dev/shm rw - tmpfs b rw\n"
      "4 3 0:4 / /dev/shm/x rw - tmpfs c rw\n");
  EXPECT_FALSE(table.covered(table.mounts[0]));
  EXPECT_TRUE(table.covered(table.mounts[1]));
  EXPECT_FALSE(table.covered(table.mounts[2]));
  EXPECT_FALSE(table.covered(table.mounts[3]));
}

TEST(Mountinfo, RandomBytesDoNoHarm) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::string line = "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime shared:1 - ext3 /dev/root rw,a=b\n";
  for (int round = 0; round < 2000; ++round) {
    std::string text = line + line;
    for (int change = 0; change < 4; ++change) text[random() % text.size()] = static_cast<char>(random());
    const MountTable table = parse_mountinfo(text);
    for (const Mount& mount : table.mounts) {
      EXPECT_THAT(mount.point, testing::StartsWith("/"));
      EXPECT_FALSE(mount.type.empty());
    }
  }
}

TEST(Mountinfo, ReadsThisMachinesWithoutLeavingALineOut) {
  const auto text = SystemRoot().read("/proc/self/mountinfo");
  ASSERT_TRUE(text);
  const MountTable table = parse_mountinfo(*text);
  EXPECT_EQ(table.unreadable, 0u);
  EXPECT_EQ(table.mounts.size(), static_cast<std::size_t>(std::count(text->begin(), text->end(), '\n')));
}

TEST(IsWithin, ComparesWholeNames) {
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_TRUE(is_within("/a", "/"));
  EXPECT_TRUE(is_within("/", "/"));
  EXPECT_FALSE(is_within("/ab", "/a"));
  EXPECT_FALSE(is_within("/a", "/a/b"));
  EXPECT_FALSE(is_within("", "/"));
}

}  // namespace
}  // namespace foxing::storage
