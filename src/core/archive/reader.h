// SPDX-License-Identifier: GPL-2.0-or-later
// An archive in a file that can be read at any place.
//   from  a descriptor        to  snapshots, records, chunks by their number
//
// How.   The last bytes lead to the footer, that to everything else.  Where they do not (an append that was interrupted, damage) the heads of all records are
//        walked from the beginning: what belongs to snapshots that have ended counts, what follows the last of these does not.
//        An index that is damaged is made again from the heads of its chunks.
// Holds. Bounds first: no size is believed before it fits into the file, nothing is allocated for what is only claimed.  Errors name byte and record;
//        a place that the disk cannot read any more is damage like any other.
//        `read_chunk` may be called by several threads at once; everything else by one.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/archive/packing.h"
#include "core/archive/record.h"
#include "core/archive/sections.h"
#include "sys/fd.h"

namespace foxing::archive {

class Archive {
 public:
  static Result<Archive> open(sys::UniqueFd file);

  sys::FdView file() const { return file_; }
  const Header& header() const { return header_; }
  const Footer& footer() const { return footer_; }
  /// The oldest first; at least one.  Of one whose end is damaged (`Snapshot::damage`) nothing else is known but, mostly, its name.
  const std::vector<Snapshot>& snapshots() const { return snapshots_; }
  std::uint64_t size() const { return size_; }
  /// Where the next snapshot would begin: behind the last one and its footer.
  std::uint64_t end() const { return end_; }
  /// Why the end of the file did not lead to a footer, where that is so.
  const std::optional<Error>& recovered() const { return recovered_; }
  /// True where something else than a footer lies behind the last whole snapshot: of an append that was interrupted, or of snapshots that are damaged or cut off.
  bool is_cut_off() const { return stopped_ && !footer_follows_; }
  /// Nothing where what lies behind end() is surely of no snapshot that has ended, and all before it can be read.
  /// EBADMSG, and why, where a damaged record may be what hides snapshots: who cuts off there, or adds there, destroys them.
  Result<> may_end_here() const;

  Result<Head> head(std::uint64_t at) const;
  /// What the record at `at` with this head holds, checked.
  Result<std::string> payload(std::uint64_t at, const Head& head);
  /// The same, as it is stored, and not checked.
  Result<std::string> stored(std::uint64_t at, const Head& head) const;
  /// As above; the record must be this one.
  Result<std::string> payload(std::uint64_t at, Kind kind, std::uint64_t number);
  /// Where chunk `number` lies.
  Result<Placed> place(std::uint64_t number);
  /// A chunk from its place, with all checks.
  Result<> read_chunk(const Placed& placed, std::uint64_t number, Unpacker& unpacker, std::string& stored,
                      std::string& out) const;

 private:
  explicit Archive(sys::UniqueFd file) : file_(std::move(file)) {}
  Result<> read_header();
  Result<> read_footer();
  Result<> walk();
  Result<> read_snapshots();
  Result<Snapshot> read_snapshot(std::size_t index, const Head& found, std::uint64_t not_before);
  std::string name_at_beginning(std::uint64_t at);
  bool footer_lies_at_end() const;
  Result<Head> raw_head(std::uint64_t at) const;
  Result<std::vector<Placed>> read_index(const IndexPlace& where);
  Result<std::vector<Placed>> learn_index(std::size_t index) const;

  sys::UniqueFd file_;
  std::uint64_t size_ = 0;
  std::uint64_t end_ = 0;
  Header header_;
  Footer footer_;
  std::vector<Snapshot> snapshots_;
  std::optional<Error> recovered_;
  std::optional<Error> stopped_;  // the walk, before the end of the file
  std::uint64_t stopped_at_ = 0;
  bool footer_follows_ = false;  // what stopped it is the last footer
  Unpacker unpacker_;
  struct Cached {
    std::size_t index;
    std::vector<Placed> chunks;
  };
  std::deque<Cached> cache_;  // of index records, the last used first
};

/// Where a whole head lies, from byte `from` on; `end` where there is none.  What cannot be read is passed over, and `unreadable`, if given, set.
Result<std::uint64_t> next_head(sys::FdView file, std::uint64_t from, std::uint64_t end, std::uint32_t most_chunk,
                                bool* unreadable = nullptr);

/// What a disk cannot read any more is damage, and costs what lies there.
Error unreadable(Error error, std::uint64_t at, std::string_view record);

/// `error`, which says what is wrong with a payload, with byte and record.
Error in_record(Error error, std::uint64_t at, const Head& head);

}  // namespace foxing::archive
