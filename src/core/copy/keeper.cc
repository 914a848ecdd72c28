// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/keeper.h"

#include <algorithm>
#include <cerrno>

#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {
namespace {

/// The directory `relative` below `root`, made where it is missing.
Result<sys::UniqueFd> make_path(sys::FdView root, const std::string& relative) {
  sys::UniqueFd at = FOX_TRY(sys::duplicate(root));
  for (std::size_t begin = 0; begin < relative.size();) {
    const std::size_t end = std::min(relative.find('/', begin), relative.size());
    const std::string name = relative.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty()) continue;
    if (auto made = sys::make_directory_at(at, name, 0700); !made && made.error().code != EEXIST)
      return tl::make_unexpected(std::move(made).error());
    at = FOX_TRY(sys::open_at(at, name, {.directory = true}));
  }
  return at;
}

Error cannot_keep(Error error) {
  if (error.code == EXDEV && error.detail.empty()) error.detail = "what is kept must lie on the target's filesystem";
  return error;
}

}  // namespace

bool Keeper::is_kept_name(std::string_view name) const {
  if (!keeps_beside()) return false;
  if (name.ends_with(options_.suffix)) return true;
  const std::size_t digits = name.size() - (name.find_last_not_of("0123456789") + 1);
  if (digits == 0 || digits + 1 >= name.size()) return false;
  name.remove_suffix(digits);
  return name.ends_with('.') && name.substr(0, name.size() - 1).ends_with(options_.suffix);
}

Keeper::Keeper(Options options, TempNames& names, sys::UniqueFd directory)
    : options_(std::move(options)), names_(names), directory_(std::move(directory)) {
  auto at = sys::duplicate(directory_);
  while (at) {
    const auto status = sys::status_of(*at);
    if (!status || (!way_.empty() && way_.back() == status->key())) break;  // "/.." is "/"
    way_.push_back(status->key());
    at = sys::open_at(*at, "..", {.access = sys::Access::path, .directory = true});
  }
}

bool Keeper::leads_to_kept(const FileKey& key) const { return std::ranges::find(way_, key) != way_.end(); }

Result<Keeper::Place> Keeper::place_for(sys::FdView directory, const std::string& relative, const std::string& name) const {
  Place place{{}, directory, name + options_.suffix};
  if (!directory_) return place;
  place.owned = FOX_TRY(make_path(directory_, relative));
  place.directory = place.owned;
  return place;
}

Result<> Keeper::keep_replaced(sys::FdView directory, const std::string& relative, const std::string& name) {
  const auto there = sys::status_at(directory, name);
  if (!there && there.error().code == ENOENT) return {};
  if (!there) return tl::make_unexpected(there.error());
  if (there->type() == sys::FileType::directory) return {};  // it is exchanged, and moved away then
  const Place place = FOX_TRY(place_for(directory, relative, name));
  // An older kept one is replaced: a link under a temporary name, and a rename over it.
  const std::string temporary = names_.next();
  if (auto linked = sys::link_at(directory, name, place.directory, temporary); !linked)
    return tl::make_unexpected(cannot_keep(std::move(linked).error()));
  auto renamed = sys::rename_at(place.directory, temporary, place.directory, place.name);
  // Left over after a failure, and where both names were one file already: then rename(2) does nothing.
  (void)sys::unlink_at(place.directory, temporary);
  return renamed;
}

Result<> Keeper::keep_deleted(sys::FdView directory, const std::string& relative, const std::string& name,
                              const std::string& kept_as) {
  const Place place = FOX_TRY(place_for(directory, relative, kept_as));
  // A backup replaces an older one; in the trash everything is kept.
  auto moved = sys::rename_at(directory, name, place.directory, place.name,
                              options_.replaced ? sys::Replace::existing : sys::Replace::nothing);
  if (moved) return moved;
  const int code = moved.error().code;
  if (code != ENOTEMPTY && code != EEXIST && code != EISDIR && code != ENOTDIR)
    return tl::make_unexpected(cannot_keep(std::move(moved).error()));
  // Something of another type, or a directory, has been kept there before: the newer one gets a number.
  for (int number = 1; number < 10'000; ++number) {
    moved = sys::rename_at(directory, name, place.directory, place.name + "." + std::to_string(number), sys::Replace::nothing);
    if (moved || moved.error().code != EEXIST) return moved;
  }
  return moved;
}

}  // namespace foxing::copy
