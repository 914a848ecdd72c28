// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/storage/storage.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <fstream>

#include "core/storage/fake_system.h"
#include "sys/fault.h"
#include "sys/file.h"
#include "sys/status.h"

namespace foxing::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

DeviceId device(unsigned major, unsigned minor) { return DeviceId::from_numbers(major, minor); }

/// A place as `locate` would give it, on a filesystem of this kind.
Located place(int mount, Filesystem filesystem, DeviceId st_dev) {
  Located located;
  located.asked = located.path = "/data/x";
  located.mount = MountId(mount);
  located.key = {st_dev, InodeNo(42)};
  const FilesystemFacts& facts = facts_of(filesystem);
  located.quick = {.filesystem = filesystem,
                   .magic = facts.magic,
                   .nature = facts.nature,
                   .device = st_dev,
                   .reflink = facts.reflink,
                   .holes = facts.holes,
                   .nameless = facts.nameless,
                   .times = facts.times};
  return located;
}

std::vector<LayerKind> kinds(const Traits& traits) {
  std::vector<LayerKind> list;
  for (const Layer& layer : traits.stack.layers) list.push_back(layer.kind);
  return list;
}

const std::string kLvmUuid = "LVM-" + std::string(32, 'g') + std::string(32, 'v');
const std::string kUuid = "8f2b4a3c-0d1e-4f5a-9b6c-7d8e9f0a1b2c";

// --- Made-up systems ---

TEST(Storage, BtrfsOnLuks2IsFoundThoughItsDeviceNumbersAreAnonymous) {
  FakeSystem system;
  system.disk("259:0", "nvme0n1");
  system.partition("259:2", "nvme0n1p2", "nvme0n1", 2);
  system.map("253:0", "dm-0", "CRYPT-LUKS2-87e2-home", "home", {"nvme0n1p2"});
  system.btrfs(kUuid, {"dm-0"});
  system.mountinfo("30 1 0:35 /@home /data rw,noatime shared:3 - btrfs /dev/mapper/home rw,ssd,subvolid=257,subvol=/@home\n");
  const Traits traits = describe(place(30, Filesystem::btrfs, device(0, 37)), system.root());
  ASSERT_TRUE(traits.mount);
  EXPECT_EQ(traits.mount->device, device(0, 35)) << "the super block's, not stat's";
  EXPECT_EQ(traits.mount->root, "/@home");
  EXPECT_THAT(traits.mount->super_option("subvol"), Optional(std::string_view("/@home")));
  EXPECT_EQ(traits.uuid, kUuid);
  EXPECT_EQ(traits.type, "btrfs");
  EXPECT_THAT(kinds(traits), ElementsAre(LayerKind::luks2, LayerKind::partition, LayerKind::disk));
  EXPECT_THAT(traits.stack.rotational(), Optional(false));
  EXPECT_EQ(traits.stack.alignment(), 4_KiB);
  EXPECT_EQ(traits.quick().reflink, Support::yes);
}

TEST(Storage, BtrfsOverTwoDisksHasBothAtTheTop) {
  FakeSystem system;
  system.disk("8:0", "sda", {.rotational = true});
  system.disk("8:16", "sdb", {.rotational = true});
  system.btrfs("0000", {});
  system.btrfs(kUuid, {"sda", "sdb"});
  system.mountinfo("30 1 0:35 / /data rw - btrfs /dev/sdb rw\n");
  const Traits traits = describe(place(30, Filesystem::btrfs, device(0, 36)), system.root());
  EXPECT_EQ(traits.uuid, kUuid);
  EXPECT_THAT(kinds(traits), ElementsAre(LayerKind::disk, LayerKind::disk));
  EXPECT_EQ(traits.stack.layers[1].depth, 0u);
  EXPECT_THAT(traits.stack.rotational(), Optional(true));
}

TEST(Storage, BtrfsIsFoundByTheUuidThatTheKernelTells) {
  FakeSystem system;
  system.disk("8:0", "sda");
  system.btrfs(kUuid, {"sda"});
  system.mountinfo("30 1 0:35 / /data rw - btrfs /dev/root rw\n");  // a source that leads nowhere
  EXPECT_THAT(kinds(describe(place(30, Filesystem::btrfs, device(0, 36)), system.root(), kUuid)), ElementsAre(LayerKind::disk));
  EXPECT_THAT(kinds(describe(place(30, Filesystem::btrfs, device(0, 36)), system.root())), IsEmpty());
}

