// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/subtrees.h"

#include "core/copy/quick_check.h"
#include "sys/file.h"
#include "sys/process.h"

namespace foxing::copy {

/// What is being added up for one directory; files of a huge one are met by several workers.
class Subtrees::Node final : public walk::Attachment {
 public:
  std::mutex mutex;
  signature::DirHasher hasher;
  Subtree sum;
};

Subtrees::Subtrees(Options options) : options_(options), begin_(sys::wall_clock()) {}

Subtrees::Node* Subtrees::node_of(walk::Directory* directory) {
  return directory == nullptr ? nullptr : static_cast<Node*>(directory->attachment());
}

/// A second change within the same tick would leave ctime as it is.
bool Subtrees::is_recent(const timespec& changed) const { return may_change_unseen(changed, begin_); }

walk::Visitor::Descend Subtrees::enter(walk::Directory& directory, walk::WorkerIndex) {
  const walk::Directory* parent = directory.parent();
  const bool elsewhere = options_.one_filesystem && parent != nullptr && parent->status().inode() != InodeNo(0) &&
                         directory.status().device() != parent->status().device();
  if (elsewhere) {  // its own status is all that is copied of it
    if (Node* above = node_of(directory.parent())) {
      const std::lock_guard lock(above->mutex);
      above->hasher.add(directory.name(), directory.status());
      above->sum.settled &= !is_recent(directory.status().changed());
      ++above->sum.entries;
      ++above->sum.directories;
    }
    return Descend::no;
  }
  directory.attach(std::make_unique<Node>());
  return Descend::yes;
}

void Subtrees::visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex) {
  Node* node = node_of(&*directory);
  if (node == nullptr) return;  // a SRC that is a file: nothing to prune
  const auto status = sys::status_at(directory->fd(), entry.name, entry.links);
  const std::uint64_t share = status && status->links() > 1 ? share_of(status->key(), status->links()) : 0;
  const std::lock_guard lock(node->mutex);
  if (!status) {
    node->sum.settled = false;
    return;
  }
  node->hasher.add(entry.name, *status);
  if (share != 0) node->sum.links_elsewhere += share;
  node->sum.settled &= !is_recent(status->changed());
  ++node->sum.entries;
  if (status->type() == sys::FileType::regular) node->sum.bytes += status->size();
}

void Subtrees::leave(walk::Directory& directory) {
  Node& node = *node_of(&directory);
  node.sum.hash = node.hasher.finish();
  node.sum.names = node.hasher.entries();
  node.sum.settled &= !directory.incomplete() && !is_recent(directory.status().changed());
  if (Node* above = node_of(directory.parent())) {
    const std::lock_guard lock(above->mutex);
    above->hasher.add(directory.name(), directory.status(), &node.sum.hash);
    above->sum.settled &= node.sum.settled;
    above->sum.links_elsewhere += node.sum.links_elsewhere;
    above->sum.entries += node.sum.entries + 1;
    above->sum.directories += node.sum.directories + 1;
    above->sum.bytes += node.sum.bytes;
  }
  const std::lock_guard lock(mutex_);
  const auto [before, first] = known_.emplace(directory.status().key(), node.sum);
  if (!first && before->second.hash != node.sum.hash) contradictory_.insert(directory.status().key());
}

std::uint64_t Subtrees::share_of(const FileKey& file, std::uint64_t links) {
  const std::lock_guard lock(mutex_);
  Met& met = linked_[file];
  if (++met.names < links) {
    const std::uint64_t share = random_();
    met.sum += share;
    return share;
  }
  const std::uint64_t last = 0 - met.sum;
  linked_.erase(file);
  return last;
}

void Subtrees::unreadable(walk::Directory& directory, std::string_view, Error) {
  // The copier will say so.
  if (Node* node = node_of(&directory)) {
    const std::lock_guard lock(node->mutex);
    node->sum.settled = false;
  }
}

void Subtrees::vanished(walk::Directory& directory, std::string_view name) { unreadable(directory, name, {}); }

const Subtree* Subtrees::find(const FileKey& directory) const {
  const auto found = known_.find(directory);
  return found == known_.end() || contradictory_.contains(directory) ? nullptr : &found->second;
}

}  // namespace foxing::copy
