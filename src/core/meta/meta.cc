// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/meta/meta.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

#include "core/meta/kinds.h"

namespace foxing::meta {
namespace {

Loss loss_of(std::string_view name) {
  if (name == kAccessAcl || name == kDefaultAcl) return Loss::acl;
  if (name == kCapability) return Loss::capability;
  return Loss::xattr;
}

/// The device below the target is broken, as against an attribute that it does not take.  ENOSPC and EDQUOT are not here: that is how
/// ext4 and btrfs refuse a value that does not fit into an inode's block.
bool is_real_failure(int code) { return code == EIO || code == EROFS || code == EBADF || code == ENOMEM || code == ESTALE; }

/// The target cannot hold this owner, mode or time, or will not have it from us; the file itself is fine.
bool is_refusal(int code) {
  return code == EPERM || code == EACCES || code == EINVAL || code == EOPNOTSUPP || code == ENOSYS || code == EOVERFLOW ||
         code == ENOTTY;
}

/// Where attributes come from: a file, or values.
class Origin {
 public:
  virtual ~Origin() = default;
  virtual Result<std::vector<std::string>> names() const = 0;
  virtual Result<> value(const std::string& name, std::string& value) const = 0;
};

class OfFile final : public Origin {
 public:
  explicit OfFile(sys::Object file) : file_(file) {}
  Result<std::vector<std::string>> names() const override { return sys::list_attributes(file_); }
  Result<> value(const std::string& name, std::string& value) const override { return sys::get_attribute(file_, name, value); }

 private:
  const sys::Object file_;
};

class OfValues final : public Origin {
 public:
  explicit OfValues(const Attributes& attributes) : attributes_(attributes) {}
  Result<std::vector<std::string>> names() const override {
    std::vector<std::string> names;
    for (const auto& [name, value] : attributes_) names.push_back(name);
    return names;
  }
  Result<> value(const std::string& name, std::string& value) const override {
    const auto found = std::ranges::find(attributes_, name, &Attributes::value_type::first);
    if (found == attributes_.end()) return fail(ENODATA, "getxattr");
    value = found->second;
    return {};
  }

 private:
  const Attributes& attributes_;
};

class Applying {
 public:
  Applying(const Origin& source, const sys::FileStatus& status, sys::Object target, const Current& current, const Policy& policy,
           Fidelity& fidelity)
      : source_(source), status_(status), target_(target), current_(current), policy_(policy), fidelity_(fidelity) {}

  Result<Losses> run() {
    FOX_TRY(owner());
    FOX_TRY(list_attributes());
    FOX_TRY(attributes(When::before_mode));
    FOX_TRY(mode());
    FOX_TRY(attributes(When::after_mode));
    FOX_TRY(times());
    return std::move(losses_);
  }

 private:
  Result<> owner() {
    owner_ = policy_.owner ? policy_.owner_of(status_) : current_.owner;
    group_ = policy_.group ? policy_.group_of(status_) : current_.group;
    if (owner_ == current_.owner && group_ == current_.group) return {};
    ownership_changed_ = true;
    auto set = sys::set_owner(target_, owner_, group_);
    if (set) return {};
    if (!is_refusal(set.error().code)) return set;
    // Not allowed, or ids without a mapping in this user namespace.  An ordinary user may still give a file to a group of theirs.
    const bool note = !policy_.privileges.set_owner;
    if (owner_ != current_.owner) losses_.add(Loss::owner, note, set.error().code, fmt::format("owner {}", owner_));
    owner_ = current_.owner;
    if (group_ != current_.group) {
      const auto group_set = sys::set_owner(target_, sys::kKeepOwner, group_);
      if (group_set) return {};
      losses_.add(Loss::owner, note, group_set.error().code, fmt::format("group {}", group_));
      group_ = current_.group;
    }
    return {};
  }

