// SPDX-License-Identifier: GPL-2.0-or-later
// As of: a note on a directory of the target that it was equal to its source, with all attributes, at a certain time.
//
//   from  the copier, leaving a directory that it has compared        to  the attribute user.foxing.as_of of the target's directory, for the next run
//
// Why.   Extended attributes and ACLs are told by no stat call: without a note each run asks for two lists a file, half of what comparing costs.
// Holds. An entry is covered where its ctime, in the source and in the target, is earlier than the note by more than a tick of the clock: then nothing has
//        changed on either side since the two were compared.  A rename and a link move ctime; a mount shows in the device.  What was copied by the run that
//        leaves the note is younger than it, and is compared once more by the next one.
//        The note is bound to both directories (device and inode) and to all options that decide what a target is to be.  Nothing is noted of a directory
//        with a failure or a loss, so what could not be kept is tried again; nothing where ctime may not be this machine's (network filesystems, FUSE).
//        Where a directory of the source was put in the place of another, its files may be older than what the other one's were copied to, and have the same
//        sizes and times: a note of another directory says so, and the quick check does not do.
// Format. Text: "1 SOURCE_DEVICE SOURCE_INODE TARGET_INODE SECONDS.NANOSECONDS OPTIONS", decimal, OPTIONS being 16 hexadecimal digits.  Short, so that it fits
//        into an inode of ext4.
// Not here: directories below, which have their own notes (pruning.h is about whole subtrees).
#pragma once

#include <ctime>
#include <optional>

#include "base/result.h"
#include "core/copy/pairs.h"
#include "core/digest/digest.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::copy {

inline constexpr char kAsOfAttribute[] = "user.foxing.as_of";

/// Which two directories, under which options.
struct AsOf {
  FileKey source;
  InodeNo target;
  digest::Digest options;
};

/// True where both filesystems keep ctime by this machine's clock.
bool can_be_noted(const Pair& pair);
struct Told {
  std::optional<timespec> equal = {};  // when they were; nothing where no note holds
  /// The directory was compared with another one of the source than now.  (By inode alone: device numbers change when a machine starts.)
  bool of_another_source = false;
  bool anything = false;  // false: nothing is noted here, and what is noted above holds
};
Told read_as_of(sys::FdView target, const AsOf& what);
/// Where it is refused the next run compares, that is all.
void write_as_of(sys::FdView target, const AsOf& what, const timespec& when);

}  // namespace foxing::copy
