// SPDX-License-Identifier: GPL-2.0-or-later
// Epochs: what snapshots are called, and the moments that these names stand for.  Pure.
//
// A name is a time in UTC, "2026-03-12T101500"; a second snapshot within the same second is "2026-03-12T101500-2".
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace foxing::snapshot {

struct Epoch {
  std::int64_t seconds = 0;  // since 1970, UTC
  unsigned number = 1;  // among those of one second
  friend auto operator<=>(const Epoch&, const Epoch&) = default;
};

inline constexpr unsigned kMostInOneSecond = 9999;

/// Nothing for a time that no name can stand for: before the year 0 or from 10000 on.
std::optional<std::string> name_of(const Epoch& epoch);
/// Nothing where `name` is not just what name_of() makes.
std::optional<Epoch> parse_epoch(std::string_view name);

/// A name that people give a snapshot: 1 to 64 letters, digits and "._-+@", no dot first, and nothing that an epoch could begin with.
bool is_tag(std::string_view text);

}  // namespace foxing::snapshot
