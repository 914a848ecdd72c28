// SPDX-License-Identifier: GPL-2.0-or-later
// Delta: a large file of the target gets only those parts of the source that have changed.
//
//   from  regular_file.cc   open source, the target's old version, Plan::holes        to  DeltaMoved; dress, commit or clear_dirty
//
// Why.   A disk image of 1 GiB of which 1 % has changed is 10 MiB of writes and not 1 GiB, and the rest stays shared with
//        snapshots.
// How.   Two ways, which differ only in how they begin and end:
//          clone     the old version is cloned (FICLONE) into a staged file, which gets the changes and then the name: old or
//                    new, as ever
//          in_place  the changes are written into the target's file itself, behind a mark that says so until all is done
//        Both sides are read in step, compared in blocks of 4 KiB, and only what differs is written, neighbours together. Where
//        the hashes of the old version's leaves are known, only the source is read, and the old version below leaves that differ.
//        Holes become what a fresh copy would have: the source's holes (Plan::holes) are punched, data over an old hole is
//        written, zeros too. Where punching is refused, zeros are written over what is not zero.
//        begin_delta, then delta_piece for all pieces (by any number of workers, in any order), then end_delta; or delta_whole,
//        which is all three.
// Holds. A block that is equal is not written.
//        clone: whatever fails, the old version is untouched and the staged file removes itself.
//        in_place: from before the first write until clear_dirty() the file carries `user.foxing.dirty`. A run that finds it
//        believes no quick check, no signature and no pruning, and compares the whole file. So a run that was killed, or met
//        ENOSPC or EIO, is repaired by the next one.
//        in_place also sets mtime to 1970 before the first write, after every piece and in end_delta, so that `rsync -u` and `cp
//        -u` take the file for old. The kernel moves mtime with each write: after SIGKILL it may be the time of the last write
//        (rsync without -u sees that as different); after an error or a signal it is 1970.
//        Known leaves are believed. The caller passes only those that are bound to this very inode and version of the old file;
//        with others the result is wrong, and only `verify_after` would see it.
//        Like copy_content, a source that ends early ends the piece: the caller compares the source's status before and after,
//        and clears the mark only where it is the same.
// Cost.  1 GiB, 1 % of its blocks of 4 KiB changed at random, XFS on a loop device, warm, two cores with other work on them,
//        medians of three: clone 486 ms, in_place 430 ms, `rsync --inplace --no-whole-file` 3203 ms. 10.2 MiB are written, 1.0
//        times what has changed. The time goes into reading both sides; known leaves save one of the two, a second worker gained
//        nothing on that busy machine.
// Not here: whether a delta is worth it (the caller decides by size), hashing, dressing, names. Other hard links of the file see
//        the changes in place too.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/result.h"
#include "base/strong.h"
#include "core/copy/content.h"
#include "core/copy/planner.h"
#include "sys/attributes.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::copy {

/// What is compared and written at once.
inline constexpr Bytes kDeltaBlock = 4_KiB;
/// Pieces begin and end at multiples of this, but for the end of the source: no block of any filesystem is then in two pieces.
inline constexpr Bytes kDeltaAlignment = 64_KiB;

using LeafHash = std::array<std::byte, 16>;
/// The hashes of an old version: of leaf i, [i * leaf_size, (i + 1) * leaf_size), the last one as long as the file goes; holes are
/// zeros.
/// May end before the file does.  Empty: nothing is known.
struct KnownLeaves {
  Bytes leaf_size;  // a multiple of kDeltaBlock
  std::span<const LeafHash> hashes;
};
/// Called by several workers at once.
using LeafHasher = std::function<LeafHash(std::span<const std::byte> leaf)>;

enum class DeltaWay : std::uint8_t { clone, in_place };
/// "clone_delta", "in_place".
const char* name_of(DeltaWay way);

/// What in_place does about the mark.
enum class DirtyMark : std::uint8_t {
  required,  // where it is refused, this way declines
  where_possible,  // --inplace was asked for: where attributes are refused it goes without; only mtime tells of a kill
  none,  // nobody believes this file anyway: a partial file that is gone on with
};