  Result<> mode() {
    if (status_.type() == sys::FileType::symlink) return {};
    const mode_t asked = !policy_.mode && current_.own_mode ? *current_.own_mode : wanted_mode(status_, policy_);
    mode_t mode = asked;
    // A setuid program must not become one of whoever ran the copy.
    const bool file = status_.type() != sys::FileType::directory;
    if (file && owner_ != policy_.owner_of(status_)) mode &= ~mode_t{S_ISUID};
    if (file && group_ != policy_.group_of(status_)) mode &= ~mode_t{S_ISGID};
    if (mode != asked)
      losses_.add(Loss::mode, true, 0,
                  fmt::format("{:04o} became {:04o}: setuid and setgid need the owner and group to be kept", asked, mode));
    if (mode == current_.mode && !ownership_changed_ && (!current_.may_have_attributes || current_.no_attributes)) return {};
    auto set = sys::set_mode(target_, mode);
    if (!set && !is_refusal(set.error().code)) return set;
    if (!set) losses_.add(Loss::mode, false, set.error().code, fmt::format("mode {:04o}", mode));
    if (set && (mode & S_ISGID) != 0 && !policy_.privileges.keep_setgid) return check_setgid(mode);
    return {};
  }

  /// chmod drops setgid without an error where we are not of the file's group.
  Result<> check_setgid(mode_t mode) {
    const mode_t now = FOX_TRY(sys::status_of(target_.fd)).permissions();
    if (now != mode)
      losses_.add(Loss::mode, true, 0, fmt::format("{:04o} became {:04o}: only members of the group may set setgid", mode, now));
    return {};
  }

  /// user.* needs write permission, which the final mode may not give to an ordinary user; ACLs and capabilities are changed by chmod.
  enum class When { before_mode, after_mode };
  static When when(Kind kind) { return kind == Kind::user ? When::before_mode : When::after_mode; }

  Result<> list_attributes() {
    if ((!policy_.xattrs && !policy_.acls) || current_.no_attributes) return {};
    auto listed = source_.names();
    if (!listed && is_refusal(listed.error().code)) {
      losses_.add(Loss::xattr, false, listed.error().code, "cannot be read");
      return {};
    }
    wanted_ = FOX_TRY(std::move(listed));
    if (current_.may_have_attributes) existing_ = FOX_TRY(sys::list_attributes(target_));
    return {};
  }

  Result<> attributes(When now) {
    for (const std::string& name : existing_) {
      const Kind kind = kind_of(name, policy_);
      if (when(kind) == now && is_ours_to_remove(kind) && std::ranges::find(wanted_, name) == wanted_.end())
        FOX_TRY(remove_attribute(name, kind));
    }
    for (const std::string& name : wanted_) {
      const Kind kind = kind_of(name, policy_);
      if (kind == Kind::none || when(kind) != now) continue;
      if (kind == Kind::unasked) {
        losses_.add(loss_of(name), true, EPERM, name);
      } else {
        FOX_TRY(copy_attribute(name, kind));
      }
    }
    return {};
  }

  Result<> copy_attribute(const std::string& name, Kind kind) {
    std::string value;
    if (auto got = source_.value(name, value); !got) {
      if (got.error().code == ENODATA) return {};  // removed meanwhile: ctime moves, and the copier looks at it once more
      return refused(name, kind, std::move(got));
    }
    return refused(name, kind, sys::set_attribute(target_, name, value));
  }

  /// The target has it and the source has not: left by an older version, or inherited.
  Result<> remove_attribute(const std::string& name, Kind kind) {
    auto removed = sys::remove_attribute(target_, name);
    if (!removed && removed.error().code == ENODATA) return {};
    return refused(name, kind, std::move(removed));
  }

  /// Turns a refusal into a loss; lets a success and a real failure through.
  Result<> refused(const std::string& name, Kind kind, Result<> result) {
    if (result || is_real_failure(result.error().code)) return result;
    losses_.add(loss_of(name), kind == Kind::label || kind == Kind::foreign, result.error().code, name);
    return {};
  }

  Result<> times() {
    if (!policy_.times) return {};
    const auto& has = current_.times;
    if (has && sys::same_time(has->accessed, status_.accessed()) && sys::same_time(has->modified, status_.modified())) return {};
    if (auto set = sys::set_times(target_, status_.accessed(), status_.modified()); !set) {
      if (!is_refusal(set.error().code)) return set;
      losses_.add(Loss::time, false, set.error().code);
      return {};
    }
    return check_times();
  }

