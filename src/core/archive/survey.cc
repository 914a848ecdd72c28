// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/little_endian.h"
#include "core/archive/reader.h"
#include "core/archive/sections.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/status.h"

namespace foxing::archive {
namespace {

constexpr std::uint64_t kNowhere = 0;
constexpr std::uint64_t kDoubtful = 1;
constexpr std::uint32_t kMostChunkOfAll = 16 * 1024 * 1024;

std::span<std::byte> writable(std::string& text) { return std::as_writable_bytes(std::span(text.data(), text.size())); }

}  // namespace

Result<Survey> Survey::of(sys::FdView file, const std::function<void(const Error&)>& damaged) {
  const sys::FileStatus status = FOX_TRY(sys::status_of(file));
  Survey survey(file, status.size().value, damaged);
  FOX_TRY(survey.read_header());
  FOX_TRY(survey.read_records());
  for (const Claim& claim : survey.claims_) FOX_TRY(survey.take_chunk(claim));
  FOX_TRY(survey.ask_indexes());
  survey.whole_chunks_ =
      static_cast<std::uint64_t>(std::ranges::count_if(survey.chunks_, [](std::uint64_t at) { return at > kDoubtful; }));
  return survey;
}

/// Fills `bytes`, which become fewer where the file ends.  What the disk cannot read is damage.
Result<> Survey::read(std::string& bytes, std::uint64_t at, std::string_view what) const {
  const auto got = sys::read_all_at(file_, writable(bytes), FileOffset(at));
  if (!got) return tl::make_unexpected(unreadable(got.error(), at, what));
  bytes.resize(*got);
  return {};
}

Result<> Survey::read_stored(const Found& record, std::string& bytes) const {
  bytes.resize(record.head.stored_size);
  FOX_TRY(read(bytes, record.at + kHeadSize, name_of(record.head)));
  if (bytes.size() < record.head.stored_size)
    return damage(FileOffset(record.at), name_of(record.head), "the archive ends in it");
  return {};
}

Result<> Survey::read_header() {
  std::string bytes(kHeaderSize, '\0');
  auto got = read(bytes, 0, "the header");
  auto header = got ? decode_header(as_bytes(bytes)) : Result<Header>(tl::make_unexpected(std::move(got).error()));
  if (header) {
    header_ = *header;
    return {};
  }
  if (header.error().code != EBADMSG) return tl::make_unexpected(std::move(header).error());
  // Where the next thing is a record it is an archive, whatever has become of its first bytes.
  header_.chunks.most = kMostChunkOfAll;
  if (!head(kHeaderSize)) {
    const std::uint64_t first = FOX_TRY(next_head(file_, kHeaderSize, size_, kMostChunkOfAll));
    if (first >= size_) return tl::make_unexpected(std::move(header).error());
  }
  damaged_(header.error());
  return {};
}

Result<Head> Survey::head(std::uint64_t at) const {
  std::string bytes(kHeadSize, '\0');
  if (at >= size_) bytes.clear();
  FOX_TRY(read(bytes, at, "the head of a record"));
  const Head head = FOX_TRY(decode_head(as_bytes(bytes), FileOffset(at), header_.chunks.most));
  if (head.whole_size() > size_ - at) return damage(FileOffset(at), name_of(head), "the archive ends in it");
  return head;
}

Result<std::string> Survey::payload(const Found& record, std::string* stored) {
  std::string bytes, out;
  FOX_TRY(read_stored(record, bytes));
  FOX_TRY(unpacker_.unpack(record.head, FileOffset(record.at), bytes, out));
  if (stored != nullptr) *stored = std::move(bytes);
  return out;
}

/// False where it is damaged, which is told.
Result<bool> Survey::is_whole(const Found& record) {
  auto done = read_stored(record, stored_);
  if (done) done = unpacker_.unpack(record.head, FileOffset(record.at), stored_, content_);
  if (!done && done.error().code != EBADMSG) return tl::make_unexpected(std::move(done).error());
  if (!done) damaged_(done.error());
  return done.has_value();
}

Result<> Survey::read_records() {
  Stretch stretch{.records = {}, .from_the_beginning = true, .next_chunk = {}};
  std::uint64_t at = kHeaderSize;
  const auto next_stretch = [&](std::uint64_t from) -> Result<> {
    take(std::exchange(stretch, {}));
    at = FOX_TRY(next_head(file_, from, size_, header_.chunks.most));
    return {};
  };
  while (at < size_) {
    if (sys::stop_requested()) return fail(ECANCELED, "repair");
    const auto found = head(at);
    if (!found) {
      if (found.error().code != EBADMSG) return tl::make_unexpected(found.error());
      damaged_(found.error());
      // A head within the head that should be here: the outer archive goes on.
      const std::uint64_t next = FOX_TRY(next_head(file_, at + 1, size_, header_.chunks.most));
      stretch.foreign = !stretch.from_the_beginning && next < std::min(size_, at + kHeadSize);
      FOX_TRY(next_stretch(next));
      continue;
    }
    const Found record{at, *found};
    const std::uint64_t behind = at + found->whole_size();
    if (found->kind == Kind::chunk) meet_chunk(stretch, found->number);
    const bool whole = FOX_TRY(is_whole(record));
    if (whole) stretch.records.push_back(record);
    if (found->kind == Kind::chunk) stretch.to_last_chunk = stretch.records.size();
    if (whole) {
      at = behind;
    } else if (behind == size_ || head(behind)) {
      at = behind;
    } else {
      // Bytes are missing, or this is not where it claims to be: what follows lies in the middle of it.
      const std::uint64_t next = FOX_TRY(next_head(file_, at + kHeadSize, size_, header_.chunks.most));
      stretch.foreign = !stretch.from_the_beginning && next < behind;
      FOX_TRY(next_stretch(next));
    }
  }
  take(std::move(stretch));
  return {};
}

/// Where the chunk is not the next one, what leads up to the last one is of an archive in the archive, which was cut there.
void Survey::meet_chunk(Stretch& stretch, std::uint64_t number) {
  if (!stretch.from_the_beginning && stretch.next_chunk && *stretch.next_chunk != number) {
    const auto begin = stretch.records.begin(), end = begin + static_cast<std::ptrdiff_t>(stretch.to_last_chunk);
    take({.records = std::vector(begin, end), .foreign = true, .next_chunk = {}});
    stretch.records.erase(begin, end);
  }
  stretch.next_chunk = number + 1;
}

/// Records are kept, and who claims to be which chunk.
void Survey::take(Stretch stretch) {
  auto begin = stretch.records.begin();
  // Behind a footer another snapshot begins, or nothing: else what came up to it was an archive in the archive.
  if (!stretch.from_the_beginning) {
    for (auto at = begin; at != stretch.records.end(); ++at) {
      const auto next = at + 1;
      if (at->head.kind == Kind::footer && next != stretch.records.end() && next->head.kind != Kind::snapshot_begins)
        begin = next;
    }
  }
  for (auto at = stretch.records.begin(); at != stretch.records.end(); ++at) {
    const bool foreign = stretch.foreign || at < begin;
    if (at->head.kind == Kind::chunk) {
      (foreign ? foreign_ : claims_).push_back({at->head.number, at->at});
    } else if (!foreign && !at->head.ignorable()) {
      records_.push_back(*at);
    }
  }
}

Result<> Survey::take_chunk(Claim claim) {
  // So many come before it at least; a number that is larger is a lie, and none to make room for.
  if (claim.number > size_ / kHeadSize) return {};
  if (claim.number >= chunks_.size()) chunks_.resize(claim.number + 1, kNowhere);
  std::uint64_t& place = chunks_[claim.number];
  if (place == kNowhere) {
    place = claim.at;
  } else if (place != kDoubtful) {
    const Head one = FOX_TRY(head(place)), other = FOX_TRY(head(claim.at));
    if (one.id != other.id) place = kDoubtful;
  }
  return {};
}

/// What an index says of a chunk is right, for it is whole; chunks that are other ones are not taken.
Result<> Survey::ask_indexes() {
  std::vector<Claim> all = std::exchange(claims_, {});
  all.insert(all.end(), foreign_.begin(), foreign_.end());
  std::ranges::stable_sort(all, {}, &Claim::number);
  for (const Found& record : records_) {
    if (record.head.kind != Kind::index) continue;
    const auto placed = decode_index(FOX_TRY(payload(record)));
    if (!placed) continue;
    for (std::size_t i = 0; i < placed->size(); ++i) {
      const std::uint64_t number = record.head.number + i;
      std::uint64_t here = kNowhere;
      auto claim = std::ranges::lower_bound(all, number, {}, &Claim::number);
      for (; here == kNowhere && claim != all.end() && claim->number == number; ++claim)
        if (FOX_TRY(head(claim->at)).id == (*placed)[i].id) here = claim->at;
      if (number < chunks_.size()) {
        chunks_[number] = here;
      } else if (here != kNowhere) {
        FOX_TRY(take_chunk({number, here}));
      }
    }
  }
  foreign_.clear();
  return {};
}

Result<std::optional<Survey::Found>> Survey::chunk(std::uint64_t number) const {
  if (number >= chunks_.size() || chunks_[number] <= kDoubtful) return std::nullopt;
  const std::uint64_t at = chunks_[number];
  const Head found = FOX_TRY(head(at));
  return Found{at, found};
}

}  // namespace foxing::archive