/// The work.  Everything borrowed outlives it.
struct Delta {
  sys::FdView source;
  sys::FdView old;  // may be shorter or longer than the source; opened for reading
  sys::FdView into;  // clone: an empty staged file.  in_place: the file of `old`.  Open for reading and writing
  sys::FileStatus source_status;
  sys::FileStatus old_status;
  DeltaWay way = DeltaWay::clone;
  Holes holes = Holes::none;  // of the plan for the source
  std::size_t block = 4096;  // Pair::target_block
  bool old_tells_holes = true;  // false on ZFS: a hole told there may be data that is not on disk yet
  DirtyMark mark = DirtyMark::required;
  bool durable = false;  // --fsync: the mark is on disk before the first write
  bool verify_after = false;  // --verify: end_delta reads both sides again
  KnownLeaves leaves;
  LeafHasher hash;  // where there are leaves
};

struct DeltaMoved {
  Bytes read;  // of both sides
  Bytes written;  // zeros in place of refused holes included
  Bytes zeros;  // of these: zeros where punching was refused
  Bytes punched;  // given to PUNCH_HOLE
  std::uint64_t blocks_skipped = 0;  // equal, by comparison or by hash
  Bytes examined;  // what has been added to Workbench::so_far(), for progress
  DeltaMoved& operator+=(const DeltaMoved& other);
};

struct DeltaBegun {
  bool ready = false;
  int declined = 0;  // not ready: the errno of FICLONE (another way is taken), or of the mark
  bool marked = false;  // clear_dirty() is owed
};
enum class DeltaEnd : std::uint8_t {
  done,
  old_changed,  // clone: the old version changed while it was compared: the staged file is to be dropped
  differs,  // verify_after: it is not equal to the source (leaves that were not bound, or somebody writes)
};

/// Clones and sizes, or marks.  Errors: real ones.
Result<DeltaBegun> begin_delta(const Delta& delta);
/// Brings `range` of `into` up to date.  Errors: those of reading, writing and punching; ECANCELED.
Result<DeltaMoved> delta_piece(Workbench& bench, const Delta& delta, ByteRange range);
/// The first place at or after `at` where either side has something to look at; the source's size at the end.  A hole of any size
/// is two lseeks.
Result<FileOffset> next_to_compare(const Delta& delta, FileOffset at);
/// The size is now the source's.
Result<DeltaEnd> end_delta(Workbench& bench, const Delta& delta);

struct DeltaDone {
  DeltaBegun begun;  // where it is not ready, nothing has been done
  DeltaMoved moved;
  DeltaEnd end = DeltaEnd::done;
};
Result<DeltaDone> delta_whole(Workbench& bench, const Delta& delta);

/// True where the first `size` bytes of both read the same, wherever holes are.
/// `skip_holes`: where both have a hole nothing is read; only for filesystems that surely tell holes.
Result<bool> same_bytes(Workbench& bench, sys::FdView source, sys::FdView target, Bytes size, bool skip_holes = false);

struct Appended {
  bool done = false;  // false: `target` is not a prefix of the source; it is as it was
  DeltaMoved moved;
};
/// --append-verify: where `target` (open for reading and writing) is a prefix of the source, the rest is appended in place.
/// Needs no mark: until it is done the target is a shorter prefix, as its size tells.
/// `before_writing` is called between comparing and writing; what it answers ends the work.
Result<Appended> append_verify(Workbench& bench, sys::FdView source, const sys::FileStatus& source_status, sys::FdView target,
                               const sys::FileStatus& target_status, Holes holes, std::size_t block,
                               const std::function<Result<>()>& before_writing = {});

// ---- The mark: the attribute `user.foxing.dirty` of a file that is being changed in place.
// Its value is text, "1 DEVICE INODE SIZE MTIME", of the source that was being copied; it is for people.  That it is there is what
// counts,
// whatever it says: a later version may say more.  It is never copied from a source.

inline constexpr char kDirtyAttribute[] = "user.foxing.dirty";

/// One getxattr.  True also where it cannot be told (EIO, EACCES): then comparing is the safe answer.
bool is_marked_dirty(sys::Object object);
/// 0, or the errno with which attributes are refused here.  Errors: real ones, ENOSPC among them.
Result<int> mark_dirty(sys::Object object, const sys::FileStatus& source);
/// 1970, for everybody who compares times.  Who may write need not be allowed to set times: then the mark has to do.  Errors: real ones.
Result<> look_old(sys::FdView file);
/// After the last write, the check of the source and the times.  Durable: the content is on disk before the mark goes.
Result<> clear_dirty(sys::Object object, bool durable);

}  // namespace foxing::copy
