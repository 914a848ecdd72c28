// SPDX-License-Identifier: GPL-2.0-or-later
// Symbolic links, fifos, sockets, devices, and further names of files that are there already.
// None of them is ever opened for content: O_PATH is enough to look at them and to dress them.
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "core/copy/copier.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {

namespace {

Error left_out(std::string what) { return {.code = 0, .operation = "", .subject = {}, .detail = std::move(what)}; }

/// The target has no such objects, or not for us.
bool is_refusal(int code) {
  return code == EPERM || code == EOPNOTSUPP || code == EINVAL || code == ENOSYS || code == ENAMETOOLONG;
}

}  // namespace

/// The user has named what is in it one by one: what of that is left out is missed.
bool Copier::is_named(const walk::Directory& directory) {
  return directory.implied() || directory.status().inode() == InodeNo(0);
}

void Copier::visit_symlink(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  if (!options_.symlinks) {
    return report(*directory, entry.name, ProblemKind::left_out, left_out("is a symbolic link; -l or -a copies links"),
                  is_named(*directory));
  }
  visit_object(directory, entry, worker);
}

void Copier::visit_special(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  const bool device = sys::is_device(entry.type);
  if (device && options_.device_contents) return copy_device(directory, entry, worker);
  if (device ? !options_.devices : !options_.specials) {
    const char* way_out = entry.type == sys::FileType::block_device
                              ? "; --devices, -D or -a copies it, --copy-devices its content"
                          : device ? "; --devices, -D or -a copies it"
                                   : "; --specials, -D or -a copies it";
    return report(*directory, entry.name, ProblemKind::left_out,
                  left_out(std::string("is a ") + sys::name_of(entry.type) + way_out), is_named(*directory));
  }
  visit_object(directory, entry, worker);
}

void Copier::visit_object(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  auto fd = sys::open_at(directory->fd(), entry.name, {.access = sys::Access::path, .links = entry.links});
  if (!fd && fd.error().code == ENOENT) return vanished(*directory, entry.name);
  if (!fd) return fail_entry(*directory, entry.name, std::move(fd).error());
  auto status = sys::status_of(*fd);
  if (!status) return fail_entry(*directory, entry.name, std::move(status).error());
  if (status->type() != entry.type) return has_become(*directory, entry.name, status->type());
  if (options_.attributes_only && keeps_another(directory, entry.name, entry.type)) return;
  const bool leads = may_be_linked(*status);
  if (leads && taken_as_link(directory, entry, *status, worker)) return;
  Compared compared;
  if (existing_target(*directory) != nullptr &&
      standing_of(directory, entry.name, entry.links, *status, leads, compared, worker) == Standing::settled)
    return;
  copy_object(directory, entry.name, {std::move(*fd), *status, leads, compared.changes}, worker);
}

void Copier::copy_object(const walk::Hold& directory, const std::string& name, Opened source, walk::WorkerIndex worker) {
  const sys::FileStatus status = source.status;
  const bool leads = source.leads_link_group;
  const Changes changes = source.changes;
  auto losses =
      options_.dry_run ? Result<meta::Losses>(meta::Losses{}) : make_copy(target_of(*directory), name, std::move(source));
  if (!losses) {
    const int code = losses.error().code;
    if (is_refusal(code)) {
      const ProblemKind kind = status.type() == sys::FileType::symlink ? ProblemKind::symlink
                               : sys::is_device(status.type())         ? ProblemKind::device
                                                                       : ProblemKind::special;
      report(*directory, name, kind, std::move(losses).error());
    } else {
      fail_entry(*directory, name, std::move(losses).error());
    }
    if (leads) link_group_failed(status.key(), code, worker);
    return;
  }
  report(*directory, name, *losses);
  const bool link = status.type() == sys::FileType::symlink;
  (link ? at(worker).counters.symlinks : at(worker).counters.specials).fetch_add(1, std::memory_order_relaxed);
  if (observer_.wants_files())
    tell(*directory, name, link ? FileEvent::Action::symlink : FileEvent::Action::special, status, changes);
  note_placed(*directory, name, status, losses->empty());
  if (leads) link_group_done(*directory, name, status, worker, options_.dry_run ? Inode::would_be_new : Inode::of_the_target);
}

