// SPDX-License-Identifier: GPL-2.0-or-later
// Metadata: gives one object the owner, mode, extended attributes, ACLs and times of another.
//
//   from  an open source and its status        to  an open target; what it could not keep, as a value
//
// Why.   "Exit 0 means equal": every attribute that the target refuses or changes is found out here and named, never skipped silently.
// How.   Through descriptors only.  Owner, then user.*, then mode, then ACLs, capabilities and the rest, then times: a change of owner clears setuid and
//        capabilities, user.* needs write permission, an ACL may change the mode, and everything moves ctime but nothing after utimensat moves mtime.
// Holds. `trusted.SGI_ACL_*`, XFS's second name for ACLs, is never listed, copied or deleted: with it a second run destroys the ACLs.
//        An ordinary user is not refused what only root may set: that is a note (Losses::notes).
// Not here: which objects; the order of files (copier), times of directories last (copier).
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/meta/chmod.h"
#include "core/meta/id_map.h"
#include "sys/attributes.h"
#include "sys/process.h"
#include "sys/status.h"

namespace foxing::meta {

/// Which attributes are to be kept.
struct Policy {
  bool mode = false;  // without it: the source's permissions less the umask, as cp does
  bool owner = false;
  bool group = false;
  bool times = false;
  bool xattrs = false;
  bool acls = false;
  mode_t umask = 022;
  sys::Privileges privileges;
  const ModeChanges* chmod = nullptr;  // --chmod; outlives the policy
  const IdMap* ids = nullptr;  // --chown, --usermap, --groupmap; likewise

  // What a copy of `source` is to have, before it is asked whether that is kept.
  mode_t mode_of(const sys::FileStatus& source) const {
    const mode_t bits = source.permissions();
    return chmod == nullptr || source.type() == sys::FileType::symlink
               ? bits
               : chmod->apply(bits, source.type() == sys::FileType::directory);
  }
  uid_t owner_of(const sys::FileStatus& source) const { return ids == nullptr ? source.owner() : ids->owner(source.owner()); }
  gid_t group_of(const sys::FileStatus& source) const { return ids == nullptr ? source.group() : ids->group(source.group()); }
};

/// What a target did not keep.  In the order of the report.
enum class Loss : std::uint8_t { owner, mode, xattr, acl, capability, time, count };
const char* name_of(Loss loss);

/// The losses of one object: which kinds, why the first of each, and whether they are failures or only notes.
struct Losses {
  struct One {
    Loss loss;
    bool note;  // nobody asked for it: only root may set it
    int code;  // errno; 0 where the call succeeded and the value is another one
    std::string detail;  // the attribute's name, the time that was kept
  };
  std::vector<One> all;
  bool empty() const { return all.empty(); }
  void add(Loss loss, bool note, int code, std::string detail = {}) { all.push_back({loss, note, code, std::move(detail)}); }
};

/// What one target filesystem is known to keep; shared by all files on it.
struct Fidelity {
  /// Times that surely come back as they were set, from the kind of filesystem; step_ns 0 where that cannot be said.
  std::int64_t earliest_s = 0;
  std::int64_t latest_s = 0;
  std::int64_t step_ns = 0;
  /// A time that no coarser clock could hold has been read back as it was set: times of 1902 to 2037 need no second look here.
  std::atomic<bool> keeps_nanoseconds{false};
};

/// What the target has already, so that nothing is set twice.
struct Current {
  uid_t owner = 0;
  gid_t group = 0;
  mode_t mode = 0;
  bool may_have_attributes = false;  // made by somebody else, or inherited from a default ACL
  std::optional<mode_t> own_mode = {};  // what it, or what it replaces, had before: it stays so where the policy keeps no modes
  bool no_attributes = false;  // neither the source nor the target has any: they are not asked again
  struct Times {
    timespec accessed, modified;
  };
  std::optional<Times> times = {};  // where nothing moves them but `apply`
  static Current of(const sys::FileStatus& status) {
    return {status.owner(), status.group(), status.permissions(), true, status.permissions()};
  }
};

/// The mode a target gets under `policy`; for creating it with as few calls as possible.
mode_t wanted_mode(const sys::FileStatus& source, const Policy& policy);

/// Extended attributes and ACLs as values: names, each once, and what they say.
using Attributes = std::vector<std::pair<std::string, std::string>>;
/// All that a copy by root would have of `source`, sorted by name.  EOPNOTSUPP is none.
Result<Attributes> read_attributes(sys::Object source);

/// As below, with attributes that come from elsewhere than a file.
Result<Losses> apply(const Attributes& attributes, const sys::FileStatus& status, sys::Object target, const Current& current,
                     const Policy& policy, Fidelity& fidelity);

/// Makes `target` as `source` was when `status` was taken.
/// Answers what could not be kept.  Errors: EIO and other real failures of a call; the target then has some of it.
Result<Losses> apply(sys::Object source, const sys::FileStatus& status, sys::Object target, const Current& current,
                     const Policy& policy, Fidelity& fidelity);

/// True where new files in `directory` inherit an ACL.
Result<bool> has_default_acl(sys::Object directory);

}  // namespace foxing::meta
