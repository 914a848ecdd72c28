// SPDX-License-Identifier: GPL-2.0-or-later
// What lies between a filesystem and the disks: encryption, volumes, thin pools, RAID, partitions, loop devices.
//   from  the numbers of a block device, and sysfs        to  its layers, top first
// Why.   Whether the disk turns, how reads and writes should be aligned and who else may run full depends on what lies below.
// How.   /sys/dev/block/MAJOR:MINOR, its slaves/ downwards, `..` from a partition to its disk.  A device mapper layer tells what it is
//        by the first letters of dm/uuid, which the tool that made it chose; sysfs does not name the target.
// Not here. DM_TABLE_STATUS, which would name the target of a map without a telling uuid: it is for root only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/strong.h"
#include "core/storage/system_root.h"

namespace foxing::storage {

enum class LayerKind : std::uint8_t {
  luks1,
  luks2,
  crypt /* plain, TCRYPT, BitLocker, ... */,
  verity,
  integrity,
  lvm,
  lvm_thin,
  lvm_thin_pool,
  lvm_part /* hidden: pool data and metadata, cache, snapshot parts */,
  vdo,
  vdo_pool,
  stratis,
  stratis_pool,
  stratis_part,
  multipath,
  device_mapper /* a map of an unknown maker */,
  raid,
  bcache,
  partition,
  loop,
  disk,
  memory_disk /* zram, brd */,
  network_disk /* nbd, rbd, drbd */
};

struct Layer {
  LayerKind kind = LayerKind::disk;
  unsigned depth = 0;  // 0 carries the filesystem
  DeviceId device;
  std::string kernel_name;  // "dm-0", "nvme0n1p2"
  std::string name;  // of the map, model of the disk, level of the RAID, file behind the loop device
  Bytes size;
  Bytes logical_block;  // smallest unit of direct I/O; 0 where unknown
  bool rotational = false;  // as this layer says; see Stack::rotational
  bool removable = false;
  bool discards = false;

  bool is_leaf() const;  // nothing below it in sysfs
};

struct Stack {
  std::vector<Layer> layers;  // top first, every device once, each above what carries it

  /// Whether the disks below turn.  Asked of the leaves, because layers above often answer wrongly; nothing where they can't
  /// know (no disk below; virtio disks, which say 1 by default; disks that differ).
  std::optional<bool> rotational() const;
  bool has(LayerKind kind) const;
  bool encrypted() const;
  /// Space may end below before the filesystem is full: thin volumes, VDO, Stratis.
  bool thin() const;
  /// What reads and writes should be multiples of: 4096 with LUKS2 and VDO, whose sectors those are, else the largest logical block.
  Bytes alignment() const;
};

/// The stack below a device; empty where sysfs does not know it (anonymous devices of btrfs, NFS, tmpfs).
Stack read_stack(const SystemRoot& root, DeviceId device);
/// The stacks below several devices of one filesystem.
Stack read_stack(const SystemRoot& root, const std::vector<DeviceId>& devices);

/// By dm/uuid.  Thin and VDO volumes of LVM have an ordinary LVM uuid: read_stack tells them by what they lie on.
LayerKind kind_of_map(std::string_view dm_uuid);

/// "8:1\n", as sysfs writes a device.
std::optional<DeviceId> parse_device_numbers(std::string_view text);
/// The name below /sys/class/block of /dev/NAME, also where that is a link (/dev/mapper/x); "" where it is none.
std::string kernel_name_of_node(const SystemRoot& root, std::string_view node);
std::optional<DeviceId> device_of_kernel_name(const SystemRoot& root, std::string_view kernel_name);

std::string_view name_of(LayerKind kind);

}  // namespace foxing::storage
