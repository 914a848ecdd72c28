// SPDX-License-Identifier: GPL-2.0-or-later
// The quick check: what the status of two files tells about their data.  Pure: a table of facts in, a verdict out.
//
//   from  existing.cc   status of the source and of what has its name in the target        to  Data::same, look or differs
//
// Why.   rsync believes size and modification time; an edit that puts both back is then lost for ever.  A file's ctime cannot be put back, so it is asked
//        too: a source that changed after its copy was made is looked at, byte by byte.  "Made" is the birth time of the copy's inode, which nothing moves;
//        its ctime would not do, since a chmod, or a link made or removed, moves that past an edit that nobody has copied yet.
// Holds. `same` is said only of equal sizes and modification times, and of a source that has not changed in any way since before its copy was made, or since it
//        was last looked at (seen.h).  (Both clocks are one where both filesystems are local; docs/comparing.md has the rest.)
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "base/strong.h"
#include "core/meta/modify_window.h"
#include "sys/status.h"

namespace foxing::copy {

/// How equal is told from changed, and which changes are wanted.
struct Comparison {
  enum class By : std::uint8_t {
    quick,  // as above
    size,  // --size-only: equal sizes are enough
    content,  // --checksum: the bytes of equal sizes are compared
    nothing,  // --ignore-times: everything is copied
  };
  By by = By::quick;
  bool trust_times = false;  // --trust-times: ctime is not asked
  meta::ModifyWindow window;
  bool newer_stays = false;  // --update: what is newer in the target is left alone
  bool only_existing = false;  // --existing: nothing new is made
  bool only_new = false;  // --ignore-existing: nothing that is there is touched
  Bytes smallest{0};  // --min-size, --max-size: other files are not looked at
  Bytes largest{std::numeric_limits<std::uint64_t>::max()};

  bool limits_size() const { return smallest > Bytes(0) || largest < Bytes(std::numeric_limits<std::uint64_t>::max()); }
};

/// What is known of the data of two regular files.
enum class Data : std::uint8_t {
  same,
  look,  // the sizes are equal, the bytes must be compared
  differs,
};

/// How much earlier than the birth of its copy the source's last change must be: more than one tick of a coarse clock (4 ms at CONFIG_HZ=250, 10 ms at 100).
inline constexpr std::int64_t kSurelyEarlierNs = 20'000'000;

/// True where something may have happened to a file in the same tick as `changed`, its ctime, and after `looked`.
bool may_change_unseen(const timespec& changed, const timespec& looked);

/// `born`: of the target's inode; where that is not known, equal sizes and times leave a doubt.
Data quick_check(const sys::FileStatus& source, const sys::FileStatus& target, std::optional<timespec> born,
                 const Comparison& comparison);

/// What is done about a name that the target has already, before any data is looked at.
enum class Existing : std::uint8_t { compare, leave };
Existing policy_for(const sys::FileStatus& source, const sys::FileStatus& target, const Comparison& comparison);

}  // namespace foxing::copy
