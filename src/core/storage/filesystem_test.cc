// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/storage/filesystem.h"

#include <gmock/gmock.h>
#include <linux/magic.h>

namespace foxing::storage {
namespace {

TEST(Filesystem, IsKnownByTheNumbersOfTheKernelsHeader) {
  const std::pair<unsigned long, Filesystem> cases[] = {
      {XFS_SUPER_MAGIC, Filesystem::xfs},
      {BTRFS_SUPER_MAGIC, Filesystem::btrfs},
      {EXT4_SUPER_MAGIC, Filesystem::ext4},
      {TMPFS_MAGIC, Filesystem::tmpfs},
      {RAMFS_MAGIC, Filesystem::ramfs},
      {F2FS_SUPER_MAGIC, Filesystem::f2fs},
      {OVERLAYFS_SUPER_MAGIC, Filesystem::overlay},
      {ECRYPTFS_SUPER_MAGIC, Filesystem::ecryptfs},
      {NFS_SUPER_MAGIC, Filesystem::nfs},
      {SMB2_SUPER_MAGIC, Filesystem::cifs},
      {CEPH_SUPER_MAGIC, Filesystem::ceph},
      {V9FS_MAGIC, Filesystem::ninep},
      {FUSE_SUPER_MAGIC, Filesystem::fuse},
      {MSDOS_SUPER_MAGIC, Filesystem::fat},
      {EXFAT_SUPER_MAGIC, Filesystem::exfat},
      {UDF_SUPER_MAGIC, Filesystem::udf},
      {NILFS_SUPER_MAGIC, Filesystem::nilfs2},
      {OCFS2_SUPER_MAGIC, Filesystem::ocfs2},
      {SQUASHFS_MAGIC, Filesystem::squashfs},
      {EROFS_SUPER_MAGIC_V1, Filesystem::erofs},
      {ISOFS_SUPER_MAGIC, Filesystem::iso9660},
      {PROC_SUPER_MAGIC, Filesystem::proc},
      {SYSFS_MAGIC, Filesystem::sysfs},
      {CGROUP2_SUPER_MAGIC, Filesystem::pseudo},
      {CGROUP_SUPER_MAGIC, Filesystem::pseudo},
      {DEBUGFS_MAGIC, Filesystem::pseudo},
      {TRACEFS_MAGIC, Filesystem::pseudo},
      {BPF_FS_MAGIC, Filesystem::pseudo},
      {SECURITYFS_MAGIC, Filesystem::pseudo},
      {DEVPTS_SUPER_MAGIC, Filesystem::pseudo},
      {EFIVARFS_MAGIC, Filesystem::pseudo},
      {PSTOREFS_MAGIC, Filesystem::pseudo},
      {BINFMTFS_MAGIC, Filesystem::pseudo},
      {SELINUX_MAGIC, Filesystem::pseudo},
      {NSFS_MAGIC, Filesystem::pseudo},
      {0x12345678, Filesystem::other},
  };
  for (const auto& [magic, filesystem] : cases)
    EXPECT_EQ(facts_by_magic(static_cast<std::uint32_t>(magic)).filesystem, filesystem) << std::hex << magic;
}

TEST(Filesystem, IsKnownByMountinfosWords) {
  const std::pair<const char*, Filesystem> cases[] = {
      {"xfs", Filesystem::xfs},        {"ext2", Filesystem::ext4},      {"ext3", Filesystem::ext4},
      {"ext4", Filesystem::ext4},      {"nfs", Filesystem::nfs},        {"nfs4", Filesystem::nfs},
      {"fuse", Filesystem::fuse},      {"fuseblk", Filesystem::fuse},   {"fuse.sshfs", Filesystem::fuse},
      {"virtiofs", Filesystem::fuse},  {"devtmpfs", Filesystem::tmpfs}, {"smb3", Filesystem::cifs},
      {"9p", Filesystem::ninep},       {"msdos", Filesystem::fat},      {"ntfs3", Filesystem::ntfs},
      {"cgroup2", Filesystem::pseudo}, {"fusion", Filesystem::other},   {"", Filesystem::other},
  };
  for (const auto& [type, filesystem] : cases) EXPECT_EQ(facts_by_name(type).filesystem, filesystem) << type;
}

TEST(Filesystem, NativeOnesAreThoseOfThisMachinesKernelAndDisks) {
  for (const Filesystem one : {Filesystem::xfs, Filesystem::btrfs, Filesystem::ext4, Filesystem::tmpfs, Filesystem::zfs})
    EXPECT_TRUE(is_native(one));
  for (const Filesystem one :
       {Filesystem::nfs, Filesystem::cifs, Filesystem::fuse, Filesystem::fat, Filesystem::overlay, Filesystem::other})
    EXPECT_FALSE(is_native(one));
}

TEST(Filesystem, OfAnUnknownOneNothingIsRuledOut) {
  const FilesystemFacts& facts = facts_by_magic(0xDEADBEEF);
  EXPECT_EQ(facts.reflink, Support::perhaps);
  EXPECT_EQ(facts.holes, Support::perhaps);
  EXPECT_EQ(facts.nameless, Support::perhaps);
  EXPECT_FALSE(facts.times.step);
}

TEST(Filesystem, ReflinksWhereTheKindHasThem) {
  EXPECT_EQ(facts_of(Filesystem::btrfs).reflink, Support::yes);
  EXPECT_EQ(facts_of(Filesystem::xfs).reflink, Support::perhaps);  // mkfs.xfs -m reflink=0
  EXPECT_EQ(facts_of(Filesystem::ext4).reflink, Support::no);
  EXPECT_EQ(facts_of(Filesystem::tmpfs).reflink, Support::no);
}

TEST(TimeRange, KnowsWhatSurelyComesBack) {
  const TimeRange& btrfs = facts_of(Filesystem::btrfs).times;
  EXPECT_TRUE(btrfs.surely_keeps(-5'000'000'000, 123'456'789));
  const TimeRange& xfs = facts_of(Filesystem::xfs).times;
  EXPECT_TRUE(xfs.surely_keeps(2'147'483'647, 999'999'999));
  EXPECT_TRUE(xfs.surely_keeps(-2'147'483'648, 0));
  EXPECT_FALSE(xfs.surely_keeps(2'147'483'648, 0)) << "without bigtime XFS ends in 2038";
  EXPECT_FALSE(xfs.surely_keeps(-2'147'483'649, 0));
  EXPECT_FALSE(facts_of(Filesystem::ext4).times.surely_keeps(0, 1)) << "small inodes have no nanoseconds";
  const TimeRange& fat = facts_of(Filesystem::fat).times;
  EXPECT_TRUE(fat.surely_keeps(1'000'000'002, 0));
  EXPECT_FALSE(fat.surely_keeps(1'000'000'001, 0)) << "two-second steps";
  EXPECT_FALSE(fat.surely_keeps(1'000'000'002, 1));
  EXPECT_FALSE(fat.surely_keeps(0, 0)) << "FAT begins in 1980";
  EXPECT_TRUE(facts_of(Filesystem::exfat).times.surely_keeps(1'000'000'001, 10'000'000));
  EXPECT_FALSE(facts_of(Filesystem::exfat).times.surely_keeps(1'000'000'001, 1'000'000));
}

TEST(Filesystem, EveryKindHasANameOfItsOwn) {
  std::vector<std::string> names;
  for (int kind = 0; kind <= static_cast<int>(Filesystem::other); ++kind)
    names.emplace_back(name_of(static_cast<Filesystem>(kind)));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  EXPECT_THAT(names, testing::Each(testing::Not(testing::IsEmpty())));
}

}  // namespace
}  // namespace foxing::storage
