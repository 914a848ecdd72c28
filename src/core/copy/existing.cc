// SPDX-License-Identifier: GPL-2.0-or-later
// What the target has already: left alone where it is equal, brought up to date where only attributes differ, copied anew where data does.
//
// An entry is looked at by name on both sides (two stat calls, two listxattr) and opened only where that is not enough: bytes to compare, attributes
// to read or to set (sides.h).  docs/comparing.md has the rules for users; quick_check.h the part that is pure.
#include <sys/stat.h>

#include <algorithm>

#include "core/copy/copier.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::copy {
namespace {

/// An access time may be set through any name: no reason to make another file.
bool more_than_access(Changes changes) {
  changes.accessed = false;
  return changes.any();
}

constexpr Bytes kLargestWithoutHoles = 64_KiB;

}  // namespace

TargetDirectory* Copier::existing_target(walk::Directory& directory) {
  auto* target = static_cast<TargetDirectory*>(directory.attachment());
  return target != nullptr && !target->fresh() ? target : nullptr;
}

/// Reads both files and compares them.  False also where one of them cannot be read: copying will say why, or cure it.
Result<bool> Copier::data_is_same(Sides& sides, walk::WorkerIndex worker) {
  const auto source = sides.source_data();
  const auto copy = sides.copy_data();
  if (!source || !copy) return false;
  const sys::FileStatus& status = sides.status();
  if (!sides.source_is_as_before()) return false;
  // Where the holes are takes longer to ask than a small file to read.
  const bool skip_holes = sides.target().pair().may_skip_holes() && status.size() > kLargestWithoutHoles;
  const bool same = FOX_TRY(same_bytes(at(worker).bench, *source, *copy, status.size(), skip_holes));
  return same && sys::same_version(FOX_TRY(sys::status_of(*source)), status);
}

Result<meta::Differences> Copier::attribute_differences(Sides& sides) const {
  if (sides.links() == sys::Links::keep && !sides.are_open())
    return meta::differences_at(sides.directory()->fd(), sides.name(), sides.status(), sides.target().fd(), sides.target_name(),
                                sides.existing(), options_.keep, options_.compare.window);
  return meta::differences(FOX_TRY(sides.source()), sides.status(), FOX_TRY(sides.copy()), sides.existing(), options_.keep,
                           options_.compare.window);
}

/// Gives what is in the target the attributes of the source; its data is not touched.
Result<meta::Losses> Copier::update_attributes(Sides& sides, const meta::Differences& found) {
  const sys::FileStatus& existing = sides.existing();
  const sys::Object source = FOX_TRY(sides.source());
  const sys::Object copy = FOX_TRY(sides.copy());
  const auto signature = signature_of(copy.fd);
  const bool may_write = options_.keep.privileges.ignore_permissions || (existing.permissions() & S_IWUSR) != 0;
  const bool link = existing.type() == sys::FileType::symlink;
  if (!may_write && !link)  // user.* attributes ask for it; `apply` sets the mode behind them
    FOX_TRY(sys::set_mode(copy, existing.permissions() | S_IWUSR));
  meta::Current current = meta::Current::of(existing);
  if (!may_write && !link) current.mode |= S_IWUSR;
  current.no_attributes = found.no_attributes;
  current.times = {existing.accessed(), existing.modified()};
  auto losses = meta::apply(source, sides.status(), copy, current, options_.keep, sides.target().pair().fidelity);
  renew(copy.fd, signature, &sides.status());
  return losses;
}

