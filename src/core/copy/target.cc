// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/target.h"

#include <utility>

#include "base/assert.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {

std::string TargetDirectory::relative() const {
  std::string path;
  for (const TargetDirectory* at = this; at->placed_.parent != nullptr; at = at->placed_.parent)
    path = path.empty() ? at->placed_.name : at->placed_.name + '/' + path;
  return path;
}

std::string TargetDirectory::shown() const {
  const TargetDirectory* root = this;
  while (root->placed_.parent != nullptr) root = root->placed_.parent;
  const std::string below = relative();
  const std::string& name = root->placed_.name;
  if (below.empty() || name.empty()) return name + below;
  return name + (name.back() == '/' ? "" : "/") + below;
}

Result<meta::Current> TargetDirectory::newborn(sys::FdView file, mode_t mode) {
  std::uint64_t known = newborn_.load(std::memory_order_relaxed);
  if (known == ~std::uint64_t{0}) {
    const sys::FileStatus status = FOX_TRY(sys::status_of(file));
    known = std::uint64_t{status.owner()} << 32 | status.group();
    newborn_.store(known, std::memory_order_relaxed);
  }
  return meta::Current{.owner = static_cast<uid_t>(known >> 32),
                       .group = static_cast<gid_t>(known),
                       .mode = mode,
                       .may_have_attributes = gives_.acl};
}

Result<> TargetDirectory::remove(const std::string& name) { return sys::unlink_at(fd_, name); }

namespace {

tl::unexpected<Error> taken_by_another() {
  return fail(EEXIST, "linkat", {},
              "another entry of the source has this name already: the target does not tell the two names apart");
}

/// A name may be listed as another one than it was made with ("a." as "a", NFC as NFD): there, what is listed does not tell who has made it.
bool stores_names_as_given(storage::Filesystem filesystem) {
  switch (filesystem) {
    case storage::Filesystem::fat:
    case storage::Filesystem::exfat:
    case storage::Filesystem::ntfs:
    case storage::Filesystem::hfsplus:
    case storage::Filesystem::cifs: return false;
    default: return true;
  }
}

}  // namespace

bool TargetDirectory::taken_by_somebody_else(const std::string& name) {
  if (!fresh()) return true;
  if (!stores_names_as_given(pair_.target_kind)) return false;
  // Another entry of the source has another name, and would be listed by that.
  const auto directory = sys::open_at(fd_, ".", {.directory = true, .keep_atime = true});
  sys::DirectoryReader reader(32 * 1024);
  while (directory) {
    const auto more = reader.fill(*directory);
    if (!more || !*more) break;
    while (const auto entry = reader.next()) {
      if (name != std::string_view(entry->name, entry->length)) continue;
      fresh_.store(false, std::memory_order_relaxed);
      return true;
    }
  }
  return false;
}

Result<> TargetDirectory::put_in_place(sys::FdView from, const std::string& temporary, const std::string& name) {
  const bool alone = fresh();
  if (keeper_ != nullptr && keeper_->keeps_replaced() && !alone) FOX_TRY(keeper_->keep_replaced(fd_, relative(), name));
  auto renamed = sys::rename_at(from, temporary, fd_, name, alone ? sys::Replace::nothing : sys::Replace::existing);
  bool taken = !renamed && alone && renamed.error().code == EEXIST;
  if (!renamed && alone && renamed.error().code == EINVAL) {  // a filesystem without RENAME_NOREPLACE
    taken = sys::status_at(fd_, name).has_value();
    if (!taken) renamed = sys::rename_at(from, temporary, fd_, name);
  }
  if (taken) return taken_by_somebody_else(name) ? put_in_place(from, temporary, name) : taken_by_another();
  if (renamed) return renamed;
  switch (renamed.error().code) {
    case EISDIR:     // a directory in the way of something else
    case ENOTDIR:    // something else in the way of a directory
    case ENOTEMPTY:  // a directory in the way of one, not empty
    case EEXIST: return exchange_and_remove(from, temporary, name);
    default: return renamed;
  }
}

