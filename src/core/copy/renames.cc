// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/renames.h"

#include <algorithm>

#include "base/own_names.h"
#include "core/copy/copier.h"
#include "core/copy/temp_names.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {

// ---- What is known

Renames::Look Renames::look_of(const sys::FileStatus& status) {
  return {status.size().value, status.modified().tv_sec, status.modified().tv_nsec};
}

void Renames::add(const sys::FileStatus& status, Orphan orphan) {
  const std::lock_guard lock(mutex_);
  if (orphans_.size() < kMost) orphans_.emplace(look_of(status), std::move(orphan));
}

std::vector<const Renames::Orphan*> Renames::candidates(const sys::FileStatus& source, std::string_view name) const {
  const auto is_called_so = [name](const Orphan& orphan) {
    const std::string_view path = orphan.path;
    return path.ends_with(name) && (path.size() == name.size() || path[path.size() - name.size() - 1] == '/');
  };
  const std::lock_guard lock(mutex_);
  std::vector<const Orphan*> found;
  std::vector<const Orphan*> others;
  const auto [begin, end] = orphans_.equal_range(look_of(source));
  for (auto at = begin; at != end && found.size() < kMostCandidates; ++at) {
    if (claimed_.contains(at->second.key)) continue;
    if (is_called_so(at->second)) {
      found.push_back(&at->second);
    } else if (others.size() < kMostCandidates) {
      others.push_back(&at->second);
    }
  }
  others.resize(std::min(others.size(), kMostCandidates - found.size()));
  found.insert(found.end(), others.begin(), others.end());
  return found;
}

bool Renames::claim(const Orphan& orphan) {
  const std::lock_guard lock(mutex_);
  return claimed_.insert(orphan.key).second;
}

// ---- The pass

/// The source's directory, invalid where it has none, beside the target's that is walked.
class OrphanPass::Beside final : public walk::Attachment {
 public:
  Beside(sys::UniqueFd fd, std::string path, std::shared_ptr<const sys::UniqueFd> root)
      : source(std::move(fd)), path_of_root(std::move(path)), source_root(std::move(root)) {}
  const sys::UniqueFd source;
  const std::string path_of_root;  // of the walk's root, below the target's
  const std::shared_ptr<const sys::UniqueFd> source_root;  // beside that
};

std::unique_ptr<walk::Attachment> OrphanPass::beside(sys::UniqueFd source, std::string path) {
  auto again = sys::duplicate(source);
  auto root = again ? std::make_shared<const sys::UniqueFd>(std::move(*again)) : nullptr;
  return std::make_unique<Beside>(std::move(source), std::move(path), std::move(root));
}

walk::Visitor::Descend OrphanPass::enter(walk::Directory& directory, walk::WorkerIndex) {
  if (directory.parent() == nullptr) return Descend::yes;
  const auto& above = static_cast<const Beside&>(*directory.parent()->attachment());
  if (directory.status().device() != directory.parent()->status().device()) return Descend::no;
  sys::UniqueFd source;
  if (above.source) {
    auto opened = sys::open_at(above.source, directory.name(), {.access = sys::Access::path, .directory = true});
    if (opened) source = std::move(*opened);
    if (!opened && opened.error().code != ENOENT && opened.error().code != ENOTDIR) return Descend::no;  // not known
  }
  directory.attach(std::make_unique<Beside>(std::move(source), above.path_of_root, above.source_root));
  return Descend::yes;
}

void OrphanPass::visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex) {
  if (entry.type != sys::FileType::regular || TempNames::maker_of(entry.name) || is_own_name(entry.name)) return;
  const auto& beside = static_cast<const Beside&>(*directory->attachment());
  if (beside.source) {
    const auto there = sys::status_at(beside.source, entry.name);
    if (there || there.error().code != ENOENT) return;
  }
  const auto status = sys::status_at(directory->fd(), entry.name);
  // Other names of it would change with it.
  if (!status || status->type() != sys::FileType::regular || status->size() == Bytes(0) || status->links() != 1) return;
  std::string path = beside.path_of_root;
  if (!path.empty()) path += '/';
  const std::string below = directory->relative_path_of(entry.name);
  renames_.add(*status, {path + below, status->key(), beside.source_root, below});
}

// ---- The copier

bool Copier::taken_by_rename(const walk::Hold& directory, const std::string& name, const Opened& source,
                             walk::WorkerIndex worker) {
  if (options_.renames == nullptr || options_.renames->empty() || source.existing || !root_) return false;
  for (const Renames::Orphan* orphan : options_.renames->candidates(source.status, name)) {
    if (sys::stop_requested()) return false;
    if (taken_from_orphan(directory, name, source, *orphan, worker)) return true;
  }
  return false;
}

bool Copier::taken_from_orphan(const walk::Hold& directory, const std::string& name, const Opened& source,
                               const Renames::Orphan& orphan, walk::WorkerIndex worker) {
  TargetDirectory& target = target_of(*directory);
  const auto old = sys::open_beneath(root_, orphan.path, {.keep_atime = true});
  const auto status = old ? sys::status_of(*old) : Result<sys::FileStatus>(tl::make_unexpected(old.error()));
  const bool as_found = status && status->key() == orphan.key && status->links() == 1 && status->size() == source.status.size() &&
                        status->device() == target.status().device();
  if (!as_found || is_marked_dirty({*old})) return false;
  const bool skip_holes = target.pair().may_skip_holes();
  const auto equal = same_bytes(at(worker).bench, source.fd, *old, source.status.size(), skip_holes);
  const auto after = sys::status_of(source.fd);
  if (!equal || !*equal || !after || !sys::same_version(source.status, *after)) return false;
  return options_.renames->may_move() ? moved_from_orphan(directory, name, source, orphan, *old, *status, worker)
                                      : cloned_from_orphan(directory, name, source, *old, worker);
}