Copier::Standing Copier::standing_of(const walk::Hold& directory, const std::string& name, sys::Links links,
                                     const sys::FileStatus& status, bool leads, Compared& compared, walk::WorkerIndex worker) {
  Changes& changes = compared.changes;
  const auto failed = [&](Error error) {
    const int code = error.code;
    fail_entry(*directory, name, std::move(error));
    if (leads) link_group_failed(status.key(), code, worker);
    return Standing::settled;
  };
  TargetDirectory& target = *existing_target(*directory);
  const std::string target_name = name_in_target(*directory, name, status.type());
  const auto found_there = sys::born_status_at(target.fd(), target_name);
  if (!found_there) {
    if (found_there.error().code != ENOENT) return failed(found_there.error());
    changes = Changes::creation();
    return options_.compare.only_existing ? skipped(leads, status, worker) : Standing::to_copy;
  }
  const sys::FileStatus* existing = &found_there->status;
  target.count_match(target_name);
  Sides sides(directory, name, links, status, target, target_name, *found_there);
  const bool noted = !looks_at_bytes() && is_noted(sides);  // a mark would have moved ctime
  const bool half_changed = !noted && may_be_half_changed(sides);
  if (!half_changed && policy_for(status, *existing, options_.compare) == Existing::leave) return skipped(leads, status, worker);
  if (existing->type() != status.type()) {
    changes = Changes::creation();
    return Standing::to_copy;
  }

  changes = {};
  if (existing->type() == sys::FileType::regular) compared.existing = *existing;
  if (noted && !must_be_another_inode(status, *existing, false)) return equal_already(sides, leads, worker);
  target.noted().falls_short.store(true, std::memory_order_relaxed);
  auto same = same_object(sides, changes, worker);
  if (!same && same.error().code == ECANCELED) return failed(std::move(same).error());
  if (!same) return Standing::to_copy;  // reading one of them failed: the copy will name the reason, or replace what is broken
  const auto found = attribute_differences(sides);
  if (!found) return Standing::to_copy;
  changes.add(*found);
  if (*same == Sameness::differs) return Standing::to_copy;
  if (must_be_another_inode(status, *existing, more_than_access(changes))) return Standing::to_copy;
  // The source's own inode (cp -al, --link): it is not changed.  A copy of its own takes the name, unless sharing is what was asked for.
  if (changes.any() && existing->key() == status.key() && !options_.dry_run)
    return options_.link_sources ? equal_already(sides, leads, worker) : Standing::to_copy;
  if (changes.any()) return update(sides, *same == Sameness::after_a_look, leads, changes, *found, worker);
  if (*same == Sameness::after_a_look && !options_.dry_run) note_as_seen(sides);
  return equal_already(sides, leads, worker);
}

Copier::Standing Copier::equal_already(Sides& sides, bool leads, walk::WorkerIndex worker) {
  const walk::Hold& directory = sides.directory();
  const std::string& name = sides.name();
  const sys::FileStatus& status = sides.status();
  const bool shared = sides.existing().key() == status.key();
  if (options_.sign && !shared) sign_existing(sides.target(), sides.target_name(), status, sides.existing(), worker);
  at(worker).counters.unchanged.fetch_add(1, std::memory_order_relaxed);
  at(worker).counters.bytes_so_far.fetch_add(status.type() == sys::FileType::regular ? status.size().value : 0,
                                             std::memory_order_relaxed);
  if (observer_.wants_unchanged()) tell(*directory, name, FileEvent::Action::unchanged, status, {});
  note_placed(*directory, name, status, !shared);
  if (leads) link_group_done(*directory, name, status, worker);
  return Standing::settled;
}

// ---- Notes on directories

AsOf Copier::as_of(const walk::Directory& directory, const TargetDirectory& target) const {
  return {.source = directory.status().key(), .target = target.status().inode(), .options = options_.decisive};
}

void Copier::read_note(walk::Directory& directory, TargetDirectory& target) {
  TargetDirectory::Noted& noted = target.noted();
  noted.entered = sys::wall_clock();
  if (target.fresh() || options_.compare.by != Comparison::By::quick || !can_be_noted(target.pair())) return;
  const Told told = read_as_of(target.fd(), as_of(directory, target));
  auto* above = directory.parent() == nullptr ? nullptr : existing_target(*directory.parent());
  noted.of_another_source = told.of_another_source || (!told.anything && above != nullptr && above->noted().of_another_source);
  if (options_.notes) noted.as_of = told.equal;
}

void Copier::leave_note(const walk::Directory& directory, TargetDirectory& target) {
  // In a directory that was made just now every entry is younger than the note would be.  A note that tells another source gives way even where every
  // entry was copied: left there, it would have them all compared by the next run.
  const TargetDirectory::Noted& noted = target.noted();
  // A root has one from the beginning: it tells which source was copied.
  const bool root = directory.parent() == nullptr && directory.status().inode() != InodeNo(0);
  const bool wanted = root || (!target.made() && (noted.of_another_source || noted.falls_short.load(std::memory_order_relaxed)));
  const bool by_names = options_.compare.by == Comparison::By::size || options_.compare.trust_times;  // less was compared
  if (!options_.notes || !wanted || by_names || !can_be_noted(target.pair())) return;
  if (target.spoiled() || directory.incomplete() || sys::stop_requested()) return;
  write_as_of(target.fd(), as_of(directory, target), noted.entered);
}