Result<meta::Losses> Copier::make_copy(TargetDirectory& target, const std::string& name, Opened source) {
  const std::string target_name = target.name_for(name);
  if (source.status.type() == sys::FileType::symlink) {
    const std::string text = text_for_target(FOX_TRY(sys::read_link_at(source.fd, "")), options_.link_text);
    return make_object(target, target_name, source,
                       [&](const std::string& as) { return sys::make_symlink_at(target.fd(), as, text); });
  }
  const mode_t type = source.status.raw.st_mode & S_IFMT;
  const dev_t device = sys::is_device(source.status.type()) ? source.status.special_device() : 0;
  return make_object(target, target_name, source,
                     [&](const std::string& as) { return sys::make_node_at(target.fd(), as, type | 0600, device); });
}

Result<meta::Losses> Copier::make_object(TargetDirectory& target, const std::string& name, const Opened& source,
                                         const std::function<Result<>(const std::string&)>& make) {
  // A new name in a directory of ours is made in place: such an object has no content that could be half there.
  if (target.fresh()) {
    auto made = make(name);
    if (made) {
      auto losses = dress_object(target, name, source);
      if (!losses) (void)target.remove(name);
      return losses;
    }
    if (made.error().code != EEXIST) return tl::make_unexpected(std::move(made).error());
    if (!target.taken_by_somebody_else(name))
      return fail(EEXIST, made.error().operation, {},
                  "another entry of the source has this name already: the target does not tell the two names apart");
  }
  const std::string temporary = temp_names_.next();
  FOX_TRY(make(temporary));
  auto losses = dress_object(target, temporary, source);
  auto placed = losses ? target.put_in_place(temporary, name) : Result<>();
  if (losses && placed) return losses;
  (void)target.remove(temporary);
  if (!losses) return losses;
  return tl::make_unexpected(std::move(placed).error());
}

Result<meta::Losses> Copier::dress_object(TargetDirectory& target, const std::string& name, const Opened& source) {
  const sys::UniqueFd made = FOX_TRY(sys::open_at(target.fd(), name, {.access = sys::Access::path}));
  const sys::FileStatus status = FOX_TRY(sys::status_of(made));
  // What we are about to give away must be what we made, and not something that was put in its place.
  const bool ours =
      status.type() == source.status.type() && status.links() == 1 && status.special_device() == source.status.special_device();
  if (!ours) return fail(ESTALE, "openat", {}, "somebody put something else in the place of the new one");
  meta::Current current = meta::Current::of(status);
  current.own_mode.reset();  // made a moment ago
  current.may_have_attributes = target.inherits_acl() && status.type() != sys::FileType::symlink;
  return meta::apply({source.fd, sys::Handle::path}, source.status, {made, sys::Handle::path}, current, options_.keep,
                     target.pair().fidelity);
}

// ---- Hard links

bool Copier::taken_as_link(const walk::Hold& directory, const walk::Entry& entry, const sys::FileStatus& status,
                           walk::WorkerIndex worker) {
  if (removal_ != nullptr) removal_->met(status.key());
  HardLinks::Name name{directory, entry.name, entry.type, entry.links};
  HardLinks::Place place;
  switch (hard_links_.meet(status.key(), status.links(), std::move(name), place)) {
    case HardLinks::Role::copy: return false;
    case HardLinks::Role::wait: return true;
    case HardLinks::Role::link:
      make_link({directory, entry.name, entry.type, entry.links}, place, status.key(), worker);
      return true;
  }
  return false;
}

