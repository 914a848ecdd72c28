// SPDX-License-Identifier: GPL-2.0-or-later
// From a pipe: a snapshot is restored while it arrives, and gives way to newer ones of the same archive.
// How.   The first snapshot that is meant goes into the target at once.  Whether it is the newest is not known before the archive ends: of later ones the new
//        chunks and the entries are set aside, and what differs is done when all of it has come (superseding.cc).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "core/archive/flow.h"
#include "core/archive/importing.h"
#include "core/archive/replay.h"
#include "core/archive/stream.h"

namespace foxing::archive {
namespace {

class StreamFlow final : public Flow {
 public:
  StreamFlow(unsigned workers, Restorer& restorer) : Flow(nullptr, workers, restorer) {}

  /// The files that `item` shares chunks with are about to change: those chunks are set aside.  What cannot be read any more is told when it is restored.
  Result<> keep_chunks_of(const Item& item) {
    for (const Run& run : item.content) {
      for (std::uint64_t number = run.first; !run.is_hole() && number < run.first + run.count; ++number) {
        Known& known = known_.at(number);
        if (known.place.file == Restorer::Place::kSpill || !read_known(known)) continue;
        known.place = FOX_TRY(restorer().spill(as_bytes(content_)));
      }
    }
    return {};
  }

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
    auto read = read_known(known);
    if (read) return restorer().data(as_bytes(content_));
    Error why = std::move(read).error();
    why.detail = "a part of it is also in a file that came before, and could not be read there" +
                 (why.subject.empty() ? std::string() : ": '" + printable(std::exchange(why.subject, {})) + "'");
    restorer().give_up(std::move(why));
    return {};
  }

  /// Into content_; an error where it is not what it was.
  Result<> read_known(const Known& known) {
    content_.resize(known.size);
    const auto into = std::as_writable_bytes(std::span(content_.data(), content_.size()));
    FOX_TRY(restorer().read_back(known.place, into));
    const digest::Digest id = digest::hash(into);
    if (!std::equal(known.id.begin(), known.id.end(), id.bytes.begin())) return fail(ESTALE, "");
    return {};
  }

  std::vector<Known> known_;
  std::string content_;
};

/// A snapshot is in the target, a newer one has been set aside: the target becomes what the newer one says.
class Superseding {
 public:
  Superseding(StreamFlow& flow, Restorer& restorer, const EntryLog& older, const EntryLog& newer)
      : flow_(flow), restorer_(restorer), older_(older), newer_(newer), all_in_place_(restorer.counters().problems == 0) {}

  Result<> run() {
    // Three times over both: chunks first, while the files that they lie in are there; then names that go; then all that changes.
    FOX_TRY(each([this](const Item*, const Item* newer, bool stays) {
      return newer != nullptr && !stays ? flow_.keep_chunks_of(*newer) : Result<>();
    }));
    std::vector<Entry> directories;
    FOX_TRY(each([&](const Item* older, const Item* newer, bool) -> Result<> {
      if (newer != nullptr) return {};
      if (!is_directory(older->entry)) return restorer_.remove(older->entry);
      directories.push_back(older->entry);
      return {};
    }));
    for (; !directories.empty(); directories.pop_back()) FOX_TRY(restorer_.remove(directories.back()));
    restorer_.count_again();
    FOX_TRY(each([this](const Item*, const Item* newer, bool stays) -> Result<> {
      if (newer == nullptr) return {};
      if (!stays) return place(*newer);
      restorer_.count_in_place(newer->entry);
      return {};
    }));
    return flow_.drain();
  }

 private:
  static bool is_directory(const Entry& entry) { return !entry.hard_link && entry.type == sys::FileType::directory; }

  /// `stays`: nothing is to be done.  Directories are entered in any case, and links looked at: their files may be others now.
  Result<> each(const std::function<Result<>(const Item*, const Item*, bool stays)>& told) {
    return side_by_side(older_, newer_, restorer_, [&](const Item* older, const Item* newer) -> Result<> {
      if (sys::stop_requested()) return fail(ECANCELED, "import");
      const bool stays = all_in_place_ && older != nullptr && newer != nullptr && !newer->entry.hard_link &&
                         !is_directory(newer->entry) && become_the_same(*older, *newer);
      return told(older, newer, stays);
    });
  }