bool Copier::is_noted(const Sides& sides) const {
  const std::optional<timespec>& as_of = sides.target().noted().as_of;
  const sys::FileStatus &status = sides.status(), &existing = sides.existing();
  // Behind a link may be another file now, as old as the one that was compared.
  if (!as_of || sides.links() != sys::Links::keep) return false;
  if (may_change_unseen(status.changed(), *as_of) || may_change_unseen(existing.changed(), *as_of)) return false;
  const bool same_places =
      status.device() == sides.directory()->status().device() && existing.device() == sides.target().status().device();
  const bool same_size = status.type() != sys::FileType::regular || status.size() == existing.size();
  return same_places && same_size && status.type() == existing.type() &&
         !meta::status_differences(status, existing, options_.keep, options_.compare.window).any();
}

/// The quick check asks whether the source's file has changed since its copy was made.  It may be another file, which has not.
bool Copier::may_be_of_another(const Sides& sides) const {
  if (options_.compare.by != Comparison::By::quick || options_.compare.trust_times) return false;
  if (sides.target().noted().of_another_source) return true;
  if (sides.links() == sys::Links::keep) return false;
  const auto link = sys::status_at(sides.directory()->fd(), sides.name());  // a symbolic link may lead elsewhere than before
  return !link || !sides.born() || may_change_unseen(link->changed(), *sides.born());
}

/// A run that changed it in place has not come to its end: nothing but its bytes can be believed.
bool Copier::may_be_half_changed(Sides& sides) {
  if (sides.existing().type() != sys::FileType::regular || sides.existing().size() < kSmallestMarked) return false;
  const auto copy = sides.copy();
  return copy && is_marked_dirty(*copy);
}

/// An option says that it is not to be touched; other names of the file are judged for themselves.
Copier::Standing Copier::skipped(bool leads, const sys::FileStatus& status, walk::WorkerIndex worker) {
  at(worker).counters.skipped.fetch_add(1, std::memory_order_relaxed);
  if (leads) link_group_failed(status.key(), ENOENT, worker);
  return Standing::settled;
}

/// Everything but attributes: data, link text, device number.
Result<Copier::Sameness> Copier::same_object(Sides& sides, Changes& changes, walk::WorkerIndex worker) {
  const sys::FileStatus &status = sides.status(), &existing = sides.existing();
  TargetDirectory& target = sides.target();
  const auto content = [&](bool same, Sameness how) {
    changes.content = !same;
    return same ? how : Sameness::differs;
  };
  if (options_.compare.by == Comparison::By::nothing && status.type() != sys::FileType::regular) return Sameness::differs;
  switch (status.type()) {
    case sys::FileType::regular: break;
    case sys::FileType::symlink: {
      const std::string text =
          text_for_target(FOX_TRY(sys::read_link_at(sides.directory()->fd(), sides.name())), options_.link_text);
      return content(text == FOX_TRY(sys::read_link_at(target.fd(), sides.target_name())), Sameness::at_a_glance);
    }
    case sys::FileType::character_device:
    case sys::FileType::block_device: return content(status.special_device() == existing.special_device(), Sameness::at_a_glance);
    default: return Sameness::at_a_glance;
  }
  if (const auto packed = FOX_TRY(packed_sameness(sides, changes, worker))) return *packed;
  // One file under both names (--link): there is nothing to compare, and no note may be left on it.
  if (existing.key() == status.key() && options_.compare.by != Comparison::By::nothing) return Sameness::at_a_glance;
  changes.size = status.size() != existing.size();
  Data data = target.pair().sizes_mean_nothing ? Data::differs : quick_check(status, existing, sides.born(), options_.compare);
  if (data == Data::same && may_be_of_another(sides)) data = Data::look;
  if (data == Data::look && was_looked_at(sides)) data = Data::same;
  if (data == Data::look && options_.compare.by == Comparison::By::quick && !looks_at_bytes() && !may_be_half_changed(sides)) {
    const auto told = told_by_signature(sides, worker);
    if (told == Data::same) return content(true, Sameness::after_a_look);
    if (told) return content(false, Sameness::differs);
  }
  if (data == Data::same && options_.sign && was_touched(sides)) data = Data::look;
  if (data == Data::same && may_be_half_changed(sides)) data = Data::look;
  if (data == Data::same && looks_at_bytes()) data = Data::look;
  if (data == Data::same) return Sameness::at_a_glance;
  if (data == Data::differs) return Sameness::differs;
  return content(FOX_TRY(data_is_same(sides, worker)), Sameness::after_a_look);
}

