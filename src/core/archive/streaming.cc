// SPDX-License-Identifier: GPL-2.0-or-later
// From a pipe: a snapshot is restored while it arrives.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "core/archive/flow.h"
#include "core/archive/importing.h"
#include "core/archive/stream.h"

namespace foxing::archive {
namespace {

class StreamFlow final : public Flow {
 public:
  StreamFlow(unsigned workers, Restorer& restorer) : Flow(nullptr, workers, restorer) {}

 private:
  static constexpr std::size_t kIdBytes = 16;
  struct Known {
    Restorer::Place place;
    std::uint32_t size = 0;
    std::array<std::byte, kIdBytes> id{};
  };

  Result<> chunk(FlowStep& step) override {
    if (step.error) return tl::make_unexpected(std::move(*step.error));
    Known known{.size = static_cast<std::uint32_t>(step.content.size())};
    std::copy_n(step.head->id.bytes.begin(), kIdBytes, known.id.begin());
    const auto bytes = as_bytes(step.content);
    // Also what is for nobody now may be referred to later.
    const bool for_file = step.what == FlowStep::What::chunk && restorer().takes_content();
    if (for_file) known.place = restorer().here();
    if (for_file) FOX_TRY(restorer().data(bytes));
    if (!for_file) known.place = FOX_TRY(restorer().spill(bytes));
    known_.push_back(known);
    return {};
  }

  Result<> refer(std::uint64_t number) override {
    if (!restorer().takes_content()) return {};
    const Known& known = known_.at(number);  // the block's reader has checked that it came
    content_.resize(known.size);
    const auto into = std::as_writable_bytes(std::span(content_.data(), content_.size()));
    auto read = restorer().read_back(known.place, into);
    if (read) {
      const digest::Digest id = digest::hash(into);
      if (std::equal(known.id.begin(), known.id.end(), id.bytes.begin())) return restorer().data(into);
      read = fail(ESTALE, "");
    }
    Error why = std::move(read).error();
    why.detail = "a part of it is also in a file that came before, and could not be read there" +
                 (why.subject.empty() ? std::string() : ": '" + printable(std::exchange(why.subject, {})) + "'");
    restorer().give_up(std::move(why));
    return {};
  }

  std::vector<Known> known_;
  std::string content_;
};

/// Reads the records of a stream and says what they mean.
class Importer {
 public:
  Importer(sys::FdView in, unsigned workers, Restorer& restorer) : records_(in), flow_(workers, restorer) {}

  Result<Snapshot> run() {
    FOX_TRY(records_.header());
    while (true) {
      const auto record = FOX_TRY(records_.next());
      if (!record) return damage(FileOffset(records_.at()), "the end", "the archive is cut short: no snapshot has ended");
      if (record->head.ignorable()) continue;
      if (record->head.kind == Kind::snapshot_begins) {
        if (begun_) return unexpected(*record, "the last snapshot has not ended");
        begun_ = true;
        FOX_TRY(said(decode_snapshot_begins(FOX_TRY(unpacked(*record))), *record));
        continue;
      }
      if (!begun_) return unexpected(*record, "no snapshot has begun");
      if (record->head.kind == Kind::entries) {
        FOX_TRY(block(*record));
      } else if (record->head.kind == Kind::snapshot_ends) {
        const Snapshot snapshot = FOX_TRY(said(decode_snapshot_ends(FOX_TRY(unpacked(*record))), *record));
        FOX_TRY(said(check_.finish(), *record));
        FOX_TRY(flow_.drain());
        if (snapshot.entries != entries_ || snapshot.end_chunk != chunks_)
          return unexpected(*record, "it counts other entries than came");
        FOX_TRY(rest());
        return snapshot;
      } else if (record->head.kind == Kind::index || record->head.kind == Kind::directory) {
        FOX_TRY(unpacked(*record));  // not needed, and to be whole all the same
      } else {
        return unexpected(*record, "it does not belong here");
      }
    }
  }

 private:
  using Record = RecordStream::Record;

