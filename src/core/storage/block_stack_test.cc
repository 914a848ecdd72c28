// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/storage/block_stack.h"

#include <gmock/gmock.h>

#include "core/storage/fake_system.h"

namespace foxing::storage {
namespace {

using testing::ElementsAre;
using testing::Optional;

const std::string kLvmUuid = "LVM-" + std::string(32, 'g') + std::string(32, 'v');

DeviceId device(unsigned major, unsigned minor) { return DeviceId::from_numbers(major, minor); }

/// "kernel name: kind", indented by depth.
std::vector<std::string> outline(const Stack& stack) {
  std::vector<std::string> lines;
  for (const Layer& layer : stack.layers)
    lines.push_back(std::string(layer.depth, ' ') + layer.kernel_name + ": " + std::string(name_of(layer.kind)));
  return lines;
}

TEST(KindOfMap, IsToldByTheUuid) {
  const std::pair<std::string, LayerKind> cases[] = {
      {"CRYPT-LUKS2-87e2c6a0-home", LayerKind::luks2},
      {"CRYPT-LUKS1-a6cf-luks-on-lv", LayerKind::luks1},
      {"CRYPT-PLAIN-swap", LayerKind::crypt},
      {"CRYPT-TCRYPT-1-x", LayerKind::crypt},
      {"CRYPT-BITLK-1-x", LayerKind::crypt},
      {"CRYPT-VERITY-1-root", LayerKind::verity},
      {"CRYPT-INTEGRITY-x", LayerKind::integrity},
      {"CRYPT-SUBDEV-1-x_dif", LayerKind::integrity},
      {kLvmUuid, LayerKind::lvm},
      {kLvmUuid + "-tpool", LayerKind::lvm_thin_pool},
      {kLvmUuid + "-tdata", LayerKind::lvm_part},
      {kLvmUuid + "-tmeta", LayerKind::lvm_part},
      {kLvmUuid + "-real", LayerKind::lvm_part},
      {kLvmUuid + "-vpool", LayerKind::vdo_pool},
      {"VDO-2a1b-vdo1", LayerKind::vdo},
      {"stratis-1-0123-thin-fs-4567", LayerKind::stratis},
      {"stratis-1-0123-thinpool-pool", LayerKind::stratis_pool},
      {"stratis-1-0123-flex-thindata", LayerKind::stratis_part},
      {"stratis-1-private-0123-physical-originsub", LayerKind::stratis_part},
      {"mpath-3600508b4", LayerKind::multipath},
      {"part1-mpath-3600508b4", LayerKind::partition},
      {"part-x", LayerKind::device_mapper},
      {"partners", LayerKind::device_mapper},
      {"", LayerKind::device_mapper},
      {"LVM-", LayerKind::lvm},
  };
  for (const auto& [uuid, kind] : cases) EXPECT_EQ(kind_of_map(uuid), kind) << uuid;
}

TEST(BlockStack, PartitionOnAnNvmeDisk) {
  FakeSystem system;
  system.disk("259:0", "nvme0n1", {.logical_block = 4096, .discard_max = 1 << 30}, "Some Fast Disk");
  system.partition("259:2", "nvme0n1p2", "nvme0n1", 2);
  const Stack stack = read_stack(system.root(), device(259, 2));
  EXPECT_THAT(outline(stack), ElementsAre("nvme0n1p2: partition", " nvme0n1: disk"));
  EXPECT_EQ(stack.layers[0].name, "2");
  EXPECT_EQ(stack.layers[0].logical_block, 4_KiB) << "the queue is the disk's";
  EXPECT_TRUE(stack.layers[0].discards);
  EXPECT_EQ(stack.layers[1].name, "Some Fast Disk");
  EXPECT_EQ(stack.layers[1].size, 1_GiB);
  EXPECT_THAT(stack.rotational(), Optional(false));
  EXPECT_EQ(stack.alignment(), 4_KiB);
  EXPECT_FALSE(stack.encrypted());
  EXPECT_FALSE(stack.thin());
}

TEST(BlockStack, Luks1OnLvmOnATurningDisk) {
  FakeSystem system;
  system.disk("8:0", "sda", {.rotational = true});
  system.partition("8:1", "sda1", "sda", 1);
  system.map("253:1", "dm-1", kLvmUuid, "vg-lv", {"sda1"}, {.rotational = false});
  system.map("253:6", "dm-6", "CRYPT-LUKS1-a6cf-luks-on-lv", "luks-on-lv", {"dm-1"}, {.rotational = false});
  const Stack stack = read_stack(system.root(), device(253, 6));
  EXPECT_THAT(outline(stack), ElementsAre("dm-6: LUKS1", " dm-1: LVM volume", "  sda1: partition", "   sda: disk"));
  EXPECT_THAT(stack.rotational(), Optional(true)) << "the leaf counts, not what the maps say";
  EXPECT_TRUE(stack.encrypted());
  EXPECT_EQ(stack.alignment(), Bytes(512));
}

TEST(BlockStack, ThinVolumeInAPool) {
  FakeSystem system;
  system.disk("8:0", "sda");
  system.map("253:2", "dm-2", kLvmUuid + "-tdata", "vg-pool_tdata", {"sda"});
  system.map("253:3", "dm-3", kLvmUuid + "-tmeta", "vg-pool_tmeta", {"sda"});
  system.map("253:4", "dm-4", kLvmUuid + "-tpool", "vg-pool-tpool", {"dm-2", "dm-3"});
  system.map("253:5", "dm-5", kLvmUuid, "vg-thin", {"dm-4"});
  const Stack stack = read_stack(system.root(), device(253, 5));
  EXPECT_THAT(outline(stack), ElementsAre("dm-5: LVM thin volume", " dm-4: LVM thin pool", "  dm-2: LVM part", "   sda: disk",
                                          "  dm-3: LVM part"))
      << "every device once";
  EXPECT_TRUE(stack.thin());
  EXPECT_THAT(stack.rotational(), Optional(false));
}

TEST(BlockStack, Stratis) {
  FakeSystem system;
  system.disk("252:0", "sdb");
  system.map("253:2", "dm-2", "stratis-1-0123-flex-thindata", "stratis-1-0123-flex-thindata", {"sdb"});
  system.map("253:4", "dm-4", "stratis-1-0123-thinpool-pool", "stratis-1-0123-thinpool-pool", {"dm-2"});
  system.map("253:5", "dm-5", "stratis-1-0123-thin-fs-4567", "stratis-1-0123-thin-fs-4567", {"dm-4"});
  const Stack stack = read_stack(system.root(), device(253, 5));
  EXPECT_THAT(outline(stack),
              ElementsAre("dm-5: Stratis filesystem", " dm-4: Stratis pool", "  dm-2: Stratis part", "   sdb: disk"));
  EXPECT_TRUE(stack.thin());
}

TEST(BlockStack, VdoOfItsOwnAndOfLvm) {
  FakeSystem system;
  system.disk("8:0", "sda");
  system.map("253:0", "dm-0", "VDO-2a1b-vdo1", "vdo1", {"sda"});
  system.map("253:1", "dm-1", kLvmUuid + "-vpool", "vg-vpool0-vpool", {"sda"});
  system.map("253:2", "dm-2", kLvmUuid, "vg-vdo", {"dm-1"});
  const Stack own = read_stack(system.root(), device(253, 0));
  EXPECT_THAT(outline(own), ElementsAre("dm-0: VDO", " sda: disk"));
  EXPECT_EQ(own.alignment(), 4_KiB) << "whatever the disk says";
  EXPECT_TRUE(own.thin());
  EXPECT_THAT(outline(read_stack(system.root(), device(253, 2))), ElementsAre("dm-2: VDO", " dm-1: VDO pool", "  sda: disk"));
}

TEST(BlockStack, LoopRaidMultipathBcacheAndMemory) {
  FakeSystem system;
  system.virtual_device("7:3", "loop3");
  system.file(system.folder_of("loop3") + "/loop/backing_file", "/srv/with space.img\n");
  const Stack loop = read_stack(system.root(), device(7, 3));
  EXPECT_THAT(outline(loop), ElementsAre("loop3: loop device"));
  EXPECT_EQ(loop.layers[0].name, "/srv/with space.img");
  EXPECT_FALSE(loop.rotational()) << "what turns below the file is not known";

  system.disk("8:0", "sda", {.rotational = true});
  system.disk("8:16", "sdb", {.rotational = true});
  system.disk("8:32", "sdc", {.rotational = false});
  system.virtual_device("9:0", "md0", {"sda", "sdb"});
  system.file(system.folder_of("md0") + "/md/level", "raid1\n");
  const Stack raid = read_stack(system.root(), device(9, 0));
  EXPECT_THAT(outline(raid), ElementsAre("md0: RAID", " sda: disk", " sdb: disk"));
  EXPECT_EQ(raid.layers[0].name, "raid1");
  EXPECT_THAT(raid.rotational(), Optional(true));

  system.virtual_device("252:0", "bcache0", {"sda", "sdc"});
  system.directory(system.folder_of("bcache0") + "/bcache");
  const Stack bcache = read_stack(system.root(), device(252, 0));
  EXPECT_THAT(outline(bcache), ElementsAre("bcache0: bcache", " sda: disk", " sdc: disk"));
  EXPECT_FALSE(bcache.rotational()) << "they differ";

  system.map("253:9", "dm-9", "mpath-3600", "mpatha", {"sda", "sdb"});
  system.map("253:10", "dm-10", "part1-mpath-3600", "mpatha1", {"dm-9"});
  EXPECT_THAT(outline(read_stack(system.root(), device(253, 10))),
              ElementsAre("dm-10: partition", " dm-9: multipath", "  sda: disk", "  sdb: disk"));

  system.virtual_device("251:0", "zram0");
  system.virtual_device("43:0", "nbd0");
  EXPECT_THAT(outline(read_stack(system.root(), device(251, 0))), ElementsAre("zram0: memory disk"));
  EXPECT_THAT(outline(read_stack(system.root(), device(43, 0))), ElementsAre("nbd0: network disk"));
}

TEST(BlockStack, AVirtioDiskThatSaysItTurnsIsNotBelieved) {
  FakeSystem system;
  system.disk("254:0", "vda", {.rotational = true});
  system.disk("254:16", "vdb", {.rotational = false});
  EXPECT_FALSE(read_stack(system.root(), device(254, 0)).rotational());
  EXPECT_THAT(read_stack(system.root(), device(254, 16)).rotational(), Optional(false));
}

TEST(BlockStack, Luks2AsksForFourKibibytes) {
  FakeSystem system;
  system.disk("8:0", "sda");
  system.map("253:0", "dm-0", "CRYPT-LUKS2-87e2-home", "home", {"sda"});
  EXPECT_EQ(read_stack(system.root(), device(253, 0)).alignment(), 4_KiB);
}

TEST(BlockStack, OfAnUnknownDeviceIsEmpty) {
  FakeSystem system;
  const Stack stack = read_stack(system.root(), device(0, 35));
  EXPECT_TRUE(stack.layers.empty());
  EXPECT_FALSE(stack.rotational());
}

TEST(BlockStack, ATreeThatGoesInCirclesEnds) {
  FakeSystem system;
  system.map("253:0", "dm-0", "", "a", {});
  system.map("253:1", "dm-1", "", "b", {"dm-0"});
  system.link(system.folder_of("dm-0") + "/slaves/dm-1", system.folder_of("dm-1"));
  EXPECT_THAT(outline(read_stack(system.root(), device(253, 1))), ElementsAre("dm-1: device mapper", " dm-0: device mapper"));
}

TEST(BlockStack, DamagedFilesLeaveTheRestReadable) {
  FakeSystem system;
  system.disk("8:0", "sda");
  system.file(system.folder_of("sda") + "/size", "many\n");
  system.file(system.folder_of("sda") + "/queue/logical_block_size", "");
  system.virtual_device("9:0", "md0", {"sda"});
  system.file(system.folder_of("md0") + "/slaves/nothing/dev", "8;0\n");
  const Stack stack = read_stack(system.root(), device(9, 0));
  EXPECT_THAT(outline(stack), ElementsAre("md0: disk", " sda: disk"));
  EXPECT_EQ(stack.layers[1].size, Bytes(0));
  EXPECT_EQ(stack.alignment(), Bytes(512));
}

TEST(DeviceNumbers, AreReadWholeOrNotAtAll) {
  EXPECT_EQ(parse_device_numbers("8:1\n"), device(8, 1));
  EXPECT_EQ(parse_device_numbers("259:1048575"), device(259, 1048575));
  for (const char* text : {"", "8", "8:", ":1", "8:x", "8 1", "8:1x", "-8:1"}) EXPECT_FALSE(parse_device_numbers(text)) << text;
}

TEST(KernelName, OfANodeIsFoundThroughLinks) {
  FakeSystem system;
  system.disk("8:0", "sda");
  system.map("253:0", "dm-0", "CRYPT-LUKS2-87e2-home", "home", {"sda"});
  EXPECT_EQ(kernel_name_of_node(system.root(), "/dev/mapper/home"), "dm-0");
  EXPECT_EQ(kernel_name_of_node(system.root(), "/dev/sda"), "sda");
  EXPECT_EQ(kernel_name_of_node(system.root(), "/dev/sdz"), "");
  EXPECT_EQ(kernel_name_of_node(system.root(), "server:/export"), "");
  EXPECT_EQ(kernel_name_of_node(system.root(), "/dev/"), "");
}

TEST(KernelName, OfAMapWithoutALinkIsFoundByItsName) {
  FakeSystem system;
  system.disk("8:0", "sda");
  system.map("253:7", "dm-7", "CRYPT-LUKS2-87e2-home", "home", {"sda"});
  std::filesystem::remove(system.folder() + "/dev/mapper/home");
  EXPECT_EQ(kernel_name_of_node(system.root(), "/dev/mapper/home"), "dm-7") << "no udev: the node is no link";
}

}  // namespace
}  // namespace foxing::storage