/// Equal, but one file with names that it should have nothing to do with: of another group of links, or, where it is about to be changed, of others at all.
bool Copier::must_be_another_inode(const sys::FileStatus& status, const sys::FileStatus& existing, bool would_be_changed) {
  if (existing.links() <= 1) return false;
  if (!options_.hard_links) return would_be_changed;
  if (would_be_changed && existing.links() > status.links()) return true;
  return !hard_links_.claim(status.key(), existing.key());
}

Copier::Standing Copier::update(Sides& sides, bool looked, bool leads, const Changes& changes, const meta::Differences& found,
                                walk::WorkerIndex worker) {
  const walk::Hold& directory = sides.directory();
  const std::string& name = sides.name();
  const sys::FileStatus &status = sides.status(), &existing = sides.existing();
  if (!options_.dry_run) {
    auto losses = update_attributes(sides, found);
    if (!losses) {
      const int code = losses.error().code;
      fail_entry(*directory, name, std::move(losses).error());
      if (leads) link_group_failed(status.key(), code, worker);
      return Standing::settled;
    }
    report(*directory, name, *losses);
    note_placed(*directory, name, status, losses->empty() && existing.key() != status.key());
    if (looked) note_as_seen(sides);
    if (options_.sign) sign_existing(sides.target(), sides.target_name(), status, existing, worker);
  } else {
    note_placed(*directory, name, status, existing.key() != status.key());
  }
  at(worker).counters.updated.fetch_add(1, std::memory_order_relaxed);
  at(worker).counters.bytes_so_far.fetch_add(status.type() == sys::FileType::regular ? status.size().value : 0,
                                             std::memory_order_relaxed);
  if (observer_.wants_files()) tell(*directory, name, FileEvent::Action::attributes, status, changes);
  if (leads) link_group_done(*directory, name, status, worker);
  return Standing::settled;
}

/// The bytes have been compared and are equal: the next run need not do it again.
void Copier::note_as_seen(Sides& sides) const {
  if (sides.status().type() != sys::FileType::regular) return;
  const auto copy = sides.copy();
  if (!copy) return;  // the next run looks again, that is all
  if (sides.existing().size() >= kSmallestMarked) (void)clear_dirty(*copy, false);  // a dead run's: the bytes are right
  if (!options_.sign) leave_seen(*copy, sides.status());  // a signature says it too
}

bool Copier::was_looked_at(Sides& sides) const {
  if (options_.compare.by != Comparison::By::quick) return false;
  if (!meta::same_within(sides.status().modified(), sides.existing().modified(), options_.compare.window)) return false;
  const auto copy = sides.copy();
  return copy && was_seen(*copy, sides.status());
}

FileEvent Copier::event_of(const walk::Directory& directory, std::string_view name, FileEvent::Action action,
                           sys::FileType type) {
  return {.action = action,
          .path = name.empty() ? directory.path() : directory.path_of(name),
          .below = name.empty() ? directory.relative_path() : directory.relative_path_of(name),
          .type = type};
}

void Copier::tell(const walk::Directory& directory, std::string_view name, FileEvent::Action action,
                  const sys::FileStatus& status, const Changes& changes) {
  FileEvent event = event_of(directory, name, action, status.type());
  if (status.type() == sys::FileType::regular) event.size = status.size();
  event.changes = changes;
  event.status = status;
  if (status.type() == sys::FileType::symlink) event.link = sys::read_link_at(directory.fd(), std::string(name)).value_or("");
  observer_.file(event);
}

}  // namespace foxing::copy
