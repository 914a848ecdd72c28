// SPDX-License-Identifier: GPL-2.0-or-later
// Regular files: open and look, plan, stage, move the content, look again, dress, commit.
//
// A file is looked at (fstat) before its content and attributes are read and after.  When size, mtime or ctime differ it is read again, from
// the start into a new staged file, three times in all.  After that a file that has only grown (a log) is stored as far as it went, anything else is not, and both are reported.
// A large file is cut into pieces when another worker has nothing to do; the worker that ends the last piece goes on with it.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <optional>

#include "core/copy/copier.h"
#include "sys/file.h"
#include "sys/process.h"

namespace foxing::copy {
namespace {

constexpr double kHotSeconds = 0.25;  // longer than one write of an ordinary program takes
constexpr Bytes kSplitFrom = 2_MiB;  // below this one worker is done before another has started
constexpr Bytes kPiece = 16_MiB;

Result<> rewind(sys::FdView file) {
  if (::lseek(file.number(), 0, SEEK_SET) != 0) return fail(errno, "lseek");
  return {};
}

}  // namespace

/// A write(2) sets the times first and moves its bytes then, so a file that was written to a moment ago may still be changing under the times
/// that it shows.  Such a file is compared after it has been copied.
bool is_hot(const sys::FileStatus& status) {
  const timespec now = sys::wall_clock();
  const double age = static_cast<double>(now.tv_sec - status.changed().tv_sec) +
                     static_cast<double>(now.tv_nsec - status.changed().tv_nsec) / 1e9;
  return age > -1 && age < kHotSeconds;
}

Error Copier::changed_error() {
  return {.code = 0, .operation = "", .subject = {}, .detail = "changed while it was read, each time it was tried"};
}

class LargeFile {
 public:
  LargeFile(Copier& by, walk::Hold in, std::string called, sys::Links how, Copier::Opened from, StagedFile to,
            const Plan& planned)
      : copier(by),
        directory(std::move(in)),
        name(std::move(called)),
        links(how),
        source(std::move(from)),
        staged(std::move(to)),
        plan(planned) {}

  /// One worker's share: piece after piece, until none is left.
  void work(walk::WorkerIndex worker) {
    while (true) {
      auto piece = next_piece();
      if (piece && !*piece) break;
      auto moved_piece =
          piece ? copy_piece(copier.at(worker).bench, plan, source.fd, staged.fd(), **piece, Copier::target_of(*directory).pair())
                : Result<Moved>(tl::make_unexpected(std::move(piece).error()));
      const std::lock_guard lock(mutex_);
      if (!moved_piece) {
        next_.store(source.status.size().value);  // nobody takes another one
        if (outcome_) outcome_ = tl::make_unexpected(std::move(moved_piece).error());
        break;
      }
      moved_.tier = moved_piece->tier;
      moved_.bytes += moved_piece->bytes;
    }
    if (sharers.fetch_sub(1) == 1) finish(worker);
  }

  Copier& copier;
  walk::Hold directory;
  std::string name;
  sys::Links links;
  Copier::Opened source;
  StagedFile staged;
  Plan plan;
  std::atomic<unsigned> sharers{0};

 private:
  /// The next piece with data in it; nothing at the end.  A hole of any size costs one SEEK_DATA.
  Result<std::optional<ByteRange>> next_piece() {
    const std::uint64_t size = source.status.size().value;
    while (true) {
      const std::uint64_t begin = next_.fetch_add(kPiece.value);
      if (begin >= size) {
        next_.store(size);  // so that it never wraps
        return std::nullopt;
      }
      const std::uint64_t end = std::min(begin + kPiece.value, size);
      if (asks_source(plan.holes)) {
        const auto data = FOX_TRY(sys::seek_data(source.fd, FileOffset(begin)));
        const std::uint64_t at = data ? data->value / kPiece.value * kPiece.value : size;
        if (at > begin) {
          for (std::uint64_t now = next_.load(); now < at && !next_.compare_exchange_weak(now, at);) {
          }
          continue;
        }
      }
      return ByteRange{FileOffset(begin), FileOffset(end)};
    }
  }

