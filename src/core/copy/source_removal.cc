// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/source_removal.h"

#include <cstring>
#include <utility>

#include "base/text.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::copy {
namespace {

Error changed_since() {
  return {.code = 0, .operation = "", .subject = {}, .detail = "has changed since it was copied; it is not removed"};
}

}  // namespace

void SourceRemoval::add_root(const std::string& name, sys::UniqueFd directory) { roots_.try_emplace(name, std::move(directory)); }

SourceRemoval::Names* SourceRemoval::names_of(const walk::Directory& directory) {
  Names*& names = open_[&directory];
  if (names == nullptr) {
    all_.push_back(std::make_unique<Names>());
    names = all_.back().get();
    const walk::Directory* root = &directory;
    while (root->parent() != nullptr) root = root->parent();
    const auto found = roots_.find(root->name());
    names->root = found == roots_.end() ? nullptr : &found->second;
    names->root_name = root->name();
    names->path = directory.relative_path();
    names->key = directory.status().key();
  }
  return names;
}

void SourceRemoval::met(const FileKey& key) {
  const std::lock_guard lock(mutex_);
  ++groups_[key].met;
}

void SourceRemoval::spoiled(const FileKey& key) {
  const std::lock_guard lock(mutex_);
  groups_[key].spoiled = true;
}

void SourceRemoval::placed(const walk::Directory& directory, std::string_view name, const sys::FileStatus& status) {
  const std::lock_guard lock(mutex_);
  Names* in = names_of(directory);
  if (status.links() > 1) {
    groups_[status.key()].placed.push_back({in, std::string(name), status});
    return;
  }
  const Record record{.inode = status.inode().value,
                      .size = status.size().value,
                      .modified_s = status.modified().tv_sec,
                      .changed_s = status.changed().tv_sec,
                      .modified_ns = static_cast<std::uint32_t>(status.modified().tv_nsec),
                      .changed_ns = static_cast<std::uint32_t>(status.changed().tv_nsec),
                      .length = static_cast<std::uint16_t>(name.size()),
                      .type = static_cast<std::uint8_t>(status.type())};
  if (in->packed.empty() || in->packed.back().size() >= kPiece) in->packed.emplace_back();
  in->packed.back().append(reinterpret_cast<const char*>(&record), sizeof record);
  in->packed.back().append(name);
}

void SourceRemoval::left(const walk::Directory& directory) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(&directory);
  if (found == open_.end()) return;
  if (!found->second->packed.empty()) found->second->packed.back().shrink_to_fit();
  open_.erase(found);
}

/// The work of run(), with one directory open at a time.
class SourceRemoval::Removal {
 public:
  Removal(Observer& observer, bool dry_run, bool something_failed)
      : observer_(observer), dry_run_(dry_run), something_failed_(something_failed) {}

  Done done;

  void remove_all_in(const Names& names) {
    for (const std::string& piece : names.packed) remove_all_in(names, piece);
  }

  /// All or none: all are looked at before the first goes.
  void remove_group(const Group& group, bool together) {
    if (group.placed.empty() || sys::stop_requested()) return;
    const sys::FileStatus& read = group.placed.front().status;
    const bool may_have_failed = something_failed_ && group.placed.size() < read.links();
    if (together && (group.spoiled || group.placed.size() < group.met || may_have_failed)) {
      for (const Member& member : group.placed)
        keep(*member.in, member.name,
             {.code = 0,
              .operation = "",
              .subject = {},
              .detail = "stays: another name of this file was not copied as such, or may be among what failed"});
      return;
    }
    for (const Member& member : group.placed) {
      const auto now = look(*member.in, member.name);
      if (now && is_a_way_to(*member.in, member.name, *now, read.type())) return;
      if (now && sys::same_version(*now, member.status) && sys::same_version(*now, read) && now->links() == read.links())
        continue;
      for (const Member& each : group.placed)
        keep(*each.in, each.name, now || now.error().code == ENOENT ? changed_since() : now.error());
      return;
    }
    std::uint64_t links = read.links();
    for (const Member& member : group.placed) {
      // Removing a name moves the ctime of the others.
      remove(*member.in, member.name, read.type(), [&](const sys::FileStatus& now) {
        return now.key() == read.key() && now.size() == read.size() && sys::same_time(now.modified(), read.modified()) &&
               now.links() == links;
      });
      if (!dry_run_) --links;
    }
  }