TEST(Storage, XfsOnLuks1OnLvm) {
  FakeSystem system;
  system.disk("8:16", "sdb", {.rotational = true});
  system.map("253:1", "dm-1", kLvmUuid, "vg-lv", {"sdb"});
  system.map("253:6", "dm-6", "CRYPT-LUKS1-a6cf-luks-on-lv", "luks-on-lv", {"dm-1"});
  system.by_uuid("1111-2222", "sdb");
  system.by_uuid(kUuid, "dm-6");
  system.mountinfo("31 1 253:6 / /data rw,relatime - xfs /dev/mapper/luks-on-lv rw,attr2,inode64\n");
  const Traits traits = describe(place(31, Filesystem::xfs, device(253, 6)), system.root());
  EXPECT_THAT(kinds(traits), ElementsAre(LayerKind::luks1, LayerKind::lvm, LayerKind::disk));
  EXPECT_EQ(traits.uuid, kUuid);
  EXPECT_TRUE(traits.stack.encrypted());
  EXPECT_THAT(traits.stack.rotational(), Optional(true));
}

TEST(Storage, ThinVolumeStratisAndVdoCanRunFullBelow) {
  FakeSystem system;
  system.disk("8:0", "sda");
  system.map("253:4", "dm-4", kLvmUuid + "-tpool", "vg-pool-tpool", {"sda"});
  system.map("253:5", "dm-5", kLvmUuid, "vg-thin", {"dm-4"});
  system.map("253:6", "dm-6", "stratis-1-0123-thinpool-pool", "pool", {"sda"});
  system.map("253:7", "dm-7", "stratis-1-0123-thin-fs-4567", "fs", {"dm-6"});
  system.map("253:8", "dm-8", "VDO-2a1b-vdo1", "vdo1", {"sda"});
  system.mountinfo(
      "31 1 253:5 / /thin rw - ext4 /dev/mapper/vg-thin rw\n32 1 253:7 / /stratis rw - xfs /dev/stratis/p/fs rw\n"
      "33 1 253:8 / /vdo rw - xfs /dev/mapper/vdo1 rw\n");
  const Traits thin = describe(place(31, Filesystem::ext4, device(253, 5)), system.root());
  const Traits stratis = describe(place(32, Filesystem::xfs, device(253, 7)), system.root());
  const Traits vdo = describe(place(33, Filesystem::xfs, device(253, 8)), system.root());
  EXPECT_THAT(kinds(thin), ElementsAre(LayerKind::lvm_thin, LayerKind::lvm_thin_pool, LayerKind::disk));
  EXPECT_THAT(kinds(stratis), ElementsAre(LayerKind::stratis, LayerKind::stratis_pool, LayerKind::disk));
  EXPECT_THAT(kinds(vdo), ElementsAre(LayerKind::vdo, LayerKind::disk));
  EXPECT_TRUE(thin.stack.thin() && stratis.stack.thin() && vdo.stack.thin());
  EXPECT_EQ(vdo.stack.alignment(), 4_KiB);
}

TEST(Storage, PartitionOnNvmeAndLoopDevice) {
  FakeSystem system;
  system.disk("259:0", "nvme0n1");
  system.partition("259:1", "nvme0n1p1", "nvme0n1", 1);
  system.virtual_device("7:0", "loop0");
  system.file(system.folder_of("loop0") + "/loop/backing_file", "/srv/image\n");
  system.mountinfo("31 1 259:1 / / rw - ext3 /dev/nvme0n1p1 rw\n32 31 7:0 / /loop ro - squashfs /dev/loop0 ro\n");
  const Traits nvme = describe(place(31, Filesystem::ext4, device(259, 1)), system.root());
  EXPECT_THAT(kinds(nvme), ElementsAre(LayerKind::partition, LayerKind::disk));
  EXPECT_EQ(nvme.type, "ext3") << "mountinfo knows better than the magic number";
  const Traits loop = describe(place(32, Filesystem::squashfs, device(7, 0)), system.root());
  EXPECT_THAT(kinds(loop), ElementsAre(LayerKind::loop));
  EXPECT_TRUE(loop.mount->read_only());
}

