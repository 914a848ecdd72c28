// SPDX-License-Identifier: GPL-2.0-or-later
// Made: a note on a compressed or decompressed copy, of which version of which source it was made, and how.
//
//   from  packing.cc, before the copy has its name, or after a look        to  the attribute user.foxing.made of the copy, for the next run
//
// Why.   The sizes of the two differ by nature, so they tell nothing; without a note every run would decompress and compare, or compress again.
// Holds. The note names the source's inode, size, mtime and ctime, and the copy's size and mtime as they were left; a change of either makes it void.  The
//        level of a codec is not in it: another level is no reason to compress again.  Where no note can be left the next run looks.
// Format. Text: "1 WAY FORMAT INODE SIZE MTIME CTIME SIZE MTIME", the first three of the times and sizes of the source, the last two of the copy; decimal, times
//        as SECONDS.NANOSECONDS.  WAY is "compress" or "decompress", FORMAT the codec's name, or "-" where the source tells it.
#pragma once

#include <ctime>
#include <optional>

#include "base/strong.h"
#include "core/copy/quick_check.h"
#include "core/copy/transform.h"
#include "sys/attributes.h"
#include "sys/status.h"

namespace foxing::copy {

inline constexpr char kMadeAttribute[] = "user.foxing.made";

struct Made {
  Transformation::Way way = Transformation::Way::none;
  codec::Format format = codec::Format::none;  // of what was compressed
  struct Source {
    InodeNo inode;
    Bytes size;
    timespec modified;
    timespec changed;
  } source;
  Bytes size;
  timespec modified;
};

Made made_of(const sys::FileStatus& source, const Transformation& how, Bytes size, timespec modified);

/// Nothing where there is none, or none that can be read.
std::optional<Made> read_made(sys::Object copy);
/// Where it is refused nothing is lost but time.
void leave_made(sys::Object copy, const Made& note);

/// What is known of the data of a copy made by `how`: as quick_check(), for two files of which one is the other, compressed.  Pure.
Data made_check(const std::optional<Made>& note, const Transformation& how, const sys::FileStatus& source,
                const sys::FileStatus& copy, const Comparison& comparison);

}  // namespace foxing::copy
