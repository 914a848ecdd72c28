// SPDX-License-Identifier: GPL-2.0-or-later
// Records one after the other, from a descriptor that is read once: a pipe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "core/archive/record.h"
#include "sys/fd.h"

namespace foxing::archive {

class RecordStream {
 public:
  /// `in` outlives the stream.
  explicit RecordStream(sys::FdView in);

  Result<Header> header();
  /// Where the next record begins.
  std::uint64_t at() const { return at_; }
  /// The next head and what is stored behind it; nothing where the stream ends before a record.  ECANCELED after a signal.
  struct Record {
    std::uint64_t at;
    Head head;
    std::string stored;
  };
  Result<std::optional<Record>> next();

 private:
  /// Fills `into`; fewer bytes at the end.
  Result<std::size_t> read(std::span<std::byte> into);

  sys::FdView in_;
  bool may_wait_ = true;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t at_ = 0;
  std::uint32_t most_chunk_ = 0;
};

}  // namespace foxing::archive
