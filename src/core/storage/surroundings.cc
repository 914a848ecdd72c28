// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/storage/surroundings.h"

#include <array>
#include <optional>

namespace foxing::storage {
namespace {

struct ContainerMark {
  Container container;
  std::string mark;
};

struct Word {
  std::string_view text;
  Container container;
};
// In the paths of /proc/1/cgroup (cgroup v1, or v2 without a namespace).  A pod's containers also carry their runtime's name, so pods come first.
constexpr Word kGroupWords[] = {
    {"kubepods", Container::kubernetes},
    {"/docker", Container::docker},
    {"libpod", Container::podman},
    {"/lxc", Container::lxc},
};
// What tools write as `container=` into the environment of their first process, and systemd into /run/systemd/container.
constexpr Word kContainerNames[] = {
    {"docker", Container::docker}, {"podman", Container::podman},   {"oci", Container::podman},
    {"lxc", Container::lxc},       {"lxc-libvirt", Container::lxc}, {"systemd-nspawn", Container::nspawn},
};

Container container_of_name(std::string_view name) {
  for (const Word& word : kContainerNames)
    if (word.text == name) return word.container;
  return Container::other;
}

/// The value of `name` in NUL-separated NAME=VALUE pairs.
std::string_view environment_value(std::string_view block, std::string_view name) {
  while (!block.empty()) {
    const std::size_t end = block.find('\0');
    const std::string_view pair = block.substr(0, end);
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return pair.substr(name.size() + 1);
    if (end == std::string_view::npos) break;
    block.remove_prefix(end + 1);
  }
  return {};
}

std::optional<ContainerMark> mark_by_files(const SystemRoot& root) {
  static constexpr std::array<std::pair<std::string_view, Container>, 3> kFiles{{
      {"/var/run/secrets/kubernetes.io/serviceaccount", Container::kubernetes},
      {"/run/.containerenv", Container::podman},
      {"/.dockerenv", Container::docker},
  }};
  for (const auto& [file, container] : kFiles)
    if (root.exists(file)) return ContainerMark{container, std::string(file)};
  if (const std::string name = root.read_line("/run/systemd/container"); !name.empty())
    return ContainerMark{container_of_name(name), "/run/systemd/container"};
  return std::nullopt;
}

std::optional<ContainerMark> mark_by_process(const SystemRoot& root) {
  // Only root may read another process's environment; for others the groups have to do.
  const std::string block = root.read("/proc/1/environ").value_or(std::string());
  if (const std::string_view name = environment_value(block, "container"); !name.empty())
    return ContainerMark{container_of_name(name), "/proc/1/environ"};
  const std::string groups = root.read("/proc/1/cgroup").value_or(std::string());
  for (const Word& word : kGroupWords)
    if (groups.find(word.text) != std::string::npos) return ContainerMark{word.container, "/proc/1/cgroup"};
  return std::nullopt;
}

bool has_hypervisor_flag(const SystemRoot& root) {
  const std::string text = root.read("/proc/cpuinfo").value_or(std::string());
  const std::size_t at = text.find("\nflags");
  if (at == std::string::npos) return false;
  const std::string flags = text.substr(at + 1, text.find('\n', at + 1) - at - 1) + ' ';
  return flags.find(" hypervisor ") != std::string::npos;
}

/// The maker in the firmware's tables, as a hypervisor; "" where it is a machine of metal.
std::string hypervisor_of_firmware(const SystemRoot& root) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kMakers{{
      {"VMware", "VMware"},
      {"innotek", "VirtualBox"},
      {"VirtualBox", "VirtualBox"},
      {"Xen", "Xen"},
      {"KVM", "KVM"},
      {"QEMU", "QEMU"},
      {"Google Compute Engine", "KVM"},
      {"Amazon EC2", "KVM"},
      {"Parallels", "Parallels"},
      {"BHYVE", "bhyve"},
  }};
  const std::string vendor = root.read_line("/sys/class/dmi/id/sys_vendor");
  const std::string product = root.read_line("/sys/class/dmi/id/product_name");
  // Metal of Microsoft and Amazon names the same vendor; the product tells.
  if (vendor == "Microsoft Corporation" && product == "Virtual Machine") return "Hyper-V";
  if (vendor == "Amazon EC2" && product.find("metal") != std::string::npos) return {};
  for (const auto& [text, name] : kMakers)
    if (product.find(text) != std::string::npos || vendor.find(text) != std::string::npos) return std::string(name);
  return {};
}

}  // namespace

Surroundings read_surroundings(const SystemRoot& root) {
  Surroundings surroundings;
  std::optional<ContainerMark> mark = mark_by_files(root);
  if (!mark) mark = mark_by_process(root);
  if (mark) {
    surroundings.container = mark->container;
    surroundings.container_mark = std::move(mark->mark);
  }
  surroundings.hypervisor = hypervisor_of_firmware(root);
  if (surroundings.hypervisor.empty() && root.read_line("/sys/hypervisor/type") == "xen") surroundings.hypervisor = "Xen";
  if (surroundings.hypervisor.empty()) {
    // ARM has no such flag; the device tree names the hypervisor there ("linux,kvm", "xen,xen").
    const std::string compatible = root.read("/proc/device-tree/hypervisor/compatible").value_or(std::string());
    if (compatible.find("kvm") != std::string::npos) surroundings.hypervisor = "KVM";
    if (compatible.find("xen") != std::string::npos) surroundings.hypervisor = "Xen";
  }
  surroundings.virtual_machine = !surroundings.hypervisor.empty() || has_hypervisor_flag(root);
  return surroundings;
}

std::string_view name_of(Container container) {
  switch (container) {
    case Container::none: return "none";
    case Container::docker: return "docker";
    case Container::podman: return "podman";
    case Container::lxc: return "lxc";
    case Container::nspawn: return "systemd-nspawn";
    case Container::kubernetes: return "kubernetes";
    case Container::other: return "other";
  }
  return "";
}

}  // namespace foxing::storage