Result<bool> TargetDirectory::is_empty_directory(const std::string& name) {
  const sys::UniqueFd directory = FOX_TRY(sys::open_at(fd_, name, {.directory = true}));
  sys::DirectoryReader reader(1024);
  while (FOX_TRY(reader.fill(directory))) {
    if (reader.next()) return false;
  }
  return true;
}

Result<> TargetDirectory::exchange_and_remove(sys::FdView from, const std::string& temporary, const std::string& name) {
  const auto in_the_way = [] {
    return fail(ENOTEMPTY, "rename", {}, "a directory with something in it is in the way; remove it or choose another target");
  };
  const sys::FileStatus old = FOX_TRY(sys::status_at(fd_, name));
  const bool directory = old.type() == sys::FileType::directory;
  const bool kept = keeper_ != nullptr && keeper_->keeps_replaced() && directory;
  const bool full = directory && !FOX_TRY(is_empty_directory(name));
  // Emptied under its own name: a run that is killed meanwhile leaves nothing under a temporary one that was not to be deleted.
  if (full && !kept && (clearing_ == nullptr || !FOX_TRY(clearing_->clear(*this, name)))) return in_the_way();

  auto exchanged = sys::rename_at(from, temporary, fd_, name, sys::Replace::exchange);
  if (!exchanged && exchanged.error().code == EINVAL) {  // a filesystem without it: the name is missing for a moment
    if (kept)
      FOX_TRY(keeper_->keep_deleted(fd_, relative(), name, name));
    else
      FOX_TRY(directory ? sys::remove_directory_at(fd_, name) : sys::unlink_at(fd_, name));
    return sys::rename_at(from, temporary, fd_, name);
  }
  FOX_TRY(std::move(exchanged));
  auto removed = kept        ? keeper_->keep_deleted(from, relative(), temporary, name)
                 : directory ? sys::remove_directory_at(from, temporary)
                             : sys::unlink_at(from, temporary);
  if (removed) return removed;
  // Something in it must stay, or somebody has put something into it meanwhile: give it its name back.
  FOX_TRY(sys::rename_at(from, temporary, fd_, name, sys::Replace::exchange));
  if (removed.error().code == ENOTEMPTY || removed.error().code == EEXIST) return in_the_way();
  return removed;
}

Result<StagedFile> StagedFile::create(TargetDirectory& directory, sys::FdView place, TempNames& names, std::string name,
                                      mode_t mode, Staging staging, sys::FdView apart) {
  StagedFile staged(directory, names, std::move(name));
  staged.mode_ = mode;
  staged.apart_ = apart;
  if (staging == Staging::under_final_name) {
    auto file = sys::create_at(directory.fd(), staged.name_, mode);
    if (file) {
      staged.fd_ = std::move(*file);
      staged.visible_name_ = staged.name_;
      return staged;
    }
    if (file.error().code != EEXIST) return tl::make_unexpected(std::move(file).error());
  }
  if (!directory.pair().nameless_declines.load(std::memory_order_relaxed)) {
    auto file = sys::create_nameless(place, mode);
    if (!file && file.error().code == ENOENT && place.number() != directory.fd().number())
      file = sys::create_nameless(directory.fd(), mode);
    if (file) {
      staged.fd_ = std::move(*file);
      return staged;
    }
    const int code = file.error().code;
    if (code != EOPNOTSUPP && code != EISDIR && code != ENOENT && code != EINVAL)
      return tl::make_unexpected(std::move(file).error());
    directory.pair().nameless_declines.store(true, std::memory_order_relaxed);
  }
  while (true) {
    std::string temporary = names.next();
    staged.mode_ = mode & 0700;  // nobody else's until it is whole
    auto file = sys::create_at(staged.lies_in(), temporary, staged.mode_);
    if (file) {
      staged.fd_ = std::move(*file);
      staged.visible_name_ = std::move(temporary);
      return staged;
    }
    if (file.error().code != EEXIST) return tl::make_unexpected(std::move(file).error());
  }
}

