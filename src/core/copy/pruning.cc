// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/pruning.h"

#include <utility>

#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {

signature::DirSignature DirectoryHashes::signature_for(const Subtree& subtree, InodeNo target) const {
  return {.fingerprint = signature::short_form(pruning_.options),
          .entries = subtree.names,
          .subtree = signature::bound_to(subtree.hash, target, pruning_.options)};
}

const Subtree* DirectoryHashes::unchanged(const FileKey& source, TargetDirectory& target) {
  if (pruning_.subtrees == nullptr || !pruning_.believe) return nullptr;
  const Subtree* now = pruning_.subtrees->find(source);
  if (now == nullptr) return nullptr;
  const auto stored = store_.read_directory(target.fd(), target.sidecar());
  if (!stored.value || *stored.value != signature_for(*now, target.status().inode())) return nullptr;
  return now;
}

Result<> DirectoryHashes::forget(TargetDirectory& target) {
  if (!FOX_TRY(store_.forget_directory(target.fd(), target.sidecar()))) return {};
  return target.sidecar().save(target.fd(), names_.next());
}

Result<> DirectoryHashes::note(const FileKey& source, const TargetDirectory& target, sys::FdView root) {
  if (pruning_.subtrees == nullptr || !pruning_.store) return {};
  const Subtree* subtree = pruning_.subtrees->find(source);
  if (subtree == nullptr || !subtree->settled) return {};
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    noted_.push_back({target.relative(), target.status().key(), signature_for(*subtree, target.status().inode())});
    full = noted_.size() >= kBatch && !pruning_.at_the_end;
  }
  return full ? flush(root) : Result<>();
}

Result<> DirectoryHashes::flush(sys::FdView root) {
  std::vector<Noted> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(noted_);
  }
  if (batch.empty()) return {};
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
