// SPDX-License-Identifier: GPL-2.0-or-later
// The survey: every record of a damaged archive that is whole, found without index, directory or footer.
//   from  a file that may be anything behind its header        to  repairer.cc
//
// How.   From head to head.  Behind a damaged head the next whole one is looked for, byte by byte.  What is found there may be an archive within the archive: a
//        stored file that is one.  Such a stretch betrays itself, for in the middle of one of its records the outer archive goes on, or its footer is followed
//        by what never follows one, or behind a chunk of it come chunks that are not the next ones: both archives like to cut at the same bytes.  It is left
//        out.  Of chunks an index that is whole has the last word.
// Holds. Whole: head, checksum, content and BLAKE3.  Of two different chunks that claim a number none is taken, where no index says which it is.
// Cost.  All of the archive is read once, its heads twice; 24 bytes for a chunk, 80 for every other record.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/archive/packing.h"
#include "core/archive/record.h"
#include "sys/fd.h"

namespace foxing::archive {

class Survey {
 public:
  struct Found {
    std::uint64_t at = 0;
    Head head;
  };

  /// `damaged` is told what is not whole, or cannot be read, by the way.  Errors: of reading; ECANCELED after a signal; EBADMSG where `file` is no archive.
  static Result<Survey> of(sys::FdView file, const std::function<void(const Error&)>& damaged);

  /// With the sizes that it says, or the default where it is damaged.
  const Header& header() const { return header_; }
  /// Everything but chunks, in the order of the file.
  const std::vector<Found>& records() const { return records_; }
  /// Chunk `number`; nothing where there is none that is whole.
  Result<std::optional<Found>> chunk(std::uint64_t number) const;
  std::uint64_t chunks() const { return whole_chunks_; }
  /// The payload of a record, checked.
  Result<std::string> payload(const Found& record, std::string* stored = nullptr);

 private:
  struct Stretch {  // records without a gap
    std::vector<Found> records;
    bool from_the_beginning = false;
    bool foreign = false;
    std::optional<std::uint64_t> next_chunk;
    std::size_t to_last_chunk = 0;  // so many records
  };
  struct Claim {
    std::uint64_t number;
    std::uint64_t at;
  };

  Survey(sys::FdView file, std::uint64_t size, const std::function<void(const Error&)>& damaged)
      : file_(file), size_(size), damaged_(damaged) {}
  Result<> read(std::string& bytes, std::uint64_t at, std::string_view what) const;
  Result<> read_stored(const Found& record, std::string& bytes) const;
  Result<> read_header();
  Result<> read_records();
  Result<Head> head(std::uint64_t at) const;
  Result<bool> is_whole(const Found& record);
  void meet_chunk(Stretch& stretch, std::uint64_t number);
  void take(Stretch stretch);
  Result<> take_chunk(Claim claim);
  Result<> ask_indexes();

  sys::FdView file_;
  std::uint64_t size_;
  std::function<void(const Error&)> damaged_;
  Header header_;
  std::vector<Found> records_;
  std::vector<Claim> claims_;  // chunks behind the first gap
  std::vector<Claim> foreign_;  // taken only on the word of an index
  std::vector<std::uint64_t> chunks_;  // where they lie; 0: nowhere, 1: doubtful
  std::uint64_t whole_chunks_ = 0;
  std::string stored_, content_;
  Unpacker unpacker_;
};

}  // namespace foxing::archive
