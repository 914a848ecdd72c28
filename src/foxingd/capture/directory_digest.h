// SPDX-License-Identifier: GPL-2.0-or-later
// Directory digest: what one directory holds, in a fixed number of bytes, so that two looks at it can be compared.
//   from  poll.cc (names and their status)        to  which names may have changed
// How.   Sums of hashes, which do not depend on the order of names: one over all names, and one over the status of the names of each of kParts parts.
// Holds. A name that came, went, or stands for another inode: `names` differ.  Any other change of a file: its part differs; names of the
//        same part are looked at with it.  Two differing directories look equal once in 2^64, unless somebody contrives it.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string_view>

#include "sys/status.h"

namespace foxing::capture {

class DirectoryDigest {
 public:
  static constexpr std::size_t kParts = 16;
  static std::size_t part_of(std::string_view name);

  /// The directory itself: owner, mode, times.
  void itself(const sys::FileStatus& status);
  /// A name in it.  Of a directory only which one it is: the rest is told when that one is looked at.
  void add(std::string_view name, const sys::FileStatus& status);
  /// The next digest differs in this name's part, whatever happens: its status may stay as it is while it changes once more.
  void doubt(std::string_view name, std::uint64_t look);
  void doubt_itself(std::uint64_t look);

  struct Difference {
    bool itself = false;
    bool names = false;
    std::bitset<kParts> parts;
    bool any() const { return itself || names || parts.any(); }
  };
  Difference from(const DirectoryDigest& before) const;

 private:
  std::uint64_t itself_ = 0;
  std::uint64_t names_ = 0;
  std::array<std::uint64_t, kParts> parts_{};
};

}  // namespace foxing::capture
