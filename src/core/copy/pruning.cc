// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/pruning.h"

#include <utility>

#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {

Result<signature::DirSignature> DirectoryHashes::signature_for(const Subtree& subtree, sys::FdView target) const {
  const sys::BornStatus there = FOX_TRY(sys::born_status_at(target, ""));
  const signature::DirIdentity identity{there.status.inode(), there.born.value_or(timespec{})};
  return signature::DirSignature{.fingerprint = signature::short_form(pruning_.options),
                                 .entries = subtree.names,
                                 .subtree = signature::bound_to(subtree.hash, identity, pruning_.options)};
}

const Subtree* DirectoryHashes::unchanged(const FileKey& source, TargetDirectory& target) {
  if (pruning_.subtrees == nullptr || !pruning_.believe) return nullptr;
  const Subtree* now = pruning_.subtrees->find(source);
  if (now == nullptr) return nullptr;
  const auto stored = store_.read_directory(target.fd(), target.sidecar());
  if (!stored.value || stored.value->fingerprint != signature::short_form(pruning_.options)) return nullptr;
  const auto wanted = signature_for(*now, target.fd());
  return wanted && *stored.value == *wanted ? now : nullptr;
}

Result<> DirectoryHashes::forget(TargetDirectory& target) {
  if (!FOX_TRY(store_.forget_directory(target.fd(), target.sidecar()))) return {};
  return target.sidecar().save(target.fd(), names_.next());
}

Result<> DirectoryHashes::note(const FileKey& source, const TargetDirectory& target, sys::FdView root) {
  if (pruning_.subtrees == nullptr || !pruning_.store) return {};
  const Subtree* subtree = pruning_.subtrees->find(source);
  if (subtree == nullptr || !subtree->settled) return {};
  const signature::DirSignature signature = FOX_TRY(signature_for(*subtree, target.fd()));
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    noted_.push_back({target.relative(), target.status().key(), signature});
    full = noted_.size() >= kBatch && !pruning_.at_the_end;
  }
  return full ? flush(root) : Result<>();
}

Result<> DirectoryHashes::flush(sys::FdView root) {
  const std::lock_guard one(flushing_);
  std::vector<Noted> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(noted_);
  }
  if (batch.empty() || failed_) return {};
  auto stored = store_all(root, batch);
  failed_ = !stored;
  return stored;
}

Result<> DirectoryHashes::store_all(sys::FdView root, const std::vector<Noted>& batch) {
  FOX_TRY(sys::sync_filesystem(root));
  const DeviceId synced = FOX_TRY(sys::status_of(root)).device();
  for (const Noted& noted : batch) {
    if (noted.key.device != synced) continue;  // something mounted in the target
    if (auto stored = store(root, noted); !stored) return tl::make_unexpected(std::move(stored).error().about(noted.path));
  }
  return {};
}

Result<> DirectoryHashes::store(sys::FdView root, const Noted& noted) {
  const auto directory = sys::open_beneath(root, noted.path.empty() ? "." : noted.path, {.directory = true, .keep_atime = true});
  if (!directory) return {};  // gone, moved, or closed to its owner: the next run looks into it, that is all
  const sys::FileStatus status = FOX_TRY(sys::status_of(*directory));
  if (status.key() != noted.key) return {};
  signature::Sidecar sidecar;
  const auto written = FOX_TRY(store_.write_directory(*directory, sidecar, noted.signature));
  if (written != signature::Written::sidecar) return {};
  FOX_TRY(sidecar.save(*directory, names_.next()));
  return sys::set_times({*directory}, status.accessed(), status.modified());
}

}  // namespace foxing::copy
