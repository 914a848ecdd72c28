// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/snapshot/measure.h"

#include <algorithm>

#include "core/walk/walk.h"
#include "sys/extents.h"
#include "sys/file.h"

namespace foxing::snapshot {

std::uint64_t Ranges::add(std::uint64_t begin, std::uint64_t size) {
  if (size == 0) return 0;
  std::uint64_t end = begin + size;
  std::uint64_t there = 0;
  auto at = ranges_.upper_bound(begin);
  if (at != ranges_.begin() && std::prev(at)->second >= begin) --at;
  std::uint64_t whole_begin = begin, whole_end = end;
  while (at != ranges_.end() && at->first <= end) {
    const std::uint64_t left = std::max(begin, at->first), right = std::min(end, at->second);
    if (right > left) there += right - left;
    whole_begin = std::min(whole_begin, at->first);
    whole_end = std::max(whole_end, at->second);
    at = ranges_.erase(at);
  }
  ranges_.emplace(whole_begin, whole_end);
  return size - there;
}

/// One worker: nothing here is guarded.
class MeasuringVisitor final : public walk::Visitor {
 public:
  MeasuringVisitor(Measure& measure, Size& size) : measure_(measure), size_(size) {}

  Descend enter(walk::Directory& directory, walk::WorkerIndex) override {
    ++size_.entries;
    size_.on_disk += directory.status().allocated();
    return Descend::yes;
  }
  void visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex) override {
    const auto status = sys::status_at(directory->fd(), entry.name);
    if (!status) {
      if (status.error().code != ENOENT) ++size_.unreadable;
      return;
    }
    ++size_.entries;
    const bool regular = status->type() == sys::FileType::regular;
    if (regular) {
      ++size_.files;
      size_.apparent += status->size();
    }
    const Bytes blocks = status->allocated();
    if (status->links() > 1 && !measure_.inodes_.insert(status->key()).second) {
      size_.shared += blocks;
    } else if (!regular || blocks == Bytes(0) || !add_extents(directory->fd(), entry.name)) {
      size_.on_disk += blocks;
    }
  }
  void leave(walk::Directory&) override {}
  void unreadable(walk::Directory&, std::string_view, Error) override { ++size_.unreadable; }
  void vanished(walk::Directory&, std::string_view) override {}

 private:
  /// False where the filesystem does not tell, or nothing of the file is shared: then stat knows better.
  bool add_extents(sys::FdView directory, const char* name) {
    if (!measure_.tells_extents_) return false;
    const auto file = sys::open_at(directory, name, {.keep_atime = true});
    if (!file) return false;
    Bytes own, shared, new_here;
    const auto told = sys::for_each_extent(*file, [&](const sys::Extent& extent) {
      if (!extent.shared) {
        own += extent.size;
        return;
      }
      shared += extent.size;
      new_here += Bytes(measure_.blocks_.add(extent.at, extent.size.value));
    });
    if (!told && (told.error().code == EOPNOTSUPP || told.error().code == ENOTTY)) measure_.tells_extents_ = false;
    if (!told || shared == Bytes(0)) return false;
    size_.on_disk += own + new_here;
    size_.shared += shared;
    return true;
  }

  Measure& measure_;
  Size& size_;
};

Size Measure::add(sys::UniqueFd tree, const std::string& name) {
  Size size;
  const auto status = sys::status_of(tree);
  if (!status) {
    ++size.unreadable;
    return size;
  }
  MeasuringVisitor visitor(*this, size);
  walk::Walk walk(visitor, {.workers = 1, .descriptor_limit = descriptor_limit_});
  walk.add_root(std::move(tree), *status, name, nullptr);
  walk.run();
  return size;
}

}  // namespace foxing::snapshot
