// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/snap_place.h"

#include <fmt/format.h>

#include "base/text.h"
#include "core/snapshot/take.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::fxcp {
namespace {

/// Absolute, without "." and doubled slashes.  ".." is refused: which directory it means depends on links that may be gone.
Result<std::string> absolute(const std::string& path) {
  std::string whole = path;
  if (!path.starts_with('/')) whole = FOX_TRY(sys::read_link_at(sys::working_directory(), "/proc/self/cwd")) + "/" + path;
  std::string clean;
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t end = std::min(whole.find('/', at), whole.size());
    const std::string name = whole.substr(at, end - at);
    at = end + 1;
    if (name == "..") return fail(0, "", path, "must be written without ..");
    if (!name.empty() && name != ".") clean += "/" + name;
  }
  return clean.empty() ? std::string("/") : clean;
}

Result<sys::UniqueFd> open_directory(const std::string& path) {
  auto fd = sys::open_at(sys::working_directory(), path, {.links = sys::Links::follow, .directory = true, .keep_atime = true});
  if (!fd) return tl::make_unexpected(std::move(fd).error().about(path));
  return fd;
}

tl::unexpected<Error> no_store(const std::string& path) {
  return fail(0, "", path, "has no snapshots: fxcp -a --snapshot SRC DST makes one of DST before it changes it");
}

}  // namespace

std::string Place::in_snapshot(const std::string& name) const {
  return join_path(join_path(join_path(join_path(target, kVersionsName), name), snapshot::kTreeName), below);
}

Result<Place> target_at(const std::string& path) {
  Place place{.target = path, .fd = {}, .below = {}};
  while (place.target.size() > 1 && place.target.ends_with('/')) place.target.pop_back();
  place.fd = FOX_TRY(open_directory(path));
  if (const auto there = sys::status_at(place.fd, kVersionsName); !there && there.error().code == ENOENT) return no_store(path);
  return place;
}

Result<Place> place_of(const std::string& path) {
  std::string at = FOX_TRY(absolute(path));
  Place place;
  while (true) {
    auto fd = sys::open_at(sys::working_directory(), at, {.links = sys::Links::follow, .directory = true, .keep_atime = true});
    if (fd && sys::status_at(*fd, kVersionsName)) {
      place.target = at;
      place.fd = std::move(*fd);
      return place;
    }
    if (at == "/") return no_store(path);
    const std::size_t slash = at.rfind('/');
    place.below = place.below.empty() ? at.substr(slash + 1) : join_path(at.substr(slash + 1), place.below);
    at = slash == 0 ? "/" : at.substr(0, slash);
  }
}

Result<Parent> parent_beneath(sys::FdView root, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  Parent parent;
  parent.name = slash == std::string::npos ? path : path.substr(slash + 1);
  parent.fd = slash == std::string::npos ? FOX_TRY(sys::duplicate(root))
                                         : FOX_TRY(sys::open_beneath(root, path.substr(0, slash), {.directory = true}));
  return parent;
}

Result<sys::FileStatus> status_beneath(sys::FdView root, const std::string& path) {
  if (path.empty()) return sys::status_of(root);
  const Parent parent = FOX_TRY(parent_beneath(root, path));
  return sys::status_at(parent.fd, parent.name);
}

Result<> keep_snapshot(const Options& options, const Arrangement& plan, sys::FdView target, unsigned workers,
                       std::uint64_t descriptors, Report& report) {
  std::string sources;
  for (const std::string& source : options.sources) sources += (sources.empty() ? "" : " ") + source;
  auto taken = snapshot::take(target, {.target_name = plan.directory,
                                       .source = sources.substr(0, 4096),
                                       .trigger = "fxcp --snapshot",
                                       .workers = workers,
                                       .descriptor_limit = descriptors});
  if (!taken) {
    Error error = std::move(taken).error().about(plan.directory);
    if (error.subject == kVersionsName) error.subject = join_path(plan.directory, kVersionsName);
    error.detail = fmt::format("stands in the way of a snapshot, so nothing was changed{}{}", error.detail.empty() ? "" : ": ",
                               error.detail);
    return error;
  }
  if (!*taken) {
    report.say(fmt::format("no snapshot: {} is empty", printable(plan.directory)));
    return {};
  }
  const snapshot::Summary& summary = **taken;
  report.say(
      fmt::format("snapshot {}: {} files: {} share blocks with {}, {} are links to the snapshot before, {} copied ({} written)",
                  summary.name, grouped(summary.files), grouped(summary.cloned), printable(plan.directory),
                  grouped(summary.linked), grouped(summary.copied), human(summary.written)));
  return {};
}

Result<std::uint64_t> clean_store(sys::FdView target, bool dry_run) {
  using snapshot::Store;
  auto store = Store::open(target, Store::Use::look);
  const int code = store ? 0 : store.error().code;
  if (code == ENOENT || code == ENOTDIR || code == ELOOP) return std::uint64_t{0};  // nothing of ours
  if (!store) return tl::make_unexpected(std::move(store).error());
  const std::uint64_t dead = FOX_TRY(store->remove_dead(true));
  if (dead == 0 || dry_run) return dead;
  auto locked = Store::open(target, Store::Use::change);  // which removes them
  if (!locked && locked.error().code == EBUSY) return std::uint64_t{0};
  if (!locked) return tl::make_unexpected(std::move(locked).error());
  return dead;
}

}  // namespace foxing::fxcp