void Copier::link_group_done(walk::Directory& directory, const std::string& name, const sys::FileStatus& source,
                             walk::WorkerIndex worker, Inode inode) {
  const auto* target = static_cast<TargetDirectory*>(directory.attachment());  // in a dry run there may be none
  const std::string target_name = target == nullptr ? name : name_in_target(directory, name, source.type());
  std::string path = directory.relative_path();
  path += path.empty() ? target_name : '/' + target_name;
  HardLinks::Place place{std::move(path), {}};
  if (target != nullptr && inode == Inode::of_the_target) {
    if (const auto made = sys::status_at(target->fd(), target_name))
      place.key = made->key();  // else no link will match, and says so
  }
  for (const HardLinks::Name& waiting : hard_links_.copied(source.key(), place)) make_link(waiting, place, source.key(), worker);
}

namespace {

/// Errors that another place in the target may not have; what could not be read or has no room cannot be better elsewhere.
bool is_of_the_place(int code) {
  return code == EACCES || code == EPERM || code == ENOTEMPTY || code == EBUSY || code == EEXIST || code == ENOENT ||
         code == ESTALE || code == ENAMETOOLONG;
}

}  // namespace

void Copier::link_group_failed(const FileKey& key, int code, walk::WorkerIndex worker) {
  if (!is_of_the_place(code)) {
    for (const HardLinks::Name& name : hard_links_.given_up(key)) {
      fail_entry(*name.directory, name.name,
                 {.code = code, .operation = "", .subject = {}, .detail = "is another name of a file that could not be copied"});
    }
    return;
  }
  auto next = hard_links_.failed(key);
  if (!next) return;
  FOX_ASSERT(walk_ != nullptr);
  // As a task and not by a call: a thousand names may fail one after the other.
  walk_->scheduler().push(worker,
                          std::make_unique<walk::FunctionTask>([this, name = std::move(*next), key](walk::WorkerIndex by) {
                            if (!copy_name(name, true, key, by)) link_group_failed(key, ENOENT, by);
                          }));
}

bool Copier::copy_name(const HardLinks::Name& name, bool leads, const FileKey& key, walk::WorkerIndex worker) {
  if (left_alone(name, worker)) return false;
  const bool regular = name.type == sys::FileType::regular;
  auto fd = sys::open_at(name.directory->fd(), name.name,
                         {.access = regular ? sys::Access::read : sys::Access::path, .links = name.links, .keep_atime = regular});
  auto status = fd ? sys::status_of(*fd) : Result<sys::FileStatus>(tl::make_unexpected(fd.error()));
  if (!status && status.error().code == ENOENT) {
    vanished(*name.directory, name.name);
    return false;
  }
  if (!status) {
    fail_entry(*name.directory, name.name, std::move(status).error());
    return false;
  }
  if (status->type() != name.type || status->key() != key) {
    report(*name.directory, name.name, ProblemKind::changed_while_read,
           left_out("has become another file while the tree was copied"));
    return false;
  }
  Opened source{std::move(*fd), *status, leads};
  if (regular && options_.dry_run) {
    regular_done(*name.directory, name.name, *status, source.changes, {}, "dry run", worker);
    if (leads) link_group_done(*name.directory, name.name, *status, worker, Inode::would_be_new);
  } else if (regular) {
    copy_regular(name.directory, name.name, name.links, std::move(source), worker);
  } else {
    copy_object(name.directory, name.name, std::move(source), worker);
  }
  return true;
}

namespace {

/// Too many names, names in another project, no links on this filesystem; ELOOP: the first name lies behind a link that -K keeps.
bool refuses_links(int code) {
  return code == EMLINK || code == EXDEV || code == EPERM || code == EOPNOTSUPP || code == ENOSYS || code == ELOOP ||
         code == ESTALE;
}

}  // namespace