TEST(Storage, OverlayInDocker) {
  FakeSystem system;
  system.file("/.dockerenv", "");
  system.mountinfo(
      "600 500 0:60 / / rw,relatime - overlay overlay "
      "rw,lowerdir=/var/lib/docker/overlay2/l/AAA:/var/lib/docker/overlay2/l/B\\134:B\\054C,upperdir=/var/lib/docker/overlay2/x/"
      "diff,"
      "workdir=/var/lib/docker/overlay2/x/work\n");
  const Traits traits = describe(place(600, Filesystem::overlay, device(0, 60)), system.root());
  ASSERT_TRUE(traits.overlay);
  EXPECT_THAT(traits.overlay->lower, ElementsAre("/var/lib/docker/overlay2/l/AAA", "/var/lib/docker/overlay2/l/B:B,C"));
  EXPECT_EQ(traits.overlay->upper, "/var/lib/docker/overlay2/x/diff");
  EXPECT_EQ(traits.overlay->work, "/var/lib/docker/overlay2/x/work");
  EXPECT_EQ(traits.surroundings.container, Container::docker);
  EXPECT_THAT(kinds(traits), IsEmpty());
  EXPECT_EQ(traits.quick().nature, Nature::stacked);
}

TEST(Storage, AFileOfAnOverlayIsOnTheOverlayThoughStatNamesTheDiskBelow) {
  FakeSystem system;
  system.disk("8:0", "sda");
  system.mountinfo("600 500 0:60 / / rw - overlay overlay rw,lowerdir=/a,upperdir=/b,workdir=/c\n");
  const Traits traits = describe(place(600, Filesystem::overlay, device(8, 0)), system.root());
  EXPECT_THAT(kinds(traits), IsEmpty()) << "the layers may be on several disks; they have paths of their own to ask about";
  EXPECT_TRUE(traits.overlay);
}

TEST(Storage, OverlayMountedWithTheNewInterface) {
  FakeSystem system;
  system.mountinfo("600 500 0:60 / / ro - overlay none ro,lowerdir+=/a,lowerdir+=/b,datadir+=/c\n");
  const Traits traits = describe(place(600, Filesystem::overlay, device(0, 60)), system.root());
  ASSERT_TRUE(traits.overlay);
  EXPECT_THAT(traits.overlay->lower, ElementsAre("/a", "/b", "/c"));
  EXPECT_EQ(traits.overlay->upper, "");
}

TEST(Storage, OnAVirtualMachine) {
  FakeSystem system;
  system.disk("254:0", "vda", {.rotational = true});
  system.file("/proc/cpuinfo", "flags\t\t: fpu hypervisor\n");
  system.file("/sys/class/dmi/id/sys_vendor", "QEMU\n");
  system.mountinfo("27 1 254:0 / / rw - ext4 /dev/vda rw\n");
  const Traits traits = describe(place(27, Filesystem::ext4, device(254, 0)), system.root());
  EXPECT_TRUE(traits.surroundings.virtual_machine);
  EXPECT_EQ(traits.surroundings.hypervisor, "QEMU");
  EXPECT_FALSE(traits.stack.rotational());
}

TEST(Storage, NfsHasASourceAndNoDisks) {
  FakeSystem system;
  system.mountinfo("50 1 0:70 /sub /data rw - nfs4 server:/export rw,vers=4.2,addr=192.0.2.1\n");
  const Traits traits = describe(place(50, Filesystem::nfs, device(0, 70)), system.root());
  EXPECT_EQ(traits.type, "nfs4");
  EXPECT_EQ(traits.mount->source, "server:/export");
  EXPECT_THAT(kinds(traits), IsEmpty());
  EXPECT_EQ(traits.uuid, "");
}

TEST(Storage, BcachefsNamesItsDisksInTheSource) {
  FakeSystem system;
  system.disk("8:0", "sda");
  system.disk("8:16", "sdb");
  system.mountinfo("50 1 0:70 / /data rw - bcachefs /dev/sda:/dev/sdb rw\n");
  EXPECT_THAT(kinds(describe(place(50, Filesystem::bcachefs, device(0, 70)), system.root())),
              ElementsAre(LayerKind::disk, LayerKind::disk));
}

TEST(Storage, WithoutMountinfoTheRestStands) {
  FakeSystem system;
  system.disk("8:0", "sda");
  const Traits traits = describe(place(31, Filesystem::xfs, device(8, 0)), system.root());
  EXPECT_FALSE(traits.mount);
  EXPECT_EQ(traits.type, "xfs");
  EXPECT_THAT(kinds(traits), ElementsAre(LayerKind::disk));
  system.mountinfo("30 1 8:0 / / rw - xfs /dev/sda rw\n");
  EXPECT_FALSE(describe(place(31, Filesystem::xfs, device(8, 0)), system.root()).mount) << "another mount is not taken for it";
}

