// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/meta/kinds.h"

#include "base/own_names.h"

namespace foxing::meta {

Kind kind_of(std::string_view name, const Policy& policy) {
  if (name == kAccessAcl || name == kDefaultAcl) return policy.acls ? Kind::acl : Kind::none;
  if (name == "system.nfs4_acl" || name == "system.cifs_acl" || name == "system.richacl")
    return policy.acls ? Kind::foreign : Kind::none;
  if (!policy.xattrs || is_own_attribute(name)) return Kind::none;
  if (name.starts_with("user.")) return Kind::user;
  if (name.starts_with("trusted.")) {
    if (name.starts_with("trusted.SGI_ACL_") || name.starts_with("trusted.overlay.")) return Kind::none;
    return policy.privileges.trusted_attributes ? Kind::privileged : Kind::unasked;
  }
  if (name == kCapability) return policy.privileges.file_capabilities ? Kind::privileged : Kind::unasked;
  if (name == "security.evm" || name == "security.ima") return Kind::none;
  if (name == "security.selinux" || name == "security.apparmor" || name.starts_with("security.SMACK64")) return Kind::label;
  if (name.starts_with("security.")) return policy.privileges.trusted_attributes ? Kind::privileged : Kind::unasked;
  return Kind::none;
}

}  // namespace foxing::meta
