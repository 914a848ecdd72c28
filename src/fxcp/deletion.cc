// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/deletion.h"

#include <fmt/format.h>

#include "core/copy/estimate.h"
#include "core/copy/origin.h"
#include "core/storage/storage.h"
#include "fxcp/packing.h"
#include "fxcp/preflight.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::fxcp {
namespace {

class Nobody final : public copy::Observer {
 public:
  void problem(copy::Problem) override {}
};

tl::unexpected<Error> refuse(const std::string& path, std::string why) { return fail(0, "", path, std::move(why)); }

std::vector<FileKey> directories_of(const Arrangement& plan) {
  std::vector<FileKey> all;
  for (const Item& item : plan.items)
    if (item.status.type() == sys::FileType::directory) all.push_back(item.status.key());
  return all;
}

Result<sys::UniqueFd> open_source(const Item& item) {
  return sys::open_at(sys::working_directory(), item.source, {.links = item.links, .directory = true, .keep_atime = true});
}

/// The one directory whose contents go into the target itself; null where there is none.
const Item* mirror_of(const Arrangement& plan) {
  for (const Item& item : plan.items)
    if (item.mirror) return &item;
  return nullptr;
}

/// Walks the sources beside the target with a pass that deletes, or only counts.
Result<> run_pass(copy::Deleter& deleter, copy::Observer& observer, const Options& options, const Arrangement& plan,
                  sys::FdView target, const walk::Walk::Options& how, bool dry_run) {
  copy::DeletePass pass(deleter, observer,
                        {.keep_dirlinks = options.keep_dirlinks,
                         .implied_dirs = options.implied_dirs,
                         .one_filesystem = options.one_file_system,
                         .dry_run = dry_run});
  walk::Walk walk(pass, how);
  for (const Way& way : plan.ways) {
    sys::UniqueFd base = FOX_TRY(sys::open_at(sys::working_directory(), way.base,
                                              {.access = sys::Access::path, .links = sys::Links::follow, .directory = true}));
    const sys::FileStatus status = FOX_TRY(sys::status_of(base));
    auto into = FOX_TRY(pass.adopt(FOX_TRY(sys::duplicate(target)), base, status, plan.directory));
    const walk::Hold place = walk.add_place(std::move(base), way.base, std::move(into));
    for (const walk::Route& route : way.routes) walk.add_route(place, route);
  }
  for (const Item& item : plan.items) {
    if (item.status.type() != sys::FileType::directory || item.on_a_way) continue;
    const SplitPath path = split_path(item.source);
    sys::UniqueFd source =
        item.mirror ? FOX_TRY(open_source(item))
                    : FOX_TRY(sys::open_at(sys::working_directory(), path.directory,
                                           {.access = sys::Access::path, .links = sys::Links::follow, .directory = true}));
    const sys::FileStatus status = FOX_TRY(sys::status_of(source));
    auto into = FOX_TRY(pass.adopt(FOX_TRY(sys::duplicate(target)), source, status, plan.directory));
    if (item.mirror) {
      walk.add_root(std::move(source), status, item.source, std::move(into));
    } else {
      into->rename_entry(item.name);
      const walk::Hold place = walk.add_place(std::move(source), path.directory, std::move(into));
      walk.add_entry(place, path.name, item.status.type(), item.links);
    }
  }
  walk.run();
  return {};
}

/// Every directory among the sources, with what its copy has already.
Result<> guard_against_empty_source(const Arrangement& plan, sys::FdView target) {
  for (const Item& item : plan.items) {
    if (item.status.type() != sys::FileType::directory) continue;
    const auto copy = sys::open_at(target, item.mirror ? "." : item.name, {.directory = true, .keep_atime = true});
    if (!copy || FOX_TRY(copy::is_empty(*copy))) continue;
    const sys::UniqueFd source = FOX_TRY(open_source(item));
    const std::string shown = item.mirror ? plan.directory : plan.directory + '/' + item.name;
    if (FOX_TRY(copy::is_empty(source)))
      return refuse(
          item.source,
          fmt::format("is empty, and '{}' is not: is something not mounted? --delete-anyway empties the target", shown));
  }
  return {};
}

Result<> guard_against_another_source(const Arrangement& plan, sys::FdView target) {
  const Item* item = mirror_of(plan);
  if (item != nullptr && lies_in_store(item->source, plan.directory)) return {};
  const auto before = item == nullptr ? std::nullopt : copy::remembered_origin(target);
  if (!before || *before == copy::origin_of(item->source) || FOX_TRY(copy::is_empty(target))) return {};
  return refuse(item->source,
                fmt::format("lies on another filesystem than what was mirrored into '{}' last time: is something not mounted? "
                            "--delete-anyway mirrors it all the same",
                            plan.directory));
}

/// What keeps, and knows what earlier runs have kept; null where nothing is kept, or its directory is not there yet.
Result<std::unique_ptr<copy::Keeper>> keeper_of(const Options& options, sys::FdView target, copy::TempNames& names) {
  const std::optional<std::string>& place = options.trash ? options.trash : options.backup_dir;
  if (!options.backup && !place) return nullptr;
  copy::Keeper::Options how{.suffix = options.suffix.value_or(place ? "" : "~"), .replaced = !options.trash};
  if (!place) return std::make_unique<copy::Keeper>(std::move(how), names);
  auto directory = sys::open_at(place->starts_with('/') ? sys::working_directory() : target, *place,
                                {.links = sys::Links::follow, .directory = true});
  if (!directory && directory.error().code == ENOENT) return nullptr;
  if (!directory) return tl::make_unexpected(std::move(directory).error().about(*place));
  if (FOX_TRY(sys::status_of(*directory)).device() != FOX_TRY(sys::status_of(target)).device())
    return refuse(*place, "does not lie on the target's filesystem; what is kept is renamed and never copied");
  return std::make_unique<copy::Keeper>(std::move(how), names, std::move(*directory));
}

/// A later run would copy what was kept there.
Result<> check_keeping_place(const std::string& place, const Arrangement& plan) {
  const std::string path = place.starts_with('/') ? place : plan.directory + '/' + place;
  for (const Item& item : plan.items) {
    if (item.status.type() != sys::FileType::directory) continue;
    const auto lies = storage::nesting(path, item.source);
    if (lies && *lies != storage::Nesting::apart) return refuse(place, "lies in what is copied");
  }
  return {};
}

Result<> guard_percentage(const Options& options, const Arrangement& plan, sys::FdView target, const walk::Walk::Options& how) {
  Nobody nobody;
  copy::TempNames names;
  const auto keeper = FOX_TRY(keeper_of(options, target, names));
  copy::Deleter counter(
      {.dry_run = true, .despite_errors = true, .packing = packing_of(options, how.selector), .empty = plan.empty.get()}, nobody,
      how.selector, keeper.get());
  FOX_TRY(run_pass(counter, nobody, options, plan, target, how, true));
  copy::EntryCount all;
  {
    walk::Walk walk(all, {.workers = how.workers, .descriptor_limit = how.descriptor_limit});
    sys::UniqueFd root = FOX_TRY(sys::open_at(target, ".", {.directory = true, .keep_atime = true}));
    const sys::FileStatus status = FOX_TRY(sys::status_of(root));
    walk.add_root(std::move(root), status, plan.directory, nullptr);
    walk.run();
  }
  const std::uint64_t would = counter.removed();
  if (would * 100 <= all.entries() * *options.max_delete_percent) return {};
  return refuse(plan.directory,
                fmt::format("would lose {} of its {} entries, which is more than --max-delete={}% allows; nothing was done",
                            would, all.entries(), *options.max_delete_percent));
}

}  // namespace

