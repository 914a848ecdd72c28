// SPDX-License-Identifier: GPL-2.0-or-later
// `.foxing_meta`: the signatures of one directory's files, where the filesystem has no attributes to put them in.
//   from  store.h        to  a file in each target directory
//
// How.   Read as a whole when it is first asked for, kept in memory, written as a whole by save(): under a temporary name, then renamed.
// Holds. A sidecar that is damaged or of a foreign version is as good as none, and `ignored()` says so.  The records contain the target's ctime, so
//        they are bound to it exactly.  Several workers may use one directory's object at the same time.
// Cost.  Memory and a rewrite in proportion to the names in the directory: 184 bytes a file and its name, 16 more for each leaf.
#pragma once

#include <ctime>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/signature/dir_hash.h"
#include "core/signature/record.h"
#include "sys/fd.h"

namespace foxing::signature {

/// What a sidecar says of one name.
struct SidecarEntry {
  timespec changed{};  // ctime of the target
  std::string signature;  // as user.foxing.sig; not decoded
  std::string leaves;  // as user.foxing.merkle; empty: none
};

/// The content of a sidecar.
struct SidecarContent {
  std::map<std::string, SidecarEntry, std::less<>> entries;
  std::string dir_signature;  // as user.foxing.dir_hash; empty: none
};
std::string encode(const SidecarContent& content);
Found<SidecarContent> decode_sidecar(std::string_view bytes);

/// Larger ones are not read.
inline constexpr std::size_t kMostSidecarBytes = std::size_t{1} << 30;

class Sidecar {
 public:
  Sidecar() = default;
  Sidecar(const Sidecar&) = delete;
  Sidecar& operator=(const Sidecar&) = delete;

  /// What is written down about `name`, if anything.
  std::optional<SidecarEntry> find(sys::FdView directory, std::string_view name);
  void put(sys::FdView directory, std::string_view name, SidecarEntry entry);
  void remove(sys::FdView directory, std::string_view name);
  std::string dir_signature(sys::FdView directory);
  void put_dir_signature(sys::FdView directory, std::string signature);

  /// Writes the file if anything changed, by way of `temporary`, a name that is free in `directory`.  Changes the directory's mtime; so
  /// directories get their times afterwards.  With nothing left to say the file is removed.
  Result<> save(sys::FdView directory, sys::CString temporary);

  /// Why a file that is there was not used; `absent` where it was, or where there is none.
  Ignored ignored() const;

  /// Set by store.h once the filesystem has said that it has no attributes: later files of the directory do not ask again.
  bool is_in_use() const;
  void use();

 private:
  void load(sys::FdView directory);  // mutex_ is held

  mutable std::mutex mutex_;
  bool in_use_ = false;
  bool loaded_ = false;
  bool changed_ = false;
  Ignored ignored_ = Ignored::absent;
  SidecarContent content_;
};

}  // namespace foxing::signature
