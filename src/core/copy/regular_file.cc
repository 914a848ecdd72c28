// SPDX-License-Identifier: GPL-2.0-or-later
// Regular files: open and look, plan, stage, move the content, look again, dress, commit.
//
// A file is looked at (fstat) before its content is read and after.  When size, mtime or ctime differ it is read again, from the start into
// a new staged file, three times in all.  After that a file that has only grown (a log) is stored as far as it went, anything else is not, and both are reported.
// A large file is cut into pieces when another worker has nothing to do; the worker that ends the last piece goes on with it.
#include <fcntl.h>

#include <algorithm>
#include <mutex>

#include "core/copy/copier.h"
#include "sys/file.h"

namespace foxing::copy {
namespace {

constexpr int kMostReadings = 3;
constexpr Bytes kSplitFrom = 2_MiB;  // below this one worker is done before another has started
constexpr Bytes kPiece = 16_MiB;

Error changed_error() {
  return {.code = 0, .operation = "", .subject = {}, .detail = "changed while it was read, each time it was tried"};
}

}  // namespace

class LargeFile {
 public:
  LargeFile(Copier& by, walk::Hold in, std::string called, sys::Links how, Copier::Opened from, StagedFile to, const Plan& planned)
      : copier(by), directory(std::move(in)), name(std::move(called)), links(how), source(std::move(from)), staged(std::move(to)),
        plan(planned) {}

  void run_piece(ByteRange range, walk::WorkerIndex worker) {
    bool failed_before;
    {
      const std::lock_guard lock(mutex);
      failed_before = outcome.has_value() == false;
    }
    if (!failed_before) {
      auto piece = copy_piece(copier.at(worker).bench, plan, source.fd, staged.fd(), range, Copier::target_of(*directory).pair());
      const std::lock_guard lock(mutex);
      if (piece) {
        moved.tier = piece->tier;
        moved.bytes += piece->bytes;
      } else if (outcome) {
        outcome = tl::make_unexpected(std::move(piece).error());
      }
    }
    if (pieces.fetch_sub(1) == 1) finish(worker);
  }

  void finish(walk::WorkerIndex worker) {
    TargetDirectory& target = Copier::target_of(*directory);
    if (outcome) outcome = sys::truncate(staged.fd(), source.status.size());
    if (!outcome) return copier.regular_failed(directory, name, source.status, std::move(outcome).error(), worker);
    const auto after = sys::status_of(source.fd);
    if (!after) return copier.regular_failed(directory, name, source.status, after.error(), worker);
    if (!sys::same_version(source.status, *after)) {
      // Rare enough to be read again in one piece, with the retries of every other file.
      copier.at(worker).counters.retries.fetch_add(1, std::memory_order_relaxed);
      Copier::Opened again{std::move(source.fd), *after};
      { const StagedFile dropped = std::move(staged); }
      return copier.copy_regular(directory, name, links, std::move(again), worker);
    }
    auto losses = copier.dress(target, source, staged);
    if (!losses) return copier.regular_failed(directory, name, source.status, std::move(losses).error(), worker);
    if (copier.observer_.wants_files()) moved.attempts.push_back({moved.tier, 0});
    copier.commit(directory, name, std::move(source), std::move(staged), std::move(moved), plan, std::move(*losses), worker);
  }

  Copier& copier;
  walk::Hold directory;
  std::string name;
  sys::Links links;
  Copier::Opened source;
  StagedFile staged;
  Plan plan;
  std::atomic<std::size_t> pieces{0};
  std::mutex mutex;
  Moved moved{.tier = Tier::ring};  // guarded by mutex until the last piece
  Result<> outcome;                 // likewise
};

namespace {

class PieceTask final : public walk::Task {
 public:
  PieceTask(std::shared_ptr<LargeFile> file, ByteRange range) : file_(std::move(file)), range_(range) {}
  void run(walk::WorkerIndex worker) override { file_->run_piece(range_, worker); }

