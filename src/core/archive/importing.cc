// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/importing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/little_endian.h"
#include "base/text.h"
#include "core/archive/manifest.h"
#include "core/archive/pipeline.h"
#include "core/archive/stream.h"
#include "sys/process.h"

namespace foxing::archive {
namespace {

constexpr std::size_t kMostUnderWay = 32 * 1024 * 1024;
constexpr std::size_t kStepWeight = 1024;

/// What the restorer will be told, in order.
struct Step {
  enum class What { begin, chunk /* new in a stream, or out of a file */, lost /* new, for nobody */, refer /* to an earlier one */, hole, end, take_back } what;
  Entry entry = {};
  std::uint64_t number = 0;  // of the chunk; of a hole its size
  std::uint64_t at = 0;
  std::optional<Head> head = {};  // came through a stream; else it is read from `placed`
  Placed placed = {};
  std::string stored = {};
  std::string content = {};
  std::optional<Error> error = {};
};

/// Content on its way: unpacked by several threads, told to the restorer in order.
class Flow {
 public:
  Flow(const Archive* archive, unsigned workers, Restorer& restorer)
      : archive_(archive), restorer_(restorer), unpackers_(workers + 1), pipeline_(workers, [this](Step& step, unsigned worker) { work(step, unpackers_[worker]); }) {}
  virtual ~Flow() = default;

  Result<> push(Step step) {
    const bool work = step.what == Step::What::chunk || step.what == Step::What::lost;
    const std::size_t weight = kStepWeight + (!work ? 0 : step.head ? step.head->raw_size : step.placed.raw_size);
    pipeline_.push(std::move(step), weight, work);
    while (pipeline_.weight() > kMostUnderWay) FOX_TRY(pop());
    return {};
  }
  Result<> drain() {
    while (!pipeline_.empty()) FOX_TRY(pop());
    return {};
  }

 protected:
  /// What becomes of a chunk.
  virtual Result<> chunk(Step& step) = 0;
  virtual Result<> refer(std::uint64_t number) = 0;
  Restorer& restorer() { return restorer_; }

 private:
  void work(Step& step, Unpacker& unpacker) {
    const auto done = step.head ? unpacker.unpack(*step.head, FileOffset(step.at), step.stored, step.content)
                                : archive_->read_chunk(step.placed, step.number, unpacker, step.stored, step.content);
    if (!done) step.error = done.error();
    std::string().swap(step.stored);
  }
  Result<> pop() {
    if (sys::stop_requested()) return fail(ECANCELED, "import");
    Step step = pipeline_.pop();
    switch (step.what) {
      case Step::What::begin: return restorer_.begin(step.entry);
      case Step::What::chunk:
      case Step::What::lost: return chunk(step);
      case Step::What::refer: return refer(step.number);
      case Step::What::hole: return restorer_.hole(step.number);
      case Step::What::end: return restorer_.end();
      case Step::What::take_back: return restorer_.take_back();
    }
    return {};
  }

  const Archive* archive_;
  Restorer& restorer_;
  std::vector<Unpacker> unpackers_;
  Pipeline<Step> pipeline_;
};

// ---- From a file

class FileFlow final : public Flow {
 public:
  FileFlow(Archive& archive, unsigned workers, Restorer& restorer) : Flow(&archive, workers, restorer), archive_(archive) {}

  /// An item as the cursor gives it.
  Result<> item(Item item) {
    if (item.what == Item::What::taken_back) return push({.what = Step::What::take_back});
    if (item.what == Item::What::begins) FOX_TRY(push({.what = Step::What::begin, .entry = std::move(item.entry)}));
    for (const Run& run : item.content) {
      if (run.is_hole()) {
        FOX_TRY(push({.what = Step::What::hole, .number = run.count}));
        continue;
      }
      for (std::uint64_t number = run.first; number < run.first + run.count; ++number) {
        auto placed = archive_.place(number);
        if (placed) {
          FOX_TRY(push({.what = Step::What::chunk, .number = number, .at = placed->offset, .placed = *placed}));
        } else if (placed.error().code == EBADMSG) {
          FOX_TRY(push({.what = Step::What::refer, .number = number}));
        } else {
          return tl::make_unexpected(std::move(placed).error());
        }
      }
    }
    return item.more ? Result<>() : push({.what = Step::What::end});
  }

