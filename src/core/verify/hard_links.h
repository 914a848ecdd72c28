// SPDX-License-Identifier: GPL-2.0-or-later
// Hard links: names that are one file in A must be one file in B, and the other way round.
//
// How.   The first pair of names of a file with several links says which file of B goes with which of A; each later name is held against that,
//        in both directions.  Which of the names is called different depends on the order they are met in.
// Holds. Only files with more than one link on one of the sides are in the tables; an entry goes when all names its link count promised have come.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/strong.h"
#include "core/verify/outcome.h"
#include "sys/status.h"

namespace foxing::verify {

class HardLinks {
 public:
  struct Meeting {
    std::optional<Difference> difference;
    bool known_same = false;  // these two files have been compared by another name, and nothing differed
  };
  /// A name has been met that is `a` in A and `b` in B.  `path` is told with names that differ from it.
  Meeting meet(const sys::FileStatus& a, const sys::FileStatus& b, const std::string& path);
  /// The two files of the last meeting of `a` are the same: other names of both need not be read again.
  void compared_same(const FileKey& a, const FileKey& b);

 private:
  struct Group {
    FileKey other;
    std::string path;
    std::uint64_t names_to_come = 0;
    bool same = false;
  };
  using Groups = std::unordered_map<FileKey, Group>;
  /// The group of `key`, made where this is its first name; held against `other`.
  static std::optional<std::string> look(Groups& groups, const sys::FileStatus& status, const FileKey& other,
                                         const std::string& path, bool* same);

  std::mutex mutex_;
  Groups of_a_;
  Groups of_b_;
};

}  // namespace foxing::verify
