// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/meta/meta.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

namespace foxing::meta {
namespace {

constexpr const char* kAccessAcl = "system.posix_acl_access";
constexpr const char* kDefaultAcl = "system.posix_acl_default";
constexpr const char* kCapability = "security.capability";

enum class Kind { none, acl, user, privileged };

/// Which attributes are ours to copy, and what they count as.
/// Left out: XFS's names for ACLs; security.evm and security.ima, which belong to one inode; other system.* (views, not data).
Kind kind_of(std::string_view name, const Policy& policy) {
  if (name == kAccessAcl || name == kDefaultAcl) return policy.acls ? Kind::acl : Kind::none;
  if (!policy.xattrs) return Kind::none;
  if (name.starts_with("user.")) return Kind::user;
  if (name.starts_with("trusted.")) {
    if (name.starts_with("trusted.SGI_ACL_") || name.starts_with("trusted.overlay.")) return Kind::none;
    return policy.privileges.trusted_attributes ? Kind::privileged : Kind::none;
  }
  if (name.starts_with("security.")) {
    if (name == "security.evm" || name == "security.ima") return Kind::none;
    const bool allowed = name == kCapability ? policy.privileges.file_capabilities : policy.privileges.trusted_attributes;
    return allowed ? Kind::privileged : Kind::none;
  }
  return Kind::none;
}

Loss loss_of(std::string_view name) {
  if (name == kAccessAcl || name == kDefaultAcl) return Loss::acl;
  if (name == kCapability) return Loss::capability;
  return Loss::xattr;
}

/// The device below the target is broken, as against an attribute that it does not take.  ENOSPC and EDQUOT are not here: that is how
/// ext4 and btrfs refuse a value that does not fit into an inode's block.
bool is_real_failure(int code) { return code == EIO || code == EROFS || code == EBADF || code == ENOMEM || code == ESTALE; }

class Applying {
 public:
  Applying(sys::Object source, const sys::FileStatus& status, sys::Object target, const Current& current, const Policy& policy,
           Fidelity& fidelity)
      : source_(source), status_(status), target_(target), current_(current), policy_(policy), fidelity_(fidelity) {}

  Result<Losses> run() {
    FOX_TRY(owner());
    FOX_TRY(mode());
    FOX_TRY(attributes());
    FOX_TRY(times());
    return std::move(losses_);
  }

 private:
  Result<> owner() {
    const uid_t owner = policy_.owner ? status_.owner() : current_.owner;
    const gid_t group = policy_.group ? status_.group() : current_.group;
    if (owner == current_.owner && group == current_.group) return {};
    ownership_changed_ = true;
    auto set = sys::set_owner(target_, owner, group);
    if (set) return {};
    if (set.error().code != EPERM && set.error().code != EINVAL && set.error().code != EOPNOTSUPP) return set;
    // Not allowed, or ids without a mapping in this user namespace.  An ordinary user may still give a file to a group of theirs.
    const bool note = !policy_.privileges.set_owner;
    if (owner != current_.owner) losses_.add(Loss::owner, note, set.error().code, fmt::format("owner {}", owner));
    keeps_owner_ = owner == current_.owner;
    if (group != current_.group) {
      const auto group_set = sys::set_owner(target_, sys::kKeepOwner, group);
      keeps_group_ = group_set.has_value();
      if (!keeps_group_) losses_.add(Loss::owner, note, group_set.error().code, fmt::format("group {}", group));
    }
    return {};
  }

  Result<> mode() {
    if (status_.type() == sys::FileType::symlink) return {};
    mode_t mode = wanted_mode(status_, policy_);
    // A setuid program must not become one of whoever ran the copy.
    if (!keeps_owner_) mode &= ~mode_t{S_ISUID};
    if (!keeps_group_) mode &= ~mode_t{S_ISGID};
    if (mode == current_.mode && !ownership_changed_ && !current_.may_have_attributes) return {};
    auto set = sys::set_mode(target_, mode);
    if (set) return {};
    if (set.error().code != EPERM && set.error().code != EOPNOTSUPP) return set;
    losses_.add(Loss::mode, false, set.error().code, fmt::format("mode {:04o}", mode));
    return {};
  }

  Result<> attributes() {
    if (!policy_.xattrs && !policy_.acls) return {};
    auto listed = sys::list_attributes(source_);
    if (!listed && listed.error().code != EACCES && listed.error().code != EPERM) return tl::make_unexpected(listed.error());
    if (!listed) {
      losses_.add(Loss::xattr, false, listed.error().code, "cannot be read");
      return {};
    }
    if (current_.may_have_attributes) FOX_TRY(remove_others(*listed));
    for (const std::string& name : *listed) {
      if (kind_of(name, policy_) != Kind::none) FOX_TRY(copy_attribute(name));
    }
    return {};
  }