 private:
  Result<> chunk(Step& step) override {
    if (!restorer().takes_content()) return {};
    if (!step.error) return restorer().data(as_bytes(step.content));
    if (step.error->code != EBADMSG) return tl::make_unexpected(std::move(*step.error));
    restorer().give_up(std::move(*step.error));
    return {};
  }
  /// A chunk of which the index does not tell where it is.
  Result<> refer(std::uint64_t number) override {
    restorer().give_up({.code = 0, .operation = "", .subject = {}, .detail = fmt::format("damaged: where chunk {} lies cannot be found out", number)});
    return {};
  }

  Archive& archive_;
};

// ---- From a pipe

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

  Result<> chunk(Step& step) override {
    if (step.error) return tl::make_unexpected(std::move(*step.error));
    Known known{.size = static_cast<std::uint32_t>(step.content.size())};
    std::copy_n(step.head->id.bytes.begin(), kIdBytes, known.id.begin());
    const auto bytes = as_bytes(step.content);
    // Also what is for nobody now may be referred to later.
    const bool for_file = step.what == Step::What::chunk && restorer().takes_content();
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
        if (snapshot.entries != entries_ || snapshot.end_chunk != chunks_) return unexpected(*record, "it counts other entries than came");
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

  static tl::unexpected<Error> unexpected(const Record& record, std::string_view why) { return damage(FileOffset(record.at), name_of(record.head), why); }
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
    while (chunks_ < end) FOX_TRY(new_chunk(Step::What::lost));
    return {};
  }

  Result<> item(Item item) {
    if (item.what == Item::What::taken_back) {
      --entries_;
      return flow_.push({.what = Step::What::take_back});
    }
    if (item.what == Item::What::begins) {
      ++entries_;
      FOX_TRY(flow_.push({.what = Step::What::begin, .entry = std::move(item.entry)}));
    }
    for (const Run& run : item.content) {
      if (run.is_hole()) {
        FOX_TRY(flow_.push({.what = Step::What::hole, .number = run.count}));
        continue;
      }
      for (std::uint64_t number = run.first; number < run.first + run.count; ++number) {
        while (chunks_ < number) FOX_TRY(new_chunk(Step::What::lost));
        FOX_TRY(number == chunks_ ? new_chunk(Step::What::chunk) : flow_.push({.what = Step::What::refer, .number = number}));
      }
    }
    return item.more ? Result<>() : flow_.push({.what = Step::What::end});
  }

  Result<> new_chunk(Step::What what) {
    auto record = FOX_TRY(records_.next());
    if (!record) return damage(FileOffset(records_.at()), "the end", fmt::format("the archive is cut short: chunk {} is missing", chunks_));
    if (record->head.kind != Kind::chunk || record->head.number != chunks_) return unexpected(*record, fmt::format("chunk {} should be here", chunks_));
    ++chunks_;
    return flow_.push({.what = what, .number = record->head.number, .at = record->at, .head = record->head, .stored = std::move(record->stored)});
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
    return fail(EOPNOTSUPP, "", {}, "has more than one snapshot, and through a pipe only the first can be restored, which was done; give the file itself to import another");
  }