  Result<> place(const Item& item) {
    FOX_TRY(flow_.push({.what = FlowStep::What::begin, .entry = item.entry}));
    for (const Run& run : item.content) {
      if (run.is_hole()) {
        FOX_TRY(flow_.push({.what = FlowStep::What::hole, .number = run.count}));
        continue;
      }
      for (std::uint64_t number = run.first; number < run.first + run.count; ++number)
        FOX_TRY(flow_.push({.what = FlowStep::What::refer, .number = number}));
    }
    return flow_.push({.what = FlowStep::What::end});
  }

  StreamFlow& flow_;
  Restorer& restorer_;
  const EntryLog& older_;
  const EntryLog& newer_;
  const bool all_in_place_;  // else everything is done again
};

/// Reads the records of a stream and says what they mean.
class Importer {
 public:
  Importer(sys::FdView in, const ImportOptions& options, Restorer& restorer)
      : wanted_(options.wanted), records_(in), restorer_(restorer), flow_(options.workers, restorer) {
    restorer.watch_replaced();
  }

  Result<Snapshot> run() {
    auto read = read_all();
    // What comes behind a damaged record is lost; a snapshot that ended before it is whole.
    if (newest_ && (read || read.error().code == EBADMSG)) FOX_TRY(Superseding(flow_, restorer_, *restored_, *newest_).run());
    if (!read && read.error().code == EBADMSG && snapshots_ > 1 && chosen_)
      read.error().detail += fmt::format("; snapshot {} is whole and was restored", chosen_->id);
    FOX_TRY(std::move(read));
    if (!chosen_)
      return fail(0, "", {},
                  fmt::format("has no snapshot whose name begins with {}; the first is {}, the last {}", wanted_, first_, last_));
    return *chosen_;
  }

 private:
  using Record = RecordStream::Record;
  /// What becomes of a snapshot: it goes into the target; it is kept until the end; its chunks are kept, since a later one may refer to them; nothing.
  enum class Way { restored, newer, chunks_only, passed };

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
  Result<std::optional<Record>> next_record() {
    auto record = FOX_TRY(records_.next());
    while (record && record->head.ignorable()) record = FOX_TRY(records_.next());
    return record;
  }

  Result<> read_all() {
    FOX_TRY(records_.header());
    bool footer = false;  // the last record was one
    while (true) {
      const auto record = FOX_TRY(next_record());
      if (!record && footer) return {};
      if (!record && snapshots_ > 0)
        return damage(FileOffset(records_.at()), "the end", "the footer is missing; the snapshot is whole");
      if (!record) return damage(FileOffset(records_.at()), "the end", "the archive is cut short: no snapshot has ended");
      if (record->head.kind == Kind::snapshot_begins) {
        footer = false;
        FOX_TRY(snapshot(*record));
      } else if (record->head.kind == Kind::footer && snapshots_ > 0 && !footer) {
        footer = true;
        FOX_TRY(said(decode_footer(FOX_TRY(unpacked(*record))), *record));
      } else if (footer) {
        return unexpected(*record, "something follows the footer; the snapshot is whole");
      } else if (snapshots_ > 0) {
        return unexpected(*record, "the footer should be here; the snapshot is whole");
      } else {
        return unexpected(*record, "no snapshot has begun");
      }
    }
  }