  /// The kernel clamps times to what the filesystem can store, without an error; so what was set is read back where that can be.
  Result<> check_times() {
    const timespec modified = status_.modified();
    const timespec accessed = status_.accessed();
    if (surely_kept(modified) && surely_kept(accessed)) return {};
    const sys::FileStatus now = FOX_TRY(sys::status_of(target_.fd));
    if (!sys::same_time(now.modified(), modified)) {
      losses_.add(Loss::time, false, 0,
                  fmt::format("modification time {} became {}", sys::to_text(modified), sys::to_text(now.modified())));
    } else if (!sys::same_time(now.accessed(), accessed)) {
      losses_.add(Loss::time, false, 0,
                  fmt::format("access time {} became {}", sys::to_text(accessed), sys::to_text(now.accessed())));
    } else if (modified.tv_nsec % 100 != 0) {  // NTFS and SMB count in 100 ns, exFAT in 10 ms
      fidelity_.keeps_nanoseconds.store(true, std::memory_order_relaxed);
    }
    return {};
  }

  bool surely_kept(const timespec& time) const {
    if (fidelity_.step_ns > 0 && time.tv_sec >= fidelity_.earliest_s && time.tv_sec <= fidelity_.latest_s &&
        (time.tv_sec % 60 * 1'000'000'000 + time.tv_nsec) % fidelity_.step_ns == 0) {
      return true;
    }
    const bool usual = time.tv_sec > -2147483648LL && time.tv_sec < 2147483647LL;
    return usual && fidelity_.keeps_nanoseconds.load(std::memory_order_relaxed);
  }

  const Origin& source_;
  const sys::FileStatus& status_;
  const sys::Object target_;
  const Current& current_;
  const Policy& policy_;
  Fidelity& fidelity_;
  Losses losses_;
  bool ownership_changed_ = false;
  std::vector<std::string> wanted_;  // attributes of the source
  std::vector<std::string> existing_;  // of the target, where it may have any
  uid_t owner_ = 0;  // of the target, once owner() has run
  gid_t group_ = 0;
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
  return policy.mode ? policy.mode_of(source) : policy.mode_of(source) & 0777 & ~policy.umask;
}

Result<Losses> apply(sys::Object source, const sys::FileStatus& status, sys::Object target, const Current& current,
                     const Policy& policy, Fidelity& fidelity) {
  return Applying(OfFile(source), status, target, current, policy, fidelity).run();
}

Result<Losses> apply(const Attributes& attributes, const sys::FileStatus& status, sys::Object target, const Current& current,
                     const Policy& policy, Fidelity& fidelity) {
  return Applying(OfValues(attributes), status, target, current, policy, fidelity).run();
}

Result<Attributes> read_attributes(sys::Object source) {
  Policy all{.xattrs = true, .acls = true};
  all.privileges.trusted_attributes = all.privileges.file_capabilities = true;
  auto names = sys::list_attributes(source);
  if (!names && is_refusal(names.error().code)) return Attributes();
  Attributes attributes;
  for (const std::string& name : FOX_TRY(std::move(names))) {
    if (kind_of(name, all) == Kind::none) continue;
    std::string value;
    const auto got = sys::get_attribute(source, name, value);
    if (!got && got.error().code == ENODATA) continue;  // removed meanwhile
    if (!got) return tl::make_unexpected(Error(got.error()).about(name));
    attributes.emplace_back(name, std::move(value));
  }
  std::ranges::sort(attributes);
  return attributes;
}

Result<bool> has_default_acl(sys::Object directory) {
  std::string value;
  const auto got = sys::get_attribute(directory, kDefaultAcl, value);
  if (got) return true;
  // ENOENT: an O_PATH descriptor and no /proc to look through.
  if (got.error().code == ENODATA || got.error().code == EOPNOTSUPP || got.error().code == ENOENT) return false;
  return tl::make_unexpected(got.error());
}

}  // namespace foxing::meta
