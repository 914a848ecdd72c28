// SPDX-License-Identifier: GPL-2.0-or-later
// --attributes-only: what the target has gets the attributes of the source, and no data is copied.
//
// Holds. No byte of a file that is there is touched, and no file gives way to anything: what has another type stays, and is reported.  A file that is missing
//        is made empty, as cp(1) makes it; the next ordinary run sees its size and copies it.  Names of one inode are not linked to each other: a name that is
//        there may hold data of its own.
#include "core/copy/copier.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {

bool Copier::keeps_another(const walk::Hold& directory, const std::string& name, sys::FileType type) {
  TargetDirectory* target = existing_target(*directory);
  if (target == nullptr) return false;
  const auto there = sys::status_at(target->fd(), target->name_for(name));
  if (!there || there->type() == type) return false;
  target->count_match(target->name_for(name));
  fail_entry(
      *directory, name,
      {.code = EEXIST,
       .operation = "",
       .subject = {},
       .detail = std::string("is a ") + sys::name_of(there->type()) + " in the target, and --attributes-only replaces nothing"});
  return true;
}

void Copier::give_attributes(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  const auto status = sys::status_at(directory->fd(), entry.name, entry.links);
  if (!status && status.error().code == ENOENT) return vanished(*directory, entry.name);
  if (!status) return fail_entry(*directory, entry.name, status.error());
  if (status->type() != sys::FileType::regular) return has_become(*directory, entry.name, status->type());
  if (left_out_by_size(directory, entry.name, *status, worker)) return;
  if (keeps_another(directory, entry.name, sys::FileType::regular)) return;
  TargetDirectory* target = existing_target(*directory);
  const std::string name = target == nullptr ? entry.name : target->name_for(entry.name);
  const auto there = target == nullptr ? Result<sys::BornStatus>(fail(ENOENT, "")) : sys::born_status_at(target->fd(), name);
  if (!there && there.error().code != ENOENT) return fail_entry(*directory, entry.name, there.error());
  if (there) target->count_match(name);
  if (there ? policy_for(*status, there->status, options_.compare) == Existing::leave : options_.compare.only_existing)
    return (void)skipped(false, *status, worker);
  if (!there) return make_empty(directory, entry, worker);

  Sides sides(directory, entry.name, entry.links, *status, *target, name, *there);
  const auto found = attribute_differences(sides);
  if (!found) return fail_entry(*directory, entry.name, found.error());
  Changes changes;
  changes.add(*found);
  if (changes.any()) return (void)update(sides, false, false, changes, *found, worker);
  at(worker).counters.unchanged.fetch_add(1, std::memory_order_relaxed);
  if (observer_.wants_unchanged()) tell(*directory, entry.name, FileEvent::Action::unchanged, *status, {});
}

void Copier::make_empty(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  constexpr std::string_view kWhy = "only attributes are copied";
  auto fd = sys::open_at(directory->fd(), entry.name, {.access = sys::Access::path, .links = entry.links});
  if (!fd && fd.error().code == ENOENT) return vanished(*directory, entry.name);
  auto status = fd ? sys::status_of(*fd) : Result<sys::FileStatus>(tl::make_unexpected(fd.error()));
  if (!status) return fail_entry(*directory, entry.name, std::move(status).error());
  if (status->type() != sys::FileType::regular) return has_become(*directory, entry.name, status->type());
  Moved moved{.tier = Tier::plain, .bytes = Bytes(0), .attempts = {}};
  sys::FileStatus counted = *status;
  counted.raw.st_size = 0;
  if (options_.dry_run) return regular_done(*directory, entry.name, counted, Changes::creation(), moved, kWhy, worker);

  const Opened source{std::move(*fd), *status};
  TargetDirectory& target = target_of(*directory);
  auto staged = stage(target, target.name_for(entry.name), *status, worker);
  if (!staged) return regular_failed(directory, entry.name, source, std::move(staged).error(), worker);
  auto newborn = target.newborn(staged->fd(), staged->mode());
  auto losses = newborn ? meta::apply({source.fd, sys::Handle::path}, *status, {staged->fd()}, *newborn, options_.keep,
                                      target.pair().fidelity)
                        : Result<meta::Losses>(tl::make_unexpected(newborn.error()));
  if (!losses) return regular_failed(directory, entry.name, source, std::move(losses).error(), worker);
  commit(directory, entry.name, {{}, counted}, {std::move(*staged), std::move(moved), std::move(*losses), kWhy}, worker);
}

}  // namespace foxing::copy
