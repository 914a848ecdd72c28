// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/mirror/roots.h"

#include <algorithm>

#include "core/copy/origin.h"
#include "core/storage/storage.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::mirror {
namespace {

tl::unexpected<Error> refuse(const std::string& path, std::string why) { return fail(0, "", path, std::move(why)); }

Result<sys::UniqueFd> open_directory(const std::string& path) {
  auto fd = sys::open_at(sys::working_directory(), path, {.links = sys::Links::follow, .directory = true, .keep_atime = true});
  if (!fd) return tl::make_unexpected(std::move(fd).error().about(path));
  return fd;
}

/// Neither tree may lie in the other: a mirror would follow itself.
Result<> check_nesting(const std::string& source, const std::string& target) {
  const auto target_in_source = storage::nesting(target, source);
  if (!target_in_source) return tl::make_unexpected(Error(target_in_source.error()).about(target));
  switch (*target_in_source) {
    case storage::Nesting::apart: break;
    case storage::Nesting::same: return refuse(source, "and '" + target + "' are the same directory");
    case storage::Nesting::inside:
      return refuse(target, "lies inside its source '" + source + "': the mirror would follow itself");
    case storage::Nesting::inside_other_device: break;  // mounted in the source, where nothing is followed
  }
  const auto source_in_target = storage::nesting(source, target);
  if (!source_in_target) return tl::make_unexpected(Error(source_in_target.error()).about(source));
  if (*source_in_target != storage::Nesting::apart)
    return refuse(source,
                  "lies inside its target '" + target + "', and would be deleted there as something that the source has not");
  return {};
}

}  // namespace

Result<std::unique_ptr<Roots>> Roots::open(const std::string& source, const std::string& target, How how) {
  std::unique_ptr<Roots> roots(new Roots(source, target, how));
  roots->source_ = FOX_TRY(open_directory(source));
  roots->source_key_ = FOX_TRY(sys::status_of(roots->source_)).key();
  FOX_TRY(check_nesting(source, target));
  FOX_TRY(roots->check_mounted());
  if (auto made = sys::make_directory_at(sys::working_directory(), target, 0700); !made && made.error().code != EEXIST)
    return tl::make_unexpected(std::move(made).error().about(target));
  FOX_TRY(roots->open_target(false));
  roots->target_filesystem_ = copy::origin_of(target);
  if (auto handle = sys::handle_of(roots->target_)) roots->target_handle_ = std::move(*handle);
  if (!how.delete_anyway) FOX_TRY(roots->guard_deletion());
  return roots;
}

/// A disk that is not there leaves a directory, and the mirror would fill the filesystem that it lies on.
Result<> Roots::check_mounted() const {
  if (!how_.must_be_mounted) return {};
  const auto is_mounted = [](const std::string& path) {
    const auto here = sys::status_at(sys::working_directory(), path, sys::Links::follow);
    const auto above = sys::status_at(sys::working_directory(), path + "/..", sys::Links::follow);
    return here && above && (here->device() != above->device() || here->key() == above->key());
  };
  const std::size_t slash = target_path_.find_last_of('/');
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : target_path_.substr(0, slash);
  if (is_mounted(target_path_) || is_mounted(parent)) return {};
  return refuse(target_path_, "nothing is mounted there nor on '" + parent + "', and must_be_mounted = true asks for it");
}

Result<> Roots::open_target(bool again) {
  sys::UniqueFd fd = FOX_TRY(open_directory(target_path_));
  if (again) FOX_TRY(check_is_the_same(fd));
  if (!FOX_TRY(sys::try_lock_directory(fd)))
    return refuse(target_path_, "is the target of another foxingd that is running (only one may write into it)");
  target_key_ = FOX_TRY(sys::status_of(fd)).key();
  target_ = std::move(fd);
  return {};
}

Result<> Roots::guard_emptying() const {
  if (how_.delete_anyway || FOX_TRY(copy::is_empty(target_))) return {};
  if (FOX_TRY(copy::is_empty(source_)))
    return refuse(source_path_,
                  "is empty, and '" + target_path_ +
                      "' is not: is something not mounted? --delete-anyway (delete_anyway = true) empties the target");
  return {};
}

Result<> Roots::guard_deletion() const {
  FOX_TRY(guard_emptying());
  if (FOX_TRY(copy::is_empty(target_))) return {};
  const auto before = copy::remembered_origin(target_);
  if (before && *before != copy::origin_of(source_path_))
    return refuse(source_path_,
                  "lies on another filesystem than what was mirrored into '" + target_path_ +
                      "' last time: is something not mounted? --delete-anyway (delete_anyway = true) mirrors it all the same");
  return {};
}

TreePair::Roots Roots::for_trees() const {
  return {.source = source_path_,
          .target = target_path_,
          .source_fd = source_,
          .target_fd = target_,
          .source_device = source_key_.device,
          .source_key = source_key_,
          .may_be_emptied = how_.delete_anyway};
}

std::string Roots::missing() const {
  const auto is = [](const std::string& path, const FileKey& key) {
    const auto status = sys::status_at(sys::working_directory(), path, sys::Links::follow);
    return status && status->key() == key;
  };
  if (!is(source_path_, source_key_))
    return "the source '" + source_path_ + "' is not there, or is another directory than at the start";
  if (!is(target_path_, target_key_))
    return "the target '" + target_path_ + "' is not there, or is another directory than at the start";
  return {};
}

std::vector<std::string> Roots::mounts() const {
  std::vector<std::string> found;
  const auto root = sys::read_link_at(sys::working_directory(), "/proc/self/fd/" + std::to_string(source_.get()));
  if (!root) return found;
  for (const storage::Mount& mount : storage::read_mounts(storage::SystemRoot()).mounts)
    if (mount.point != *root && storage::is_within(mount.point, *root))
      found.push_back(std::to_string(mount.id.value) + ' ' + mount.point);
  std::ranges::sort(found);
  return found;
}

Result<> Roots::open_target_again() {
  const auto source = sys::status_at(sys::working_directory(), source_path_, sys::Links::follow);
  if (!source || source->key() != source_key_) return refuse(source_path_, "is not there");
  FOX_TRY(check_mounted());
  FOX_TRY(check_nesting(source_path_, target_path_));
  return open_target(true);
}

/// Another directory on the same filesystem is somebody's doing, too, and what is in it is not ours to delete; an empty place where something was mounted is on
/// another filesystem.  Mounted anew it may have another device number; then the filesystem's own number has to tell.
Result<> Roots::check_is_the_same(sys::FdView opened) const {
  const auto now = sys::status_of(opened);
  if (!now) return tl::make_unexpected(Error(now.error()).about(target_path_));
  const auto handle = sys::handle_of(opened);
  const bool same_inode = now->inode() == target_key_.inode && (target_handle_.empty() || (handle && *handle == target_handle_));
  const bool same_filesystem =
      now->device() == target_key_.device || (!target_filesystem_.empty() && copy::origin_of(target_path_) == target_filesystem_);
  if (!same_inode || !same_filesystem)
    return refuse(target_path_, "is another directory than at the start: put the first one back, or start foxingd anew");
  return {};
}

void Roots::remember_origin() const { copy::remember_origin(target_, copy::origin_of(source_path_)); }

}  // namespace foxing::mirror