  void finish(walk::WorkerIndex worker) {
    if (outcome_ && plan.holes != Holes::none) outcome_ = sys::truncate(staged.fd(), source.status.size());
    auto settled = outcome_ && hot_
                       ? same_content(copier.at(worker).bench, source.fd, staged.fd(), source.status.size(), plan.holes)
                       : Result<bool>(true);
    if (!settled) outcome_ = tl::make_unexpected(std::move(settled).error());
    std::optional<signature::Content> content;
    if (outcome_) {
      auto hashed = copier.content_to_sign(source, staged.fd(), Copier::target_of(*directory).pair(), worker);
      if (hashed) {
        content = std::move(*hashed);
      } else {
        outcome_ = tl::make_unexpected(std::move(hashed).error());
      }
    }
    auto losses = outcome_ ? copier.dress(Copier::target_of(*directory), source, staged)
                           : Result<meta::Losses>(tl::make_unexpected(outcome_.error()));
    auto after = sys::status_of(source.fd);
    if (!after) return copier.regular_failed(directory, name, source, std::move(after).error(), worker);
    const bool changed = !sys::same_version(source.status, *after) || (settled && !*settled);
    if (changed && sys::stop_requested()) {  // no time to read it again, and a mix must not get the name
      return copier.regular_failed(directory, name, source, {.code = ECANCELED, .operation = "copy", .subject = {}, .detail = {}},
                                   worker);
    }
    if (changed) {
      // Rare enough to be read again in one piece, with the retries of every other file.
      copier.at(worker).counters.retries.fetch_add(1, std::memory_order_relaxed);
      source.status = *after;
      {
        const StagedFile dropped = std::move(staged);
      }
      return copier.copy_regular(directory, name, links, std::move(source), worker, 2);
    }
    if (!losses) return copier.regular_failed(directory, name, source, std::move(losses).error(), worker);
    if (copier.observer_.wants_files()) moved_.attempts.push_back({moved_.tier, 0});
    copier.commit(directory, name, std::move(source),
                  {std::move(staged), std::move(moved_), std::move(*losses), plan.steps[0].why, true, std::move(content)},
                  worker);
  }

  const bool hot_ = is_hot(source.status);  // before the first piece is read
  std::atomic<std::uint64_t> next_{0};  // where the next piece begins
  std::mutex mutex_;
  Moved moved_{.tier = Tier::send};  // guarded by mutex_ until the last sharer is done
  Result<> outcome_;  // likewise
};

namespace {

class ShareTask final : public walk::Task {
 public:
  explicit ShareTask(std::shared_ptr<LargeFile> file) : file_(std::move(file)) {}
  void run(walk::WorkerIndex worker) override { file_->work(worker); }

