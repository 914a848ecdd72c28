// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/storage/storage.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>

#include "sys/file.h"
#include "sys/status.h"

namespace foxing::storage {
namespace {

// --- The kernel's word for the UUID ---

/// struct fsuuid2 and FS_IOC_GETFSUUID of linux/fs.h since 6.9; Debian 12's header is older.
struct KernelUuid {
  std::uint8_t length;
  std::array<std::uint8_t, 16> bytes;
};
constexpr unsigned long kGetUuid = _IOR(0x15, 0, KernelUuid);
static_assert(kGetUuid == 0x80111500);

std::string uuid_of(const Located& located) {
  if (located.path.empty()) return {};
  // A fifo or a device is not opened just for this.
  const auto status = sys::status_at(sys::working_directory(), located.path);
  if (!status || (status->type() != sys::FileType::directory && status->type() != sys::FileType::regular)) return {};
  const auto file = sys::open_at(sys::working_directory(), located.path, {.keep_atime = true});
  KernelUuid answer{};
  if (!file || ::ioctl(file->get(), kGetUuid, &answer) != 0 || answer.length != answer.bytes.size()) return {};
  const auto& b = answer.bytes;
  if (b == std::array<std::uint8_t, 16>{}) return {};  // made without one
  return fmt::format("{:02x}-{:02x}-{:02x}-{:02x}-{:02x}", fmt::join(b.begin(), b.begin() + 4, ""),
                     fmt::join(b.begin() + 4, b.begin() + 6, ""), fmt::join(b.begin() + 6, b.begin() + 8, ""),
                     fmt::join(b.begin() + 8, b.begin() + 10, ""), fmt::join(b.begin() + 10, b.end(), ""));
}

// --- Which block devices ---

/// The filesystem of /sys/fs/btrfs that has the device as a member: btrfs has no number of its own that sysfs would know.
std::string btrfs_uuid_of_member(const SystemRoot& root, const std::string& kernel_name) {
  if (kernel_name.empty()) return {};
  for (const std::string& uuid : root.list("/sys/fs/btrfs"))
    if (root.exists(fmt::format("/sys/fs/btrfs/{}/devices/{}", uuid, kernel_name))) return uuid;
  return {};
}

std::vector<DeviceId> btrfs_members(const SystemRoot& root, const std::string& uuid) {
  std::vector<DeviceId> members;
  const std::string folder = fmt::format("/sys/fs/btrfs/{}/devices", uuid);
  for (const std::string& name : root.list(folder))
    if (const auto device = parse_device_numbers(root.read_line(folder + "/" + name + "/dev"))) members.push_back(*device);
  return members;
}

/// "/dev/sda1", or "/dev/sda:/dev/sdb" of bcachefs.
std::vector<DeviceId> devices_of_source(const SystemRoot& root, std::string_view source) {
  std::vector<DeviceId> devices;
  while (!source.empty()) {
    const std::size_t end = source.find(':');
    if (const auto device = device_of_kernel_name(root, kernel_name_of_node(root, source.substr(0, end))))
      devices.push_back(*device);
    if (end == std::string_view::npos) break;
    source.remove_prefix(end + 1);
  }
  return devices;
}

std::vector<DeviceId> devices_below(const SystemRoot& root, Traits& traits) {
  const DeviceId device = traits.mount ? traits.mount->device : traits.quick().device;
  constexpr unsigned kAnonymous = 0;
  if (device.major_number() != kAnonymous) return {device};
  if (!traits.mount) return {};
  const std::string& source = traits.mount->source;
  if (traits.quick().filesystem != Filesystem::btrfs) return devices_of_source(root, source);
  if (traits.uuid.empty()) traits.uuid = btrfs_uuid_of_member(root, kernel_name_of_node(root, source));
  if (std::vector<DeviceId> members = btrfs_members(root, traits.uuid); !members.empty()) return members;
  return devices_of_source(root, source);
}

std::string uuid_by_link(const SystemRoot& root, const Stack& stack) {
  if (stack.layers.empty()) return {};
  for (const std::string& uuid : root.list("/dev/disk/by-uuid"))
    if (kernel_name_of_node(root, "/dev/disk/by-uuid/" + uuid) == stack.layers.front().kernel_name) return uuid;
  return {};
}

// --- overlayfs ---

/// "/a:/b\:c": a colon that belongs to a name has a backslash; "::" begins the data-only layers.
void add_lower_layers(std::string_view list, std::vector<std::string>& lower) {
  std::string layer;
  const auto finish = [&] {
    if (!layer.empty()) lower.push_back(std::move(layer));
    layer.clear();
  };
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] == '\\' && i + 1 < list.size()) {
      layer += list[++i];
    } else if (list[i] == ':') {
      finish();
    } else {
      layer += list[i];
    }
  }
  finish();
}

