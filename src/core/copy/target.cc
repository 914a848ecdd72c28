// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/target.h"

#include <utility>

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

}  // namespace

Result<> TargetDirectory::put_in_place(const std::string& temporary, const std::string& name) {
  if (keeper_ != nullptr && keeper_->keeps_replaced() && !fresh_) FOX_TRY(keeper_->keep_replaced(fd_, relative(), name));
  auto renamed = sys::rename_at(fd_, temporary, fd_, name, fresh_ ? sys::Replace::nothing : sys::Replace::existing);
  if (!renamed && fresh_ && renamed.error().code == EEXIST) return taken_by_another();
  if (!renamed && fresh_ && renamed.error().code == EINVAL) {  // a filesystem without RENAME_NOREPLACE
    if (sys::status_at(fd_, name)) return taken_by_another();
    renamed = sys::rename_at(fd_, temporary, fd_, name);
  }
  if (renamed) return renamed;
  switch (renamed.error().code) {
    case EISDIR:     // a directory in the way of something else
    case ENOTDIR:    // something else in the way of a directory
    case ENOTEMPTY:  // a directory in the way of one, not empty
    case EEXIST: return exchange_and_remove(temporary, name);
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

Result<> TargetDirectory::exchange_and_remove(const std::string& temporary, const std::string& name) {
  const auto in_the_way = [] {
    return fail(ENOTEMPTY, "rename", {}, "a directory with something in it is in the way; remove it or choose another target");
  };
  const sys::FileStatus old = FOX_TRY(sys::status_at(fd_, name));
  const bool directory = old.type() == sys::FileType::directory;
  const bool kept = keeper_ != nullptr && keeper_->keeps_replaced() && directory;
  const bool full = directory && !FOX_TRY(is_empty_directory(name));
  // Emptied under its own name: a run that is killed meanwhile leaves nothing under a temporary one that was not to be deleted.
  if (full && !kept && (clearing_ == nullptr || !FOX_TRY(clearing_->clear(*this, name)))) return in_the_way();

  auto exchanged = sys::rename_at(fd_, temporary, fd_, name, sys::Replace::exchange);
  if (!exchanged && exchanged.error().code == EINVAL) {  // a filesystem without it: the name is missing for a moment
    if (kept)
      FOX_TRY(keeper_->keep_deleted(fd_, relative(), name, name));
    else
      FOX_TRY(directory ? sys::remove_directory_at(fd_, name) : sys::unlink_at(fd_, name));
    return sys::rename_at(fd_, temporary, fd_, name);
  }
  FOX_TRY(std::move(exchanged));
  auto removed = kept        ? keeper_->keep_deleted(fd_, relative(), temporary, name)
                 : directory ? sys::remove_directory_at(fd_, temporary)
                             : sys::unlink_at(fd_, temporary);
  if (removed) return removed;
  // Something in it must stay, or somebody has put something into it meanwhile: give it its name back.
  FOX_TRY(sys::rename_at(fd_, temporary, fd_, name, sys::Replace::exchange));
  if (removed.error().code == ENOTEMPTY || removed.error().code == EEXIST) return in_the_way();
  return removed;
}

Result<StagedFile> StagedFile::create(TargetDirectory& directory, sys::FdView place, TempNames& names, std::string name,
                                      mode_t mode, Staging staging) {
  StagedFile staged(directory, names, std::move(name));
  staged.mode_ = mode;
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
    auto file = sys::create_at(directory.fd(), temporary, staged.mode_);
    if (file) {
      staged.fd_ = std::move(*file);
      staged.visible_name_ = std::move(temporary);
      return staged;
    }
    if (file.error().code != EEXIST) return tl::make_unexpected(std::move(file).error());
  }
}

StagedFile::~StagedFile() {
  if (fd_ && !visible_name_.empty()) (void)directory_->remove(visible_name_);  // nothing better to do: cleanup finds it
}

Result<> StagedFile::commit() {
  if (visible_name_.empty()) return commit_nameless();
  // Closed before it gets its name: a network filesystem tells of a full disk only now.
  auto closed = sys::close_written(std::move(fd_));
  auto placed = closed && visible_name_ != name_ ? directory_->put_in_place(visible_name_, name_) : std::move(closed);
  if (!placed) (void)directory_->remove(visible_name_);
  return placed;
}

Result<> StagedFile::commit_nameless() {
  auto linked = sys::link_descriptor_at(fd_, directory_->fd(), name_);
  if (!linked && linked.error().code == EEXIST && directory_->fresh()) return taken_by_another();
  if (!linked && linked.error().code == EEXIST) {
    do {
      visible_name_ = names_->next();
      linked = sys::link_descriptor_at(fd_, directory_->fd(), visible_name_);
    } while (!linked && linked.error().code == EEXIST);
    if (linked) {
      linked = directory_->put_in_place(visible_name_, name_);
      if (!linked) (void)directory_->remove(visible_name_);
    }
    visible_name_.clear();
  }
  FOX_TRY(std::move(linked));
  return sys::close_written(std::move(fd_));
}

}  // namespace foxing::copy