/// The old name goes when all is done: at no moment has the file none.
bool Copier::moved_from_orphan(const walk::Hold& directory, const std::string& name, const Opened& source,
                               const Renames::Orphan& orphan, sys::FdView old, const sys::FileStatus& status,
                               walk::WorkerIndex worker) {
  TargetDirectory& target = target_of(*directory);
  const auto signature = signature_of(old);
  const std::string temporary = temp_names_.next();
  const auto path = sys::open_beneath(root_, orphan.path, {.access = sys::Access::path});
  if (!path || !options_.renames->claim(orphan)) return false;
  if (!sys::link_descriptor_at(*path, target.fd(), temporary)) return false;
  const auto linked = sys::status_at(target.fd(), temporary);
  auto losses =
      linked && linked->key() == status.key()
          ? meta::apply({source.fd}, source.status, {old}, meta::Current::of(status), options_.keep, target.pair().fidelity)
          : Result<meta::Losses>(fail(ESTALE, "linkat"));
  const bool placed = losses && target.put_in_place(temporary, target.name_for(name));
  if (!placed) {
    (void)target.remove(temporary);
    return false;
  }
  {
    const std::lock_guard lock(moved_orphans_mutex_);
    moved_orphans_.push_back(orphan);
  }
  if (!options_.sign) leave_seen({old}, source.status);  // the inode is older than the source's new name
  report(*directory, name, *losses);
  renamed(directory, name, source, orphan, worker);
  renew(old, signature, &source.status);
  if (options_.sign) sign_existing(target, target.name_for(name), source.status, status, worker);
  return true;
}

/// A name may have come back to the source since it was looked for, and its copy may have been found equal.
bool Copier::source_lacks(const Renames::Orphan& orphan) {
  if (orphan.source == nullptr) return false;
  const auto there = sys::open_beneath(*orphan.source, orphan.source_path, {.access = sys::Access::path});
  return !there && (there.error().code == ENOENT || there.error().code == ENOTDIR);
}

/// Their directories have their times already, or get them later: this must not be what moves them.
Result<> Copier::remove_moved_orphans() {
  for (const Renames::Orphan& orphan : moved_orphans_) {
    const std::size_t slash = orphan.path.rfind('/');
    const std::string above = slash == std::string::npos ? "." : orphan.path.substr(0, slash);
    const std::string last = slash == std::string::npos ? orphan.path : orphan.path.substr(slash + 1);
    const auto parent = sys::open_beneath(root_, above, {.directory = true, .keep_atime = true});
    const auto file = parent ? sys::open_at(*parent, last, {.access = sys::Access::path})
                             : Result<sys::UniqueFd>(tl::make_unexpected(parent.error()));
    const auto there = file ? sys::status_of(*file) : Result<sys::FileStatus>(tl::make_unexpected(file.error()));
    if (!there || there->key() != orphan.key || !source_lacks(orphan))
      continue;  // another run's affair by now; what is too much is deleted later
    const sys::FileStatus before = FOX_TRY(sys::status_of(*parent));
    const auto signature = signature_of(*file);
    if (auto gone = sys::unlink_at(*parent, last); !gone) return tl::make_unexpected(std::move(gone).error().about(orphan.path));
    FOX_TRY(sys::set_times({*parent}, before.accessed(), before.modified()));
    renew(*file, signature, nullptr);
  }
  return {};
}

bool Copier::cloned_from_orphan(const walk::Hold& directory, const std::string& name, const Opened& source, sys::FdView old,
                                walk::WorkerIndex worker) {
  TargetDirectory& target = target_of(*directory);
  if (options_.choices.reflink == Reflink::never || !target.pair().target_shares_blocks) return false;
  auto staged = stage(target, target.name_for(name), source.status, worker);
  if (!staged || !sys::clone(old, staged->fd())) return false;  // the usual way will say what is wrong
  auto content = content_to_sign(source, staged->fd(), target.pair(), worker);
  auto losses = dress(target, source, *staged);
  const auto after = sys::status_of(source.fd);
  if (!losses || !content || !after || !sys::same_version(source.status, *after)) return false;
  at(worker).counters.renamed.fetch_add(1, std::memory_order_relaxed);
  Moved moved{.tier = Tier::clone, .bytes = Bytes(0), .attempts = {}};
  if (observer_.wants_files()) moved.attempts.push_back({Tier::clone, 0});
  commit(directory, name, {{}, source.status, source.leads_link_group, source.changes},
         {std::move(*staged), std::move(moved), std::move(*losses), "another name in the target has the same data", true,
          std::move(*content)},
         worker);
  return true;
}

void Copier::renamed(const walk::Hold& directory, const std::string& name, const Opened& source, const Renames::Orphan& orphan,
                     walk::WorkerIndex worker) {
  Counters& counters = at(worker).counters;
  constexpr auto relaxed = std::memory_order_relaxed;
  counters.files.fetch_add(1, relaxed);
  counters.renamed.fetch_add(1, relaxed);
  counters.bytes.fetch_add(source.status.size().value, relaxed);
  if (observer_.wants_files()) {
    FileEvent event = event_of(*directory, name, FileEvent::Action::renamed, sys::FileType::regular);
    event.size = source.status.size();
    event.changes = source.changes;
    event.from = orphan.path;
    event.status = source.status;
    observer_.file(event);
  }
  if (source.leads_link_group) link_group_done(*directory, name, source.status, worker);
}

}  // namespace foxing::copy
