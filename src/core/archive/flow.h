// SPDX-License-Identifier: GPL-2.0-or-later
// The flow of content: chunks are read, unpacked and checked by several threads, and told to the restorer in order.  For importing.cc and streaming.cc.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/little_endian.h"
#include "core/archive/pipeline.h"
#include "core/archive/reader.h"
#include "core/archive/restorer.h"
#include "sys/process.h"

namespace foxing::archive {

inline constexpr std::size_t kMostUnderWay = 32 * 1024 * 1024;
inline constexpr std::size_t kStepWeight = 1024;

/// What the restorer will be told, in order.
struct FlowStep {
  enum class What {
    begin,
    chunk /* new in a stream, or out of a file */,
    lost /* new, for nobody */,
    refer /* to an earlier one */,
    hole,
    end,
    take_back,
    gap /* something of the archive is lost: `error`; what comes next is `entry.path` */
  } what;
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
      : archive_(archive),
        restorer_(restorer),
        unpackers_(workers + 1),
        pipeline_(workers, [this](FlowStep& step, unsigned worker) { work(step, unpackers_[worker]); }) {}
  virtual ~Flow() = default;

  Result<> push(FlowStep step) {
    const bool work = step.what == FlowStep::What::chunk || step.what == FlowStep::What::lost;
    const std::size_t weight = kStepWeight + step.entry.weight() +
                               (!work       ? 0
                                : step.head ? step.head->raw_size
                                            : step.placed.raw_size);
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
  virtual Result<> chunk(FlowStep& step) = 0;
  virtual Result<> refer(std::uint64_t number) = 0;
  Restorer& restorer() { return restorer_; }

 private:
  void work(FlowStep& step, Unpacker& unpacker) {
    const auto done = step.head ? unpacker.unpack(*step.head, FileOffset(step.at), step.stored, step.content)
                                : archive_->read_chunk(step.placed, step.number, unpacker, step.stored, step.content);
    if (!done) step.error = done.error();
    std::string().swap(step.stored);
  }
  Result<> pop() {
    if (sys::stop_requested()) return fail(ECANCELED, "import");
    FlowStep step = pipeline_.pop();
    switch (step.what) {
      case FlowStep::What::begin: return restorer_.begin(step.entry);
      case FlowStep::What::chunk:
      case FlowStep::What::lost: return chunk(step);
      case FlowStep::What::refer: return refer(step.number);
      case FlowStep::What::hole: return restorer_.hole(step.number);
      case FlowStep::What::end: return restorer_.end();
      case FlowStep::What::take_back: return restorer_.take_back();
      case FlowStep::What::gap: return restorer_.pass_gap(step.error, step.entry.path);
    }
    return {};
  }

  const Archive* archive_;
  Restorer& restorer_;
  std::vector<Unpacker> unpackers_;
  Pipeline<FlowStep> pipeline_;
};

// ---- From a file

class FileFlow final : public Flow {
 public:
  FileFlow(Archive& archive, unsigned workers, Restorer& restorer) : Flow(&archive, workers, restorer), archive_(archive) {}

  /// An item as the cursor gives it.
  Result<> item(Item item) {
    if (item.what == Item::What::taken_back) return push({.what = FlowStep::What::take_back});
    if (item.what == Item::What::begins) {
      left_ = item.entry.size;
      FOX_TRY(push({.what = FlowStep::What::begin, .entry = std::move(item.entry)}));
    }
    for (const Run& run : item.content) {
      if (!left_) break;
      FOX_TRY(run.is_hole() ? push({.what = FlowStep::What::hole, .number = run.count}) : chunks(run));
    }
    return item.more ? Result<>() : push({.what = FlowStep::What::end});
  }
  /// Something is lost: `why`, which is told.  What comes next lies where `next` does, be its directories among what is lost.
  Result<> gap(std::optional<Error> why, const std::string& next) {
    FlowStep step{.what = FlowStep::What::gap, .error = std::move(why)};
    step.entry.path = next;
    return push(std::move(step));
  }

 private:
  Result<> chunks(const Run& run) {
    for (std::uint64_t number = run.first; number < run.first + run.count && left_; ++number) {
      auto placed = archive_.place(number);
      if (!placed && placed.error().code != EBADMSG) return tl::make_unexpected(std::move(placed).error());
      if (!placed) {
        left_.reset();
        return push({.what = FlowStep::What::refer, .number = number});
      }
      // What is more than the size says need not be read: the restorer sees it by the first chunk too many.
      if (placed->raw_size > *left_) {
        left_.reset();
      } else {
        *left_ -= placed->raw_size;
      }
      FOX_TRY(push({.what = FlowStep::What::chunk, .number = number, .at = placed->offset, .placed = *placed}));
    }
    return {};
  }
  Result<> chunk(FlowStep& step) override {
    if (!restorer().takes_content()) return {};
    if (!step.error) return restorer().data(as_bytes(step.content));
    if (step.error->code != EBADMSG) return tl::make_unexpected(std::move(*step.error));
    restorer().give_up(std::move(*step.error));
    return {};
  }
  /// A chunk of which the index does not tell where it is.
  Result<> refer(std::uint64_t number) override {
    restorer().give_up({.code = 0,
                        .operation = "",
                        .subject = {},
                        .detail = fmt::format("damaged: where chunk {} lies cannot be found out", number)});
    return {};
  }

  Archive& archive_;
  std::optional<std::uint64_t> left_;  // of the size of the file under way; nothing where it cannot be restored any more
};

}  // namespace foxing::archive
