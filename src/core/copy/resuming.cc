// SPDX-License-Identifier: GPL-2.0-or-later
// Going on: with a partial file of an earlier run (--partial), and at the end of a file of which the target has the beginning (--append-verify).
//
// Neither believes what it finds.  A partial file is compared with the source from its first to its last byte, and written where it differs (delta.h).  A file is
// grown in place only where all it has is what the source begins with; else it is replaced, as every other.
#include <ctime>

#include "core/copy/copier.h"
#include "core/copy/delta.h"
#include "core/copy/partial.h"
#include "sys/file.h"

namespace foxing::copy {

Result<StagedFile> Copier::stage_or_resume(TargetDirectory& target, std::string name, const sys::FileStatus& status,
                                           walk::WorkerIndex worker) {
  const PartialPlace& place = options_.partial;
  if (!place.wanted() || status.size() < place.smallest || target.pair().sizes_mean_nothing)
    return stage(target, std::move(name), status, worker);
  mode_t mode = (meta::wanted_mode(status, options_.keep) & 0700) | S_IWUSR | S_IRUSR;
  StagedPartial partial = FOX_TRY(stage_partial(place, target, temp_names_, name, mode, status));
  if (partial.file) return std::move(*partial.file);
  report(ProblemKind::left_out, false,
         {.code = 0,
          .operation = "",
          .subject = target.shown() + "/" + name,
          .detail = std::string("begins anew, and is not kept if it is interrupted: ") + partial.refused});
  return stage(target, std::move(name), status, worker);
}

sys::FdView Copier::apart_for(const TargetDirectory& target) const {
  const auto& apart = options_.temp_directory;
  // Its files would lack what the target's directory gives to new ones.
  return apart.fd && apart.device == target.status().device() && !target.gives_files_something() ? apart.fd : sys::FdView(-1);
}

Result<meta::Current> Copier::current_of(TargetDirectory& target, const StagedFile& staged) {
  if (!staged.is_apart()) return target.newborn(staged.fd(), staged.mode());
  if (staged.is_kept()) FOX_TRY(unmark_partial(staged.fd()));
  meta::Current current = meta::Current::of(FOX_TRY(sys::status_of(staged.fd())));
  current.own_mode.reset();  // ours, and no mode that somebody chose
  return current;
}

Result<std::optional<Moved>> Copier::go_on_with_partial(const Opened& source, const Plan& plan, const StagedFile& staged,
                                                        const Pair& pair, walk::WorkerIndex worker) {
  if (!staged.is_resumed()) return std::nullopt;
  // Where the source can be cloned that is quicker than to read what is there.
  const bool clones = plan.steps[0].tier == Tier::clone;
  if (clones || plan.until_end) {
    FOX_TRY(sys::truncate(staged.fd(), Bytes(0)));
    return std::nullopt;
  }
  // What XFS has set aside behind the end would lie in the file once it grows, also where the source has a hole.
  const sys::FileStatus left = FOX_TRY(sys::status_of(staged.fd()));
  FOX_TRY(sys::truncate(staged.fd(), left.size()));
  const Delta delta{.source = source.fd,
                    .old = staged.fd(),
                    .into = staged.fd(),
                    .source_status = source.status,
                    .old_status = left,
                    .way = DeltaWay::in_place,
                    .holes = plan.holes,
                    .block = pair.target_block,
                    .old_tells_holes = pair.target_tells_holes,
                    .mark = DirtyMark::none,
                    .leaves = {},
                    .hash = {}};
  const DeltaDone done = FOX_TRY(delta_whole(at(worker).bench, delta));
  return count_delta(source, done.moved, worker);
}

void Copier::sweep_partials_of(walk::Directory& directory, const TargetDirectory& target) {
  if (options_.partial.name.empty()) return;
  auto swept = sweep_partials(options_.partial, directory.fd(), target);
  if (!swept) return fail_entry(directory, {}, std::move(swept).error());
  at(0).counters.litter.fetch_add(*swept, std::memory_order_relaxed);
}

void Copier::note_placed(const walk::Directory& directory, std::string_view name, const sys::FileStatus& status, bool whole) {
  if (removal_ != nullptr && whole) removal_->placed(directory, name, status);
}

// ---- --append-verify

bool Copier::appended_in_place(const walk::Hold& directory, const std::string& name, Opened& source, walk::WorkerIndex worker) {
  if (!options_.append_verify || options_.dry_run || !source.existing) return false;
  if (keeper_ != nullptr && keeper_->keeps_replaced()) return false;  // the shorter one is to be kept
  // Below that size no run looks for the mark.
  if (source.existing->size() >= source.status.size() || source.existing->size() < kSmallestMarked) return false;
  TargetDirectory& target = target_of(*directory);
  const auto plan = plan_for(source, target.pair());
  if (!plan || plan->until_end) return false;
  auto file = sys::open_at(target.fd(), target.name_for(name), {.access = sys::Access::read_write});
  auto old = file ? sys::status_of(*file) : Result<sys::FileStatus>(tl::make_unexpected(file.error()));
  if (!old || old->key() != source.existing->key() || old->type() != sys::FileType::regular) return false;
  if (old->links() > 1) return false;  // other names of the file would grow with it

  // Until it is whole nobody reads more of it than of the old and the new version, and a run that finds the mark believes nothing else of it.
  bool marked = false;
  const auto begin = [&]() -> Result<> {
    const mode_t meanwhile = old->permissions() & meta::wanted_mode(source.status, options_.keep) & 0777;
    if (meanwhile != old->permissions()) FOX_TRY(sys::set_mode({*file}, meanwhile));
    marked = FOX_TRY(mark_dirty({*file}, source.status)) == 0;
    FOX_TRY(look_old(*file));  // while it is not whole
    return options_.durable ? sys::sync_file(*file) : Result<>();
  };
  const auto failed = [&](Error error) {
    if (marked) (void)look_old(*file);  // it is a failure already
    regular_failed(directory, name, source, std::move(error), worker);
    return true;
  };
  Workbench& bench = at(worker).bench;
  DeltaMoved moved;
  for (int reading = 1;; ++reading) {
    const bool hot = is_hot(source.status);
    auto appended = append_verify(bench, source.fd, source.status, *file, *old, plan->holes, target.pair().target_block, begin);
    if (!appended) return failed(std::move(appended).error());
    if (!appended->done) return false;  // another file: it is replaced
    moved += appended->moved;
    const auto after = sys::status_of(source.fd);
    const auto now = sys::status_of(*file);
    if (!after || !now) return failed(after ? now.error() : after.error());
    bool settled = sys::same_version(source.status, *after);
    if (settled && hot) {
      const auto equal = same_bytes(bench, source.fd, *file, source.status.size());
      if (!equal) return failed(equal.error());
      settled = *equal;
    }
    if (settled) break;
    if (reading == kMostReadings && after->size() > source.status.size()) {  // as far as it went
      report(*directory, name, ProblemKind::changed_while_read, changed_error());
      break;
    }
    if (reading == kMostReadings) return failed(changed_error());
    at(worker).counters.retries.fetch_add(1, std::memory_order_relaxed);
    source.status = *after;
    *old = *now;
  }
  finish_in_place(directory, name, source, *file, moved, marked, "the target has the beginning of it", worker);
  return true;
}

}  // namespace foxing::copy
