// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/repairer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/little_endian.h"
#include "base/text.h"
#include "core/archive/entry.h"
#include "core/archive/reader.h"
#include "core/archive/sections.h"
#include "sys/process.h"

namespace foxing::archive {
namespace {

constexpr mode_t kClosedDirectory = 0700;

bool is_directory(const Entry& entry) { return !entry.hard_link && entry.type == sys::FileType::directory; }
bool is_regular(const Entry& entry) { return !entry.hard_link && entry.type == sys::FileType::regular; }

bool lies_in(std::string_view path, std::string_view directory) {
  return directory.empty() || (path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/');
}

/// What is left of a snapshot.
struct Part {
  std::optional<Snapshot> begins, ends;
  std::vector<Survey::Found> blocks, directories;
  std::optional<std::uint64_t> number;
};

/// The records of a survey, snapshot by snapshot.
class Parts {
 public:
  explicit Parts(Survey& survey) : survey_(survey) {}

  Result<std::vector<Part>> all() {
    for (const Survey::Found& record : survey_.records()) {
      switch (record.head.kind) {
        case Kind::snapshot_begins:
          close();
          if (auto begins = decode_snapshot_begins(FOX_TRY(survey_.payload(record)))) part_.begins = std::move(*begins);
          part_.number = record.head.number;
          open_ = true;
          break;
        case Kind::entries:
          if (open_ && !part_.blocks.empty() && record.head.number <= part_.blocks.back().head.number) close();
          part_.blocks.push_back(record);
          open_ = true;
          break;
        case Kind::directory:
          part_.directories.push_back(record);
          open_ = true;
          break;
        case Kind::snapshot_ends:
          if (open_ && part_.number && *part_.number != record.head.number) close();
          if (auto ends = decode_snapshot_ends(FOX_TRY(survey_.payload(record)))) part_.ends = std::move(*ends);
          open_ = true;
          close();
          break;
        case Kind::footer: close(); break;
        default: break;
      }
    }
    close();
    return std::move(parts_);
  }

 private:
  void close() {
    if (std::exchange(open_, false)) parts_.push_back(std::move(part_));
    part_ = {};
  }

  Survey& survey_;
  std::vector<Part> parts_;
  Part part_;
  bool open_ = false;
};

/// One snapshot.
class PartRepair {
 public:
  PartRepair(Survey& survey, Writer& writer, RepairObserver& observer, RepairCounters& counters, const Part& part, Snapshot name)
      : survey_(survey), writer_(writer), observer_(observer), counters_(counters), part_(part), snapshot_(std::move(name)) {}

  /// True where something of it is in the new archive.
  Result<bool> run() {
    std::uint64_t expected = 0;
    for (const Survey::Found& record : part_.blocks) {
      if (sys::stop_requested()) return fail(ECANCELED, "repair");
      if (record.head.number > expected) FOX_TRY(missing_blocks(expected, record.head.number));
      expected = record.head.number + 1;
      FOX_TRY(block(record));
    }
    if (item_) lose_item("the end of its content is lost");
    FOX_TRY(missing_end(expected));
    if (begun_) (void)FOX_TRY(writer_.end_snapshot());
    return begun_;
  }

 private:
  void lose(const std::string& path, const std::string& why) {
    ++counters_.lost;
    observer_.lost(snapshot_.id, path, why);
  }
  void gap(const std::string& what) {
    ++counters_.gaps;
    observer_.gap(snapshot_.id, what);
  }
  void lose_item(const std::string& why) {
    lose(item_->entry.path, why);
    item_.reset();
  }

  // ---- What is missing

  /// Blocks from `first` to the one before `end`, as far as directories tell of them.
  Result<> missing_blocks(std::uint64_t first, std::uint64_t end) {
    if (item_) lose_item("a part of where its content lies is lost");
    in_the_middle_ = true;
    std::string words = fmt::format("entries {} to {} are lost", first, end - 1);
    if (first + 1 == end) words = fmt::format("entries {} are lost", first);
    words +=
        last_path_ ? fmt::format("; names behind '{}' are missing", printable(*last_path_)) : "; the first names are missing";
    gap(words);
    return {};
  }

  Result<> missing_end(std::uint64_t blocks) {
    // A directory names every block in which something begins.
    std::uint64_t named = 0;
    for (const Survey::Found& record : part_.directories) {
      const auto places = decode_directory(FOX_TRY(survey_.payload(record)));
      if (!places) continue;
      for (const BlockPlace& place : *places) {
        if (first_paths_.contains(place.first_path)) continue;
        named += place.beginning;
        gap(fmt::format("{} entries from '{}' on are lost", place.beginning, printable(place.first_path)));
      }
    }
    if (!part_.ends && named == 0)
      gap(blocks == 0 ? "its entries and its end are lost" : "its end is lost: more may have belonged to it");
    if (part_.ends && part_.ends->entries > seen_ && named == 0 && counters_.gaps == gaps_before_)
      gap(fmt::format("{} entries are lost", part_.ends->entries - seen_));
    return {};
  }

  // ---- What is there

  Result<> block(const Survey::Found& record) {
    const std::string payload = FOX_TRY(survey_.payload(record));
    auto block = BlockReader::open(payload);
    bool first = true;
    while (block) {
      auto item = block->next();
      if (!item) block = tl::make_unexpected(std::move(item).error());
      if (!item || !*item) break;
      if ((*item)->what == Item::What::begins && std::exchange(first, false)) first_paths_.insert((*item)->entry.path);
      FOX_TRY(take(std::move(**item)));
    }
    if (block) return {};
    if (block.error().code != EBADMSG) return tl::make_unexpected(std::move(block).error());
    if (item_) lose_item("what follows of it makes no sense");
    in_the_middle_ = true;
    gap(in_record(std::move(block).error(), record.at, record.head).detail);
    return {};
  }

  Result<> take(Item item) {
    if (item.what == Item::What::begins) {
      if (item_) lose_item("the end of its content is lost");
      in_the_middle_ = false;
      ++seen_;
      item_ = std::move(item);
    } else if (in_the_middle_ || !item_) {
      return {};  // of a file whose beginning is lost
    } else if (item.what == Item::What::taken_back) {
      --seen_;
      item_.reset();
      return {};
    } else {
      item_->content.insert(item_->content.end(), item.content.begin(), item.content.end());
      item_->more = item.more;
    }
    return item_->more ? Result<>() : entry(*std::exchange(item_, std::nullopt));
  }

  Result<> entry(const Item& item) {
    const std::string& path = item.entry.path;
    if (last_path_ && compare_paths(*last_path_, path) >= 0) {
      lose(path, "it is out of order");
      return {};
    }
    if (item.entry.hard_link && !links_.contains(item.entry.text)) {
      lose(path, fmt::format("it is another name of '{}', which is lost", printable(item.entry.text)));
      return {};
    }
    if (is_regular(item.entry)) {
      if (const auto why = FOX_TRY(what_is_wrong(item))) {
        lose(path, *why);
        return {};
      }
    }
    if (!FOX_TRY(make_way(item.entry))) return {};
    return write(item);
  }

  /// Why a file's content is not whole.
  Result<std::optional<std::string>> what_is_wrong(const Item& item) {
    std::uint64_t size = 0;
    for (const Run& run : item.content) {
      if (run.is_hole()) {
        if (run.count > item.entry.size - size) return "it has more content than its size says";
        size += run.count;
        continue;
      }
      for (std::uint64_t number = run.first; number < run.first + run.count; ++number) {
        const auto chunk = FOX_TRY(survey_.chunk(number));
        if (!chunk) return fmt::format("chunk {} is damaged or missing", number);
        if (chunk->head.raw_size > item.entry.size - size) return "it has more content than its size says";
        size += chunk->head.raw_size;
      }
    }
    if (size < item.entry.size) return "it has less content than its size says";
    return std::nullopt;
  }

  /// The directories that lead to an entry, where they are lost.  False where something else has their place.
  Result<bool> make_way(const Entry& entry) {
    while (!open_.empty() && !lies_in(entry.path, open_.back())) open_.pop_back();
    std::vector<std::string> missing;
    if (open_.empty() && !entry.path.empty()) missing.emplace_back();
    for (std::size_t slash = entry.path.find('/'); slash != std::string::npos; slash = entry.path.find('/', slash + 1)) {
      const std::string directory = entry.path.substr(0, slash);
      if (std::ranges::find(open_, directory) == open_.end()) missing.push_back(directory);
    }
    for (const std::string& path : missing) {
      if (last_path_ && compare_paths(*last_path_, path) >= 0) {
        lose(entry.path, "it lies in something that is no directory");
        return false;
      }
      lose(path, "what is kept of the directory itself is lost; it is made anew, for its owner only, around what is left in it");
      Item item;
      item.entry.type = sys::FileType::directory;
      item.entry.path = path;
      item.entry.mode = kClosedDirectory;
      item.entry.owner = entry.owner;
      item.entry.group = entry.group;
      item.entry.modified = entry.modified;
      FOX_TRY(write(item));
    }
    return true;
  }

  Result<> write(const Item& item) {
    if (!std::exchange(begun_, true)) FOX_TRY(writer_.begin_snapshot(snapshot_));
    last_path_ = item.entry.path;
    FOX_TRY(writer_.begin(item.entry));
    for (const Run& run : item.content) {
      if (run.is_hole()) {
        FOX_TRY(writer_.refer_to(run));
        continue;
      }
      for (std::uint64_t number = run.first; number < run.first + run.count; ++number) {
        auto written = chunk(number);
        if (written) continue;
        if (written.error().code != EBADMSG) return written;
        lose(item.entry.path, "it could be read a moment ago, and now it cannot");
        return writer_.take_back();
      }
    }
    FOX_TRY(writer_.end());
    ++counters_.entries;
    if (is_regular(item.entry)) ++counters_.files;
    if (is_directory(item.entry)) open_.push_back(item.entry.path);
    if (item.entry.leads_links) links_.insert(item.entry.path);
    return {};
  }

  Result<> chunk(std::uint64_t number) {
    const auto found = FOX_TRY(survey_.chunk(number));
    if (!found) return fail(EBADMSG, "");
    if (const auto known = writer_.ids().find(found->head.id)) return writer_.refer_to({*known, 1});
    std::string stored;
    const std::string content = FOX_TRY(survey_.payload(*found, &stored));
    return writer_.chunk(as_bytes(content), found->head.id, {found->head.format, std::move(stored)});
  }

  Survey& survey_;
  Writer& writer_;
  RepairObserver& observer_;
  RepairCounters& counters_;
  const Part& part_;
  const Snapshot snapshot_;
  const std::uint64_t gaps_before_ = counters_.gaps;
  bool begun_ = false;
  bool in_the_middle_ = false;  // what goes on is not known
  std::optional<Item> item_;  // whose content goes on
  std::uint64_t seen_ = 0;
  std::optional<std::string> last_path_;  // written
  std::vector<std::string> open_;  // directories that lead to it, the root first
  std::set<std::string> first_paths_;  // of blocks that are there
  std::set<std::string> links_;  // first names of files with more
};

/// What the snapshot is called: as it was, or a name that sorts behind the last.
Snapshot name_for(const Part& part, const std::string& last) {
  const Snapshot was = part.begins ? *part.begins : part.ends ? *part.ends : Snapshot{};
  Snapshot snapshot;  // what is counted is counted anew
  snapshot.id = was.id;
  snapshot.seconds = was.seconds;
  snapshot.nanoseconds = was.nanoseconds;
  snapshot.device = was.device;
  if (snapshot.id.empty() || snapshot.id <= last) snapshot.id = last.empty() ? "0-nameless" : last.substr(0, 50) + "-nameless";
  return snapshot;
}

}  // namespace

Result<RepairCounters> repair(Survey& survey, Writer& writer, RepairObserver& observer) {
  RepairCounters counters;
  std::string last;
  const std::vector<Part> parts = FOX_TRY(Parts(survey).all());
  std::uint64_t there_were = 0;
  for (const Survey::Found& record : survey.records())
    if (record.head.kind == Kind::footer) there_were = std::max(there_were, record.head.number);
  if (there_were > parts.size()) {
    ++counters.gaps;
    observer.gap("unknown",
                 fmt::format("there were {} snapshots, and nothing is left of {}", there_were, there_were - parts.size()));
  }
  for (const Part& part : parts) {
    const Snapshot name = name_for(part, last);
    last = name.id;
    if (FOX_TRY(PartRepair(survey, writer, observer, counters, part, name).run())) ++counters.snapshots;
  }
  return counters;
}

}  // namespace foxing::archive
