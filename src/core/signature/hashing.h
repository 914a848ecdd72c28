// SPDX-License-Identifier: GPL-2.0-or-later
// Hashing files: reads what has to be read; holes cost no reading.
//   from  a file by descriptor        to  Leaves, for store.h or for comparing
//
// How.   One thread hashes one range.  Several pieces of a large file may be hashed at the same time: `pieces_of`, `leaf_hashes_of` on each, the
//        hashes one after the other, `content_of`.  Nothing here starts a thread.
// Holds. The file's status is the caller's to compare, before and after.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "core/signature/merkle.h"
#include "sys/fd.h"

namespace foxing::signature {

/// The leaf hashes of `range`, which begins at a multiple of the leaf size and ends at one or at the end of the file.
/// `buffer`: at least 64 KiB; empty: one is made.  ESTALE: the file ended before.  EINTR: the run is stopped.
Result<std::vector<LeafHash>> leaf_hashes_of(sys::FdView file, ByteRange range, unsigned leaf_log2,
                                             std::span<std::byte> buffer = {});

/// The whole file, with the leaves that are right for its size.
Result<Content> hash_file(sys::FdView file, Bytes size, std::span<std::byte> buffer = {});

/// A file of `size` in at most `most` pieces of whole leaves; at least one.
std::vector<ByteRange> pieces_of(Bytes size, unsigned leaf_log2, std::size_t most);

}  // namespace foxing::signature
