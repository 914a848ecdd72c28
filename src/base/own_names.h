// SPDX-License-Identifier: GPL-2.0-or-later
// Names that are the product's own: what it leaves on a target for later runs, and takes neither from a source nor deletes as surplus.
//
// Why here. Walk, metadata and copy must leave these alone without knowing the parts that write them.
// Not here: temporary names (.tmp.<uuid>), which say whose they are: core/copy/temp_names.h.
#pragma once

#include <string_view>

namespace foxing {

/// What was copied into a directory, where attributes cannot say it: docs/formats/signature.md.
inline constexpr const char* kSidecarName = ".foxing_meta";
/// Earlier versions, in the target's root.
inline constexpr const char* kVersionsName = ".foxing_versions";
/// What interrupted runs have of large files, beside where they belong (--partial).  Left alone by runs with that option only.
inline constexpr const char* kPartialDirectory = ".fxcp-partial";
inline constexpr std::string_view kOwnAttributes = "user.foxing.";

/// True for a name in a directory that is the product's own, at any depth.
constexpr bool is_own_name(std::string_view name) { return name == kSidecarName || name == kVersionsName; }

/// True for an extended attribute that is the product's own: it speaks of one inode and means nothing on another.
constexpr bool is_own_attribute(std::string_view name) { return name.starts_with(kOwnAttributes); }

}  // namespace foxing