 private:
  void remove_all_in(const Names& names, const std::string& piece) {
    for (std::size_t at = 0; at < piece.size() && !sys::stop_requested();) {
      Record record;
      std::memcpy(&record, piece.data() + at, sizeof record);
      at += sizeof record;
      const std::string name = piece.substr(at, record.length);
      at += record.length;
      remove(names, name, static_cast<sys::FileType>(record.type), [&](const sys::FileStatus& now) {
        return now.inode().value == record.inode && now.size().value == record.size && now.links() == 1 &&
               now.modified().tv_sec == record.modified_s && now.changed().tv_sec == record.changed_s &&
               now.modified().tv_nsec == record.modified_ns && now.changed().tv_nsec == record.changed_ns;
      });
    }
  }

  Result<sys::FdView> open(const Names& names) {
    if (opened_ == &names) return sys::FdView(directory_);
    opened_ = nullptr;
    if (names.root == nullptr) return fail(ENOENT, "openat");
    directory_ = names.path.empty()
                     ? FOX_TRY(sys::duplicate(*names.root))
                     : FOX_TRY(sys::open_beneath(*names.root, names.path, {.access = sys::Access::path, .directory = true}));
    // A place that only holds the names that were given is not looked at by the walk.
    const bool place = names.key.inode == InodeNo(0);
    if (!place && FOX_TRY(sys::status_of(directory_)).key() != names.key) return fail(ESTALE, "openat", {}, "has been moved");
    opened_ = &names;
    return sys::FdView(directory_);
  }

  Result<sys::FileStatus> look(const Names& names, const std::string& name) { return sys::status_at(FOX_TRY(open(names)), name); }

  /// What was copied lies behind a symbolic link (-L): the link alone would go.  Said once.
  bool is_a_way_to(const Names& names, const std::string& name, const sys::FileStatus& now, sys::FileType read) {
    if (now.type() != sys::FileType::symlink || read == sys::FileType::symlink) return false;
    ++done.kept;
    if (std::exchange(told_of_links_, true)) return true;
    observer_.problem({ProblemKind::left_out,
                       false,
                       {.code = 0,
                        .operation = "",
                        .subject = join_path(names.root_name, join_path(names.path, name)),
                        .detail = "is a symbolic link, and the file behind it was copied; such links stay"}});
    return true;
  }

  template <class Same>
  void remove(const Names& names, const std::string& name, sys::FileType read, Same same) {
    const auto directory = open(names);
    if (!directory) return keep(names, name, directory.error());
    const auto now = sys::status_at(*directory, name);
    if (!now) return keep(names, name, now.error().code == ENOENT ? changed_since() : now.error());
    if (is_a_way_to(names, name, *now, read)) return;
    if (now->type() != read || !same(*now)) return keep(names, name, changed_since());
    if (!dry_run_) {
      if (auto removed = sys::unlink_at(*directory, name); !removed) return keep(names, name, std::move(removed).error());
    }
    ++done.removed;
    if (!observer_.wants_files()) return;
    const std::string below = join_path(names.path, name);
    observer_.file({.action = FileEvent::Action::removed,
                    .path = join_path(names.root_name, below),
                    .below = below,
                    .type = now->type(),
                    .attempts = {},
                    .why = {}});
  }

  void keep(const Names& names, const std::string& name, Error error) {
    ++done.kept;
    const ProblemKind kind = error.code == 0 ? ProblemKind::changed_while_read : ProblemKind::failed;
    observer_.problem({kind, true, std::move(error).about(join_path(names.root_name, join_path(names.path, name)))});
  }

  Observer& observer_;
  const bool dry_run_;
  const bool something_failed_;
  const Names* opened_ = nullptr;
  bool told_of_links_ = false;
  sys::UniqueFd directory_;
};

SourceRemoval::Done SourceRemoval::run(Observer& observer, bool dry_run) {
  const std::lock_guard lock(mutex_);
  Removal removal(observer, dry_run, something_failed_.load());
  for (const auto& names : all_) removal.remove_all_in(*names);
  for (const auto& [key, group] : groups_) removal.remove_group(group, groups_matter_);
  return removal.done;
}

}  // namespace foxing::copy