Result<> guard_deletion(const Options& options, const Arrangement& plan, sys::FdView target, const walk::Walk::Options& how) {
  if (options.deletion == Delete::no || plan.make_directory || !target) return {};
  // The target may be open only as a place to put names into.
  const sys::UniqueFd readable = FOX_TRY(sys::open_at(target, ".", {.directory = true, .keep_atime = true}));
  if (!options.delete_anyway) {
    FOX_TRY(guard_against_empty_source(plan, readable));
    FOX_TRY(guard_against_another_source(plan, readable));
  }
  if (options.max_delete_percent) FOX_TRY(guard_percentage(options, plan, readable, how));
  return {};
}

void remember_origin(const Options& options, const Arrangement& plan, sys::FdView target) {
  const Item* item = mirror_of(plan);
  if (options.deletion == Delete::no || options.dry_run || item == nullptr) return;
  if (lies_in_store(item->source, plan.directory)) return;  // the next run is from where the last one was
  copy::remember_origin(target, copy::origin_of(item->source));
}

Result<std::unique_ptr<Deletion>> Deletion::prepare(const Options& options, const Arrangement& plan, sys::FdView target,
                                                    copy::Observer& observer, copy::TempNames& names,
                                                    const walk::Selector* selector) {
  std::unique_ptr<Deletion> deletion(new Deletion(options, plan, target, observer));
  const std::optional<std::string>& place = options.trash ? options.trash : options.backup_dir;
  if (place) FOX_TRY(check_keeping_place(*place, plan));
  if (place && target && !options.dry_run) {
    auto made = sys::make_directory_at(place->starts_with('/') ? sys::working_directory() : target, *place, 0700);
    if (!made && made.error().code != EEXIST) return tl::make_unexpected(std::move(made).error().about(*place));
  }
  if (target) deletion->keeper_ = FOX_TRY(keeper_of(options, target, names));
  if (options.deletion != Delete::no) {
    deletion->deleter_.emplace(copy::Deleting{.dry_run = options.dry_run,
                                              .despite_errors = options.ignore_errors,
                                              .most = options.max_delete,
                                              .packing = packing_of(options, selector),
                                              .empty = plan.empty.get(),
                                              .sources = directories_of(plan)},
                               observer, selector, deletion->keeper());
  }
  return deletion;
}

void Deletion::pass(Delete moment, const walk::Walk::Options& how) {
  if (options_.deletion != moment || !deleter_ || !target_) return;
  if (auto done = run_pass(*deleter_, observer_, options_, plan_, target_, how, options_.dry_run); !done)
    observer_.problem({copy::ProblemKind::failed, true, std::move(done).error().about(plan_.directory)});
}

void Deletion::end() {
  if (!deleter_ || deleter_->spared() == 0) return;
  observer_.problem({copy::ProblemKind::not_deleted,
                     true,
                     {.code = 0,
                      .operation = "",
                      .subject = plan_.directory,
                      .detail = fmt::format("{} names that the source has not were not deleted: --max-delete={} was reached",
                                            deleter_->spared(), *options_.max_delete)}});
}

}  // namespace foxing::fxcp
