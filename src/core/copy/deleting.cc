// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/deleting.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/own_names.h"
#include "base/text.h"
#include "core/copy/temp_names.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::copy {
namespace {

constexpr std::size_t kOpenLevels = 64;
constexpr std::size_t kPiece = 32 * 1024;
constexpr std::size_t kMostAtOnce = 16384;  // names of one directory that are held before they go: a directory may have millions

Error source_error() {
  return {.code = EBUSY, .operation = "rmdir", .subject = {}, .detail = "is a source of this run, and is not deleted"};
}

bool is_anybodys_temporary(std::string_view name) { return name.starts_with(".tmp.") && TempNames::maker_of(name).has_value(); }

}  // namespace

/// Removes one tree, deepest names first, without recursion: a tree may be deeper than the stack.
class TreeRemoval {
 public:
  TreeRemoval(Deleter& deleter, const walk::Directory* source, std::string shown, std::string below)
      : deleter_(deleter), source_(source), shown_(std::move(shown)), below_(std::move(below)) {}

  /// True where nothing of it is left.
  Result<bool> run(sys::FdView parent, const std::string& name) {
    FOX_TRY(go_into(parent, name));
    if (deleter_.is_source(levels_.back().key)) return tl::make_unexpected(source_error());
    const DeviceId device = levels_.back().key.device;
    while (true) {
      auto subdirectory = FOX_TRY(remove_files());
      if (!subdirectory) {
        if (levels_.size() == 1) break;
        FOX_TRY(come_out());
        continue;
      }
      FOX_TRY(go_into(levels_.back().fd, *subdirectory));
      if (levels_.back().key.device != device) {  // mounted there: not ours
        deleter_.failed(shown_path(), {.code = EBUSY,
                                       .operation = "rmdir",
                                       .subject = {},
                                       .detail = "is a mount point; what is mounted there is not deleted"});
        leave_behind();
      } else if (deleter_.is_source(levels_.back().key)) {
        deleter_.failed(shown_path(), source_error());
        leave_behind();
      }
    }
    return !levels_.back().stays;
  }

 private:
  struct Level {
    sys::UniqueFd fd;  // closed in the middle of deep trees
    FileKey key;
    std::string name;
    std::set<std::string> done = {};  // what is still there and need not be looked at again
    bool stays = false;  // something in it was guarded, spared or could not be removed
  };

  Result<> go_into(sys::FdView parent, const std::string& name) {
    sys::UniqueFd fd = FOX_TRY(open_directory(parent, name));
    const FileKey key = FOX_TRY(sys::status_of(fd)).key();
    levels_.push_back({std::move(fd), key, name});
    if (levels_.size() > kOpenLevels) levels_[levels_.size() - 1 - kOpenLevels].fd.reset();
    return {};
  }

  /// One of ours may be closed even to its owner.
  static Result<sys::UniqueFd> open_directory(sys::FdView parent, const std::string& name) {
    auto fd = sys::open_at(parent, name, {.directory = true});
    if (fd || fd.error().code != EACCES) return fd;
    const sys::UniqueFd path = FOX_TRY(sys::open_at(parent, name, {.access = sys::Access::path, .directory = true}));
    FOX_TRY(sys::set_mode({path, sys::Handle::path}, 0700));
    return sys::open_at(parent, name, {.directory = true});
  }

  /// Everything in the present level that is no directory; the first directory still to be gone into.
  Result<std::optional<std::string>> remove_files() {
    Level& level = levels_.back();
    FOX_TRY(sys::set_position(level.fd, FileOffset(0)));
    sys::DirectoryReader reader(kPiece);
    std::optional<std::string> directory;
    while (FOX_TRY(reader.fill(level.fd))) {
      while (const auto entry = reader.next()) {
        std::string name(entry->name, entry->length);
        if (level.done.contains(name)) continue;
        sys::FileType type = entry->type;
        if (type == sys::FileType::unknown) type = FOX_TRY(sys::status_at(level.fd, name)).type();
        const bool is_directory = type == sys::FileType::directory;
        if (is_guarded(name, is_directory)) {
          keep(level, std::move(name));
        } else if (is_directory) {
          if (!directory) directory = std::move(name);
        } else {
          remove_file(level, std::move(name), type);
        }
      }
    }
    return directory;
  }

