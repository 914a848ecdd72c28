// SPDX-License-Identifier: GPL-2.0-or-later
// --chmod: changes of permissions, as rsync writes them.
//
//   from  option text        to  a pure function of a mode
//
// How.   Items divided by commas, in order, each on what the one before it made:
//            [DF] octal                    D2755, F644, 755: all twelve bits
//            [DFugoa]... +|-|= [rwxXst]... ug+w, Fo-w, Da+X
//            [DFugoa]... +|-|= u|g|o       g=u, o-g: the bits of another class
//        D is for directories only, F for everything else only.
// Holds. Without ugoa an item is for all three classes, but for the bits that the umask takes.  X is x where it is a directory or where the
//        file had an x before the first item.  s is setuid for u, setgid for g, both for ug and a, setuid alone where no class is named, or only o.  = takes setuid and
//        its like away only where the item names s or t, or copies from a class.  All this is rsync 3.5's, checked against it in chmod_test.cc.
// Not here: which objects (symbolic links have no mode), what a target does not keep.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace foxing::meta {

class ModeChanges {
 public:
  /// `umask` counts for items that name no class.  An error without errno says which item, and what is wrong with it.
  static Result<ModeChanges> parse(std::string_view text, mode_t umask);
  /// What another --chmod says, after what is there.  After an error nothing was added.
  Result<> add(std::string_view text, mode_t umask);

  bool empty() const { return items_.empty(); }
  /// The twelve bits of `mode` after all changes; its other bits stay.
  mode_t apply(mode_t mode, bool is_directory) const;

  enum class Operation : std::uint8_t { add, remove, set };
  enum class For : std::uint8_t { all, directories, files };
  struct Item {
    For objects = For::all;
    Operation operation = Operation::set;
    bool octal = false;
    bool only_with_execute = false;  // X: no x for a file that had none
    mode_t classes = 0;  // one bit each, 0100 u, 0010 g, 0001 o; never empty but with `octal`
    mode_t bits = 0;  // what is added, removed or set; with `copies_from` nothing
    mode_t cleared_first = 0;  // by =
    mode_t copies_from = 0;  // 0100, 0010 or 0001: the class that is copied
    mode_t allowed = 07777;  // what the umask leaves
  };

 private:
  static mode_t changed(mode_t mode, const Item& item, bool leave_out_execute);

  std::vector<Item> items_;
};

}  // namespace foxing::meta
