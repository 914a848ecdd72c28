// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/estimate.h"

#include <algorithm>

#include "core/copy/holes.h"
#include "sys/file.h"

namespace foxing::copy {

walk::Visitor::Descend Estimate::enter(walk::Directory& directory, walk::WorkerIndex) {
  const walk::Directory* parent = directory.parent();
  const bool elsewhere = parent != nullptr && options_.one_filesystem && parent->status().inode() != InodeNo(0) &&
                         !parent->implied() && directory.status().device() != parent->status().device();
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
  room_.fetch_add(room_for(*directory, entry, *status).value, std::memory_order_relaxed);
}

Bytes Estimate::room_for(const walk::Directory& directory, const walk::Entry& entry, const sys::FileStatus& status) const {
  if (options_.sparse_never) return status.size();
  const Bytes blocks = std::min(status.size(), status.allocated());
  if (!options_.by_data || blocks < 1_MiB) return blocks;
  const auto file = sys::open_at(directory.fd(), entry.name, {.links = entry.links, .keep_atime = true});
  if (!file) return blocks;
  DataRanges ranges(*file, {FileOffset(0), FileOffset(status.size().value)}, true);
  Bytes data;
  while (true) {
    const auto range = ranges.next();
    if (!range) return blocks;
    if (!*range) return data;
    data += (*range)->size();
  }
}

}  // namespace foxing::copy