  bool is_guarded(const std::string& name, bool is_directory) const {
    if (is_own_name(name)) return true;
    if (deleter_.keeper_ != nullptr && deleter_.keeper_->is_kept_name(name)) return true;
    if (is_anybodys_temporary(name) && !TempNames::is_litter(levels_.back().fd, name)) return true;  // of a run that is alive
    if (is_directory && deleter_.keeper_ != nullptr) {
      const auto status = sys::status_at(levels_.back().fd, name);
      if (status && deleter_.keeper_->leads_to_kept(status->key())) return true;
    }
    return source_ != nullptr && deleter_.is_guarded(*source_, join_path(path_below(), name), is_directory);
  }

  static void keep(Level& level, std::string name) {
    level.done.insert(std::move(name));
    level.stays = true;
  }

  void remove_file(Level& level, std::string name, sys::FileType type) {
    if (!deleter_.may_remove()) return keep(level, std::move(name));
    const std::string shown = join_path(shown_path(), name);
    Result<> removed;
    if (!deleter_.options_.dry_run) {
      removed = deleter_.keeper_ != nullptr ? deleter_.keeper_->keep_deleted(level.fd, path_in_target(), name, name)
                                            : sys::unlink_at(level.fd, name);
    }
    if (!removed && removed.error().code != ENOENT) {
      deleter_.failed(shown, std::move(removed).error());
      return keep(level, std::move(name));
    }
    deleter_.told(shown, join_path(path_in_target(), name), type);
    if (deleter_.keeper_ != nullptr && deleter_.keeper_->keeps_beside()) level.stays = true;  // with what was kept in it
    if (deleter_.options_.dry_run) level.done.insert(std::move(name));
  }

  /// The level is done: it goes, unless something of it stays.
  Result<> come_out() {
    const std::string shown = shown_path();
    const std::string below = path_in_target();
    Level level = std::move(levels_.back());
    levels_.pop_back();
    Level& parent = levels_.back();
    if (!parent.fd) {
      parent.fd = FOX_TRY(sys::open_at(level.fd, "..", {.directory = true}));
      if (FOX_TRY(sys::status_of(parent.fd)).key() != parent.key)
        return fail(ESTALE, "openat", {}, "was moved while it was deleted");
    }
    if (level.stays || !deleter_.may_remove()) {
      keep(parent, std::move(level.name));
      return {};
    }
    auto removed = deleter_.options_.dry_run ? Result<>() : sys::remove_directory_at(parent.fd, level.name);
    if (!removed) {
      deleter_.failed(shown, std::move(removed).error());
      keep(parent, std::move(level.name));
      return {};
    }
    deleter_.told(shown, below, sys::FileType::directory);
    if (deleter_.options_.dry_run) parent.done.insert(std::move(level.name));
    return {};
  }

  void leave_behind() {
    std::string name = std::move(levels_.back().name);
    levels_.pop_back();
    keep(levels_.back(), std::move(name));
  }

  /// From the tree's own root.
  std::string inner_path() const {
    std::string path;
    for (std::size_t i = 1; i < levels_.size(); ++i) path = join_path(path, levels_[i].name);
    return path;
  }
  std::string shown_path() const {
    const std::string inner = inner_path();
    return inner.empty() ? shown_ : join_path(shown_, inner);
  }
  std::string path_below() const {
    const std::string inner = inner_path();
    return inner.empty() ? below_ : join_path(below_, inner);
  }

  std::string path_in_target() const {
    const auto* target = source_ == nullptr ? nullptr : static_cast<const TargetDirectory*>(source_->attachment());
    return target == nullptr ? path_below() : join_path(target->relative(), path_below());
  }

  Deleter& deleter_;
  const walk::Directory* const source_;
  const std::string shown_;
  const std::string below_;
  std::vector<Level> levels_;
};

bool Deleter::is_source(const FileKey& key) const { return std::ranges::find(options_.sources, key) != options_.sources.end(); }