TEST(Storage, AKindWithoutAKnownNumberIsTakenFromMountinfo) {
  FakeSystem system;
  system.mountinfo("30 1 0:9 / /data rw - fuse.thing thing rw\n");
  EXPECT_EQ(describe(place(30, Filesystem::other, device(0, 9)), system.root()).quick().filesystem, Filesystem::fuse);
}

// --- Pairs ---

TEST(QuickPair, TellsWhatMayBeSharedAndCopiedInTheKernel) {
  struct Case {
    Filesystem source, target;
    bool same_device;
    Support reflink, kernel_copy;
  };
  const Case cases[] = {
      {Filesystem::btrfs, Filesystem::btrfs, true, Support::yes, Support::yes},
      {Filesystem::btrfs, Filesystem::btrfs, false, Support::perhaps, Support::perhaps},  // two subvolumes, or two filesystems
      {Filesystem::xfs, Filesystem::xfs, true, Support::perhaps, Support::yes},
      {Filesystem::xfs, Filesystem::xfs, false, Support::no, Support::no},
      {Filesystem::xfs, Filesystem::btrfs, false, Support::no, Support::no},
      {Filesystem::ext4, Filesystem::ext4, true, Support::no, Support::yes},
      {Filesystem::nfs, Filesystem::nfs, false, Support::no, Support::perhaps},
      {Filesystem::nfs, Filesystem::nfs, true, Support::perhaps, Support::yes},
      {Filesystem::proc, Filesystem::proc, true, Support::no, Support::no},
  };
  for (const Case& c : cases) {
    const QuickTraits source = place(1, c.source, device(0, 1)).quick;
    const QuickTraits target = place(1, c.target, device(0, c.same_device ? 1 : 2)).quick;
    const QuickPair pair = quick_pair(source, target);
    SCOPED_TRACE(testing::Message() << name_of(c.source) << " to " << name_of(c.target)
                                    << (c.same_device ? ", same" : ", other"));
    EXPECT_EQ(pair.same_device, c.same_device);
    EXPECT_EQ(pair.reflink, c.reflink);
    EXPECT_EQ(pair.kernel_copy, c.kernel_copy);
  }
}

TEST(PairTraits, MountinfoTellsSubvolumesFromFilesystems) {
  FakeSystem system;
  system.mountinfo(
      "30 1 0:35 /@ / rw - btrfs /dev/sda rw\n31 30 0:35 /@home /home rw - btrfs /dev/sda rw\n32 30 0:50 / /other rw - btrfs "
      "/dev/sdb rw\n");
  const Traits top = describe(place(30, Filesystem::btrfs, device(0, 36)), system.root());
  const Traits home = describe(place(31, Filesystem::btrfs, device(0, 37)), system.root());
  const Traits other = describe(place(32, Filesystem::btrfs, device(0, 51)), system.root());
  EXPECT_TRUE(pair_traits(top, home).same_filesystem);
  EXPECT_FALSE(pair_traits(top, home).same_mount);
  EXPECT_EQ(pair_traits(top, home).quick.reflink, Support::yes);
  EXPECT_FALSE(pair_traits(top, other).same_filesystem);
  EXPECT_EQ(pair_traits(top, other).quick.reflink, Support::no);
  EXPECT_TRUE(pair_traits(top, top).same_mount);
}

// --- The running system ---

TEST(QuickTraits, AgreeWithStatAndStatfs) {
  TemporaryFolder folder;
  const auto directory = sys::open_at(sys::working_directory(), folder.path(), {.access = sys::Access::path});
  ASSERT_TRUE(directory);
  const auto quick = quick_traits(*directory);
  ASSERT_TRUE(quick) << quick.error().message();
  struct stat status{};
  struct statfs below{};
  ASSERT_EQ(::stat(folder.path().c_str(), &status), 0);
  ASSERT_EQ(::statfs(folder.path().c_str(), &below), 0);
  EXPECT_EQ(quick->device.value, status.st_dev);
  EXPECT_EQ(quick->magic, static_cast<std::uint32_t>(below.f_type));
  EXPECT_EQ(quick->block_size.value, static_cast<std::uint64_t>(below.f_frsize));
  EXPECT_EQ(quick->total.value, below.f_blocks * static_cast<std::uint64_t>(below.f_frsize));
  EXPECT_GE(quick->total, quick->free);
  EXPECT_GE(quick->free, quick->available);
  EXPECT_FALSE(quick->read_only);
  EXPECT_FALSE(quick->sizes_lie());
}

