// SPDX-License-Identifier: GPL-2.0-or-later
// The programs for the kernel, as they were compiled into this one.  The door of this folder.
//   ctime.bpf.c   inodes whose ctime changes        event_record.h   what is told        kernel_types.h   what of the kernel is read
#pragma once

#include <cstddef>
#include <span>

namespace foxing::bpf {

/// An ELF file for libbpf; empty where this build has none.
std::span<const std::byte> ctime_object();
/// Where it has none: the reason, as part of a sentence.
const char* why_absent();

}  // namespace foxing::bpf