bool Deleter::may_remove() {
  if (!options_.most) {
    removed_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  std::uint64_t now = removed_.load(std::memory_order_relaxed);
  while (now < *options_.most) {
    if (removed_.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) return true;
  }
  spared_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void Deleter::told(const std::string& path, const std::string& below, sys::FileType type) {
  if (observer_.wants_files()) observer_.file({.action = FileEvent::Action::deleted, .path = path, .below = below, .type = type});
}

void Deleter::failed(const std::string& path, Error error) {
  failed_.fetch_add(1, std::memory_order_relaxed);
  if (error.code == ECANCELED && sys::stop_requested()) return;
  const bool in_the_way = error.code == EBUSY || error.code == ENOTEMPTY;
  observer_.problem({in_the_way ? ProblemKind::in_the_way : ProblemKind::failed, true, std::move(error).about(path)});
}

bool Deleter::is_extra(walk::Directory& source, const TargetDirectory& target, const std::string& name, bool is_directory) {
  if (is_own_name(name) || is_anybodys_temporary(name)) return false;
  if (keeper_ != nullptr && keeper_->is_kept_name(name)) return false;
  if (is_guarded(source, name, is_directory)) return false;
  const bool none = options_.empty != nullptr && options_.empty->contains(source, name);
  if (options_.packing.active() && !none) {
    const auto has = options_.packing.has(source, name);
    if (!has) failed(join_path(target.shown(), name), has.error());  // not known: it stays
    if (!has || *has) return false;
  }
  const bool hidden = none || (selector_ != nullptr && !selector_->selects(source, name, is_directory));
  if (!hidden && !options_.packing.active()) {
    const auto there = sys::status_at(source.fd(), name);
    if (there) return false;
    if (there.error().code != ENOENT) {  // not known: it stays
      failed(join_path(target.shown(), name), there.error());
      return false;
    }
  }
  if (is_directory && keeper_ != nullptr) {
    const auto status = sys::status_at(target.fd(), name);
    if (status && keeper_->leads_to_kept(status->key())) return false;
  }
  return true;
}

bool Deleter::is_guarded(const walk::Directory& source, const std::string& below, bool is_directory) const {
  if (selector_ == nullptr) return false;
  if (selector_->guards(source, below, is_directory)) return true;
  const auto other = is_directory ? std::nullopt : options_.packing.other_name(below);
  return other && selector_->guards(source, *other, false);
}

Result<std::vector<Deleter::Extra>> Deleter::next_extras(walk::Directory& source, const TargetDirectory& target,
                                                         sys::DirectoryReader& reader) {
  std::vector<Extra> extras;
  while (extras.size() < kMostAtOnce && FOX_TRY(reader.fill(target.fd()))) {
    while (const auto entry = reader.next()) {
      std::string name(entry->name, entry->length);
      sys::FileType type = entry->type;
      if (type == sys::FileType::unknown) {
        const auto status = sys::status_at(target.fd(), name);
        if (!status) continue;
        type = status->type();
      }
      if (is_extra(source, target, name, type == sys::FileType::directory)) extras.push_back({std::move(name), type});
    }
  }
  return extras;
}

bool Deleter::remove_extras(walk::Directory& source, TargetDirectory& target) {
  if (target.made() || !target.open()) return target.made();
  if (source.incomplete() && !options_.despite_errors) {
    // What could not be read may well be there.
    observer_.problem(
        {ProblemKind::not_deleted,
         true,
         {.code = 0,
          .operation = "",
          .subject = source.path(),
          .detail = "could not be read whole, so nothing is deleted in its copy (--ignore-errors deletes all the same)"}});
    return false;
  }
  if (sys::stop_requested()) return false;
  const std::uint64_t stayed = spared_.load() + failed_.load();
  // Names go while the directory is read: what they leave behind moves no other name.
  sys::DirectoryReader reader(kPiece);
  for (Result<> at_start = sys::set_position(target.fd(), FileOffset(0));;) {
    auto extras =
        at_start ? next_extras(source, target, reader) : Result<std::vector<Extra>>(tl::make_unexpected(at_start.error()));
    if (!extras) {
      failed(target.shown(), std::move(extras).error());
      return false;
    }
    if (extras->empty()) break;
    for (const Extra& extra : *extras) {
      if (sys::stop_requested()) return false;
      if (auto removed = remove(source, target, extra); !removed && removed.error().code != ENOENT)
        failed(join_path(target.shown(), extra.name), std::move(removed).error());
    }
  }
  return spared_.load() + failed_.load() == stayed;  // of any directory: then this one is looked at again next time
}

bool Deleter::remove_if_extra(walk::Directory& source, TargetDirectory& target, const std::string& name) {
  const auto there = sys::status_at(target.fd(), name);
  if (!there && there.error().code == ENOENT) return true;
  if (!there) {
    failed(join_path(target.shown(), name), there.error());
    return false;
  }
  if (!is_extra(source, target, name, there->type() == sys::FileType::directory)) return false;
  const std::uint64_t stayed = spared_.load() + failed_.load();
  if (auto removed = remove(source, target, {name, there->type()}); !removed && removed.error().code != ENOENT)
    failed(join_path(target.shown(), name), std::move(removed).error());
  return spared_.load() + failed_.load() == stayed;
}

Result<> Deleter::remove(walk::Directory& source, TargetDirectory& target, const Extra& extra) {
  const std::string shown = join_path(target.shown(), extra.name);
  const bool is_directory = extra.type == sys::FileType::directory;
  const bool whole = selector_ == nullptr && keeper_ != nullptr;  // nothing in it can be guarded
  if (is_directory) {
    const FileKey key = FOX_TRY(sys::status_at(target.fd(), extra.name)).key();
    if (key.device != target.status().device())
      return fail(EBUSY, "rmdir", {}, "is a mount point; what is mounted there is not deleted");
    if (is_source(key)) return tl::make_unexpected(source_error());
  }
  if (keeper_ != nullptr && (!is_directory || whole)) {
    if (!may_remove()) return {};
    if (!options_.dry_run) FOX_TRY(keeper_->keep_deleted(target.fd(), target.relative(), extra.name, extra.name));
    told(shown, join_path(target.relative(), extra.name), extra.type);
    return {};
  }
  if (!is_directory) {
    if (!may_remove()) return {};
    if (!options_.dry_run) FOX_TRY(sys::unlink_at(target.fd(), extra.name));
    told(shown, join_path(target.relative(), extra.name), extra.type);
    return {};
  }
  const bool gone = FOX_TRY(TreeRemoval(*this, &source, shown, extra.name).run(target.fd(), extra.name));
  if (!gone || !may_remove()) return {};
  if (!options_.dry_run) FOX_TRY(sys::remove_directory_at(target.fd(), extra.name));
  told(shown, join_path(target.relative(), extra.name), extra.type);
  return {};
}

Result<bool> Deleter::clear(TargetDirectory& directory, const std::string& name) {
  return TreeRemoval(*this, directory.source(), join_path(directory.shown(), name), name).run(directory.fd(), name);
}

// ---- A pass of its own

Result<std::unique_ptr<TargetDirectory>> DeletePass::adopt(sys::UniqueFd target, sys::FdView source,
                                                           const sys::FileStatus& source_status, const std::string& target_name) {
  const sys::FileStatus status = FOX_TRY(sys::status_of(target));
  Pair* pair = FOX_TRY(pairs_.of(source, source_status.device(), target, status.device()));
  return std::make_unique<TargetDirectory>(std::move(target), status, *pair, false, TargetDirectory::Gives{},
                                           Placed{nullptr, target_name});
}

walk::Visitor::Descend DeletePass::enter(walk::Directory& directory, walk::WorkerIndex) {
  if (directory.parent() == nullptr) return Descend::yes;
  if (directory.parent()->attachment() == nullptr || deleter_.is_pruned(directory)) return Descend::no;
  const auto& above = static_cast<const TargetDirectory&>(*directory.parent()->attachment());
  const bool elsewhere = options_.one_filesystem && directory.parent()->status().inode() != InodeNo(0) &&
                         !directory.parent()->implied() && directory.status().device() != directory.parent()->status().device();
  if (elsewhere) return Descend::no;  // what is mounted there is not the source's, and says nothing about its copy
  const bool may_be_link = options_.keep_dirlinks || (directory.implied() && !options_.implied_dirs);
  const auto links = may_be_link ? sys::Links::follow : sys::Links::keep;
  auto fd = sys::open_at(above.fd(), above.name_for(directory.name()), {.links = links, .directory = true, .keep_atime = true});
  if (!fd) return Descend::no;  // nothing there that could be too much; what is in the way is the copier's business
  const auto status = sys::status_of(*fd);
  if (!status) return Descend::no;
  auto pair = pairs_.of(directory.fd(), directory.status().device(), *fd, status->device());
  if (!pair) return Descend::no;
  directory.attach(std::make_unique<TargetDirectory>(std::move(*fd), *status, **pair, false, TargetDirectory::Gives{},
                                                     Placed{&above, above.name_for(directory.name())}));
  return Descend::yes;
}

void DeletePass::leave(walk::Directory& directory) {
  if (directory.attachment() == nullptr || directory.implied()) return;
  auto& target = static_cast<TargetDirectory&>(*directory.attachment());
  const std::uint64_t removed = deleter_.removed();
  const auto before = sys::status_of(target.fd());
  deleter_.remove_extras(directory, target);
  // The directory has its times already, or gets them later: deleting must not be what moved them.
  if (before && !options_.dry_run && deleter_.removed() != removed)
    (void)sys::set_times({target.fd()}, before->accessed(), before->modified());
}

void DeletePass::unreadable(walk::Directory& directory, std::string_view name, Error error) {
  observer_.problem(
      {ProblemKind::unreadable, true, std::move(error).about(name.empty() ? directory.path() : directory.path_of(name))});
}

}  // namespace foxing::copy
