// SPDX-License-Identifier: GPL-2.0-or-later
// Replacing a large file that the target has in another version: only the parts that differ are written (delta.h).
//
// By default the old version is cloned, changed and renamed: atomic, as every copy.  Where blocks cannot be shared the whole file is written anew, unless
// --inplace allows to change the file itself, whose readers then see a mix while it lasts (docs/adr/0015-in-place-only-when-asked.md).
#include <optional>

#include "core/copy/copier.h"
#include "core/copy/delta.h"
#include "sys/file.h"

namespace foxing::copy {
namespace {

/// The target's old version, open and still what was compared.
struct OldVersion {
  sys::UniqueFd fd;
  sys::FileStatus status;
};

std::optional<OldVersion> open_old(const TargetDirectory& target, const std::string& name, const sys::FileStatus& existing,
                                   sys::Access access) {
  auto fd = sys::open_at(target.fd(), name, {.access = access, .keep_atime = access == sys::Access::read});
  if (!fd) return std::nullopt;
  const auto status = sys::status_of(*fd);
  if (!status || status->key() != existing.key() || status->type() != sys::FileType::regular) return std::nullopt;
  return OldVersion{std::move(*fd), *status};
}

}  // namespace

bool Copier::worth_a_delta(const Opened& source) const {
  return source.existing && !options_.delta.whole_file && !options_.dry_run && source.status.size() >= options_.delta.smallest &&
         source.existing->size() >= options_.delta.smallest;
}

Result<std::optional<Moved>> Copier::change_a_clone(TargetDirectory& target, const std::string& name, const Opened& source,
                                                    const Plan& plan, const StagedFile& staged, walk::WorkerIndex worker) {
  const bool may_clone = target.pair().target_shares_blocks && options_.choices.reflink != Reflink::never;
  // Where the source itself can be cloned that is all the work (1 GiB: 9 ms, a changed clone 450 ms, docs/benchmarks.md).
  const bool source_clones = target.pair().shares_blocks && !target.pair().clone_declines.load(std::memory_order_relaxed);
  if (!worth_a_delta(source) || !may_clone || source_clones || plan.until_end) return std::nullopt;
  const auto old = open_old(target, name, *source.existing, sys::Access::read);
  if (!old) return std::nullopt;
  Bytes leaf_size;
  const std::vector<LeafHash> known = known_leaves(target, name, old->fd, old->status, leaf_size);
  const Delta delta{.source = source.fd,
                    .old = old->fd,
                    .into = staged.fd(),
                    .source_status = source.status,
                    .old_status = old->status,
                    .way = DeltaWay::clone,
                    .holes = plan.holes,
                    .block = target.pair().target_block,
                    .durable = options_.durable,
                    .leaves = {leaf_size, known},
                    .hash = hash_of_large_leaf};
  auto done = delta_whole(at(worker).bench, delta);
  if (!done) return tl::make_unexpected(std::move(done).error());
  if (done->begun.ready && done->end == DeltaEnd::done) return count_delta(source, done->moved, worker);
  // The clone was refused, or the old version changed under our hands: the staged file is filled from its beginning.
  FOX_TRY(sys::truncate(staged.fd(), Bytes(0)));
  FOX_TRY(sys::set_position(staged.fd(), FileOffset(0)));
  return std::nullopt;
}

Moved Copier::count_delta(const Opened& source, const DeltaMoved& moved, walk::WorkerIndex worker) {
  Counters& counters = at(worker).counters;
  counters.delta_files.fetch_add(1, std::memory_order_relaxed);
  counters.delta_spared.fetch_add(source.status.size().value - std::min(moved.written.value, source.status.size().value),
                                  std::memory_order_relaxed);
  Moved result{.tier = Tier::delta, .bytes = moved.written, .attempts = {}};
  if (observer_.wants_files()) result.attempts.push_back({Tier::delta, 0});
  return result;
}

bool Copier::changed_in_place(const walk::Hold& directory, const std::string& name, Opened& source, walk::WorkerIndex worker) {
  // What is replaced is to be kept.
  if (keeper_ != nullptr && keeper_->keeps_replaced()) return false;
  if (!options_.delta.in_place || !worth_a_delta(source) || source.existing->size() < kSmallestMarked) return false;
  TargetDirectory& target = target_of(*directory);
  const auto plan = plan_for(source, target.pair());
  auto old = open_old(target, target.name_for(name), *source.existing, sys::Access::read_write);
  if (!plan || plan->until_end || !old) return false;
  if (old->status.links() > 1) return false;  // other names of the file would change with it
  // Until it is done nobody else may read more of it than of the old and the new version, and it is nobody's setuid program.
  const mode_t meanwhile = old->status.permissions() & meta::wanted_mode(source.status, options_.keep) & 0777;
  if (meanwhile != old->status.permissions() && !sys::set_mode({old->fd}, meanwhile)) return false;
  Bytes leaf_size;
  std::vector<LeafHash> known = known_leaves(target, target.name_for(name), old->fd, old->status, leaf_size);
  for (int reading = 1;; ++reading) {
    const Delta delta{.source = source.fd,
                      .old = old->fd,
                      .into = old->fd,
                      .source_status = source.status,
                      .old_status = old->status,
                      .way = DeltaWay::in_place,
                      .holes = plan->holes,
                      .block = target.pair().target_block,
                      .mark = DirtyMark::where_possible,
                      .durable = options_.durable,
                      .leaves = {leaf_size, known},
                      .hash = hash_of_large_leaf};
    auto done = delta_whole(at(worker).bench, delta);
    if (done && !done->begun.ready) return false;
    if (!done) {
      regular_failed(directory, name, source, std::move(done).error(), worker);
      return true;
    }
    const auto after = sys::status_of(source.fd);
    if (after && sys::same_version(source.status, *after)) {
      finish_in_place(directory, name, source, old->fd, done->moved, done->begun.marked, "changed in place", worker);
      return true;
    }
    if (!after || reading == kMostReadings) {
      regular_failed(directory, name, source, after ? changed_error() : Error(after.error()), worker);
      return true;
    }
    at(worker).counters.retries.fetch_add(1, std::memory_order_relaxed);
    source.status = *after;
    known.clear();  // it is another one by now
    if (const auto status = sys::status_of(old->fd)) old->status = *status;
  }
}

void Copier::finish_in_place(const walk::Hold& directory, const std::string& name, const Opened& source, sys::FdView target,
                             const DeltaMoved& moved, bool marked, std::string_view why, walk::WorkerIndex worker) {
  const auto now = sys::status_of(target);
  meta::Current current = now ? meta::Current::of(*now) : meta::Current();
  current.own_mode = source.existing->permissions();
  TargetDirectory& into = target_of(*directory);
  auto losses = now ? meta::apply({source.fd}, source.status, {target}, current, options_.keep, into.pair().fidelity)
                    : Result<meta::Losses>(tl::make_unexpected(now.error()));
  auto cleared = losses && marked ? clear_dirty({target}, options_.durable) : Result<>();
  if (!losses || !cleared)
    return regular_failed(directory, name, source, losses ? std::move(cleared).error() : std::move(losses).error(), worker);
  // What may not be on disk is not vouched for: after a power failure the next run must look.  (The inode is older than this version of the source, so
  // without a note it does.)
  if (options_.durable && !options_.sign) leave_seen({target}, source.status);
  report(*directory, name, *losses);
  regular_done(*directory, name, source.status, source.changes, count_delta(source, moved, worker), why, worker);
  note_placed(*directory, name, source.status, losses->empty());
  if (source.leads_link_group) link_group_done(*directory, name, source.status, worker);
  if (options_.durable && options_.sign) sign_existing(into, into.name_for(name), source.status, *now, worker);
}

}  // namespace foxing::copy
