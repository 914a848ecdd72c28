// SPDX-License-Identifier: GPL-2.0-or-later
// The writer: puts entries and chunks into records, and records into a file or a pipe.
//   from  exporter.cc, in order        to  an archive
//
// How.   Entries are gathered in a block, and the chunks that are new with them beside it; when either is large enough the block is written and the chunks
//        behind it.  So who reads from a pipe knows what is coming, and a chunk is written once.  Where all lies is written along the way: an index record
//        for every 16384 chunks, a directory record for every few thousand blocks, and at the end what leads to them.
// Holds. Only appends: nothing that is written is changed.  What it writes depends on the calls alone.
// Cost.  4 MiB of chunks and 512 KiB of entries, and IdTable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/archive/entry.h"
#include "core/archive/id_table.h"
#include "core/archive/packing.h"
#include "core/archive/record.h"
#include "core/archive/sections.h"
#include "sys/fd.h"

namespace foxing::archive {

class Writer {
 public:
  /// `out` outlives the writer, stands where writing begins, which is byte `at` of the archive.  With `at` 0 the header is to be written: begin_archive().
  Writer(sys::FdView out, codec::Codec codec, std::uint64_t at = 0, Footer before = {});

  Result<> begin_archive(const Header& header);
  /// The chunks that are there; a writer that appends learns of all of them before its first snapshot.
  IdTable& ids() { return ids_; }
  std::uint64_t chunks() const { return chunks_; }

  Result<> begin_snapshot(Snapshot snapshot);
  /// A file's content follows until end(); of everything else end() follows at once.
  Result<> begin(Entry entry);
  Result<> chunk(std::span<const std::byte> bytes, const digest::Digest& id, const Packed& packed);
  Result<> refer_to(Run run);
  Result<> end();
  /// The entry that has begun does not count.
  Result<> take_back();
  /// What it has become.
  Result<Snapshot> end_snapshot();
  /// Footer, and all that waits.  Afterwards the archive is whole.
  Result<> finish();
  /// All that was written so far is with the kernel.
  Result<> flush();
  std::uint64_t written() const { return at_; }

 private:
  Result<> put(std::string_view bytes);
  Result<> put_record(Kind kind, std::uint64_t number, std::string_view payload);
  Result<> flush_if_full();
  Result<> flush_block();
  Result<> flush_index();
  Result<> flush_directory();
  void add_run(Run run);

  sys::FdView out_;
  Packer packer_;
  std::string buffer_;  // not yet written
  std::uint64_t at_;  // where the next byte goes
  Footer footer_;
  IdTable ids_;
  std::uint64_t chunks_;

  Snapshot snapshot_;
  std::uint64_t blocks_ = 0;
  std::string directory_;
  std::vector<Placed> placed_;  // not yet in an index

  std::optional<BlockWriter> block_;
  std::string new_records_;  // chunks behind it
  std::vector<Placed> new_placed_;  // offsets from their beginning
  std::uint64_t new_bytes_ = 0;

  std::optional<Item> item_;  // under way
  std::uint64_t item_content_ = 0;
  bool item_was_begun_ = false;  // a part of it is in an earlier block
};

}  // namespace foxing::archive
