// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/stream.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/little_endian.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/stream.h"

namespace foxing::archive {
namespace {

constexpr std::size_t kBuffer = 1024 * 1024;
constexpr std::chrono::milliseconds kPatience{1000};

std::span<std::byte> writable(std::string& text) { return std::as_writable_bytes(std::span(text.data(), text.size())); }

}  // namespace

RecordStream::RecordStream(sys::FdView in) : in_(in), buffer_(new std::byte[kBuffer]) { sys::enlarge_pipe(in); }

Result<std::size_t> RecordStream::read(std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    if (begin_ == end_) {
      while (!sys::stop_requested() && !FOX_TRY(sys::wait_readable(in_, kPatience))) {
      }
      if (sys::stop_requested()) return fail(ECANCELED, "read");
      begin_ = 0;
      end_ = FOX_TRY(sys::read_some(in_, {buffer_.get(), kBuffer}));
      if (end_ == 0) break;
    }
    const std::size_t step = std::min(into.size() - done, end_ - begin_);
    std::memcpy(into.data() + done, buffer_.get() + begin_, step);
    begin_ += step;
    done += step;
  }
  return done;
}

Result<Header> RecordStream::header() {
  std::string bytes(kHeaderSize, '\0');
  bytes.resize(FOX_TRY(read(writable(bytes))));
  const Header header = FOX_TRY(decode_header(as_bytes(bytes)));
  at_ = kHeaderSize;
  most_chunk_ = header.chunks.most;
  return header;
}

Result<std::optional<RecordStream::Record>> RecordStream::next() {
  std::string bytes(kHeadSize, '\0');
  bytes.resize(FOX_TRY(read(writable(bytes))));
  if (bytes.empty()) return std::nullopt;
  Record record{.at = at_, .head = FOX_TRY(decode_head(as_bytes(bytes), FileOffset(at_), most_chunk_))};
  // What is stored is at most 16 MiB, whatever the head says.
  record.stored.resize(record.head.stored_size);
  const std::size_t got = FOX_TRY(read(writable(record.stored)));
  if (got < record.stored.size()) return damage(FileOffset(at_), name_of(record.head), "the archive ends in it");
  at_ += record.head.whole_size();
  return record;
}

}  // namespace foxing::archive