TEST(QuickTraits, OfProcSayThatSizesLie) {
  const auto file = sys::open_at(sys::working_directory(), "/proc/self/status");
  ASSERT_TRUE(file);
  const auto quick = quick_traits(*file);
  ASSERT_TRUE(quick);
  EXPECT_EQ(quick->filesystem, Filesystem::proc);
  EXPECT_TRUE(quick->sizes_lie());
}

TEST(QuickTraits, OfAClosedDescriptorAreAnError) {
  const auto quick = quick_traits(sys::FdView(-1));
  ASSERT_FALSE(quick);
  EXPECT_EQ(quick.error().code, EBADF);
}

TEST(Traits, PassOnWhatTheKernelRefuses) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "needs a build with FOXING_FAULT_INJECTION";
  for (const char* plan : {"openat:1:EIO", "fstat:1:EIO", "fstatfs:1:EIO"}) {
    const sys::FaultPlan faults(plan);
    const auto there = traits("/");
    ASSERT_FALSE(there) << plan;
    EXPECT_EQ(there.error().code, EIO) << plan;
    EXPECT_EQ(there.error().subject, "/") << plan;
  }
}

TEST(Traits, DoWithoutWhatCannotBeRead) {
  if (!sys::kFaultsCanBePlanned) GTEST_SKIP() << "needs a build with FOXING_FAULT_INJECTION";
  for (const char* plan : {"openat:2+:EACCES", "read:1+:EIO", "readlinkat:1+:EACCES", "getdents64:1+:EIO"}) {
    const sys::FaultPlan faults(plan);
    const auto there = traits("/");
    ASSERT_TRUE(there) << plan << ": " << there.error().message();
    EXPECT_GT(there->quick().total, Bytes(0)) << plan;
  }
}

TEST(Traits, OfThisMachineNameTheMount) {
  TemporaryFolder folder;
  const auto here = traits(folder.path());
  ASSERT_TRUE(here) << here.error().message();
  ASSERT_TRUE(here->mount);
  EXPECT_TRUE(is_within(here->located.path, here->mount->point));
  EXPECT_EQ(facts_by_name(here->mount->type).filesystem, here->quick().filesystem);
  const auto proc = traits("/proc/self/status");
  ASSERT_TRUE(proc);
  EXPECT_EQ(proc->type, "proc");
  EXPECT_EQ(proc->mount->point, "/proc");
  EXPECT_TRUE(proc->stack.layers.empty());
}

TEST(Traits, WorkForEveryTypeOfFileWithoutOpeningIt) {
  TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder.path() + "/fifo").c_str(), 0600), 0);
  std::ofstream(folder.path() + "/file") << "x";
  std::filesystem::create_symlink("file", folder.path() + "/link");
  for (const char* name : {"/fifo", "/file", "/link"}) {
    const auto there = traits(folder.path() + name);
    ASSERT_TRUE(there) << name << ": " << there.error().message();
    EXPECT_TRUE(there->mount) << name;
  }
  EXPECT_EQ(traits(folder.path() + "/link")->located.path, traits(folder.path() + "/file")->located.path);
}

TEST(Traits, OfAMissingNameAreThoseOfItsDirectory) {
  TemporaryFolder folder;
  const auto there = traits(folder.path() + "/new/deeper/");
  ASSERT_TRUE(there) << there.error().message();
  EXPECT_EQ(there->located.missing, "new/deeper");
  EXPECT_EQ(there->located.key, locate(folder.path())->key);
}

TEST(Traits, NameThePathInTheirErrors) {
  TemporaryFolder folder;
  std::ofstream(folder.path() + "/file") << "x";
  const auto below_file = traits(folder.path() + "/file/x");
  ASSERT_FALSE(below_file);
  EXPECT_EQ(below_file.error().code, ENOTDIR);
  EXPECT_EQ(below_file.error().subject, folder.path() + "/file/x");
  const auto nothing = traits("");
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, ENOENT);
  EXPECT_EQ(traits(folder.path() + "/missing/../x").error().code, ENOENT) << "what does not exist has no parent";
  std::filesystem::create_symlink("loop", folder.path() + "/loop");
  EXPECT_EQ(traits(folder.path() + "/loop").error().code, ELOOP);
}

}  // namespace
}  // namespace foxing::storage
