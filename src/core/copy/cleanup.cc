// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/cleanup.h"

#include <algorithm>

#include "core/copy/partial.h"
#include "core/copy/temp_names.h"
#include "sys/names.h"

namespace foxing::copy {

bool Cleanup::is_litter(walk::Directory& directory, std::string_view name) {
  if (!TempNames::maker_of(name)) return false;
  if (TempNames::is_litter(directory.fd(), name)) return true;
  kept_.fetch_add(1);
  return false;
}

void Cleanup::remove(walk::Directory& directory, const std::string& name, bool is_directory) {
  auto removed = dry_run_       ? Result<>()
                 : is_directory ? sys::remove_directory_at(directory.fd(), name)
                                : sys::unlink_at(directory.fd(), name);
  if (removed) {
    removed_.fetch_add(1);
    if (observer_.wants_files()) {
      const auto type = is_directory ? sys::FileType::directory : sys::FileType::regular;
      observer_.file({.action = FileEvent::Action::removed, .path = directory.path_of(name), .type = type});
    }
    return;
  }
  if (removed.error().code == ENOENT) return;
  // A directory that gave way to a file and has got something in it since: that is somebody's data now.
  const ProblemKind kind = removed.error().code == ENOTEMPTY ? ProblemKind::in_the_way : ProblemKind::failed;
  observer_.problem({kind, true, std::move(removed).error().about(directory.path_of(name))});
}

walk::Visitor::Descend Cleanup::enter(walk::Directory& directory, walk::WorkerIndex) {
  // A temporary directory is looked at from its parent, whose descriptor is open here: nothing below it is ours.
  if (walk::Directory* parent = directory.parent(); parent != nullptr && is_litter(*parent, directory.name())) {
    remove(*parent, directory.name(), true);
    return Descend::no;
  }
  return Descend::yes;
}

/// A root may be one itself: --partial-dir=/DIR.
bool Cleanup::holds_partials(const walk::Directory& directory) const {
  std::string_view name = directory.name();
  while (name.ends_with('/')) name.remove_suffix(1);
  name.remove_prefix(std::min(name.rfind('/') + 1, name.size()));
  return name == kPartialDirectory || (!partial_.empty() && name == partial_);
}

/// Partial files lie in directories of ours, which go with the last of them.
void Cleanup::leave(walk::Directory& directory) {
  if (dry_run_ || directory.parent() == nullptr || !holds_partials(directory)) return;
  (void)sys::remove_directory_at(directory.parent()->fd(), directory.name());  // where it is empty
}

void Cleanup::visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex) {
  if (entry.type == sys::FileType::regular && holds_partials(*directory) && is_left_partial(directory->fd(), entry.name))
    return remove(*directory, entry.name, false);
  if (is_litter(*directory, entry.name)) remove(*directory, entry.name, false);
}

void Cleanup::unreadable(walk::Directory& directory, std::string_view name, Error error) {
  observer_.problem(
      {ProblemKind::unreadable, true, std::move(error).about(name.empty() ? directory.path() : directory.path_of(name))});
}

}  // namespace foxing::copy
