// SPDX-License-Identifier: GPL-2.0-or-later
// One hash for everything below a directory, by status alone: equal hashes mean that nothing below was touched.
//   from  a walk, bottom up        to  the attribute user.foxing.dir_hash, or a sidecar (store.h)
//
// How.   Each entry is hashed with its name, status and, where it is a directory, the hash of what lies below it: a directory's own times say nothing about
//        changes further down.  The hashes are added as numbers of 256 bits, so the order of readdir does not matter and nothing is sorted or kept.
// Why a sum.  XOR would be as fast, but somebody who can name a few hundred files solves it for any result with linear algebra.  A sum can be attacked
//        too (generalized birthdays), but each entry contains an inode number and a ctime, which the kernel chooses when a name is made or changed.
// Not here: which options make two hashes comparable: the caller hashes them.
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "base/strong.h"
#include "core/digest/digest.h"
#include "core/signature/record.h"
#include "sys/status.h"

namespace foxing::signature {

class DirHasher {
 public:
  /// `below`: for a directory, what finish() said of it; null for everything else.
  void add(std::string_view name, const sys::FileStatus& status, const digest::Digest* below = nullptr);
  /// The entries that another worker has seen of the same directory.
  void add(const DirHasher& other);
  digest::Digest finish() const;
  std::uint64_t entries() const { return entries_; }

 private:
  std::array<std::uint64_t, 4> sum_{};  // the least significant word first
  std::uint64_t entries_ = 0;
};

struct DirSignature {
  std::uint32_t fingerprint = 0;  // of the options under which the hash was made: the caller's
  std::uint64_t entries = 0;  // of this directory alone
  digest::Digest subtree;  // bound_to() the directory
  friend bool operator==(const DirSignature&, const DirSignature&) = default;
};

/// A directory of the target, as nobody can make another one: inode numbers are used again, and the root of a filesystem has the same on every disk.
struct DirIdentity {
  InodeNo inode;
  timespec born{};  // zeros where the filesystem does not remember it
};
/// `subtree`, made worthless on any other directory and for any other options: what is stored.  A copy of the attribute on another
/// directory (cp -a) says nothing.
digest::Digest bound_to(const digest::Digest& subtree, const DirIdentity& target, const digest::Digest& options);
/// DirSignature::fingerprint of the same options.
std::uint32_t short_form(const digest::Digest& options);

inline constexpr std::size_t kDirRecordSize = 64;
std::string encode(const DirSignature& signature);
Found<DirSignature> decode_dir_signature(std::string_view bytes);

}  // namespace foxing::signature
