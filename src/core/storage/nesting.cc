// SPDX-License-Identifier: GPL-2.0-or-later
// Where a path leads, and whether one place lies inside another.
// Three ways lead to a yes, and none of them alone sees everything:
//   the directories above the child, by device and inode       sees mounts and links on the way, not bind mounts of a subtree
//   the paths inside the filesystem, by mountinfo              sees bind mounts and subvolumes, not another filesystem mounted inside
//   the mounts below the parent, by mountinfo                  sees both of these when they come together
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/storage/storage.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/status.h"

namespace foxing::storage {
namespace {

constexpr std::size_t kDeepest = 1 << 16;

/// Takes the last name off `path` ("a/b/" leaves "a", "a" leaves ".") and gives it; nothing where there is none to take.
std::optional<std::string> take_last_name(std::string& path) {
  path.erase(path.find_last_not_of('/') + 1);
  if (path.empty() || path == ".") return std::nullopt;
  const std::size_t slash = path.rfind('/');
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (slash == std::string::npos) {
    path = ".";
  } else {
    path.erase(slash == 0 ? 1 : slash);
  }
  return name;
}

/// Opens as much of `path` as exists; the names that don't go to `missing`.
Result<sys::UniqueFd> open_existing(std::string path, std::string& missing) {
  while (true) {
    auto file = sys::open_at(sys::working_directory(), path, {.access = sys::Access::path, .links = sys::Links::follow});
    if (file || file.error().code != ENOENT) return file;
    const std::optional<std::string> name = take_last_name(path);
    if (!name || *name == "..") return file;
    if (*name == ".") continue;
    missing = missing.empty() ? *name : *name + "/" + missing;
  }
}

/// The path of an open file from this process's root, or "" where there is none (deleted, unreachable, no /proc).
std::string path_of(sys::FdView file, FileKey key) {
  auto path = sys::read_link_at(sys::working_directory(), fmt::format("/proc/self/fd/{}", file.number()));
  if (!path || !path->starts_with('/')) return {};
  // "/a (deleted)" is what a deleted file gives, and what a file of that name gives: looking there tells.
  const auto status = sys::status_at(sys::working_directory(), *path);
  if (!status || status->key() != key) return {};
  return std::move(*path);
}

std::optional<MountId> mount_of(sys::FdView file) {
  const std::string text = SystemRoot().read(fmt::format("/proc/self/fdinfo/{}", file.number())).value_or(std::string());
  constexpr std::string_view kLabel = "mnt_id:\t";
  const std::size_t at = text.find(kLabel);
  int id = 0;
  if (at == std::string::npos) return std::nullopt;
  const char* const begin = text.data() + at + kLabel.size();
  if (std::from_chars(begin, text.data() + text.size(), id).ec != std::errc{}) return std::nullopt;
  return MountId(id);
}

/// The directories from `directory` up to the root, itself first.
std::vector<FileKey> keys_up_from(sys::UniqueFd directory) {
  std::vector<FileKey> keys;
  while (keys.size() < kDeepest) {
    const auto status = sys::status_of(directory);
    if (!status || (!keys.empty() && keys.back() == status->key())) break;  // the root is its own parent
    keys.push_back(status->key());
    auto above = sys::open_at(directory, "..", {.access = sys::Access::path, .directory = true});
    if (!above) break;
    directory = std::move(*above);
  }
  return keys;
}

std::vector<FileKey> ancestors_of(sys::UniqueFd file, const Located& located) {
  if (located.directory) return keys_up_from(std::move(file));
  std::vector<FileKey> keys{located.key};
  if (located.path.empty()) return keys;
  std::string folder = located.path;
  take_last_name(folder);
  auto directory = sys::open_at(sys::working_directory(), folder, {.access = sys::Access::path, .directory = true});
  if (!directory) return keys;
  const std::vector<FileKey> above = keys_up_from(std::move(*directory));
  keys.insert(keys.end(), above.begin(), above.end());
  return keys;
}

/// Of two different places: the child itself is among its ancestors.
bool is_above(const Located& maybe_parent, const Located& child) {
  return std::find(child.ancestors.begin(), child.ancestors.end(), maybe_parent.key) != child.ancestors.end();
}

/// Whether one of the mounts that a walk through `parent` meets shows `place`.
bool shown_below(const Located& parent, const FilesystemPath& place, const MountTable& mounts) {
  if (parent.path.empty()) return false;
  return std::any_of(mounts.mounts.begin(), mounts.mounts.end(), [&](const Mount& mount) {
    return mount.device == place.device && mount.point != parent.path && is_within(mount.point, parent.path) &&
           is_within(place.inner, mount.root) && !mounts.covered(mount);
  });
}

}  // namespace

Result<Located> locate(const std::string& path) {
  Located located;
  located.asked = path;
  auto opened = open_existing(path, located.missing);
  if (!opened) return tl::make_unexpected(std::move(opened).error().about(path));
  const auto status = sys::status_of(*opened);
  if (!status) return tl::make_unexpected(Error(status.error()).about(path));
  auto quick = quick_traits(*opened);
  if (!quick) return tl::make_unexpected(std::move(quick).error().about(path));
  located.quick = *quick;
  located.key = status->key();
  located.directory = status->type() == sys::FileType::directory;
  located.path = path_of(*opened, located.key);
  located.mount = mount_of(*opened);
  located.ancestors = ancestors_of(std::move(*opened), located);
  return located;
}

std::optional<FilesystemPath> filesystem_path(const Located& located, const MountTable& mounts) {
  const Mount* const mount = located.mount ? mounts.find(*located.mount) : nullptr;
  if (mount == nullptr || located.path.empty() || !is_within(located.path, mount->point)) return std::nullopt;
  std::string inner = mount->root == "/" ? "" : mount->root;
  if (located.path != mount->point) inner += located.path.substr(mount->point == "/" ? 0 : mount->point.size());
  if (!located.missing.empty()) inner += "/" + located.missing;
  return FilesystemPath{mount->device, inner.empty() ? "/" : inner};
}

Nesting nesting(const Located& child, const Located& maybe_parent, const MountTable& mounts) {
  const bool both_exist = child.missing.empty() && maybe_parent.missing.empty();
  if (both_exist && child.key == maybe_parent.key) return Nesting::same;
  const auto place = filesystem_path(child, mounts);
  const auto parent_place = filesystem_path(maybe_parent, mounts);
  if (place && place == parent_place) return Nesting::same;

  const bool can_hold = maybe_parent.directory && maybe_parent.missing.empty();
  const bool by_place =
      place && parent_place && place->device == parent_place->device && is_within(place->inner, parent_place->inner);
  const bool inside =
      by_place || (can_hold && (is_above(maybe_parent, child) || (place && shown_below(maybe_parent, *place, mounts))));
  if (!inside) return Nesting::apart;
  // What a walk on one filesystem compares is st_dev, which differs between the subvolumes of a btrfs as well.
  return child.quick.device == maybe_parent.quick.device ? Nesting::inside : Nesting::inside_other_device;
}

Result<Nesting> nesting(const std::string& child, const std::string& maybe_parent) {
  const Located child_located = FOX_TRY(locate(child));
  const Located parent_located = FOX_TRY(locate(maybe_parent));
  return nesting(child_located, parent_located, read_mounts(SystemRoot()));
}

Result<bool> lies_inside(const std::string& child, const std::string& maybe_parent) {
  const Nesting answer = FOX_TRY(nesting(child, maybe_parent));
  return answer == Nesting::inside || answer == Nesting::inside_other_device;
}

}  // namespace foxing::storage