OverlayLayers overlay_layers(const Mount& mount) {
  OverlayLayers layers;
  for (const std::string_view option : mount.super_options) {
    const std::size_t equals = option.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = option.substr(0, equals);
    const std::string_view value = option.substr(equals + 1);
    if (name == "upperdir") layers.upper = value;
    if (name == "workdir") layers.work = value;
    if (name == "lowerdir") add_lower_layers(value, layers.lower);
    if (name == "lowerdir+" || name == "datadir+") layers.lower.emplace_back(value);
  }
  return layers;
}

void take_facts(const FilesystemFacts& facts, QuickTraits& quick) {
  quick.filesystem = facts.filesystem;
  quick.nature = facts.nature;
  quick.reflink = facts.reflink;
  quick.holes = facts.holes;
  quick.nameless = facts.nameless;
  quick.times = facts.times;
}

}  // namespace

Result<QuickTraits> quick_traits(sys::FdView file) {
  const sys::FileStatus status = FOX_TRY(sys::status_of(file));
  const struct statfs below = FOX_TRY(sys::filesystem_of(file));
  QuickTraits quick;
  quick.magic = static_cast<std::uint32_t>(below.f_type);
  take_facts(facts_by_magic(quick.magic), quick);
  quick.device = status.device();
  const auto unit = static_cast<std::uint64_t>(below.f_frsize != 0 ? below.f_frsize : below.f_bsize);
  quick.block_size = Bytes(unit);
  quick.total = Bytes(below.f_blocks * unit);
  quick.free = Bytes(below.f_bfree * unit);
  quick.available = Bytes(below.f_bavail * unit);
  quick.free_inodes = below.f_ffree;
  quick.read_only = (static_cast<unsigned long>(below.f_flags) & ST_RDONLY) != 0;
  return quick;
}

QuickPair quick_pair(const QuickTraits& source, const QuickTraits& target) {
  QuickPair pair;
  pair.same_device = source.device == target.device;
  if (pair.same_device) {
    pair.reflink = source.reflink;
    pair.kernel_copy = source.sizes_lie() ? Support::no : Support::yes;
  } else if (source.filesystem == target.filesystem) {
    // Subvolumes of one btrfs share blocks although their numbers differ; two of one kind can't be told from two subvolumes here.
    if (source.filesystem == Filesystem::btrfs || source.filesystem == Filesystem::bcachefs)
      pair.reflink = pair.kernel_copy = Support::perhaps;
    // The kernel lets these decide between their own super blocks: one server may hold both.
    if (source.nature == Nature::network || source.nature == Nature::user_space) pair.kernel_copy = Support::perhaps;
  }
  return pair;
}

Traits describe(Located located, const SystemRoot& root, std::string uuid) {
  Traits traits;
  traits.located = std::move(located);
  traits.uuid = std::move(uuid);
  const MountTable mounts = read_mounts(root);
  if (traits.located.mount)
    if (const Mount* mount = mounts.find(*traits.located.mount)) traits.mount = *mount;
  traits.type = traits.mount ? traits.mount->type : std::string(name_of(traits.quick().filesystem));
  if (traits.quick().filesystem == Filesystem::other) take_facts(facts_by_name(traits.type), traits.located.quick);
  traits.stack = read_stack(root, devices_below(root, traits));
  if (traits.uuid.empty()) traits.uuid = uuid_by_link(root, traits.stack);
  if (traits.mount && traits.quick().filesystem == Filesystem::overlay) traits.overlay = overlay_layers(*traits.mount);
  traits.surroundings = read_surroundings(root);
  return traits;
}

Result<Traits> traits(const std::string& path, const SystemRoot& root) {
  Located located = FOX_TRY(locate(path));
  std::string uuid = root.is_real() ? uuid_of(located) : std::string();
  return describe(std::move(located), root, std::move(uuid));
}

PairTraits pair_traits(const Traits& source, const Traits& target) {
  PairTraits pair;
  pair.quick = quick_pair(source.quick(), target.quick());
  pair.same_filesystem = source.mount && target.mount ? source.mount->device == target.mount->device : pair.quick.same_device;
  pair.same_mount = source.mount && target.mount && source.mount->id == target.mount->id;
  // Now two subvolumes can be told from two filesystems.
  if (!pair.quick.same_device && source.mount && target.mount && pair.quick.reflink == Support::perhaps)
    pair.quick.reflink = pair.quick.kernel_copy = pair.same_filesystem ? Support::yes : Support::no;
  return pair;
}

MountTable read_mounts(const SystemRoot& root) {
  return parse_mountinfo(root.read("/proc/self/mountinfo").value_or(std::string()));
}

}  // namespace foxing::storage
