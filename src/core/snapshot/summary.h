// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of a snapshot: the content of its summary.json, and of index.json, which has the same of all (docs/formats/snapshot-store.md).
//
// Holds. Reading believes nothing: bounded size, no recursion, every field of its type and in its bounds; what is not so is an error that names the field.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"

namespace foxing::snapshot {

struct Summary {
  std::string name;
  std::string tag;
  std::string source;  // what the run was about to copy; for people
  std::string trigger;  // who made it: "fxcp --snapshot"
  std::uint64_t files = 0;  // names of regular files
  std::uint64_t entries = 0;  // of all types
  Bytes size;  // the lengths of all of them
  // How the files came here; together all of `files`.
  std::uint64_t cloned = 0;  // share their blocks with the tree
  std::uint64_t linked = 0;  // further names of files of the snapshot before, or of this one
  std::uint64_t copied = 0;
  Bytes written;
  std::uint64_t elapsed_ms = 0;

  friend bool operator==(const Summary&, const Summary&) = default;
};

inline constexpr std::size_t kLargestSummary = 64 * 1024;

std::string to_json(const Summary& summary);
Result<Summary> parse_summary(std::string_view json);

/// What index.json has.  Nothing of ours reads it: it can be made again at any time.
std::string index_json(std::span<const Summary> snapshots);

}  // namespace foxing::snapshot
