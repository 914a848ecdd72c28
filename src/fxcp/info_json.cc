// SPDX-License-Identifier: GPL-2.0-or-later
// `fxcp info --json`.  Names are bytes, JSON is Unicode: a name that is not UTF-8 has replacement characters, and its bytes in
// hexadecimal beside it ("path_hex"), as in json_lines.cc.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fxcp/info.h"

namespace foxing::fxcp {
namespace {

using Json = nlohmann::ordered_json;
using storage::Traits;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

void put_name(Json& object, const std::string& key, std::string_view name) {
  object[key] = name;
  if (!is_utf8(name)) object[key + "_hex"] = hex(name);
}

Json names(const std::vector<std::string>& list) {
  Json array = Json::array();
  for (const std::string& name : list) array.push_back(name);
  return array;
}

/// "LVM thin pool" as "lvm_thin_pool".
std::string identifier(std::string_view words) {
  std::string text(words);
  for (char& c : text) c = c == ' ' ? '_' : static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  return text;
}

std::string device_text(DeviceId device) { return fmt::format("{}:{}", device.major_number(), device.minor_number()); }

std::string_view nesting_name(storage::Nesting nesting) {
  switch (nesting) {
    case storage::Nesting::apart: return "apart";
    case storage::Nesting::same: return "same";
    case storage::Nesting::inside: return "inside";
    case storage::Nesting::inside_other_device: return "inside_other_device";
  }
  return "";
}

Json mount_json(const storage::Mount& mount) {
  Json object = {{"id", mount.id.value}, {"parent", mount.parent.value}, {"device", device_text(mount.device)}};
  put_name(object, "root", mount.root);
  put_name(object, "point", mount.point);
  put_name(object, "source", mount.source);
  object["type"] = mount.type;
  object["options"] = names(mount.options);
  object["super_options"] = names(mount.super_options);
  return object;
}

Json layer_json(const storage::Layer& layer) {
  Json object = {{"kind", identifier(name_of(layer.kind))},
                 {"depth", layer.depth},
                 {"device", device_text(layer.device)},
                 {"kernel_name", layer.kernel_name}};
  put_name(object, "name", layer.name);
  object["size"] = layer.size.value;
  object["logical_block"] = layer.logical_block.value;
  object["rotational"] = layer.rotational;
  object["removable"] = layer.removable;
  object["discards"] = layer.discards;
  return object;
}

void put_stack(Json& object, const storage::Stack& stack) {
  const auto rotational = stack.rotational();
  object["rotational"] = rotational ? Json(*rotational) : Json(nullptr);
  object["encrypted"] = stack.encrypted();
  object["thin"] = stack.thin();
  object["alignment"] = stack.alignment().value;
  object["layers"] = Json::array();
  for (const storage::Layer& layer : stack.layers) object["layers"].push_back(layer_json(layer));
}

Json path_json(const Traits& traits) {
  const storage::QuickTraits& quick = traits.quick();
  Json object;
  put_name(object, "path", traits.located.asked);
  put_name(object, "resolved", traits.located.path);
  put_name(object, "missing", traits.located.missing);
  object["filesystem"] = name_of(quick.filesystem);
  object["type"] = traits.type;
  object["magic"] = fmt::format("0x{:08x}", quick.magic);
  object["nature"] = identifier(name_of(quick.nature));
  object["uuid"] = traits.uuid;
  object["device"] = device_text(quick.device);
  object["block_size"] = quick.block_size.value;
  object["total"] = quick.total.value;
  object["free"] = quick.free.value;
  object["available"] = quick.available.value;
  object["free_inodes"] = quick.free_inodes;
  object["read_only"] = quick.read_only;
  object["supports"] = {
      {"shared_blocks", name_of(quick.reflink)}, {"holes", name_of(quick.holes)}, {"nameless_files", name_of(quick.nameless)}};
  object["times"] = {{"earliest_s", quick.times.earliest_s},
                     {"latest_s", quick.times.latest_s},
                     {"step_ns", quick.times.step ? Json(quick.times.step->count()) : Json(nullptr)}};
  object["mount"] = traits.mount ? mount_json(*traits.mount) : Json(nullptr);
  object["overlay"] = nullptr;
  if (traits.overlay) {
    object["overlay"] = {
        {"upper", traits.overlay->upper}, {"work", traits.overlay->work}, {"lower", names(traits.overlay->lower)}};
  }
  put_stack(object, traits.stack);
  return object;
}

std::string_view holes_name(copy::Holes holes) {
  switch (holes) {
    case copy::Holes::none: return "none";
    case copy::Holes::as_source: return "as_source";
    case copy::Holes::scan_zeros: return "scan_zeros";
    case copy::Holes::both: return "as_source_and_scan_zeros";
  }
  return "";
}

Json example_json(const PlannedExample& example) {
  Json object = {{"example", example.kind},
                 {"size", example.shape.size.value},
                 {"allocated", example.shape.allocated.value},
                 {"holes", holes_name(example.plan.holes)},
                 {"until_end", example.plan.until_end}};
  object["tiers"] = Json::array();
  for (std::size_t i = 0; i < example.plan.count; ++i)
    object["tiers"].push_back({{"tier", name_of(example.plan.steps[i].tier)}, {"why", example.plan.steps[i].why}});
  return object;
}

Json pair_json(const Info& info, const PairInfo& pair) {
  Json object;
  put_name(object, "source", info.paths[pair.source].located.asked);
  put_name(object, "target", info.paths[pair.target].located.asked);
  object["same_device"] = pair.traits.quick.same_device;
  object["same_filesystem"] = pair.traits.same_filesystem;
  object["same_mount"] = pair.traits.same_mount;
  object["nesting"] = nesting_name(pair.nesting);
  object["shared_blocks"] = name_of(pair.traits.quick.reflink);
  object["kernel_copy"] = name_of(pair.traits.quick.kernel_copy);
  object["plans"] = Json::array();
  for (const PlannedExample& example : pair.examples) object["plans"].push_back(example_json(example));
  return object;
}

}  // namespace

std::string info_json(const Info& info) {
  Json object = {{"schema", "fxcp.info/1"}};
  object["machine"] = {{"container", identifier(name_of(info.machine.container))},
                       {"container_mark", info.machine.container_mark},
                       {"virtual_machine", info.machine.virtual_machine},
                       {"hypervisor", info.machine.hypervisor}};
  object["paths"] = Json::array();
  for (const Traits& traits : info.paths) object["paths"].push_back(path_json(traits));
  object["pairs"] = Json::array();
  for (const PairInfo& pair : info.pairs) object["pairs"].push_back(pair_json(info, pair));
  object["failures"] = Json::array();
  for (const Error& error : info.failures) {
    Json failure;
    put_name(failure, "path", error.subject);
    failure["message"] = error.message();
    failure["operation"] = error.operation;
    if (error.code != 0) failure["errno"] = errno_name(error.code);
    object["failures"].push_back(std::move(failure));
  }
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace foxing::fxcp
