// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/staging.h"

#include <unistd.h>

#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {

void StagingDirectories::may_lie_in(const TargetDirectory& root, TempNames& names, unsigned workers) {
  std::call_once(chosen_, [&] {
    if (root.pair().target_kind != storage::Filesystem::xfs || root.gives_files_something() || workers < 2) return;
    // Where a security module labels files by their directory, in place is the right place.
    if (::access("/sys/fs/selinux/enforce", F_OK) == 0) return;
    root_key_ = root.status().key();
    names_ = &names;
    workers_ = workers;
    root_.store(&root, std::memory_order_release);
  });
}

void StagingDirectories::make_all() {
  const TargetDirectory& root = *root_.load(std::memory_order_acquire);
  for (unsigned i = 0; i < workers_; ++i) {
    Place place{names_->next(), {}};
    if (!sys::make_directory_at(root.fd(), place.name, 0700)) break;
    auto fd = sys::open_at(root.fd(), place.name, {.directory = true});
    if (!fd) {
      (void)sys::remove_directory_at(root.fd(), place.name);
      break;
    }
    place.fd = std::move(*fd);
    places_.push_back(std::move(place));
  }
  usable_.store(places_.size() == workers_);
  if (!usable_.load()) (void)remove(root.fd());  // a full or read-only target: the files themselves will say so
}

sys::FdView StagingDirectories::place_for(const TargetDirectory& target, walk::WorkerIndex worker) {
  const bool may_be_apart = root_.load(std::memory_order_acquire) != nullptr && target.status().device() == root_key_.device &&
                            !target.gives_files_something();
  if (!may_be_apart) return target.fd();
  std::call_once(made_, [&] { make_all(); });
  return usable_.load(std::memory_order_acquire) ? sys::FdView(places_[worker].fd) : target.fd();
}

Result<> StagingDirectories::remove(sys::FdView root) {
  usable_.store(false, std::memory_order_release);
  root_.store(nullptr, std::memory_order_release);
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
