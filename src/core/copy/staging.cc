// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/staging.h"

#include <unistd.h>

#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {

void StagingDirectories::make(const TargetDirectory& root, TempNames& names, unsigned workers) {
  std::call_once(once_, [&] { make_all(root, names, workers); });
}

void StagingDirectories::make_all(const TargetDirectory& root, TempNames& names, unsigned workers) {
  if (root.pair().target_kind != storage::Filesystem::xfs || root.gives_files_something() || workers < 2) return;
  // Where a security module labels files by their directory, in place is the right place.
  if (::access("/sys/fs/selinux/enforce", F_OK) == 0) return;
  root_key_ = root.status().key();
  for (unsigned i = 0; i < workers; ++i) {
    Place place{names.next(), {}};
    if (!sys::make_directory_at(root.fd(), place.name, 0700)) break;
    auto fd = sys::open_at(root.fd(), place.name, {.directory = true});
    if (!fd) {
      (void)sys::remove_directory_at(root.fd(), place.name);
      break;
    }
    place.fd = std::move(*fd);
    places_.push_back(std::move(place));
  }
  usable_.store(places_.size() == workers);
  if (!usable_.load()) (void)remove(root.fd());  // a full or read-only target: the files themselves will say so
}

sys::FdView StagingDirectories::place_for(const TargetDirectory& target, walk::WorkerIndex worker) const {
  const bool apart =
      usable_.load(std::memory_order_acquire) && target.status().device() == root_key_.device && !target.gives_files_something();
  return apart ? sys::FdView(places_[worker].fd) : target.fd();
}

Result<> StagingDirectories::remove(sys::FdView root) {
  usable_.store(false, std::memory_order_release);
  Result<> outcome;
  for (Place& place : places_) {
    if (place.name.empty()) continue;
    auto removed = sys::remove_directory_at(root, place.name);
    place.name.clear();
    if (outcome && !removed && removed.error().code != ENOENT) outcome = std::move(removed);
  }
  return outcome;
}

}  // namespace foxing::copy
