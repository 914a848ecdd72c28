// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "core/archive/manifest.h"
#include "core/archive/pipeline.h"
#include "sys/file.h"
#include "sys/process.h"

namespace foxing::archive {
namespace {

constexpr std::size_t kMostUnderWay = 32 * 1024 * 1024;

struct Step {
  std::uint64_t at = 0;
  Head head;
  std::string stored;
  std::string content;
  std::optional<Error> error;
};

class Checking {
 public:
  Checking(Archive& archive, unsigned workers, CheckObserver& observer)
      : archive_(archive),
        observer_(observer),
        unpackers_(workers + 1),
        pipeline_(workers, [this](Step& step, unsigned worker) { work(step, worker); }) {}

  Result<CheckCounters> run() {
    counters_.left_over = archive_.size() - archive_.end();
    if (archive_.recovered()) damage_found(why_recovered());
    FOX_TRY(read_records());
    for (const Snapshot& snapshot : archive_.snapshots()) FOX_TRY(name_files(snapshot));
    return counters_;
  }

 private:
  void work(Step& step, unsigned worker) {
    if (step.error) return;
    if (auto done = unpackers_[worker].unpack(step.head, FileOffset(step.at), step.stored, step.content); !done)
      step.error = done.error();
    if (step.head.kind == Kind::chunk) std::string().swap(step.content);
    std::string().swap(step.stored);
  }

  void damage_found(const Error& error) {
    ++counters_.damages;
    observer_.damaged(error);
  }

  /// What is behind the last snapshot is named, where it is not known to be more than the rest of an append.
  Error why_recovered() const {
    const auto only_rest = archive_.may_end_here();
    if (!only_rest) return only_rest.error();
    if (!archive_.is_cut_off()) return *archive_.recovered();
    return damage(FileOffset(archive_.end()), "the end",
                  fmt::format("{} bytes behind the last whole snapshot belong to none: the archive is cut short, or an --append "
                              "was interrupted, and the next "
                              "one writes over them",
                              counters_.left_over))
        .value();
  }

  Result<> read_records() {
    std::uint64_t at = kHeaderSize;
    while (at < archive_.end()) {
      if (sys::stop_requested()) return fail(ECANCELED, "check");
      auto head = archive_.head(at);
      if (!head && head.error().code != EBADMSG) return tl::make_unexpected(std::move(head).error());
      if (!head) {
        while (!pipeline_.empty()) judge(pipeline_.pop());
        damage_found(head.error());
        at = FOX_TRY(next_head(archive_.file(), at + 1, archive_.end(), archive_.header().chunks.most));
        continue;
      }
      Step step{.at = at, .head = *head, .stored = {}, .content = {}, .error = {}};
      auto stored = archive_.stored(at, *head);
      if (!stored && stored.error().code != EBADMSG) return tl::make_unexpected(std::move(stored).error());
      if (stored) {
        step.stored = std::move(*stored);
      } else {
        step.error = std::move(stored).error();
      }
      at += head->whole_size();
      ++counters_.records;
      counters_.bytes += head->whole_size();
      const std::size_t weight = step.head.raw_size + kHeadSize;
      pipeline_.push(std::move(step), weight, true);
      while (pipeline_.weight() > kMostUnderWay) judge(pipeline_.pop());
    }
    while (!pipeline_.empty()) judge(pipeline_.pop());
    missing_until(archive_.footer().chunks);
    return {};
  }

  /// A record has been read, in its turn.
  void judge(Step step) {
    if (step.head.kind == Kind::chunk) return judge_chunk(step);
    if (step.error) return damage_found(*step.error);
    if (step.head.kind == Kind::index) return judge_index(step);
    if (step.head.kind != Kind::directory) return;
    if (auto places = decode_directory(step.content); !places) {
      damage_found(in_record(std::move(places).error(), step.at, step.head));
    } else {
      for (const BlockPlace& place : *places) {
        const auto head = archive_.head(place.offset);
        if (!head || head->kind != Kind::entries)
          damage_found(
              damage(FileOffset(step.at), name_of(step.head), fmt::format("no entries lie at byte {}", place.offset)).value());
      }
    }
  }

  /// No record was found of the chunks from the next one on.
  void missing_until(std::uint64_t number) {
    if (number <= next_chunk_) return;
    bad_.push_back({next_chunk_, number - next_chunk_});
    next_chunk_ = number;
  }