StagedFile StagedFile::adopt(TargetDirectory& directory, TempNames& names, std::string name, mode_t mode, Kept kept) {
  StagedFile staged(directory, names, std::move(name));
  staged.mode_ = mode;
  staged.fd_ = std::move(kept.file);
  staged.kept_ = std::move(kept);
  return staged;
}

StagedFile::~StagedFile() {
  if (!fd_) return;
  if (kept_) {
    leave_kept();
  } else if (!visible_name_.empty()) {
    // Nothing better to do where it fails: cleanup finds it.
    (void)sys::unlink_at(visible_name_ == name_ ? directory_->fd() : lies_in(), visible_name_);
  }
}

Result<> StagedFile::commit() {
  if (kept_) return commit_kept();
  if (visible_name_.empty()) return commit_nameless();
  // Closed before it gets its name: a network filesystem tells of a full disk only now.
  auto closed = sys::close_written(std::move(fd_));
  const bool in_place = visible_name_ == name_;
  auto placed = closed && !in_place ? directory_->put_in_place(lies_in(), visible_name_, name_) : std::move(closed);
  if (!placed) (void)sys::unlink_at(in_place ? directory_->fd() : lies_in(), visible_name_);
  return placed;
}

Result<> StagedFile::commit_as_new() {
  FOX_ASSERT(!kept_);
  if (visible_name_.empty()) {
    FOX_TRY(sys::link_descriptor_at(fd_, directory_->fd(), name_));
    return sys::close_written(std::move(fd_));
  }
  if (visible_name_ == name_) return sys::close_written(std::move(fd_));
  auto placed = sys::close_written(std::move(fd_));
  if (placed) placed = sys::rename_at(lies_in(), visible_name_, directory_->fd(), name_, sys::Replace::nothing);
  if (placed) return placed;
  if (placed.error().code == EINVAL) placed = sys::link_at(lies_in(), visible_name_, directory_->fd(), name_);
  (void)sys::unlink_at(lies_in(), visible_name_);
  return placed;
}

Result<> StagedFile::commit_nameless() {
  auto linked = sys::link_descriptor_at(fd_, directory_->fd(), name_);
  if (!linked && linked.error().code == EEXIST && directory_->fresh() && !directory_->taken_by_somebody_else(name_))
    return taken_by_another();
  if (!linked && linked.error().code == EEXIST) {
    do {
      visible_name_ = names_->next();
      linked = sys::link_descriptor_at(fd_, lies_in(), visible_name_);
    } while (!linked && linked.error().code == EEXIST);
    if (linked) {
      linked = directory_->put_in_place(lies_in(), visible_name_, name_);
      if (!linked) (void)sys::unlink_at(lies_in(), visible_name_);
    }
    visible_name_.clear();
  }
  FOX_TRY(std::move(linked));
  return sys::close_written(std::move(fd_));
}

/// What cannot get its name stays where it is, and the next run goes on with it.
Result<> StagedFile::commit_kept() {
  // The lock is held by this one until the file has its name: nobody may go on with a file that everybody sees.
  const sys::UniqueFd locked = FOX_TRY(sys::duplicate(fd_));
  FOX_TRY(sys::close_written(std::move(fd_)));
  auto placed = directory_->put_in_place(kept_->directory, kept_->name, name_);
  // Another entry of this very run has the name: there is nothing to go on with.
  if (!placed && placed.error().code == EEXIST) (void)sys::unlink_at(kept_->directory, kept_->name);
  if (!kept_->directory_name.empty())
    (void)sys::remove_directory_at(directory_->fd(), kept_->directory_name);  // where it is empty
  return placed;
}

void StagedFile::leave_kept() {
  const auto status = sys::status_of(fd_);
  if (!status || status->size() > Bytes(0)) return;
  (void)sys::unlink_at(kept_->directory, kept_->name);  // nothing in it that would spare the next run anything
  if (!kept_->directory_name.empty()) (void)sys::remove_directory_at(directory_->fd(), kept_->directory_name);
}

}  // namespace foxing::copy
