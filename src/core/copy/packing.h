// SPDX-License-Identifier: GPL-2.0-or-later
// Packing: --compress and --decompress of whole trees.  Which regular files are changed on their way, and what they are called then.
//
//   from  the copier (an entry of the source -> its name in the target), deleting.cc (a name in the target -> is it the source's?)
//
// Why.   Everything that speaks of a name in the target must mean the same one: comparing, copying, linking, deleting.
// Holds. Compressing: every regular file gets the suffix, also one that has it: only so is the way back exact.  Decompressing: the first bytes tell whether a
//        file is compressed, and only the suffix of that very format is taken off; other files are copied as they are.  Everything that is no regular file,
//        and every file whose short name would be none (".", ".."), or one of the product's own, keeps its name.
//        Two entries that would get one name: the one that keeps its name has it, then the first in the order zst, lz4, gz, xz.  So it is the same one always.
// Cost.  Compressing: one stat call a file, for the name that may be taken.  Decompressing: of a name with a suffix the file's first bytes are read.
// Not here: the bytes (transform.h), what is left for the next run (made.h), the copier's part (packing.cc).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/copy/transform.h"
#include "core/walk/walk.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::copy {

/// What a file is called after `done` was done to it; of `done.codec` only the format counts.
std::string packed_name(std::string_view name, const Transformation& done);

class Packing {
 public:
  /// What of the source is walked.
  struct Entries {
    bool follow_links = false;  // -L: a link to a file is that file
    const walk::Selector* selector = nullptr;  // null: everything
  };
  Packing() = default;
  Packing(Transformation how, Entries entries) : how_(how), entries_(entries) {}

  bool active() const { return how_.way != Transformation::Way::none; }
  const Transformation& how() const { return how_; }

  /// What is done to this open file: `none` where it is copied as it is.  Its position is not moved.
  Result<Transformation> of(sys::FdView file) const;
  /// What the regular file `name` is called in the target.  Where it cannot be read the suffix is believed: nothing will come of that file anyway.
  std::string name_of_file(sys::FdView directory, const std::string& name) const;
  struct Called {
    std::string name;
    bool is_directory = false;
  };
  /// What the entry `name` of the source, of whatever type, is called in the target; nothing where there is none.
  Result<std::optional<Called>> name_of_entry(sys::FdView directory, const std::string& name) const;

  /// True where an entry of `source` that is copied, or guarded, is called `name` in the target.
  Result<bool> has(walk::Directory& source, const std::string& name) const;
  /// The entry that has the name which the regular file `name` would get too, where that one goes before.
  std::optional<std::string> rival_of(walk::Directory& source, const std::string& name) const;
  /// What a filter's rules may call `name`, a file of the target, beside that.
  std::optional<std::string> other_name(std::string_view name) const;

 private:
  /// The entries that `name` may come from, those first that go before.
  std::vector<std::string> origins_of(const std::string& name) const;
  sys::Links links() const { return entries_.follow_links ? sys::Links::follow : sys::Links::keep; }

  Transformation how_;
  Entries entries_;
};

}  // namespace foxing::copy
