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

void Copier::visit_symlink(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  if (!options_.symlinks) {
    return report(*directory, entry.name, ProblemKind::left_out,
                  {.code = 0, .operation = "", .subject = {}, .detail = "is a symbolic link; -l or -a copies links"}, false);
  }
  auto fd = sys::open_at(directory->fd(), entry.name, {.access = sys::Access::path});
  if (!fd && fd.error().code == ENOENT) return vanished(*directory, entry.name);
  if (!fd) return fail_entry(*directory, entry.name, std::move(fd).error());
  auto status = sys::status_of(*fd);
  if (!status) return fail_entry(*directory, entry.name, std::move(status).error());
  if (status->type() != sys::FileType::symlink) {
    return report(*directory, entry.name, ProblemKind::changed_while_read,
                  {.code = 0, .operation = "", .subject = {}, .detail = std::string("has become a ") + sys::name_of(status->type())});
  }
  if (may_be_linked(*status) && taken_as_link(directory, entry, *status, worker)) return;

  const auto text = sys::read_link_at(*fd, "");
  if (!text) return fail_entry(*directory, entry.name, text.error());
  if (!options_.dry_run) {
    TargetDirectory& target = target_of(*directory);
    auto losses = make_object(target, target.name_for(entry.name), {std::move(*fd), *status},
                              [&](const std::string& name) { return sys::make_symlink_at(target.fd(), name, *text); });
    if (!losses) {
      if (losses.error().code == ENAMETOOLONG || losses.error().code == EPERM || losses.error().code == EOPNOTSUPP) {
        report(*directory, entry.name, ProblemKind::symlink, std::move(losses).error());
      } else {
        fail_entry(*directory, entry.name, std::move(losses).error());
      }
      if (may_be_linked(*status)) link_group_failed(*status, worker);
      return;
    }
    report(*directory, entry.name, *losses);
    if (may_be_linked(*status)) link_group_done(*directory, entry.name, *status, worker);
  }
  at(worker).counters.symlinks.fetch_add(1, std::memory_order_relaxed);
  if (observer_.wants_files()) {
    observer_.file({FileEvent::Action::symlink, directory->path_of(entry.name), entry.type, status->size(), Tier::send, {}, {}});
  }
}

void Copier::visit_special(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  const bool device = entry.type == sys::FileType::character_device || entry.type == sys::FileType::block_device;
  if (device ? !options_.devices : !options_.specials) {
    return report(*directory, entry.name, ProblemKind::left_out,
                  {.code = 0, .operation = "", .subject = {},
                   .detail = std::string("is a ") + sys::name_of(entry.type) + (device ? "; -D or -a copies devices" : "; --specials, -D or -a copies it")},
                  false);
  }
  auto fd = sys::open_at(directory->fd(), entry.name, {.access = sys::Access::path, .links = entry.links});
  if (!fd && fd.error().code == ENOENT) return vanished(*directory, entry.name);
  if (!fd) return fail_entry(*directory, entry.name, std::move(fd).error());
  auto status = sys::status_of(*fd);
  if (!status) return fail_entry(*directory, entry.name, std::move(status).error());
  if (status->type() != entry.type) {
    return report(*directory, entry.name, ProblemKind::changed_while_read,
                  {.code = 0, .operation = "", .subject = {}, .detail = std::string("has become a ") + sys::name_of(status->type())});
  }
  if (may_be_linked(*status) && taken_as_link(directory, entry, *status, worker)) return;

  if (!options_.dry_run) {
    TargetDirectory& target = target_of(*directory);
    const mode_t type = status->raw.st_mode & S_IFMT;
    auto losses = make_object(target, target.name_for(entry.name), {std::move(*fd), *status}, [&](const std::string& name) {
      return sys::make_node_at(target.fd(), name, type | 0600, device ? status->special_device() : 0);
    });
    if (!losses) {
      const int code = losses.error().code;
      if (code == EPERM || code == EOPNOTSUPP || code == EINVAL || code == ENOSYS) {
        report(*directory, entry.name, device ? ProblemKind::device : ProblemKind::special, std::move(losses).error());
      } else {
        fail_entry(*directory, entry.name, std::move(losses).error());
      }
      if (may_be_linked(*status)) link_group_failed(*status, worker);
      return;
    }
    report(*directory, entry.name, *losses);
    if (may_be_linked(*status)) link_group_done(*directory, entry.name, *status, worker);
  }
  at(worker).counters.specials.fetch_add(1, std::memory_order_relaxed);
  if (observer_.wants_files()) {
    observer_.file({FileEvent::Action::special, directory->path_of(entry.name), entry.type, Bytes(0), Tier::send, {}, {}});
  }
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
  const bool ours = status.type() == source.status.type() && status.links() == 1 && status.special_device() == source.status.special_device();
  if (!ours) return fail(ESTALE, "openat", {}, "somebody put something else in the place of the new one");
  meta::Current current = meta::Current::of(status);
  current.may_have_attributes = target.inherits_acl() && status.type() != sys::FileType::symlink;
  return meta::apply({source.fd, sys::Handle::path}, source.status, {made, sys::Handle::path}, current, options_.keep,
                     target.pair().fidelity);
}

