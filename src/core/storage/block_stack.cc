// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/storage/block_stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace foxing::storage {
namespace {

constexpr std::size_t kMostLayers = 256;  // sysfs has no loops; a tree that lies shall not keep us here

struct Prefix {
  std::string_view text;
  LayerKind kind;
};
// The longer of two that fit comes first.
constexpr Prefix kPrefixes[] = {
    {"CRYPT-LUKS1-", LayerKind::luks1},
    {"CRYPT-LUKS2-", LayerKind::luks2},
    {"CRYPT-VERITY-", LayerKind::verity},
    {"CRYPT-INTEGRITY-", LayerKind::integrity},
    {"CRYPT-SUBDEV-", LayerKind::integrity},  // the dm-integrity half of an authenticated LUKS2
    {"CRYPT-", LayerKind::crypt},
    {"VDO-", LayerKind::vdo},
    {"mpath-", LayerKind::multipath},
};

struct Suffix {
  std::string_view text;
  LayerKind kind;
};
// After the 64 characters of an LVM uuid: lib/activate/dev_manager.c's layer names.
constexpr Suffix kLvmSuffixes[] = {
    {"-tpool", LayerKind::lvm_thin_pool},
    {"-vpool", LayerKind::vdo_pool},
};

LayerKind kind_of_lvm(std::string_view rest) {
  constexpr std::size_t kUuidLength = 64;
  if (rest.size() <= kUuidLength) return LayerKind::lvm;
  const std::string_view suffix = rest.substr(kUuidLength);
  for (const Suffix& row : kLvmSuffixes)
    if (row.text == suffix) return row.kind;
  return LayerKind::lvm_part;
}

LayerKind kind_of_stratis(std::string_view uuid) {
  if (uuid.find("-thin-fs-") != std::string_view::npos) return LayerKind::stratis;
  if (uuid.find("-thinpool-") != std::string_view::npos) return LayerKind::stratis_pool;
  return LayerKind::stratis_part;
}

/// "part1-mpath-3600...": kpartx's partitions.
bool is_kpartx(std::string_view uuid) {
  if (!uuid.starts_with("part")) return false;
  const std::size_t digits = uuid.find_first_not_of("0123456789", 4);
  return digits != std::string_view::npos && digits > 4 && uuid[digits] == '-';
}

std::string folder_of(DeviceId device) {
  return fmt::format("/sys/dev/block/{}:{}", device.major_number(), device.minor_number());
}

std::string last_component(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

LayerKind kind_of_disk(std::string_view kernel_name) {
  for (const std::string_view prefix : {"zram", "ram", "pmem"})
    if (kernel_name.starts_with(prefix)) return LayerKind::memory_disk;
  for (const std::string_view prefix : {"nbd", "rbd", "drbd"})
    if (kernel_name.starts_with(prefix)) return LayerKind::network_disk;
  return LayerKind::disk;
}

void tell_kind_and_name(const SystemRoot& root, const std::string& folder, Layer& layer) {
  if (const std::string uuid = root.read_line(folder + "/dm/uuid"); !uuid.empty() || root.exists(folder + "/dm")) {
    layer.kind = kind_of_map(uuid);
    layer.name = root.read_line(folder + "/dm/name");
  } else if (root.exists(folder + "/partition")) {
    layer.kind = LayerKind::partition;
    layer.name = root.read_line(folder + "/partition");
  } else if (root.exists(folder + "/loop")) {
    layer.kind = LayerKind::loop;
    layer.name = root.read_line(folder + "/loop/backing_file");
  } else if (root.exists(folder + "/md")) {
    layer.kind = LayerKind::raid;
    layer.name = root.read_line(folder + "/md/level");
  } else if (root.exists(folder + "/bcache")) {
    layer.kind = LayerKind::bcache;
  } else {
    layer.kind = kind_of_disk(layer.kernel_name);
    layer.name = root.read_line(folder + "/device/model");
  }
}

Layer read_layer(const SystemRoot& root, const std::string& folder, DeviceId device, unsigned depth) {
  Layer layer;
  layer.depth = depth;
  layer.device = device;
  layer.kernel_name = last_component(root.read_link(folder).value_or(std::string()));
  tell_kind_and_name(root, folder, layer);
  layer.size =
      Bytes(root.read_number(folder + "/size").value_or(0) * 512);  // always in 512 bytes, whatever the disk's sectors are
  const std::string queue = folder + (layer.kind == LayerKind::partition ? "/../queue" : "/queue");
  layer.logical_block = Bytes(root.read_number(queue + "/logical_block_size").value_or(0));
  layer.rotational = root.read_number(queue + "/rotational") == 1u;
  layer.discards = root.read_number(queue + "/discard_max_bytes").value_or(0) > 0;
  layer.removable = root.read_number(folder + (layer.kind == LayerKind::partition ? "/../removable" : "/removable")) == 1u;
  return layer;
}

std::vector<DeviceId> devices_below(const SystemRoot& root, const std::string& folder, const Layer& layer) {
  std::vector<DeviceId> below;
  for (const std::string& slave : root.list(folder + "/slaves"))
    if (const auto device = parse_device_numbers(root.read_line(folder + "/slaves/" + slave + "/dev"))) below.push_back(*device);
  if (below.empty() && layer.kind == LayerKind::partition)
    if (const auto disk = parse_device_numbers(root.read_line(folder + "/../dev"))) below.push_back(*disk);
  return below;
}

/// LVM gives a thin or VDO volume an ordinary uuid; only the pool below it tells.
void refine_by_child(Layer& layer, LayerKind child) {
  if (layer.kind != LayerKind::lvm) return;
  if (child == LayerKind::lvm_thin_pool) layer.kind = LayerKind::lvm_thin;
  if (child == LayerKind::vdo_pool) layer.kind = LayerKind::vdo;
}

std::optional<LayerKind> add_layers(const SystemRoot& root, DeviceId device, unsigned depth, std::vector<Layer>& layers) {
  const auto known = std::find_if(layers.begin(), layers.end(), [&](const Layer& layer) { return layer.device == device; });
  if (known != layers.end()) return known->kind;
  const std::string folder = folder_of(device);
  if (layers.size() >= kMostLayers || !root.exists(folder)) return std::nullopt;
  const std::size_t at = layers.size();
  layers.push_back(read_layer(root, folder, device, depth));
  for (const DeviceId below : devices_below(root, folder, layers[at]))
    if (const auto kind = add_layers(root, below, depth + 1, layers)) refine_by_child(layers[at], *kind);
  return layers[at].kind;
}

}  // namespace

LayerKind kind_of_map(std::string_view dm_uuid) {
  for (const Prefix& row : kPrefixes)
    if (dm_uuid.starts_with(row.text)) return row.kind;
  if (dm_uuid.starts_with("LVM-")) return kind_of_lvm(dm_uuid.substr(4));
  if (dm_uuid.starts_with("stratis-")) return kind_of_stratis(dm_uuid);
  if (is_kpartx(dm_uuid)) return LayerKind::partition;
  return LayerKind::device_mapper;
}

Stack read_stack(const SystemRoot& root, const std::vector<DeviceId>& devices) {
  Stack stack;
  for (const DeviceId device : devices) add_layers(root, device, 0, stack.layers);
  return stack;
}

Stack read_stack(const SystemRoot& root, DeviceId device) { return read_stack(root, std::vector{device}); }

bool Layer::is_leaf() const {
  return kind == LayerKind::disk || kind == LayerKind::loop || kind == LayerKind::memory_disk || kind == LayerKind::network_disk;
}

std::optional<bool> Stack::rotational() const {
  std::optional<bool> answer;
  for (const Layer& layer : layers) {
    if (!layer.is_leaf()) continue;
    if (layer.kind != LayerKind::disk) return std::nullopt;
    if (layer.kernel_name.starts_with("vd") && layer.rotational) return std::nullopt;
    if (answer && *answer != layer.rotational) return std::nullopt;
    answer = layer.rotational;
  }
  return answer;
}

bool Stack::has(LayerKind kind) const {
  return std::any_of(layers.begin(), layers.end(), [&](const Layer& layer) { return layer.kind == kind; });
}

bool Stack::encrypted() const { return has(LayerKind::luks1) || has(LayerKind::luks2) || has(LayerKind::crypt); }

bool Stack::thin() const { return has(LayerKind::lvm_thin) || has(LayerKind::vdo) || has(LayerKind::stratis); }

Bytes Stack::alignment() const {
  Bytes largest(512);
  for (const Layer& layer : layers) largest = std::max(largest, layer.logical_block);
  if (has(LayerKind::luks2) || has(LayerKind::vdo)) largest = std::max(largest, 4_KiB);
  return largest;
}

std::optional<DeviceId> parse_device_numbers(std::string_view text) {
  unsigned numbers[2] = {};
  const char* const end = text.data() + text.size();
  const auto [colon, first_problem] = std::from_chars(text.data(), end, numbers[0]);
  if (first_problem != std::errc{} || colon == end || *colon != ':') return std::nullopt;
  const auto [rest, second_problem] = std::from_chars(colon + 1, end, numbers[1]);
  if (second_problem != std::errc{} || (rest != end && *rest != '\n')) return std::nullopt;
  return DeviceId::from_numbers(numbers[0], numbers[1]);
}

std::string kernel_name_of_node(const SystemRoot& root, std::string_view node) {
  if (!node.starts_with("/dev/")) return {};
  const auto target = root.read_link(node);
  std::string name = last_component(target ? std::string_view(*target) : node);
  if (!name.empty() && root.exists("/sys/class/block/" + name)) return name;
  // Without udev /dev/mapper holds nodes rather than links: the map's own name tells.
  if (node.starts_with("/dev/mapper/"))
    for (std::string& map : root.list("/sys/class/block"))
      if (map.starts_with("dm-") && root.read_line("/sys/class/block/" + map + "/dm/name") == name) return std::move(map);
  return {};
}

std::optional<DeviceId> device_of_kernel_name(const SystemRoot& root, std::string_view kernel_name) {
  std::string path = "/sys/class/block/";
  path += kernel_name;
  return parse_device_numbers(root.read_line(path + "/dev"));
}

std::string_view name_of(LayerKind kind) {
  switch (kind) {
    case LayerKind::luks1: return "LUKS1";
    case LayerKind::luks2: return "LUKS2";
    case LayerKind::crypt: return "encryption";
    case LayerKind::verity: return "verity";
    case LayerKind::integrity: return "integrity";
    case LayerKind::lvm: return "LVM volume";
    case LayerKind::lvm_thin: return "LVM thin volume";
    case LayerKind::lvm_thin_pool: return "LVM thin pool";
    case LayerKind::lvm_part: return "LVM part";
    case LayerKind::vdo: return "VDO";
    case LayerKind::vdo_pool: return "VDO pool";
    case LayerKind::stratis: return "Stratis filesystem";
    case LayerKind::stratis_pool: return "Stratis pool";
    case LayerKind::stratis_part: return "Stratis part";
    case LayerKind::multipath: return "multipath";
    case LayerKind::device_mapper: return "device mapper";
    case LayerKind::raid: return "RAID";
    case LayerKind::bcache: return "bcache";
    case LayerKind::partition: return "partition";
    case LayerKind::loop: return "loop device";
    case LayerKind::disk: return "disk";
    case LayerKind::memory_disk: return "memory disk";
    case LayerKind::network_disk: return "network disk";
  }
  return "";
}

}  // namespace foxing::storage
