// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/estimate.h"

#include <algorithm>

namespace foxing::copy {

walk::Visitor::Descend Estimate::enter(walk::Directory& directory, walk::WorkerIndex) {
  const walk::Directory* parent = directory.parent();
  const bool elsewhere = parent != nullptr && options_.one_filesystem && parent->status().inode() != InodeNo(0) &&
                         directory.status().device() != parent->status().device();
  return elsewhere ? Descend::no : Descend::yes;
}

void Estimate::visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex) {
  if (entry.type != sys::FileType::regular) return;
  const auto status = sys::status_at(directory->fd(), entry.name, entry.links);
  if (!status) return;
  if (status->links() > 1) {
    const std::lock_guard lock(mutex_);
    if (!seen_.insert(status->key()).second) return;
  }
  files_.fetch_add(1, std::memory_order_relaxed);
  bytes_.fetch_add(status->size().value, std::memory_order_relaxed);
  if (status->size() >= options_.shared_from) return;
  const Bytes room = options_.sparse_never ? status->size() : std::min(status->size(), status->allocated());
  room_.fetch_add(room.value, std::memory_order_relaxed);
}

}  // namespace foxing::copy
