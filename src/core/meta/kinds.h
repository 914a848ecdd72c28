// SPDX-License-Identifier: GPL-2.0-or-later
// Extended attributes by name: which are copied, compared and removed, and what they count as.  For meta's own .cc files.
// docs/adr/0009-which-extended-attributes.md has the table and the reasons.
#pragma once

#include <string_view>

#include "core/meta/meta.h"

namespace foxing::meta {

inline constexpr const char* kAccessAcl = "system.posix_acl_access";
inline constexpr const char* kDefaultAcl = "system.posix_acl_default";
inline constexpr const char* kCapability = "security.capability";

enum class Kind {
  none,
  acl,
  user,
  privileged,
  label,    // of a security module: it decides itself what a file gets; a refusal is a note, and none is ever removed
  foreign,  // an ACL of another system's kind: copied where the target takes it, else a note
  unasked,  // only root may set it, and we are not: a note
};

/// Which attributes are ours to copy, and what they count as.
/// Left out: our own, XFS's names for ACLs, overlayfs's own, security.evm and security.ima, which belong to one inode, and other system.* (views, not data).
Kind kind_of(std::string_view name, const Policy& policy);

/// Only these are removed where the source has none.
constexpr bool is_ours_to_remove(Kind kind) { return kind == Kind::acl || kind == Kind::user || kind == Kind::privileged; }

}  // namespace foxing::meta
