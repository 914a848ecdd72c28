// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/preflight.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "core/storage/storage.h"
#include "fxcp/under_way.h"
#include "sys/file.h"
#include "sys/process.h"

namespace foxing::fxcp {
namespace {

/// The target directory, or where it will be made.
std::string existing_directory(const Arrangement& plan) {
  std::string path = plan.make_directory ? split_path(plan.directory).directory : plan.directory;
  // With --mkpath more may be missing.
  while (plan.make_directory && !sys::status_at(sys::working_directory(), path, sys::Links::follow) &&
         split_path(path).directory != path)
    path = split_path(path).directory;
  return path;
}

Result<storage::QuickTraits> traits_of(const std::string& path, sys::Links links) {
  const sys::UniqueFd fd = FOX_TRY(sys::open_at(sys::working_directory(), path, {.access = sys::Access::path, .links = links}));
  return storage::quick_traits(fd);
}

Bytes free_for_us(const storage::QuickTraits& target) {
  // Root may use ext4's reserve.  What btrfs calls free is not all to be had by anybody; but it says 0 where its metadata is short, which is no answer.
  const bool reserve = sys::privileges().ignore_permissions && target.filesystem != storage::Filesystem::btrfs;
  return reserve || target.available == Bytes(0) ? target.free : target.available;
}

/// True where it is clear without a look at every file: more is free than the sources' filesystems hold in all.
Result<bool> surely_fits(const Arrangement& plan, const storage::QuickTraits& target) {
  Bytes used;
  for (const Item& item : plan.items) {
    const storage::QuickTraits source = FOX_TRY(traits_of(item.source, item.links));
    if (source.total <= source.free) return false;  // no such numbers: procfs, FUSE
    used += item.status.type() == sys::FileType::directory ? source.total - source.free : item.status.allocated();
  }
  // Twice: blocks that files share count once in what is used, and each time in what is copied.
  return used + used <= free_for_us(target);
}

/// True where what is written takes less room than it is long, or may: then a refusal could be wrong.
bool may_compress(const std::string& path, storage::Filesystem filesystem) {
  using storage::Filesystem;
  if (filesystem == Filesystem::zfs || filesystem == Filesystem::bcachefs || filesystem == Filesystem::f2fs ||
      filesystem == Filesystem::fuse)
    return true;
  if (filesystem != Filesystem::btrfs) return false;
  const auto traits = storage::traits(path);
  return !traits || !traits->mount || traits->mount->super_option("compress") || traits->mount->super_option("compress-force");
}

/// The room that the sources take.
Bytes room_of_sources(const Arrangement& plan, const Options& options, bool by_data, const walk::Walk::Options& walking) {
  copy::Estimate::Options how = estimate_options(plan, options);
  how.by_data = by_data;
  copy::Estimate estimate(how);
  walk::Walk walk(estimate, walking);
  add_items_to_look_at(walk, plan);
  walk.run();
  return estimate.room();
}

}  // namespace

walk::Walk::Options walk_options(const Options& options, unsigned workers, std::uint64_t descriptor_limit,
                                 walk::Selector* selector) {
  walk::Walk::Options walk{
      .workers = workers, .follow = walk::Walk::Follow::none, .descriptor_limit = descriptor_limit, .selector = selector};
  if (options.symlinks == Symlinks::follow) walk.follow = walk::Walk::Follow::all;
  walk.follow_unsafe = options.copy_unsafe_links;
  if (options.symlinks == Symlinks::follow_directories) walk.follow = walk::Walk::Follow::directories;
  return walk;
}

void add_items_to_look_at(walk::Walk& walk, const Arrangement& plan) {
  for (const Way& way : plan.ways) {
    auto base = sys::open_at(sys::working_directory(), way.base,
                             {.access = sys::Access::path, .links = sys::Links::follow, .directory = true});
    if (!base) continue;
    const walk::Hold place = walk.add_place(std::move(*base), way.base, nullptr);
    for (const walk::Route& route : way.routes) walk.add_route(place, route);
  }
  for (const Item& item : plan.items) {
    if (item.on_a_way) continue;
    const SplitPath path = split_path(item.source);
    const bool by_itself = item.mirror || path.name.empty() || path.name == "." || path.name == "..";
    auto fd = sys::open_at(sys::working_directory(), by_itself ? item.source : path.directory,
                           {.links = sys::Links::follow, .directory = true, .keep_atime = true});
    if (!fd) continue;  // the copy itself will say so
    const auto status = sys::status_of(*fd);
    if (!status) continue;
    if (by_itself) {
      walk.add_root(std::move(*fd), *status, item.source, nullptr);
    } else {
      const walk::Hold place = walk.add_place(std::move(*fd), path.directory, nullptr);
      walk.add_entry(place, path.name, item.status.type(), item.links);
    }
  }
}

std::shared_ptr<const copy::EmptyDirectories> find_empty_directories(const Arrangement& plan, const Options& options,
                                                                     const walk::Walk::Options& how) {
  auto empty = std::make_shared<copy::EmptyDirectories>(options.one_file_system, how.selector);
  walk::Walk walk(*empty, how);
  add_items_to_look_at(walk, plan);
  walk.run();
  return empty;
}

Result<> check_linking(const Arrangement& plan, const Options& options) {
  if (!options.link) return {};
  const std::string directory = existing_directory(plan);
  const auto target = sys::status_at(sys::working_directory(), directory, sys::Links::follow);
  if (!target) return tl::make_unexpected(Error(target.error()).about(directory));
  for (const Item& item : plan.items) {
    if (item.status.device() != target->device())
      return fail(
          EXDEV, "", item.source,
          fmt::format("lies on another filesystem than '{}', and hard links do not reach across; nothing was linked", directory));
  }
  return {};
}

copy::Estimate::Options estimate_options(const Arrangement& plan, const Options& options) {
  copy::Estimate::Options estimate{.one_filesystem = options.one_file_system, .sparse_never = options.sparse == When::never};
  const auto target = traits_of(existing_directory(plan), sys::Links::follow);
  const auto source = traits_of(plan.items.front().source, plan.items.front().links);
  if (target && source && options.reflink != When::never &&
      storage::quick_pair(*source, *target).reflink != storage::Support::no) {
    estimate.shared_from = copy::clone_threshold({.source = source->filesystem, .target = target->filesystem});
  }
  return estimate;
}

Result<> check_space(const Arrangement& plan, const Options& options, const walk::Walk::Options& walking) {
  if (options.compress || options.decompress) return {};  // how large it becomes is not known before
  if (options.link || options.attributes_only) return {};  // no data is written
  const storage::QuickTraits target = FOX_TRY(traits_of(existing_directory(plan), sys::Links::follow));
  if (target.total == Bytes(0)) return {};  // no such numbers (ramfs, FUSE): the kernel will say when it is full
  if (FOX_TRY(surely_fits(plan, target))) return {};

  const std::string directory = existing_directory(plan);
  if (may_compress(directory, target.filesystem)) return {};
  Bytes free = free_for_us(target);
  if (room_of_sources(plan, options, false, walking) <= free || sys::stop_requested()) return {};
  const Bytes needed = room_of_sources(plan, options, true, walking);
  // Room that was freed a moment ago may not be counted yet (btrfs, XFS): ask once more after a flush, before saying no.
  if (const auto fd = sys::open_at(sys::working_directory(), directory, {.links = sys::Links::follow, .directory = true}); fd) {
    if (sys::sync_filesystem(*fd)) free = free_for_us(FOX_TRY(storage::quick_traits(*fd)));
  }

  // What is replaced makes room; how much of the target that is, is not known before: it may be all of it.
  Bytes replaceable = room_of_partials(options, plan);
  if (!plan.make_directory) {
    copy::Estimate existing({.one_filesystem = true});
    walk::Walk look(existing, {.workers = walking.workers, .descriptor_limit = walking.descriptor_limit});
    for (const Item& item : plan.items) {
      const std::string there = item.mirror ? plan.directory : plan.directory + '/' + item.name;
      Item target_item{.source = there, .links = sys::Links::keep, .status = {}, .mirror = item.mirror, .name = item.name};
      if (auto status = sys::status_at(sys::working_directory(), there)) {
        target_item.status = *status;
        add_items_to_look_at(look, {.items = {target_item}, .directory = {}});
      }
    }
    look.run();
    replaceable = existing.room();
  }
  if (needed <= free + replaceable || sys::stop_requested()) return {};
  const Bytes missing = needed - free - replaceable;
  return fail(ENOSPC, "", directory,
              fmt::format("has {} free, and {} are needed: {} are missing; nothing was copied", human(free), human(needed),
                          human(missing)));
}

Result<> check_room(const std::string& target, Bytes at_most, const std::function<Result<Bytes>()>& needed, unsigned workers) {
  const bool there = sys::status_at(sys::working_directory(), target, sys::Links::follow).has_value();
  const std::string directory = there ? target : split_path(target).directory;
  const auto traits = traits_of(directory, sys::Links::follow);
  if (!traits) return {};  // whoever opens it says why
  if (traits->total == Bytes(0) || at_most <= free_for_us(*traits) || may_compress(directory, traits->filesystem)) return {};
  const Bytes room = FOX_TRY(needed());
  if (room <= free_for_us(*traits)) return {};
  const sys::UniqueFd fd =
      FOX_TRY(sys::open_at(sys::working_directory(), directory, {.links = sys::Links::follow, .directory = true}));
  // As in check_space: what was freed a moment ago, and what may be replaced, counts.
  (void)sys::sync_filesystem(fd);
  const Bytes free = free_for_us(FOX_TRY(storage::quick_traits(fd)));
  copy::Estimate existing({.one_filesystem = true});
  if (there && room > free) {
    walk::Walk look(existing, {.workers = workers});
    sys::UniqueFd root = FOX_TRY(sys::duplicate(fd));
    const sys::FileStatus status = FOX_TRY(sys::status_of(root));
    look.add_root(std::move(root), status, directory, nullptr);
    look.run();
  }
  if (room <= free + existing.room() || sys::stop_requested()) return {};
  return fail(ENOSPC, "", directory,
              fmt::format("has {} free, and {} are needed: {} are missing; nothing was restored", human(free), human(room),
                          human(room - free - existing.room())));
}

}  // namespace foxing::fxcp
