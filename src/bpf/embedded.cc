// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/embedded.h"

#ifdef FOXING_BPF
extern "C" {
extern const std::byte foxing_ctime_object[];
extern const std::byte foxing_ctime_object_end[];
}
#endif

namespace foxing::bpf {

#ifdef FOXING_BPF
std::span<const std::byte> ctime_object() { return {foxing_ctime_object, foxing_ctime_object_end}; }
const char* why_absent() { return ""; }
#else
std::span<const std::byte> ctime_object() { return {}; }
const char* why_absent() { return FOXING_BPF_ABSENT; }
#endif

}  // namespace foxing::bpf
