// SPDX-License-Identifier: GPL-2.0-or-later
// An archive in a file that can be read at any place.
//   from  a descriptor        to  snapshots, records, chunks by their number
//
// How.   The last bytes lead to the footer, that to everything else.  Where they do not (an append that was interrupted, damage) the heads of all records are
//        walked from the beginning: what belongs to snapshots that have ended counts, what follows the last of these does not.
// Holds. Bounds first: no size is believed before it fits into the file, nothing is allocated for what is only claimed.  Errors name byte and record.
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
  /// The oldest first; at least one.
  const std::vector<Snapshot>& snapshots() const { return snapshots_; }
  std::uint64_t size() const { return size_; }
  /// Where the next snapshot would begin: behind the last one and its footer.
  std::uint64_t end() const { return end_; }
  /// Why the end of the file did not lead to a footer, where that is so.
  const std::optional<Error>& recovered() const { return recovered_; }

  Result<Head> head(std::uint64_t at) const;
  /// What the record at `at` with this head holds, checked.
  Result<std::string> payload(std::uint64_t at, const Head& head);
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

  sys::UniqueFd file_;
  std::uint64_t size_ = 0;
  std::uint64_t end_ = 0;
  Header header_;
  Footer footer_;
  std::vector<Snapshot> snapshots_;
  std::optional<Error> recovered_;
  Unpacker unpacker_;
  struct Cached {
    std::size_t index;
    std::vector<Placed> chunks;
  };
  std::deque<Cached> cache_;  // of index records, the last used first
};

/// `error`, which says what is wrong with a payload, with byte and record.
Error in_record(Error error, std::uint64_t at, const Head& head);

}  // namespace foxing::archive
