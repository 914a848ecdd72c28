// SPDX-License-Identifier: GPL-2.0-or-later
// Whether this process runs in a container or on a virtual machine.
// Why.   In a container a full disk may be a quota and io_uring may be forbidden; on a virtual machine "rotational" and pressure figures lie.
// How.   By the marks that the container tools leave, and by the processor's hypervisor flag and the firmware's names.  Marks can be made
//        up or missing, so this is for the report and for choosing among things that are right either way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/storage/system_root.h"

namespace foxing::storage {

enum class Container : std::uint8_t { none, docker, podman, lxc, nspawn, kubernetes, other };

struct Surroundings {
  Container container = Container::none;
  std::string container_mark;  // what told it: "/.dockerenv"
  bool virtual_machine = false;
  std::string hypervisor;  // "KVM", "VMware"; empty where only the flag tells
};

Surroundings read_surroundings(const SystemRoot& root);

std::string_view name_of(Container container);

}  // namespace foxing::storage