  /// From its beginning to its end.
  Result<> snapshot(const Record& begin) {
    const Snapshot begun = FOX_TRY(said(decode_snapshot_begins(FOX_TRY(unpacked(begin))), begin));
    if (snapshots_ > 0 && begun.id <= last_) return unexpected(begin, "its name is not behind that of the snapshot before it");
    if (snapshots_ == 0) first_ = begun.id;
    last_ = begun.id;
    const bool meant = begun.id.starts_with(wanted_);
    way_ = meant ? (restored_ ? Way::newer : Way::restored) : (restored_ ? Way::passed : Way::chunks_only);
    check_ = {};
    entries_ = 0;
    EntryLog log;
    while (true) {
      const auto record = FOX_TRY(next_record());
      if (!record) return damage(FileOffset(records_.at()), "the end", "the archive is cut short: the snapshot has not ended");
      switch (record->head.kind) {
        case Kind::entries:
          if (meant) FOX_TRY(log.add(restorer_, record->at, record->head, record->stored));
          FOX_TRY(block(*record));
          break;
        case Kind::index:
        case Kind::directory: FOX_TRY(unpacked(*record)); break;  // not needed, and to be whole all the same
        case Kind::snapshot_ends: return end(*record, std::move(log));
        case Kind::snapshot_begins: return unexpected(*record, "the last snapshot has not ended");
        default: return unexpected(*record, "it does not belong here");
      }
    }
  }

  Result<> end(const Record& record, EntryLog log) {
    Snapshot snapshot = FOX_TRY(said(decode_snapshot_ends(FOX_TRY(unpacked(record))), record));
    FOX_TRY(said(check_.finish(), record));
    FOX_TRY(flow_.drain());
    if (snapshot.entries != entries_ || snapshot.end_chunk != chunks_)
      return unexpected(record, "it counts other entries than came");
    ++snapshots_;
    if (way_ == Way::chunks_only || way_ == Way::passed) return {};
    chosen_ = std::move(snapshot);
    (way_ == Way::restored ? restored_ : newest_) = std::move(log);
    return way_ == Way::restored ? restorer_.leave_all() : Result<>();
  }

  /// A block, and the chunks behind it.
  Result<> block(const Record& record) {
    const std::string payload = FOX_TRY(unpacked(record));
    BlockReader block = FOX_TRY(said(BlockReader::open(payload), record));
    if (block.first_chunk() != chunks_) return unexpected(record, "it counts other chunks than came");
    const std::uint64_t end = chunks_ + block.new_chunks();
    while (auto item = FOX_TRY(said(block.next(), record))) {
      FOX_TRY(said(check_.accept(*item), record));
      if (item->what == Item::What::begins) ++entries_;
      if (item->what == Item::What::taken_back) --entries_;
      if (way_ == Way::restored) FOX_TRY(this->item(std::move(*item)));
    }
    while (chunks_ < end) FOX_TRY(new_chunk(FlowStep::What::lost));
    return {};
  }

  Result<> item(Item item) {
    if (item.what == Item::What::taken_back) return flow_.push({.what = FlowStep::What::take_back});
    if (item.what == Item::What::begins) FOX_TRY(flow_.push({.what = FlowStep::What::begin, .entry = std::move(item.entry)}));
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
    auto record = FOX_TRY(next_record());
    if (!record)
      return damage(FileOffset(records_.at()), "the end", fmt::format("the archive is cut short: chunk {} is missing", chunks_));
    if (record->head.kind != Kind::chunk || record->head.number != chunks_)
      return unexpected(*record, fmt::format("chunk {} should be here", chunks_));
    ++chunks_;
    if (way_ == Way::passed) return {};
    return flow_.push({.what = what,
                       .number = record->head.number,
                       .at = record->at,
                       .head = record->head,
                       .stored = std::move(record->stored)});
  }

  const std::string wanted_;
  RecordStream records_;
  Restorer& restorer_;
  StreamFlow flow_;
  Unpacker unpacker_;
  std::uint64_t chunks_ = 0;

  Way way_{};  // of the snapshot under way
  TreeCheck check_;
  std::uint64_t entries_ = 0;

  std::uint64_t snapshots_ = 0;  // that have ended
  std::string first_, last_;  // their names
  std::optional<Snapshot> chosen_;  // the newest that is meant
  std::optional<EntryLog> restored_;  // the one that is in the target
  std::optional<EntryLog> newest_;  // and the one that is to be
};

}  // namespace

Result<Snapshot> import_stream(sys::FdView in, const ImportOptions& options, Restorer& restorer) {
  auto imported = Importer(in, options, restorer).run();
  // What has come is there: its directories get what they are to have.
  auto finished = restorer.finish();
  if (!imported) return imported;
  FOX_TRY(std::move(finished));
  return imported;
}

}  // namespace foxing::archive