  RecordStream records_;
  StreamFlow flow_;
  Unpacker unpacker_;
  TreeCheck check_;
  bool begun_ = false;
  std::uint64_t chunks_ = 0;
  std::uint64_t entries_ = 0;
};

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

bool is_below(std::string_view path, std::string_view directory) {
  return directory.empty() || (path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/');
}

/// What restore_some does.
class Some {
 public:
  Some(Archive& archive, const Snapshot& snapshot, const Selection& selection, const ImportOptions& options, Restorer& restorer)
      : archive_(archive), snapshot_(snapshot), selection_(selection), restorer_(restorer), flow_(archive, options.workers, restorer) {}

  Result<std::uint64_t> run() {
    EntryCursor cursor = FOX_TRY(EntryCursor::from(archive_, snapshot_, selection_.place()));
    std::uint64_t found = 0;
    while (auto item = FOX_TRY(cursor.next_entry())) {
      const std::string path = item->entry.path;
      if (selection_.is_behind(path)) break;
      if (!chosen(item->entry)) {
        pass(std::move(*item));
        continue;
      }
      ++found;
      FOX_TRY(make_way(path));
      if (is_directory(item->entry)) made_.push_back(path);
      FOX_TRY(resolve_link(*item));
      FOX_TRY(flow_.item(std::move(*item)));
    }
    FOX_TRY(flow_.drain());
    FOX_TRY(restorer_.finish());
    return found;
  }

 private:
  static bool is_directory(const Entry& entry) { return !entry.hard_link && entry.type == sys::FileType::directory; }

  bool chosen(const Entry& entry) {
    if (inside_ && is_below(entry.path, *inside_)) return true;
    inside_.reset();
    if (entry.path.empty() || !selection_.selects(entry.path)) return false;
    if (is_directory(entry)) inside_ = entry.path;
    return true;
  }

  /// A directory may lead to what is selected.
  void pass(Item item) {
    while (!passed_.empty() && !is_below(item.entry.path, passed_.back().entry.path)) passed_.pop_back();
    if (is_directory(item.entry) && !item.entry.path.empty()) passed_.push_back(std::move(item));
  }

  /// Makes the directories that lead to `path` and have not been made.
  Result<> make_way(const std::string& path) {
    while (!made_.empty() && !is_below(path, made_.back())) made_.pop_back();
    std::vector<std::string> missing;
    for (std::string at = parent_of(path); !at.empty() && (made_.empty() || at != made_.back()); at = parent_of(at)) missing.push_back(at);
    for (; !missing.empty(); missing.pop_back()) {
      const std::string& at = missing.back();
      const auto known = std::ranges::find_if(passed_, [&](const Item& item) { return item.entry.path == at; });
      // Those before the place where reading began are looked up.
      auto directory = known != passed_.end() ? std::optional<Item>(*known) : FOX_TRY(find_entry(archive_, snapshot_, at));
      if (!directory || !is_directory(directory->entry))
        return fail(EBADMSG, "", {}, fmt::format("damaged: the directory '{}' is not in the archive", printable(at)));
      FOX_TRY(flow_.item(std::move(*directory)));
      made_.push_back(at);
    }
    return {};
  }

  Result<> resolve_link(Item& item) {
    const std::string path = item.entry.path;
    if (item.entry.leads_links) links_[path] = path;
    if (!item.entry.hard_link) return {};
    const std::string first = item.entry.text;
    if (const auto known = links_.find(first); known != links_.end()) {
      item.entry.text = known->second;
      return {};
    }
    auto file = FOX_TRY(find_entry(archive_, snapshot_, first));
    if (!file || file->entry.hard_link || is_directory(file->entry))
      return fail(EBADMSG, "", {}, fmt::format("damaged: '{}', of which '{}' is another name, is not in the archive", printable(first), printable(path)));
    item = std::move(*file);
    item.entry.path = path;
    links_[first] = path;
    return {};
  }

  Archive& archive_;
  const Snapshot& snapshot_;
  const Selection& selection_;
  Restorer& restorer_;
  FileFlow flow_;
  std::optional<std::string> inside_;  // a selected directory
  std::vector<Item> passed_;  // directories under way that were not selected
  std::vector<std::string> made_;  // directories under way that were made
  std::unordered_map<std::string, std::string> links_;  // first names, and where they were restored
};

}  // namespace

Result<> import_snapshot(Archive& archive, const Snapshot& snapshot, const ImportOptions& options, Restorer& restorer) {
  FileFlow flow(archive, options.workers, restorer);
  EntryCursor cursor(archive, snapshot);
  while (auto item = FOX_TRY(cursor.next_item())) FOX_TRY(flow.item(std::move(*item)));
  FOX_TRY(flow.drain());
  return restorer.finish();
}

Result<std::uint64_t> restore_some(Archive& archive, const Snapshot& snapshot, const Selection& selection, const ImportOptions& options,
                                   Restorer& restorer) {
  return Some(archive, snapshot, selection, options, restorer).run();
}

Result<Snapshot> import_stream(sys::FdView in, const ImportOptions& options, Restorer& restorer) {
  auto imported = Importer(in, options.workers, restorer).run();
  // What has come is there: its directories get what they are to have.
  auto finished = restorer.finish();
  if (!imported) return imported;
  FOX_TRY(std::move(finished));
  return imported;
}

}  // namespace foxing::archive