 private:
  std::shared_ptr<LargeFile> file_;
  ByteRange range_;
};

}  // namespace

void Copier::visit_regular(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  if (options_.dry_run) {
    const auto status = sys::status_at(directory->fd(), entry.name, entry.links);
    if (!status) return fail_entry(*directory, entry.name, status.error());
    return regular_done(*directory, entry.name, *status, {}, "dry run", worker);
  }
  auto fd = sys::open_at(directory->fd(), entry.name, {.links = entry.links, .keep_atime = true});
  if (!fd) {
    if (fd.error().code == ENOENT) return vanished(*directory, entry.name);
    if (fd.error().code == ELOOP || fd.error().code == ENXIO) {  // a link or a socket now
      return report(*directory, entry.name, ProblemKind::changed_while_read, changed_error());
    }
    return fail_entry(*directory, entry.name, std::move(fd).error());
  }
  auto status = sys::status_of(*fd);
  if (!status) return fail_entry(*directory, entry.name, std::move(status).error());
  if (status->type() != sys::FileType::regular) {
    return report(*directory, entry.name, ProblemKind::changed_while_read,
                  {.code = 0, .operation = "", .subject = {}, .detail = std::string("has become a ") + sys::name_of(status->type())});
  }
  if (may_be_linked(*status) && taken_as_link(directory, entry, *status, worker)) return;
  copy_regular(directory, entry.name, entry.links, {std::move(*fd), *status}, worker);
}

Result<Plan> Copier::plan_for(const Opened& source, const Pair& pair) const {
  Shape shape{source.status.size(), source.status.allocated(), false};
  const PairFacts facts = pair.facts();
  // A file of one block has a hole only where it has no block at all; for larger ones one lseek tells, which st_blocks does not: a
  // filesystem may have reserved as much behind the end as is missing in the middle.
  if (facts.source_tells_holes && options_.choices.sparse == Sparse::automatic && shape.size > Bytes(0)) {
    if (shape.size > 4_KiB) {
      shape.has_holes = FOX_TRY(sys::seek_hole(source.fd, FileOffset(0))) < FileOffset(shape.size.value);
      if (::lseek(source.fd.get(), 0, SEEK_SET) != 0) return fail(errno, "lseek");
    } else {
      shape.has_holes = shape.allocated == Bytes(0) && pair.source_kind != storage::Filesystem::btrfs && FOX_TRY(is_one_hole(source));
    }
  }
  return plan(shape, facts, options_.choices);
}

Result<bool> Copier::is_one_hole(const Opened& source) {
  const bool data = FOX_TRY(sys::seek_data(source.fd, FileOffset(0))).has_value();
  if (::lseek(source.fd.get(), 0, SEEK_SET) != 0) return fail(errno, "lseek");
  return !data;
}

Result<StagedFile> Copier::stage(TargetDirectory& target, std::string name, const sys::FileStatus& status) {
  const mode_t mode = meta::wanted_mode(status, options_.keep) & 0777;
  return StagedFile::create(target, temp_names_, std::move(name), mode,
                            options_.atomic ? StagedFile::Staging::atomic : StagedFile::Staging::under_final_name);
}

Result<meta::Losses> Copier::dress(TargetDirectory& target, const Opened& source, StagedFile& staged) {
  const meta::Current current = FOX_TRY(target.newborn(staged.fd(), staged.mode()));
  return meta::apply({source.fd}, source.status, {staged.fd()}, current, options_.keep, target.pair().fidelity);
}

void Copier::copy_regular(const walk::Hold& directory, const std::string& name, sys::Links links, Opened source, walk::WorkerIndex worker) {
  TargetDirectory& target = target_of(*directory);
  const auto give_up = [&](Error error) { regular_failed(directory, name, source.status, std::move(error), worker); };
  const Attempts attempts = observer_.wants_files() ? Attempts::keep : Attempts::forget;
  for (int reading = 1;; ++reading) {
    auto plan = plan_for(source, target.pair());
    if (!plan) return give_up(std::move(plan).error());
    if (reading == 1 && split(directory, name, links, source, *plan, worker)) return;
    auto staged = stage(target, target.name_for(name), source.status);
    if (!staged) return give_up(std::move(staged).error());
    auto moved = copy_content(at(worker).bench, *plan, source.fd, source.status, staged->fd(), target.pair(), attempts);
    if (!moved) return give_up(std::move(moved).error());
    auto after = sys::status_of(source.fd);
    if (!after) return give_up(std::move(after).error());

    const bool changed = !sys::same_version(source.status, *after);
    const bool only_grew = after->size() > source.status.size();
    const bool last = reading == kMostReadings;
    if (changed && !(last && only_grew)) {
      if (last) return give_up(changed_error());
      at(worker).counters.retries.fetch_add(1, std::memory_order_relaxed);
      source.status = *after;
      if (::lseek(source.fd.get(), 0, SEEK_SET) != 0) return give_up({.code = errno, .operation = "lseek", .subject = {}, .detail = {}});
      continue;
    }
    if (changed) report(*directory, name, ProblemKind::changed_while_read, changed_error());
    auto losses = dress(target, source, *staged);
    if (!losses) return give_up(std::move(losses).error());
    return commit(directory, name, std::move(source), std::move(*staged), std::move(*moved), *plan, std::move(*losses), worker);
  }
}

bool Copier::split(const walk::Hold& directory, const std::string& name, sys::Links links, Opened& source, const Plan& plan,
                   walk::WorkerIndex worker) {
  const bool streamed = plan.steps[0].tier == Tier::ring && !plan.until_end;
  if (!streamed || source.status.size() < kSplitFrom || walk_ == nullptr || !walk_->scheduler().someone_is_idle()) return false;
  TargetDirectory& target = target_of(*directory);
  auto staged = stage(target, target.name_for(name), source.status);
  if (!staged) {
    regular_failed(directory, name, source.status, std::move(staged).error(), worker);
    return true;
  }
  const std::uint64_t size = source.status.size().value;
  auto file = std::make_shared<LargeFile>(*this, directory, name, links, std::move(source), std::move(*staged), plan);
  file->pieces.store((size + kPiece.value - 1) / kPiece.value);
  // Pushed from the end, so that the stack gives them back from the start.
  for (std::uint64_t end = size; end > 0;) {
    const std::uint64_t begin = (end - 1) / kPiece.value * kPiece.value;
    walk_->scheduler().push(worker, std::make_unique<PieceTask>(file, ByteRange{FileOffset(begin), FileOffset(end)}));
    end = begin;
  }
  return true;
}

void Copier::commit(const walk::Hold& directory, const std::string& name, Opened source, StagedFile staged, Moved moved, const Plan& plan,
                    meta::Losses losses, walk::WorkerIndex worker) {
  const std::string_view why = plan.steps[0].why;
  const bool linked = may_be_linked(source.status);
  auto then = [this, directory, name, status = source.status, moved = std::move(moved), why, losses = std::move(losses), linked,
               worker](Result<> committed) {
    if (!committed) return regular_failed(directory, name, status, std::move(committed).error(), worker);
    report(*directory, name, losses);
    regular_done(*directory, name, status, moved, why, worker);
    if (linked) link_group_done(*directory, name, status, worker);
  };
  if (!options_.durable) return then(staged.commit());
  TargetDirectory& target = target_of(*directory);
  commits_.add({directory, target.status().device(), std::move(staged), std::move(then)});
}

void Copier::regular_done(walk::Directory& directory, const std::string& name, const sys::FileStatus& status, const Moved& moved,
                          std::string_view why, walk::WorkerIndex worker) {
  Counters& counters = at(worker).counters;
  constexpr auto relaxed = std::memory_order_relaxed;
  counters.files.fetch_add(1, relaxed);
  counters.bytes.fetch_add(status.size().value, relaxed);
  counters.bytes_moved.fetch_add(moved.bytes.value, relaxed);
  counters.by_tier[static_cast<std::size_t>(moved.tier)].fetch_add(1, relaxed);
  if (!observer_.wants_files()) return;
  observer_.file({FileEvent::Action::copied, directory.path_of(name), sys::FileType::regular, status.size(), moved.tier, moved.attempts, why});
}

void Copier::regular_failed(const walk::Hold& directory, const std::string& name, const sys::FileStatus& status, Error error,
                            walk::WorkerIndex worker) {
  if (error.code == 0 && error.operation[0] == '\0') {
    report(*directory, name, ProblemKind::changed_while_read, std::move(error));
  } else {
    fail_entry(*directory, name, std::move(error));
  }
  if (may_be_linked(status)) link_group_failed(status, worker);
}

}  // namespace foxing::copy