  Result<> copy_attribute(const std::string& name) {
    std::string value;
    if (auto got = sys::get_attribute(source_, name, value); !got) {
      if (got.error().code == ENODATA) return {};  // removed meanwhile; the change of ctime is seen by the copier
      return refused(name, std::move(got));
    }
    return refused(name, sys::set_attribute(target_, name, value));
  }

  /// What the target has and the source has not: left by an older version, or inherited.
  Result<> remove_others(const std::vector<std::string>& wanted) {
    for (const std::string& name : FOX_TRY(sys::list_attributes(target_))) {
      if (kind_of(name, policy_) == Kind::none || std::ranges::find(wanted, name) != wanted.end()) continue;
      auto removed = sys::remove_attribute(target_, name);
      if (!removed && removed.error().code != ENODATA) FOX_TRY(refused(name, std::move(removed)));
    }
    return {};
  }

  /// Turns a refusal into a loss; lets a success and a real failure through.
  Result<> refused(const std::string& name, Result<> result) {
    if (result || is_real_failure(result.error().code)) return result;
    losses_.add(loss_of(name), false, result.error().code, name);
    return {};
  }

  Result<> times() {
    if (!policy_.times) return {};
    if (auto set = sys::set_times(target_, status_.accessed(), status_.modified()); !set) {
      if (set.error().code != EPERM && set.error().code != EOPNOTSUPP && set.error().code != EINVAL) return set;
      losses_.add(Loss::time, false, set.error().code);
      return {};
    }
    return check_times();
  }

  /// The kernel clamps times to what the filesystem can store, without an error; so what was set is read back where that can be.
  Result<> check_times() {
    const auto usual = [](const timespec& time) { return time.tv_sec > -2147483648LL && time.tv_sec < 2147483647LL; };
    const timespec wanted = status_.modified();
    if (usual(wanted) && usual(status_.accessed()) &&
        (wanted.tv_nsec == 0 || fidelity_.keeps_nanoseconds.load(std::memory_order_relaxed))) {
      return {};
    }
    const sys::FileStatus now = FOX_TRY(sys::status_of(target_.fd));
    if (!sys::same_time(now.modified(), wanted)) {
      const timespec kept = now.modified();
      losses_.add(Loss::time, false, 0,
                  fmt::format("modification time {}.{:09d} became {}.{:09d}", wanted.tv_sec, wanted.tv_nsec, kept.tv_sec, kept.tv_nsec));
    } else if (now.accessed().tv_sec != status_.accessed().tv_sec) {
      losses_.add(Loss::time, false, 0,
                  fmt::format("access time {} became {}", status_.accessed().tv_sec, now.accessed().tv_sec));
    } else if (wanted.tv_nsec != 0) {
      fidelity_.keeps_nanoseconds.store(true, std::memory_order_relaxed);
    }
    return {};
  }

  const sys::Object source_;
  const sys::FileStatus& status_;
  const sys::Object target_;
  const Current& current_;
  const Policy& policy_;
  Fidelity& fidelity_;
  Losses losses_;
  bool ownership_changed_ = false;
  bool keeps_owner_ = true;
  bool keeps_group_ = true;
};

}  // namespace

const char* name_of(Loss loss) {
  switch (loss) {
    case Loss::owner: return "owner";
    case Loss::mode: return "mode";
    case Loss::xattr: return "extended attribute";
    case Loss::acl: return "ACL";
    case Loss::capability: return "file capability";
    case Loss::time: return "time";
    case Loss::count: break;
  }
  return "attribute";
}

mode_t wanted_mode(const sys::FileStatus& source, const Policy& policy) {
  return policy.mode ? source.permissions() : source.permissions() & 0777 & ~policy.umask;
}

Result<Losses> apply(sys::Object source, const sys::FileStatus& status, sys::Object target, const Current& current,
                     const Policy& policy, Fidelity& fidelity) {
  return Applying(source, status, target, current, policy, fidelity).run();
}

Result<bool> has_default_acl(sys::FdView directory) {
  std::string value;
  const auto got = sys::get_attribute({directory}, kDefaultAcl, value);
  if (got) return true;
  if (got.error().code == ENODATA || got.error().code == EOPNOTSUPP) return false;
  return tl::make_unexpected(got.error());
}

}  // namespace foxing::meta