  void judge_chunk(const Step& step) {
    ++counters_.chunks;
    missing_until(std::min(step.head.number, archive_.footer().chunks));
    if (step.head.number != next_chunk_) return;  // out of its turn: a copy somebody put there
    next_chunk_ = step.head.number + 1;
    seen_.push_back({step.head.number, {step.head.id, step.at, step.head.stored_size, step.head.raw_size}});
    if (!step.error && step.head.number <= archive_.size() / kHeadSize) {  // there are no more records
      sizes_.resize(step.head.number, 0);
      sizes_.push_back(step.head.raw_size);
      return;
    }
    if (!step.error) return;
    bad_.push_back({step.head.number, 1});
    damage_found(*step.error);
  }

  void judge_index(const Step& step) {
    auto chunks = decode_index(step.content);
    if (!chunks) return damage_found(in_record(std::move(chunks).error(), step.at, step.head));
    const auto end = step.head.number + chunks->size();
    for (const auto& [number, placed] : seen_) {
      if (number < step.head.number || number >= end) continue;
      const Placed& said = (*chunks)[number - step.head.number];
      if (said.id == placed.id && said.offset == placed.offset && said.stored_size == placed.stored_size &&
          said.raw_size == placed.raw_size)
        continue;
      damage_found(damage(FileOffset(step.at), name_of(step.head), fmt::format("chunk {} is not where it says", number)).value());
      break;
    }
    std::erase_if(seen_, [&](const auto& one) { return one.first < end; });
  }

  Result<> name_files(const Snapshot& snapshot) {
    if (!snapshot.damage.empty()) {
      damage_found({.code = EBADMSG,
                    .operation = "",
                    .subject = {},
                    .detail = fmt::format("{}; which files snapshot {} has cannot be told", snapshot.damage, snapshot.id)});
      return {};
    }
    EntryCursor cursor(archive_, snapshot);
    while (true) {
      auto item = cursor.next_entry();
      if (!item) {
        if (item.error().code != EBADMSG) return tl::make_unexpected(std::move(item).error());
        Error error = std::move(item).error();
        const auto gap = FOX_TRY(cursor.pass_damage());
        error.detail += gap ? fmt::format("; hit: {}: {}", snapshot.id, gap->words())
                            : fmt::format("; which files of snapshot {} follow cannot be told", snapshot.id);
        damage_found(error);
        if (gap) continue;
        return {};
      }
      if (!*item) return {};
      FOX_TRY(hold_against_size(snapshot, **item));
      const bool hit = std::ranges::any_of((*item)->content, [&](const Run& run) {
        if (run.is_hole()) return false;
        const auto first = std::ranges::partition_point(bad_, [&](const Run& bad) { return bad.first + bad.count <= run.first; });
        return first != bad_.end() && first->first < run.first + run.count;
      });
      if (!hit) continue;
      ++counters_.files_hit;
      observer_.file_hit(snapshot, (*item)->entry.path);
    }
  }

  /// A file has as many bytes as its chunks and holes, unless one of them is not known.
  Result<> hold_against_size(const Snapshot& snapshot, const Item& item) {
    if (item.entry.hard_link || item.entry.type != sys::FileType::regular) return {};
    std::uint64_t bytes = 0;
    for (const Run& run : item.content) {
      if (run.is_hole()) bytes += run.count;
      for (std::uint64_t number = run.first; !run.is_hole() && number < run.first + run.count; ++number) {
        if (number >= sizes_.size() || sizes_[number] == 0) return {};
        bytes += sizes_[number];
        if (bytes > item.entry.size) break;
      }
      if (bytes > item.entry.size) break;
    }
    if (bytes == item.entry.size) return {};
    ++counters_.files_hit;
    observer_.file_hit(snapshot, item.entry.path);
    damage_found({.code = EBADMSG,
                  .operation = "",
                  .subject = {},
                  .detail = fmt::format("damaged: '{}' in snapshot {} has {} content than its size says",
                                        printable(item.entry.path), snapshot.id, bytes > item.entry.size ? "more" : "less")});
    return {};
  }

  Archive& archive_;
  CheckObserver& observer_;
  CheckCounters counters_;
  std::uint64_t next_chunk_ = 0;
  std::vector<std::pair<std::uint64_t, Placed>> seen_;  // since the last index
  std::vector<Run> bad_;  // ascending
  std::vector<std::uint32_t> sizes_;  // of chunks that are whole; 0 of others
  std::vector<Unpacker> unpackers_;
  Pipeline<Step> pipeline_;
};

}  // namespace

Result<CheckCounters> check(Archive& archive, unsigned workers, CheckObserver& observer) {
  return Checking(archive, workers, observer).run();
}

}  // namespace foxing::archive
