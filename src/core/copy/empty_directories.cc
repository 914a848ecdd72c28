// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/empty_directories.h"

#include <fmt/format.h>

namespace foxing::copy {

std::string EmptyDirectories::key_of(const walk::Directory& directory) {
  const walk::Directory* root = &directory;
  while (root->parent() != nullptr) root = root->parent();
  // A place of single names has no status, and no two of them hold the same name.
  const FileKey key = root->status().key();
  return fmt::format("{}:{}/{}", key.device.value, key.inode.value, directory.relative_path());
}

bool EmptyDirectories::contains(const walk::Directory& directory) const {
  return !empty_.empty() && directory.parent() != nullptr && empty_.contains(key_of(directory));
}

bool EmptyDirectories::contains(const walk::Directory& parent, std::string_view name) const {
  if (empty_.empty()) return false;
  std::string key = key_of(parent);
  if (key.back() != '/') key += '/';
  return empty_.contains(key.append(name));
}

void EmptyDirectories::mark(walk::Directory& directory) {
  if (directory.attachment() != nullptr) static_cast<Mark*>(directory.attachment())->holds_something.store(true);
}

walk::Visitor::Descend EmptyDirectories::enter(walk::Directory& directory, walk::WorkerIndex) {
  walk::Directory* parent = directory.parent();
  const bool elsewhere = parent != nullptr && one_filesystem_ && parent->status().inode() != InodeNo(0) && !parent->implied() &&
                         directory.status().device() != parent->status().device();
  if (elsewhere) {
    mark(*parent);
    return Descend::no;
  }
  directory.attach(std::make_unique<Mark>());
  return Descend::yes;
}

void EmptyDirectories::visit(const walk::Hold& directory, const walk::Entry&, walk::WorkerIndex) { mark(*directory); }

void EmptyDirectories::leave(walk::Directory& directory) {
  const bool holds = directory.incomplete() || static_cast<Mark*>(directory.attachment())->holds_something.load();
  if (directory.parent() == nullptr) return;
  if (holds) return mark(*directory.parent());
  const std::lock_guard lock(mutex_);
  empty_.insert(key_of(directory));
}

void EmptyDirectories::unreadable(walk::Directory& directory, std::string_view, Error) { mark(directory); }
void EmptyDirectories::vanished(walk::Directory&, std::string_view) {}

}  // namespace foxing::copy