  static tl::unexpected<Error> unexpected(const Record& record, std::string_view why) {
    return damage(FileOffset(record.at), name_of(record.head), why);
  }
  template <class T>
  static Result<T> said(Result<T> result, const Record& record) {
    if (result) return result;
    return tl::make_unexpected(in_record(std::move(result).error(), record.at, record.head));
  }
  Result<std::string> unpacked(const Record& record) {
    std::string out;
    FOX_TRY(unpacker_.unpack(record.head, FileOffset(record.at), record.stored, out));
    return out;
  }

  /// A block, and the chunks behind it.
  Result<> block(const Record& record) {
    const std::string payload = FOX_TRY(unpacked(record));
    BlockReader block = FOX_TRY(said(BlockReader::open(payload), record));
    if (block.first_chunk() != chunks_) return unexpected(record, "it counts other chunks than came");
    const std::uint64_t end = chunks_ + block.new_chunks();
    while (auto item = FOX_TRY(said(block.next(), record))) {
      FOX_TRY(said(check_.accept(*item), record));
      FOX_TRY(this->item(std::move(*item)));
    }
    while (chunks_ < end) FOX_TRY(new_chunk(FlowStep::What::lost));
    return {};
  }

  Result<> item(Item item) {
    if (item.what == Item::What::taken_back) {
      --entries_;
      return flow_.push({.what = FlowStep::What::take_back});
    }
    if (item.what == Item::What::begins) {
      ++entries_;
      FOX_TRY(flow_.push({.what = FlowStep::What::begin, .entry = std::move(item.entry)}));
    }
    for (const Run& run : item.content) {
      if (run.is_hole()) {
        FOX_TRY(flow_.push({.what = FlowStep::What::hole, .number = run.count}));
        continue;
      }
      for (std::uint64_t number = run.first; number < run.first + run.count; ++number) {
        while (chunks_ < number) FOX_TRY(new_chunk(FlowStep::What::lost));
        FOX_TRY(number == chunks_ ? new_chunk(FlowStep::What::chunk)
                                  : flow_.push({.what = FlowStep::What::refer, .number = number}));
      }
    }
    return item.more ? Result<>() : flow_.push({.what = FlowStep::What::end});
  }

  Result<> new_chunk(FlowStep::What what) {
    auto record = FOX_TRY(records_.next());
    while (record && record->head.ignorable()) record = FOX_TRY(records_.next());
    if (!record)
      return damage(FileOffset(records_.at()), "the end", fmt::format("the archive is cut short: chunk {} is missing", chunks_));
    if (record->head.kind != Kind::chunk || record->head.number != chunks_)
      return unexpected(*record, fmt::format("chunk {} should be here", chunks_));
    ++chunks_;
    return flow_.push({.what = what,
                       .number = record->head.number,
                       .at = record->at,
                       .head = record->head,
                       .stored = std::move(record->stored)});
  }

  /// What may follow a snapshot: the footer, and nothing else.
  Result<> rest() {
    const auto footer = FOX_TRY(records_.next());
    if (!footer) return damage(FileOffset(records_.at()), "the end", "the footer is missing; the snapshot is whole");
    if (footer->head.kind != Kind::footer) return unexpected(*footer, "the footer should be here; the snapshot is whole");
    FOX_TRY(said(decode_footer(FOX_TRY(unpacked(*footer))), *footer));
    const auto more = FOX_TRY(records_.next());
    if (!more) return {};
    if (more->head.kind != Kind::snapshot_begins) return unexpected(*more, "something follows the footer; the snapshot is whole");
    return fail(EOPNOTSUPP, "", {},
                "has more than one snapshot, and through a pipe only the first can be restored, which was done; give the file "
                "itself to import another");
  }

  RecordStream records_;
  StreamFlow flow_;
  Unpacker unpacker_;
  TreeCheck check_;
  bool begun_ = false;
  std::uint64_t chunks_ = 0;
  std::uint64_t entries_ = 0;
};

}  // namespace

Result<Snapshot> import_stream(sys::FdView in, const ImportOptions& options, Restorer& restorer) {
  auto imported = Importer(in, options.workers, restorer).run();
  // What has come is there: its directories get what they are to have.
  auto finished = restorer.finish();
  if (!imported) return imported;
  FOX_TRY(std::move(finished));
  return imported;
}

}  // namespace foxing::archive
