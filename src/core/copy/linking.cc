// SPDX-License-Identifier: GPL-2.0-or-later
// --link: entries of the source get further names in the target; nothing is copied.
//
// Holds. What is linked is one inode with the source: nothing here sets an attribute, writes a byte or leaves a mark on it, and none of the ways of a copy
//        (existing.cc, regular_file.cc, special.cc) is gone.  Only its link count changes.  Another file under the name gives way by a rename.
//        Directories are made and dressed as always.
#include "core/copy/copier.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {
namespace {

const char* advice_for(int code) {
  switch (code) {
    case EXDEV: return "lies on another filesystem, or behind another mount: it cannot be linked";
    case EPERM:
      return "must not be linked: the filesystem has no hard links, or the file is another owner's (fs.protected_hardlinks)";
    case EMLINK: return "has as many names as the filesystem allows";
    default: return "";
  }
}

}  // namespace

void Copier::visit_to_link(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  const bool wanted = entry.type == sys::FileType::regular   ? true
                      : entry.type == sys::FileType::symlink ? options_.symlinks
                      : sys::is_device(entry.type)           ? options_.devices
                                                             : options_.specials;
  if (!wanted)
    return entry.type == sys::FileType::symlink ? visit_symlink(directory, entry, worker)
                                                : visit_special(directory, entry, worker);
  const auto fd = sys::open_at(directory->fd(), entry.name, {.access = sys::Access::path, .links = entry.links});
  if (!fd && fd.error().code == ENOENT) return vanished(*directory, entry.name);
  if (!fd) return fail_entry(*directory, entry.name, fd.error());
  const auto status = sys::status_of(*fd);
  if (!status) return fail_entry(*directory, entry.name, status.error());
  if (status->type() != entry.type) return has_become(*directory, entry.name, status->type());
  if (entry.type == sys::FileType::regular && left_out_by_size(directory, entry.name, *status, worker)) return;

  Counters& counters = at(worker).counters;
  const auto tell_of = [&](FileEvent::Action action) {
    FileEvent event = event_of(*directory, entry.name, action, entry.type);
    event.changes.created = action == FileEvent::Action::linked;
    observer_.file(event);
  };
  if (TargetDirectory* target = existing_target(*directory)) {
    const std::string name = target->name_for(entry.name);
    const auto there = sys::status_at(target->fd(), name);
    if (!there && there.error().code != ENOENT) return fail_entry(*directory, entry.name, there.error());
    const bool stays = there && (there->key() == status->key() || options_.dry_run ||
                                 policy_for(*status, *there, options_.compare) == Existing::leave);
    if (stays) target->count_match(name);  // link_file counts what gives way
    if (there && there->key() == status->key()) {
      counters.unchanged.fetch_add(1, std::memory_order_relaxed);
      if (observer_.wants_unchanged()) tell_of(FileEvent::Action::unchanged);
      return;
    }
    if (there ? policy_for(*status, *there, options_.compare) == Existing::leave : options_.compare.only_existing) {
      counters.skipped.fetch_add(1, std::memory_order_relaxed);
      return;
    }
  }
  if (!options_.dry_run) {
    TargetDirectory& target = target_of(*directory);
    auto linked = link_file(target, target.name_for(entry.name), *fd, status->key());
    if (!linked) {
      if (const char* advice = advice_for(linked.error().code); *advice != '\0') linked.error().detail = advice;
      return fail_entry(*directory, entry.name, std::move(linked).error());
    }
  }
  counters.hard_links.fetch_add(1, std::memory_order_relaxed);
  if (observer_.wants_files()) tell_of(FileEvent::Action::linked);
}

}  // namespace foxing::copy
