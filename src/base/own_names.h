// SPDX-License-Identifier: GPL-2.0-or-later
// Names that belong to Foxing itself: they live in a target beside the user's files, and are no part of what is mirrored.
#pragma once

#include <string_view>

namespace foxing {

inline constexpr std::string_view kVersionStore = ".foxing_versions";  // snapshots
inline constexpr std::string_view kSidecar = ".foxing_meta";           // signatures, where there are no extended attributes
inline constexpr std::string_view kOwnAttributes = "user.foxing.";     // signatures; each belongs to one inode

/// A directory entry that is never copied, compared or deleted.
constexpr bool is_own_name(std::string_view name) { return name == kVersionStore || name == kSidecar; }

/// An extended attribute that is never copied, compared or deleted as one of the user's.
constexpr bool is_own_attribute(std::string_view name) { return name.starts_with(kOwnAttributes); }

}  // namespace foxing
