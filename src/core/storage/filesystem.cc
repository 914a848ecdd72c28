// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/storage/filesystem.h"

#include <limits>

namespace foxing::storage {
namespace {

using namespace std::chrono_literals;
using enum Filesystem;
using enum Support;
using enum Nature;

constexpr std::int64_t kMin32 = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t kMax32 = std::numeric_limits<std::int32_t>::max();

constexpr TimeRange kAllTimes{std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), 1ns};
/// XFS without bigtime ends in 2038.
constexpr TimeRange kSigned32{kMin32, kMax32, 1ns};
/// 128-byte inodes of ext4 have no room for nanoseconds, nor for years after 2038.
constexpr TimeRange kExt{kMin32, kMax32, std::nullopt};
/// bcachefs counts nanoseconds in 64 bits.
constexpr TimeRange kNanoseconds64{-9'223'372'035, 9'223'372'035, 1ns};
/// FAT: 1980 to 2107 in local time, so a day is kept from both ends.
constexpr TimeRange kFat{315'619'200, 4'354'732'798, 2s};
constexpr TimeRange kExfat{315'619'200, 4'354'732'798, 10ms};
constexpr TimeRange kNtfs{-11'644'473'600, 1'833'029'933'770, 100ns};
constexpr TimeRange kWholeSeconds{0, kMax32, 1s};
/// Somebody else decides: a server, the filesystem below, a driver's options.
constexpr TimeRange kUnknown{0, kMax32, std::nullopt};

// Magic numbers: linux/magic.h and the filesystems' own headers.  Where one kind has several numbers the first row describes it.
constexpr FilesystemFacts kTable[] = {
    // kind       magic       name        nature       reflink  holes    O_TMPFILE times
    {xfs, 0x58465342, "xfs", local, perhaps, yes, yes, kSigned32},
    {btrfs, 0x9123683E, "btrfs", local, yes, yes, yes, kAllTimes},
    {ext4, 0x0000EF53, "ext4", local, no, yes, yes, kExt},
    {tmpfs, 0x01021994, "tmpfs", memory, no, yes, yes, kAllTimes},
    {ramfs, 0x858458F6, "ramfs", memory, no, no, yes, kAllTimes},
    {f2fs, 0xF2F52010, "f2fs", local, no, yes, yes, kAllTimes},
    {zfs, 0x2FC12FC1, "zfs", local, perhaps, perhaps, yes, kSigned32},
    {bcachefs, 0xCA451A4E, "bcachefs", local, yes, yes, yes, kNanoseconds64},
    {overlay, 0x794C7630, "overlay", stacked, perhaps, perhaps, perhaps, kUnknown},
    {ecryptfs, 0x0000F15F, "ecryptfs", stacked, no, no, no, kUnknown},
    {nfs, 0x00006969, "nfs", network, perhaps, perhaps, no, kUnknown},
    {cifs, 0xFF534D42, "cifs", network, perhaps, perhaps, no, kUnknown},
    {cifs, 0xFE534D42, "cifs", network, perhaps, perhaps, no, kUnknown},
    {ceph, 0x00C36400, "ceph", network, no, perhaps, no, kUnknown},
    {ninep, 0x01021997, "9p", network, no, no, no, kUnknown},
    {fuse, 0x65735546, "fuse", user_space, no, perhaps, perhaps, kUnknown},
    {fat, 0x00004D44, "vfat", local, no, no, no, kFat},
    {exfat, 0x2011BAB0, "exfat", local, no, no, no, kExfat},
    {ntfs, 0x7366746E, "ntfs3", local, no, perhaps, no, kNtfs},
    {ntfs, 0x5346544E, "ntfs", local, no, perhaps, no, kNtfs},
    {hfsplus, 0x0000482B, "hfsplus", local, no, no, no, kWholeSeconds},
    {udf, 0x15013346, "udf", local, no, no, perhaps, kUnknown},
    {gfs2, 0x01161970, "gfs2", network, no, yes, no, kUnknown},
    {ocfs2, 0x7461636F, "ocfs2", network, perhaps, yes, no, kUnknown},
    {jfs, 0x3153464A, "jfs", local, no, no, no, kUnknown},
    {nilfs2, 0x00003434, "nilfs2", local, no, no, no, kUnknown},
    {ubifs, 0x24051905, "ubifs", local, no, no, yes, kUnknown},
    {squashfs, 0x73717368, "squashfs", local, no, perhaps, no, kUnknown},
    {erofs, 0xE0F5E1E2, "erofs", local, no, perhaps, no, kUnknown},
    {iso9660, 0x00009660, "iso9660", local, no, no, no, kUnknown},
    {proc, 0x00009FA0, "proc", kernel, no, no, no, kUnknown},
    {sysfs, 0x62656572, "sysfs", kernel, no, no, no, kUnknown},
    {pseudo, 0x0027E0EB, "cgroup", kernel, no, no, no, kUnknown},
    {pseudo, 0x63677270, "cgroup2", kernel, no, no, no, kUnknown},
    {pseudo, 0x64626720, "debugfs", kernel, no, no, no, kUnknown},
    {pseudo, 0x74726163, "tracefs", kernel, no, no, no, kUnknown},
    {pseudo, 0x73636673, "securityfs", kernel, no, no, no, kUnknown},
    {pseudo, 0xCAFE4A11, "bpf", kernel, no, no, no, kUnknown},
    {pseudo, 0x62656570, "configfs", kernel, no, no, no, kUnknown},
    {pseudo, 0x6165676C, "pstore", kernel, no, no, no, kUnknown},
    {pseudo, 0x00001CD1, "devpts", kernel, no, no, no, kUnknown},
    {pseudo, 0x19800202, "mqueue", kernel, no, no, no, kUnknown},
    {pseudo, 0xDE5E81E4, "efivarfs", kernel, no, no, no, kUnknown},
    {pseudo, 0x42494E4D, "binfmt_misc", kernel, no, no, no, kUnknown},
    {pseudo, 0xF97CFF8C, "selinuxfs", kernel, no, no, no, kUnknown},
    {pseudo, 0x6E736673, "nsfs", kernel, no, no, no, kUnknown},
};

constexpr FilesystemFacts kOther{other, 0, "other", local, perhaps, perhaps, perhaps, kUnknown};

/// Names under which mountinfo shows a kind that the table knows under another one.
struct Alias {
  std::string_view alias;
  Filesystem filesystem;
};
constexpr Alias kAliases[] = {
    {"ext2", ext4},    {"ext3", ext4},     {"nfs4", nfs},  {"smb3", cifs},
    {"fuseblk", fuse}, {"virtiofs", fuse}, {"msdos", fat}, {"devtmpfs", tmpfs},
};

}  // namespace

const FilesystemFacts& facts_by_magic(std::uint32_t magic) {
  for (const FilesystemFacts& row : kTable)
    if (row.magic == magic) return row;
  return kOther;
}

const FilesystemFacts& facts_by_name(std::string_view type) {
  for (const FilesystemFacts& row : kTable)
    if (row.name == type) return row;
  for (const Alias& alias : kAliases)
    if (alias.alias == type) return facts_of(alias.filesystem);
  if (type.starts_with("fuse.")) return facts_of(fuse);
  return kOther;
}

const FilesystemFacts& facts_of(Filesystem filesystem) {
  for (const FilesystemFacts& row : kTable)
    if (row.filesystem == filesystem) return row;
  return kOther;
}

std::string_view name_of(Filesystem filesystem) {
  return filesystem == pseudo ? std::string_view("pseudo") : facts_of(filesystem).name;
}

bool is_native(Filesystem filesystem) {
  switch (filesystem) {
    case xfs:
    case btrfs:
    case ext4:
    case tmpfs:
    case f2fs:
    case zfs:
    case bcachefs: return true;
    default: return false;
  }
}

std::string_view name_of(Support support) {
  switch (support) {
    case no: return "no";
    case perhaps: return "perhaps";
    case yes: return "yes";
  }
  return "";
}

std::string_view name_of(Nature nature) {
  switch (nature) {
    case local: return "local";
    case memory: return "memory";
    case stacked: return "stacked";
    case network: return "network";
    case user_space: return "user space";
    case kernel: return "kernel";
  }
  return "";
}

}  // namespace foxing::storage
