// SPDX-License-Identifier: GPL-2.0-or-later
// --chown, --usermap, --groupmap: which owner and group a copy gets.
//
//   from  option text, accounts of this machine        to  two pure functions, owner(uid) and group(gid)
//
// How.   A map is FROM:TO,FROM:TO...; the first that matches counts, and ids that none matches stay as they are.
//            FROM  1000         an id                         TO  1000    an id
//                  1000-1999    a range, both ends included       name    of this machine
//                  name         exactly this one
//                  back*, [a-m]*, ?x    names by pattern, * also for ids without a name
//                  (empty)      ids without a name
//        --chown=USER:GROUP is --usermap=*:USER --groupmap=*:GROUP; either half may be left out.
// Holds. Names come from sys::Accounts, /etc/passwd and /etc/group: a static program cannot ask other sources.  Numbers always work.  A name that is
//        not there is refused before anything is copied (rsync drops the rule and goes on).
//        Between two trees of one machine a name means the same id on both sides, so that without a map nothing is changed: fxcp always behaves as
//        rsync --numeric-ids does.  With `numeric_ids` the names of FROM are not looked at either: all ids count as nameless, as with rsync.
// Not here: setting owners, and what a user may not set (meta.h).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "sys/accounts.h"

namespace foxing::meta {

/// The options as they were typed.
struct IdOptions {
  std::optional<std::string> chown;
  std::optional<std::string> usermap;
  std::optional<std::string> groupmap;
  bool numeric_ids = false;
};

/// One of the two maps.
class IdRules {
 public:
  /// An error without errno says which rule, and what is wrong with it.  `option` is for messages and a literal.
  static Result<IdRules> parse(const char* option, std::string_view text, const sys::Accounts& accounts, bool numeric_ids);
  std::uint32_t apply(std::uint32_t id) const;
  bool empty() const { return rules_.empty(); }

 private:
  struct Rule {
    enum class Kind : std::uint8_t { ids, everything, name, pattern } kind = Kind::ids;
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::string name;  // or the pattern
    std::uint32_t to = 0;
  };
  static Result<Rule> rule(const char* option, std::string_view text, const sys::Accounts& accounts);
  static bool matches(const Rule& rule, std::uint32_t id, const std::string& name);

  std::vector<Rule> rules_;
  std::unordered_map<std::uint32_t, std::string> names_;  // of ids that have one
};

class IdMap {
 public:
  /// An error where an option cannot be read, where a name is unknown, or where --chown and a map are about the same half.
  /// `users` and `groups` are only looked at for names.
  static Result<IdMap> parse(const IdOptions& options, const sys::Accounts& users, const sys::Accounts& groups);

  uid_t owner(uid_t owner) const { return users_.apply(owner); }
  gid_t group(gid_t group) const { return groups_.apply(group); }
  /// Owners and groups are to be set also where nothing else asks for it: rsync's --usermap implies --owner, --groupmap --group.
  bool maps_owners() const { return !users_.empty(); }
  bool maps_groups() const { return !groups_.empty(); }

 private:
  IdRules users_;
  IdRules groups_;
};

}  // namespace foxing::meta
