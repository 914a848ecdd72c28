// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/meta/compare.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "core/meta/kinds.h"
#include "sys/file.h"
#include "sys/process.h"

namespace foxing::meta {
namespace {

bool is_acl(std::string_view name) { return name.starts_with("system."); }

/// The mode that `apply` would give to an object whose owner and group end up as `owner_kept` and `group_kept` say.
mode_t reachable_mode(const sys::FileStatus& source, const Policy& policy, bool owner_kept, bool group_kept) {
  mode_t mode = policy.mode_of(source);
  const bool file = source.type() != sys::FileType::directory;
  if (file && !owner_kept) mode &= ~mode_t{S_ISUID};
  if (file && !group_kept) mode &= ~mode_t{S_ISGID};
  if (!policy.privileges.keep_setgid && !sys::belongs_to_group(policy.group_of(source))) mode &= ~mode_t{S_ISGID};
  return mode;
}

class Comparing {
 public:
  Comparing(sys::Object source, sys::Object target, const Policy& policy) : source_(source), target_(target), policy_(policy) {}

  Result<> attributes(std::vector<std::string> source_names, std::vector<std::string> target_names, Differences& found) {
    for (const std::string& name : source_names) {
      const Kind kind = kind_of(name, policy_);
      if (kind == Kind::none || kind == Kind::unasked || kind == Kind::label) continue;
      const bool there = std::ranges::find(target_names, name) != target_names.end();
      if (!there || !FOX_TRY(same_value(name))) found.attributes.push_back(name);
    }
    for (const std::string& name : target_names) {
      if (!is_ours_to_remove(kind_of(name, policy_))) continue;
      if (std::ranges::find(source_names, name) == source_names.end()) found.attributes.push_back(name);
    }
    return {};
  }

 private:
  Result<bool> same_value(const std::string& name) {
    auto source = value_of(source_, name, source_value_);
    auto target = value_of(target_, name, target_value_);
    if (!source) return tl::make_unexpected(std::move(source).error());
    if (!target) return tl::make_unexpected(std::move(target).error());
    return *source == *target && source_value_ == target_value_;
  }

  /// False where it is gone again.
  static Result<bool> value_of(sys::Object object, const std::string& name, std::string& value) {
    value.clear();
    const auto got = sys::get_attribute(object, name, value);
    if (got) return true;
    if (got.error().code == ENODATA) return false;
    return tl::make_unexpected(got.error());
  }

  const sys::Object source_;
  const sys::Object target_;
  const Policy& policy_;
  std::string source_value_;
  std::string target_value_;
};

}  // namespace

bool Differences::acls() const { return std::ranges::any_of(attributes, is_acl); }
bool Differences::xattrs() const {
  return std::ranges::any_of(attributes, [](const std::string& name) { return !is_acl(name); });
}

Differences status_differences(const sys::FileStatus& source, const sys::FileStatus& target, const Policy& policy,
                               ModifyWindow window) {
  Differences found;
  const bool owner_asked = policy.owner && policy.privileges.set_owner;
  const bool group_asked = policy.group && (policy.privileges.set_owner || sys::belongs_to_group(policy.group_of(source)));
  found.owner = owner_asked && policy.owner_of(source) != target.owner();
  found.group = group_asked && policy.group_of(source) != target.group();
  if (policy.mode && source.type() != sys::FileType::symlink) {
    const bool owner_kept = owner_asked || policy.owner_of(source) == target.owner();
    const bool group_kept = group_asked || policy.group_of(source) == target.group();
    found.mode = reachable_mode(source, policy, owner_kept, group_kept) != target.permissions();
  }
  if (policy.times) {
    found.modified = !same_within(source.modified(), target.modified(), window);
    // A symbolic link cannot be read without moving its access time: comparing would make a difference each time.
    found.accessed = source.type() != sys::FileType::symlink && !same_within(source.accessed(), target.accessed(), window);
  }
  return found;
}

Result<Differences> differences(sys::Object source, const sys::FileStatus& source_status, sys::Object target,
                                const sys::FileStatus& target_status, const Policy& policy, ModifyWindow window) {
  Differences found = status_differences(source_status, target_status, policy, window);
  if (!policy.xattrs && !policy.acls) return found;
  auto source_names = FOX_TRY(sys::list_attributes(source));
  auto target_names = FOX_TRY(sys::list_attributes(target));
  found.no_attributes = source_names.empty() && target_names.empty();
  if (found.no_attributes) return found;
  FOX_TRY(Comparing(source, target, policy).attributes(std::move(source_names), std::move(target_names), found));
  return found;
}

Result<Differences> differences_at(sys::FdView source, sys::CString source_name, const sys::FileStatus& source_status,
                                   sys::FdView target, sys::CString target_name, const sys::FileStatus& target_status,
                                   const Policy& policy, ModifyWindow window) {
  Differences found = status_differences(source_status, target_status, policy, window);
  if (!policy.xattrs && !policy.acls) return found;
  auto source_names = FOX_TRY(sys::list_attributes_at(source, source_name));
  auto target_names = FOX_TRY(sys::list_attributes_at(target, target_name));
  found.no_attributes = source_names.empty() && target_names.empty();
  if (found.no_attributes) return found;
  const sys::UniqueFd source_object = FOX_TRY(sys::open_at(source, source_name, {.access = sys::Access::path}));
  const sys::UniqueFd target_object = FOX_TRY(sys::open_at(target, target_name, {.access = sys::Access::path}));
  FOX_TRY(Comparing({source_object, sys::Handle::path}, {target_object, sys::Handle::path}, policy)
              .attributes(std::move(source_names), std::move(target_names), found));
  return found;
}

}  // namespace foxing::meta