bool Copier::left_alone(const HardLinks::Name& name, walk::WorkerIndex worker) {
  TargetDirectory* target = existing_target(*name.directory);
  const Comparison& compare = options_.compare;
  if (target == nullptr || (!compare.only_existing && !compare.only_new && !compare.newer_stays)) return false;
  const std::string target_name = name_in_target(*name.directory, name.name, name.type);
  const auto there = sys::status_at(target->fd(), target_name);
  const auto source = sys::status_at(name.directory->fd(), name.name, name.links);
  const bool stays = there ? source && policy_for(*source, *there, compare) == Existing::leave : compare.only_existing;
  if (!stays) return false;
  if (there) target->count_match(target_name);
  at(worker).counters.skipped.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void Copier::make_link(const HardLinks::Name& name, const HardLinks::Place& place, const FileKey& key, walk::WorkerIndex worker) {
  auto* target = static_cast<TargetDirectory*>(name.directory->attachment());  // in a dry run there may be none
  const std::string target_name = target == nullptr ? name.name : name_in_target(*name.directory, name.name, name.type);
  if (left_alone(name, worker)) return;
  auto linked = options_.dry_run ? would_link(target, target_name, place) : link_to(*target, target_name, place);
  if (!linked) {
    if (!refuses_links(linked.error().code)) return fail_entry(*name.directory, name.name, std::move(linked).error());
    // Too many links, or none at all on this filesystem: the content is there at least, and it is said that it is not one file.
    linked.error().detail = "copied as a file of its own";
    if (removal_ != nullptr) removal_->spoiled(key);
    report(*name.directory, name.name, ProblemKind::hard_link, std::move(linked).error());
    copy_name(name, false, key, worker);
    return;
  }
  if (removal_ != nullptr) {
    const auto source = sys::status_at(name.directory->fd(), name.name, name.links);
    if (source && source->key() == key) note_placed(*name.directory, name.name, *source, place.key != key);
  }
  Counters& counters = at(worker).counters;
  const bool made = *linked == Linked::now;
  (made ? counters.hard_links : counters.unchanged).fetch_add(1, std::memory_order_relaxed);
  if (!(made ? observer_.wants_files() : observer_.wants_unchanged())) return;
  FileEvent event =
      event_of(*name.directory, name.name, made ? FileEvent::Action::linked : FileEvent::Action::unchanged, name.type);
  event.changes.created = made;
  if (made) event.link = place.path;
  if (const auto status = sys::status_at(name.directory->fd(), name.name, name.links)) event.status = *status;
  observer_.file(event);
}

Result<Copier::Linked> Copier::link_to(TargetDirectory& target, const std::string& name, const HardLinks::Place& place) {
  const sys::UniqueFd first = FOX_TRY(sys::open_beneath(root_, place.path, {.access = sys::Access::path}));
  if (FOX_TRY(sys::status_of(first)).key() != place.key) {
    return fail(ESTALE, "linkat", {}, "the file's first name in the target has been replaced meanwhile");
  }
  const auto signature = signature_of(first);
  auto linked = link_file(target, name, first, place.key);
  if (linked && *linked == Linked::now) renew(first, signature, nullptr);
  return linked;
}

Result<Copier::Linked> Copier::would_link(TargetDirectory* target, const std::string& name, const HardLinks::Place& place) {
  if (target == nullptr) return Linked::now;
  const auto existing = sys::status_at(target->fd(), name);
  if (!existing && existing.error().code == ENOENT) return Linked::now;
  if (!existing) return tl::make_unexpected(existing.error());
  target->count_match(name);
  return existing->key() == place.key ? Linked::before : Linked::now;
}

Result<Copier::Linked> Copier::link_file(TargetDirectory& target, const std::string& name, sys::FdView file, const FileKey& key) {
  auto linked = sys::link_descriptor_at(file, target.fd(), name);
  if (linked) return Linked::now;
  if (linked.error().code != EEXIST || (target.fresh() && !target.taken_by_somebody_else(name)))
    return tl::make_unexpected(std::move(linked).error());
  target.count_match(name);
  // rename(2) does nothing where both names are the same file already, and would leave the temporary one.
  const auto existing = sys::status_at(target.fd(), name);
  if (existing && existing->key() == key) return Linked::before;
  if (!existing && existing.error().code != ENOENT) return tl::make_unexpected(existing.error());
  const std::string temporary = temp_names_.next();
  FOX_TRY(sys::link_descriptor_at(file, target.fd(), temporary));
  auto placed = target.put_in_place(temporary, name);
  if (placed) return Linked::now;
  (void)target.remove(temporary);
  return tl::make_unexpected(std::move(placed).error());
}

}  // namespace foxing::copy