 private:
  std::shared_ptr<LargeFile> file_;
};

}  // namespace

void Copier::visit_regular(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  if (name_is_taken(*directory, entry)) return;
  Compared compared;
  std::optional<FileKey> led;  // the link group that this name is the first of
  const bool look_first = options_.dry_run || existing_target(*directory) != nullptr || options_.compare.limits_size();
  if (look_first) {
    const auto status = sys::status_at(directory->fd(), entry.name, entry.links);
    if (!status && status.error().code == ENOENT) return vanished(*directory, entry.name);
    if (!status) return fail_entry(*directory, entry.name, status.error());
    if (status->type() != sys::FileType::regular) return has_become(*directory, entry.name, status->type());
    if (left_out_by_size(directory, entry.name, *status, worker)) return;
    if (may_be_linked(*status)) {
      if (taken_as_link(directory, entry, *status, worker)) return;
      led = status->key();
    }
    if (existing_target(*directory) != nullptr &&
        standing_of(directory, entry.name, entry.links, *status, led.has_value(), compared, worker) == Standing::settled)
      return;
    if (options_.dry_run) {
      note_placed(*directory, entry.name, *status, true);
      regular_done(*directory, entry.name, *status, compared.changes, {}, "dry run", worker);
      if (led) link_group_done(*directory, entry.name, *status, worker, Inode::would_be_new);
      return;
    }
  }
  auto source = open_regular(directory, entry, worker);
  const bool is_the_one = source && (!led || source->status.key() == *led);
  if (led && !is_the_one) link_group_failed(*led, ENOENT, worker);
  if (!source) return;
  if (!is_the_one) return report(*directory, entry.name, ProblemKind::changed_while_read, changed_error());
  source->changes = compared.changes;
  source->existing = compared.existing;
  source->leads_link_group = led.has_value();
  if (!look_first && may_be_linked(source->status)) {
    if (taken_as_link(directory, entry, source->status, worker)) return;
    source->leads_link_group = true;
  }
  if (taken_from_reference(directory, entry.name, *source, worker)) return;
  if (taken_by_rename(directory, entry.name, *source, worker)) return;
  copy_regular(directory, entry.name, entry.links, std::move(*source), worker);
}

bool Copier::left_out_by_size(const walk::Hold& directory, const std::string& name, const sys::FileStatus& status,
                              walk::WorkerIndex worker) {
  const auto& limits = options_.compare;
  if (status.size() >= limits.smallest && status.size() <= limits.largest) return false;
  if (TargetDirectory* target = existing_target(*directory)) {
    const std::string called = name_in_target(*directory, name, status.type());
    if (sys::status_at(target->fd(), called)) target->count_match(called);
  }
  at(worker).counters.skipped.fetch_add(1, std::memory_order_relaxed);
  return true;
}

/// Nothing where it cannot be read or is no regular file any more; that has been reported.
std::optional<Copier::Opened> Copier::open_regular(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex) {
  auto fd = sys::open_at(directory->fd(), entry.name, {.links = entry.links, .keep_atime = true});
  if (!fd && fd.error().code == EAGAIN) fd = sys::open_leased(directory->fd(), entry.name, entry.links);
  if (!fd) {
    const int code = fd.error().code;
    if (code == ENOENT) {
      vanished(*directory, entry.name);
    } else if (code == ELOOP || code == ENXIO) {  // a link or a socket now
      report(*directory, entry.name, ProblemKind::changed_while_read, changed_error());
    } else {
      fail_entry(*directory, entry.name, std::move(fd).error());
    }
    return std::nullopt;
  }
  auto status = sys::status_of(*fd);
  if (!status) {
    fail_entry(*directory, entry.name, std::move(status).error());
    return std::nullopt;
  }
  if (status->type() != sys::FileType::regular) {
    has_become(*directory, entry.name, status->type());
    return std::nullopt;
  }
  return Opened{std::move(*fd), *status};
}

void Copier::has_become(walk::Directory& directory, std::string_view name, sys::FileType type) {
  report(directory, name, ProblemKind::changed_while_read,
         {.code = 0, .operation = "", .subject = {}, .detail = std::string("has become a ") + sys::name_of(type)});
}

Result<Plan> Copier::plan_for(const Opened& source, const Pair& pair) const {
  Shape shape{source.status.size(), source.status.allocated(), false};
  PairFacts facts = pair.facts();
  // A file of one block has a hole only where blocks are missing; for larger ones one lseek tells, which st_blocks does not: a
  // filesystem may have reserved as much behind the end as is missing in the middle.
  const bool may_tell = facts.source_tells_holes || pair.source_may_tell_holes;
  if (may_tell && options_.choices.sparse != Sparse::always && shape.size > Bytes(0)) {
    if (shape.size > 4_KiB || shape.allocated < shape.size) {
      shape.has_holes = FOX_TRY(sys::seek_hole(source.fd, FileOffset(0))) < FileOffset(shape.size.value);
      FOX_TRY(rewind(source.fd));
      facts.source_tells_holes |= shape.has_holes;  // it can, on this file
    }
  }
  const bool small = shape.size > Bytes(0) && shape.size < clone_threshold(facts);
  if (facts.clone_may_work && small && options_.choices.reflink == Reflink::automatic)
    shape.cached = sys::is_cached(source.fd, shape.size);
  return plan(shape, facts, options_.choices);
}

Result<StagedFile> Copier::stage(TargetDirectory& target, std::string name, const sys::FileStatus& status,
                                 walk::WorkerIndex worker) {
  mode_t mode = meta::wanted_mode(status, options_.keep) & 0777;
  if (!options_.keep.privileges.ignore_permissions) mode |= S_IWUSR;  // user.* attributes ask for it
  const sys::FdView apart = apart_for(target);
  return StagedFile::create(target, apart ? apart : staging_.place_for(target, worker), temp_names_, std::move(name), mode,
                            options_.atomic ? StagedFile::Staging::atomic : StagedFile::Staging::under_final_name, apart);
}

Result<meta::Losses> Copier::dress(TargetDirectory& target, const Opened& source, StagedFile& staged) {
  meta::Current current = FOX_TRY(current_of(target, staged));
  if (source.existing) current.own_mode = source.existing->permissions();
  return meta::apply({source.fd}, source.status, {staged.fd()}, current, options_.keep, target.pair().fidelity);
}

void Copier::copy_regular(const walk::Hold& directory, const std::string& name, sys::Links links, Opened source,
                          walk::WorkerIndex worker, int reading) {
  TargetDirectory& target = target_of(*directory);
  at(worker).bench.pace_file();
  if (appended_in_place(directory, name, source, worker)) return;
  if (changed_in_place(directory, name, source, worker)) return;
  for (;; ++reading) {
    if (reading == 1 && !worth_a_delta(source) && !is_packed(source)) {
      const auto plan = plan_for(source, target.pair());
      if (plan && split(directory, name, links, source, *plan, worker)) return;
    }
    auto staged = read_once(target, name_in_target(*directory, name, source), source, worker);
    // Whatever went wrong: where the file has changed under our hands (cut short by a log rotation, say) that is the reason.
    const auto after = sys::status_of(source.fd);
    if (!after) return regular_failed(directory, name, source, after.error(), worker);
    const bool changed = !sys::same_version(source.status, *after) || (staged && !staged->settled);
    const bool only_grew = staged && after->size() > source.status.size();
    const bool last = reading == kMostReadings;
    if (!staged && (!changed || last || sys::stop_requested()))
      return regular_failed(directory, name, source, std::move(staged).error(), worker);
    if (changed && !(last && only_grew)) {
      if (last) return regular_failed(directory, name, source, changed_error(), worker);
      at(worker).counters.retries.fetch_add(1, std::memory_order_relaxed);
      source.status = *after;
      if (auto rewound = rewind(source.fd); !rewound)
        return regular_failed(directory, name, source, std::move(rewound).error(), worker);
      continue;
    }
    if (changed) {
      report(*directory, name, ProblemKind::changed_while_read, changed_error());
      staged->content.reset();
    }
    return commit(directory, name, std::move(source), std::move(*staged), worker);
  }
}

Result<Copier::Finished> Copier::read_once(TargetDirectory& target, std::string name, const Opened& source,
                                           walk::WorkerIndex worker) {
  const bool hot = is_hot(source.status);
  if (options_.packing.active()) {
    const Transformation how = FOX_TRY(options_.packing.of(source.fd));
    if (how.way != Transformation::Way::none) return read_packed(target, std::move(name), source, how, hot, worker);
  }
  const Plan plan = FOX_TRY(plan_for(source, target.pair()));
  StagedFile staged = FOX_TRY(stage_or_resume(target, name, source.status, worker));
  auto changed = FOX_TRY(go_on_with_partial(source, plan, staged, target.pair(), worker));
  const char* why = "an earlier run was interrupted in it";
  if (!changed) {
    changed = FOX_TRY(change_a_clone(target, name, source, plan, staged, worker));
    why = "the target has another version of it";
  }
  if (changed) {
    const bool skip_holes = target.pair().may_skip_holes();
    const bool settled = !hot || FOX_TRY(same_bytes(at(worker).bench, source.fd, staged.fd(), source.status.size(), skip_holes));
    auto content = FOX_TRY(content_to_sign(source, staged.fd(), target.pair(), worker));
    meta::Losses losses = FOX_TRY(dress(target, source, staged));
    return Finished{std::move(staged), std::move(*changed), std::move(losses), why, settled, std::move(content)};
  }
  const Attempts attempts = observer_.wants_files() ? Attempts::keep : Attempts::forget;
  Moved moved = FOX_TRY(copy_content(at(worker).bench, plan, source.fd, source.status, staged.fd(), target.pair(), attempts));
  // Before the times are set, since reading the copy moves its atime.
  const bool settled = !hot || FOX_TRY(same_content(at(worker).bench, source.fd, staged.fd(), source.status.size(), plan.holes));
  auto content = FOX_TRY(content_to_sign(source, staged.fd(), target.pair(), worker));
  meta::Losses losses = FOX_TRY(dress(target, source, staged));
  return Finished{std::move(staged), std::move(moved), std::move(losses), plan.steps[0].why, settled, std::move(content)};
}

bool Copier::split(const walk::Hold& directory, const std::string& name, sys::Links links, Opened& source, const Plan& plan,
                   walk::WorkerIndex worker) {
  if (!can_be_shared(plan) || source.status.size() < kSplitFrom || walk_ == nullptr || !walk_->scheduler().someone_is_idle())
    return false;
  TargetDirectory& target = target_of(*directory);
  auto staged = stage_or_resume(target, target.name_for(name), source.status, worker);
  if (!staged) {
    regular_failed(directory, name, source, std::move(staged).error(), worker);
    return true;
  }
  if (staged->is_resumed()) return false;  // what is there is compared, and not written again
  if (auto reserved = preallocate(*staged, source.status, plan, target.pair()); !reserved) {
    regular_failed(directory, name, source, std::move(reserved).error(), worker);
    return true;
  }
  const std::uint64_t pieces = (source.status.size().value - 1) / kPiece.value + 1;
  const auto sharers = static_cast<unsigned>(std::min<std::uint64_t>(pieces, walk_->scheduler().workers()));
  auto file = std::make_shared<LargeFile>(*this, directory, name, links, std::move(source), std::move(*staged), plan);
  file->sharers.store(sharers);
  for (unsigned i = 0; i < sharers; ++i) walk_->scheduler().push(worker, std::make_unique<ShareTask>(file));
  return true;
}

/// Pieces written out of order make ext4 allocate out of order: 10 files of 100 MiB had 121 extents, and 10 with their
/// blocks reserved (cp: 44), in the same time.
/// XFS gives one extent a file by itself; btrfs and tmpfs only lose by it.
Result<> Copier::preallocate(const StagedFile& staged, const sys::FileStatus& status, const Plan& plan, const Pair& pair) {
  if (pair.target_kind != storage::Filesystem::ext4 || plan.holes != Holes::none) return {};
  auto reserved = sys::preallocate(staged.fd(), {FileOffset(0), FileOffset(status.size().value)});
  if (!reserved && !is_real(reserved.error().code)) return {};  // it only helps
  return reserved;
}

void Copier::commit(const walk::Hold& directory, const std::string& name, Opened source, Finished finished,
                    walk::WorkerIndex worker) {
  // Still open when it has its name, to be signed then.
  auto to_sign = finished.content ? sys::duplicate(finished.staged.fd()) : Result<sys::UniqueFd>(sys::UniqueFd());
  if (!to_sign) return regular_failed(directory, name, source, std::move(to_sign).error(), worker);
  const auto kept_open = finished.content ? std::make_shared<sys::UniqueFd>(std::move(*to_sign)) : nullptr;
  // Only what outlives the descriptor: with --fsync this runs much later, on whichever worker flushes.
  auto then = [this, directory, name, status = source.status, leads = source.leads_link_group, changes = source.changes,
               moved = std::move(finished.moved), why = finished.why, losses = std::move(finished.losses),
               content = std::move(finished.content), file = kept_open](Result<> committed, walk::WorkerIndex by) {
    const Opened closed{{}, status, leads};
    if (!committed) return regular_failed(directory, name, closed, std::move(committed).error(), by);
    report(*directory, name, losses);
    regular_done(*directory, name, status, changes, moved, why, by);
    note_placed(*directory, name, status, losses.empty() && status.type() == sys::FileType::regular);
    if (leads) link_group_done(*directory, name, status, by);
    if (content) sign(target_of(*directory), target_of(*directory).name_for(name), *file, *content, status, true);
  };
  if (!options_.durable) return then(finished.staged.commit(), worker);
  TargetDirectory& target = target_of(*directory);
  commits_.add({directory, target.status().device(), std::move(finished.staged), std::move(then)}, worker);
}

void Copier::regular_done(walk::Directory& directory, const std::string& name, const sys::FileStatus& status,
                          const Changes& changes, const Moved& moved, std::string_view why, walk::WorkerIndex worker) {
  Counters& counters = at(worker).counters;
  constexpr auto relaxed = std::memory_order_relaxed;
  counters.files.fetch_add(1, relaxed);
  counters.bytes.fetch_add(status.size().value, relaxed);
  counters.bytes_moved.fetch_add(moved.bytes.value, relaxed);
  // What was moved has been counted on its way.
  if (status.size() > moved.bytes) counters.bytes_so_far.fetch_add((status.size() - moved.bytes).value, relaxed);
  counters.by_tier[static_cast<std::size_t>(moved.tier)].fetch_add(1, relaxed);
  if (!observer_.wants_files()) return;
  FileEvent event = event_of(directory, name, FileEvent::Action::copied, sys::FileType::regular);
  event.size = status.size();
  event.changes = changes;
  event.tier = moved.tier;
  event.attempts = moved.attempts;
  event.why = why;
  event.status = status;
  event.moved = moved.bytes;
  observer_.file(event);
}

void Copier::regular_failed(const walk::Hold& directory, const std::string& name, const Opened& source, Error error,
                            walk::WorkerIndex worker) {
  const int code = error.code;
  if (error.code == 0 && error.operation[0] == '\0') {
    report(*directory, name, ProblemKind::changed_while_read, std::move(error));
  } else {
    fail_entry(*directory, name, std::move(error));
  }
  if (source.leads_link_group) link_group_failed(source.status.key(), code, worker);
}

}  // namespace foxing::copy
