// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/temp_names.h"

#include <fmt/format.h>

#include <charconv>

#include "sys/status.h"

namespace foxing::copy {
namespace {

constexpr std::string_view kPrefix = ".tmp.";
constexpr std::size_t kUuidLength = 36;
constexpr std::uint32_t kMagic = 0x66786370;  // "fxcp"
constexpr unsigned kPidBits = 22;             // PID_MAX_LIMIT is 2^22
constexpr unsigned kCounterBits = 26;

/// Reads exactly `text` as lower-case hexadecimal.
std::optional<std::uint64_t> hexadecimal(std::string_view text) {
  if (text.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string TempNames::next() {
  const std::uint64_t counter = counter_.fetch_add(1, std::memory_order_relaxed) & ((1u << kCounterBits) - 1);
  const std::uint64_t node = std::uint64_t{identity_.pid & ((1u << kPidBits) - 1)} << kCounterBits | counter;
  return fmt::format("{}{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", kPrefix, kMagic, identity_.machine,
                     0x8000 | (identity_.boot & 0x0FFF), 0x8000 | (identity_.start_time & 0x3FFF), node);
}

std::optional<sys::ProcessIdentity> TempNames::maker_of(std::string_view name) {
  if (name.size() != kPrefix.size() + kUuidLength || !name.starts_with(kPrefix)) return std::nullopt;
  const std::string_view uuid = name.substr(kPrefix.size());
  if (uuid[8] != '-' || uuid[13] != '-' || uuid[18] != '-' || uuid[23] != '-') return std::nullopt;
  const auto magic = hexadecimal(uuid.substr(0, 8));
  const auto machine = hexadecimal(uuid.substr(9, 4));
  const auto boot = hexadecimal(uuid.substr(14, 4));
  const auto start = hexadecimal(uuid.substr(19, 4));
  const auto node = hexadecimal(uuid.substr(24, 12));
  if (!magic || !machine || !boot || !start || !node) return std::nullopt;
  if (*magic != kMagic || *boot >> 12 != 8 || *start >> 14 != 2) return std::nullopt;
  return sys::ProcessIdentity{.machine = static_cast<std::uint16_t>(*machine),
                              .boot = static_cast<std::uint16_t>(*boot & 0x0FFF),
                              .start_time = static_cast<std::uint16_t>(*start & 0x3FFF),
                              .pid = static_cast<std::uint32_t>(*node >> kCounterBits)};
}

bool TempNames::is_litter(sys::FdView directory, std::string_view name) {
  const auto maker = maker_of(name);
  if (!maker) return false;
  switch (sys::liveness(*maker)) {
    case sys::Liveness::alive:
    case sys::Liveness::unknown: return false;
    case sys::Liveness::dead: return true;
    case sys::Liveness::dead_with_boot: {
      // Machines cloned from one image may share their id; then only a file from before this boot is surely of a dead run.
      const auto status = sys::status_at(directory, std::string(name));
      return status && status->changed().tv_sec < sys::boot_time();
    }
  }
  return false;
}

}  // namespace foxing::copy