// ---- Hard links

bool Copier::taken_as_link(const walk::Hold& directory, const walk::Entry& entry, const sys::FileStatus& status, walk::WorkerIndex worker) {
  HardLinks::Name name{directory, entry.name, entry.type, entry.links};
  HardLinks::Place place;
  switch (hard_links_.meet(status.key(), status.links(), std::move(name), place)) {
    case HardLinks::Role::copy: return false;
    case HardLinks::Role::wait: return true;
    case HardLinks::Role::link: make_link({directory, entry.name, entry.type, entry.links}, place, worker); return true;
  }
  return false;
}

void Copier::link_group_done(walk::Directory& directory, const std::string& name, const sys::FileStatus& source, walk::WorkerIndex worker) {
  TargetDirectory& target = target_of(directory);
  const std::string target_name = target.name_for(name);
  std::string path = directory.relative_path();
  path += path.empty() ? target_name : '/' + target_name;
  HardLinks::Place place{std::move(path), {}};
  if (const auto made = sys::status_at(target.fd(), target_name)) place.key = made->key();  // else no link will match, and says so
  for (const HardLinks::Name& waiting : hard_links_.copied(source.key(), place)) make_link(waiting, place, worker);
}

void Copier::link_group_failed(const sys::FileStatus& status, walk::WorkerIndex worker) {
  // The next name may lie where reading is possible, or be a copy that fits.
  auto next = hard_links_.failed(status.key());
  if (!next) return;
  auto fd = sys::open_at(next->directory->fd(), next->name, {.access = next->type == sys::FileType::regular ? sys::Access::read : sys::Access::path,
                                                            .links = next->links, .keep_atime = next->type == sys::FileType::regular});
  if (!fd) {
    fail_entry(*next->directory, next->name, std::move(fd).error());
    return link_group_failed(status, worker);
  }
  const auto now = sys::status_of(*fd);
  if (next->type == sys::FileType::regular && now && now->key() == status.key()) {
    return copy_regular(next->directory, next->name, next->links, {std::move(*fd), *now}, worker);
  }
  report(*next->directory, next->name, ProblemKind::failed,
         {.code = 0, .operation = "", .subject = {}, .detail = "is another name of a file that could not be copied"});
  link_group_failed(status, worker);
}

void Copier::make_link(const HardLinks::Name& name, const HardLinks::Place& place, walk::WorkerIndex worker) {
  TargetDirectory& target = target_of(*name.directory);
  if (auto linked = link_to(target, target.name_for(name.name), place); !linked) {
    if (linked.error().code == ENOSPC || linked.error().code == EDQUOT) return fail_entry(*name.directory, name.name, std::move(linked).error());
    return report(*name.directory, name.name, ProblemKind::hard_link, std::move(linked).error());
  }
  at(worker).counters.hard_links.fetch_add(1, std::memory_order_relaxed);
  if (observer_.wants_files()) {
    observer_.file({FileEvent::Action::linked, name.directory->path_of(name.name), name.type, Bytes(0), Tier::send, {}, {}});
  }
}

Result<> Copier::link_to(TargetDirectory& target, const std::string& name, const HardLinks::Place& place) {
  const sys::UniqueFd first = FOX_TRY(sys::open_beneath(root_, place.path, {.access = sys::Access::path}));
  if (FOX_TRY(sys::status_of(first)).key() != place.key) {
    return fail(ESTALE, "linkat", {}, "the file's first name in the target has been replaced meanwhile");
  }
  auto linked = sys::link_descriptor_at(first, target.fd(), name);
  if (linked || linked.error().code != EEXIST) return linked;
  // rename(2) does nothing where both names are the same file already, and would leave the temporary one.
  if (const auto existing = sys::status_at(target.fd(), name); existing && existing->key() == place.key) return {};
  const std::string temporary = temp_names_.next();
  FOX_TRY(sys::link_descriptor_at(first, target.fd(), temporary));
  auto placed = target.put_in_place(temporary, name);
  if (!placed) (void)target.remove(temporary);
  return placed;
}

}  // namespace foxing::copy
