// SPDX-License-Identifier: GPL-2.0-or-later
// Names of users and groups, from /etc/passwd and /etc/group.
//
// Why.   The installed program is static, and glibc's name services load shared libraries of exactly the version it was linked with: getpwnam(3) in a
//        static program fails or crashes where they differ.  These two files are the same everywhere.
// Holds. The first entry with a name, or with an id, counts, as for getpwnam(3) and getpwuid(3).  Lines that are not entries are skipped: comments, NIS's
//        + and -, lines with too few fields or an id that is not one.
// Not here: LDAP, NIS, systemd-userdbd and other sources.  Who needs those names gives numbers (`id -u NAME`).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace foxing::sys {

struct Account {
  std::string name;
  std::uint32_t id = 0;
};

class Accounts {
 public:
  /// Both files have the name in the first field and the id in the third.  `file` is what messages call them.
  static Accounts parse(std::string_view text, std::string file);

  std::optional<std::uint32_t> id_of(std::string_view name) const;
  /// In the order of the file.
  const std::vector<Account>& all() const { return all_; }
  const std::string& file() const { return file_; }

 private:
  std::vector<Account> all_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::string file_;
};

/// A file that is not there (ENOENT) has no accounts: containers may have none.  Source: passwd(5), group(5).
Result<Accounts> read_accounts(FdView directory, CString file);

}  // namespace foxing::sys
