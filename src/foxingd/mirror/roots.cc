// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/mirror/roots.h"

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

Result<std::unique_ptr<Roots>> Roots::open(const std::string& source, const std::string& target, bool delete_anyway) {
  std::unique_ptr<Roots> roots(new Roots(source, target));
  roots->source_ = FOX_TRY(open_directory(source));
  roots->source_key_ = FOX_TRY(sys::status_of(roots->source_)).key();
  FOX_TRY(check_nesting(source, target));
  if (auto made = sys::make_directory_at(sys::working_directory(), target, 0700); !made && made.error().code != EEXIST)
    return tl::make_unexpected(std::move(made).error().about(target));
  FOX_TRY(roots->open_target());
  roots->target_filesystem_ = copy::origin_of(target);
  if (!delete_anyway) FOX_TRY(roots->guard_deletion());
  return roots;
}

Result<> Roots::open_target() {
  sys::UniqueFd fd = FOX_TRY(open_directory(target_path_));
  if (!FOX_TRY(sys::try_lock_directory(fd)))
    return refuse(target_path_, "is the target of another foxingd that is running (only one may write into it)");
  target_key_ = FOX_TRY(sys::status_of(fd)).key();
  target_ = std::move(fd);
  return {};
}

Result<> Roots::guard_deletion() const {
  if (FOX_TRY(copy::is_empty(target_))) return {};
  if (FOX_TRY(copy::is_empty(source_)))
    return refuse(source_path_,
                  "is empty, and '" + target_path_ +
                      "' is not: is something not mounted? --delete-anyway (delete_anyway = true) empties the target");
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
          .source_device = source_key_.device};
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

Result<> Roots::open_target_again() {
  const auto source = sys::status_at(sys::working_directory(), source_path_, sys::Links::follow);
  if (!source || source->key() != source_key_) return refuse(source_path_, "is not there");
  const auto now = sys::status_at(sys::working_directory(), target_path_, sys::Links::follow);
  if (!now) return tl::make_unexpected(now.error());
  // Another directory of the same filesystem is somebody's doing, too; an empty place where something was mounted is on another one.
  const bool same = target_filesystem_.empty() ? now->device() == target_key_.device && now->key() == target_key_
                                               : copy::origin_of(target_path_) == target_filesystem_;
  if (!same) return refuse(target_path_, "lies on another filesystem than at the start");
  return open_target();
}

void Roots::remember_origin() const { copy::remember_origin(target_, copy::origin_of(source_path_)); }

}  // namespace foxing::mirror
