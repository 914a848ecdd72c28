// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/run.h"

#include <algorithm>
#include <memory>

#include "core/copy/cleanup.h"
#include "core/copy/copier.h"
#include "core/copy/estimate.h"
#include "core/copy/source_removal.h"
#include "fxcp/arrangement.h"
#include "fxcp/deletion.h"
#include "fxcp/manner.h"
#include "fxcp/packing.h"
#include "fxcp/preflight.h"
#include "fxcp/progress.h"
#include "fxcp/remembered.h"
#include "fxcp/selection.h"
#include "fxcp/snap_place.h"
#include "fxcp/under_way.h"
#include "fxcp/windows.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::fxcp {
namespace {

using Clock = std::chrono::steady_clock;

copy::Comparison comparison(const Options& options) {
  copy::Comparison compare;
  using By = copy::Comparison::By;
  compare.by = options.ignore_times ? By::nothing : options.size_only ? By::size : options.checksum ? By::content : By::quick;
  compare.trust_times = options.trust_times;
  if (options.modify_window) compare.window.seconds = *options.modify_window;
  compare.newer_stays = options.update;
  compare.only_existing = options.existing;
  compare.only_new = options.ignore_existing;
  if (options.min_size) compare.smallest = *options.min_size;
  if (options.max_size) compare.largest = *options.max_size;
  return compare;
}

copy::Options engine_options(const Options& options, mode_t umask) {
  copy::Options engine;
  engine.keep = {.mode = options.preserve.perms,
                 .owner = options.preserve.owner,
                 .group = options.preserve.group,
                 .times = options.preserve.times,
                 .xattrs = options.preserve.xattrs,
                 .acls = options.preserve.acls,
                 .umask = umask,
                 .privileges = sys::privileges()};
  engine.hard_links = options.preserve.hard_links;
  engine.symlinks = options.preserve.links;
  engine.devices = options.preserve.devices;
  engine.specials = options.preserve.specials;
  engine.device_contents = options.copy_devices;
  engine.recursive = options.recursive;
  engine.one_filesystem = options.one_file_system;
  engine.keep_dirlinks = options.keep_dirlinks;
  engine.implied_dirs = options.implied_dirs;
  engine.safe_links = options.safe_links;
  engine.link_text = options.munge_links == Munging::munge  ? copy::LinkText::munged
                     : options.munge_links == Munging::undo ? copy::LinkText::unmunged
                                                            : copy::LinkText::as_it_is;
  engine.link_sources = options.link;
  engine.attributes_only = options.attributes_only;
  if (options.attributes_only) engine.hard_links = false;  // a name that is there may hold data of its own
  engine.atomic = options.atomic;
  engine.durable = options.fsync;
  engine.compare = comparison(options);
  engine.sign = options.generate_sigs;
  engine.delta.whole_file = options.whole_file;
  engine.delta.in_place = options.in_place;
  if (options.delta_min_size) engine.delta.smallest = *options.delta_min_size;
  const auto choice = [](When when) { return static_cast<int>(when); };
  engine.choices.reflink = std::array{copy::Reflink::automatic, copy::Reflink::always,
                                      copy::Reflink::never}[static_cast<std::size_t>(choice(options.reflink))];
  engine.choices.sparse = std::array{copy::Sparse::automatic, copy::Sparse::always,
                                     copy::Sparse::never}[static_cast<std::size_t>(choice(options.sparse))];
  return engine;
}

unsigned worker_count(const Options& options) {
  return options.jobs > 0 ? options.jobs : std::min(sys::usable_processors(), 16u);
}

/// What is missing of `path`.
Result<> make_path(const std::string& path, mode_t umask) {
  if (sys::status_at(sys::working_directory(), path, sys::Links::follow)) return {};
  FOX_TRY(make_path(split_path(path).directory, umask));
  auto made = sys::make_directory_at(sys::working_directory(), path, 0777 & ~umask);
  if (!made && made.error().code != EEXIST) return tl::make_unexpected(std::move(made).error().about(path));
  return {};
}

/// The directory that all targets lie in, made where that is to be; invalid where a dry run would make it.
Result<sys::UniqueFd> open_target(Arrangement& plan, const Options& options, bool dry_run, mode_t umask) {
  if (plan.make_directory && dry_run) return sys::UniqueFd();
  if (plan.make_directory) {
    // The copier gives it its mode at the end.
    const bool left_later = std::ranges::count(plan.items, false, &Item::base) == 1 && plan.items.front().mirror;
    if (options.mkpath) FOX_TRY(make_path(split_path(plan.directory).directory, umask));
    auto made = sys::make_directory_at(sys::working_directory(), plan.directory, left_later ? 0700 : 0777 & ~umask);
    // Somebody has made it meanwhile, another run perhaps: then it is as any other that is there.
    const bool there = !made && made.error().code == EEXIST &&
                       sys::status_at(sys::working_directory(), plan.directory, sys::Links::follow).has_value();
    if (!made && !there) return tl::make_unexpected(std::move(made).error());
    plan.make_directory = !there;
  }
  // To put names into a directory one need not be able to read it.
  const bool mirrors = std::ranges::any_of(plan.items, &Item::mirror);
  return sys::open_at(sys::working_directory(), plan.directory,
                      {.access = mirrors ? sys::Access::read : sys::Access::path,
                       .links = sys::Links::follow,
                       .directory = true,
                       .keep_atime = mirrors});
}

/// Hands one item to the walk: as a tree whose contents go into the target, or as a name there.
Result<> add_item(walk::Walk& walk, copy::Copier& copier, const Arrangement& plan, const Item& item, sys::FdView target,
                  copy::SourceRemoval* removal) {
  const SplitPath path = split_path(item.source);
  const bool alone = item.mirror;
  sys::UniqueFd source =
      alone ? FOX_TRY(sys::open_at(sys::working_directory(), item.source,
                                   {.links = item.links, .directory = true, .keep_atime = true}))
            : FOX_TRY(sys::open_at(sys::working_directory(), path.directory,
                                   {.access = sys::Access::path, .links = sys::Links::follow, .directory = true}));
  const sys::FileStatus status = FOX_TRY(sys::status_of(source));
  std::unique_ptr<copy::TargetDirectory> into;
  if (target) into = FOX_TRY(copier.adopt(FOX_TRY(sys::duplicate(target)), source, status.device(), plan.make_directory));
  const std::string shown = path.directory == "." && !item.source.starts_with("./") ? "" : path.directory;
  if (removal != nullptr) removal->add_root(alone ? item.source : shown, FOX_TRY(sys::duplicate(source)));
  if (into != nullptr && item.base) into->leave_undressed();
  if (alone) {
    walk.add_root(std::move(source), status, item.source, std::move(into));
    return {};
  }
  if (into != nullptr) into->rename_entry(item.name);
  const walk::Hold place = walk.add_place(std::move(source), shown, std::move(into));
  walk.add_entry(place, path.name, item.status.type(), item.links);
  return {};
}

/// Hands names that keep their directories to the walk.
Result<> add_way(walk::Walk& walk, copy::Copier& copier, const Arrangement& plan, const Way& way, sys::FdView target) {
  sys::UniqueFd source = FOX_TRY(sys::open_at(sys::working_directory(), way.base,
                                              {.access = sys::Access::path, .links = sys::Links::follow, .directory = true}));
  std::unique_ptr<copy::TargetDirectory> into;
  if (target) into = FOX_TRY(copier.adopt(FOX_TRY(sys::duplicate(target)), source, way.device, plan.make_directory));
  const walk::Hold place = walk.add_place(std::move(source), way.base == "." ? "" : way.base, std::move(into));
  for (const walk::Route& route : way.routes) walk.add_route(place, route);
  return {};
}

/// After a full target: how much more room the rest would have needed.
Bytes missing_space(const Arrangement& plan, const Options& options, const copy::Counters& done, sys::FdView target,
                    std::uint64_t descriptors, walk::Selector* selector) {
  if (options.compress || options.decompress) return Bytes(0);  // nobody knows
  sys::forget_stop_request();  // the run has ended; this scan may not be stopped by what ended it
  copy::Estimate estimate(estimate_options(plan, options));
  walk::Walk walk(estimate, walk_options(options, 1, descriptors, selector));
  add_items_to_look_at(walk, plan);
  walk.run();
  const auto space = sys::filesystem_of(target);
  if (!space) return Bytes(0);
  const std::uint64_t free = static_cast<std::uint64_t>(space->f_bavail) * static_cast<std::uint64_t>(space->f_bsize);
  const std::uint64_t there = std::min<std::uint64_t>(done.bytes_moved, estimate.room().value) + free;
  return estimate.room().value > there ? Bytes(estimate.room().value - there) : Bytes(0);
}

ExitCode exit_code(const copy::Counters& counters, bool all_well) {
  if (all_well) return ExitCode::all_done;
  const std::uint64_t done = counters.files + counters.directories + counters.symlinks + counters.specials + counters.hard_links +
                             counters.unchanged + counters.updated + counters.deleted;
  return done > 0 ? ExitCode::some_failed : ExitCode::nothing_done;
}

}  // namespace

ExitCode run_copy(const Options& options) {
  Report report(options);
  const auto begin = Clock::now();
  const std::uint64_t descriptors = sys::raise_open_file_limit();
  const mode_t umask = sys::current_umask();
  sys::clear_umask();
  sys::catch_stop_signals();
  const auto refused = [&](const Error& error) {
    report.refuse(error);
    return ExitCode::nothing_done;
  };

  if (auto opened = report.open(options, umask); !opened) return refused(opened.error());
  auto selection = Selection::make(options);
  if (!selection) return refused(selection.error());
  auto manner = Manner::parse(options, umask);
  if (!manner) return refused(manner.error());
  auto plan = arrange(options, *selection != nullptr ? (*selection)->bases() : std::vector<std::string>());
  if (!plan) return refused(plan.error());
  const unsigned workers = worker_count(options);
  // --existing into nothing: nothing is made, so it is gone through as in a dry run.
  const bool dry_run = options.dry_run || (options.existing && plan->make_directory);
  if (const auto linkable = check_linking(*plan, options); !linkable) return refused(linkable.error());
  if (options.prune_empty_dirs)
    plan->empty = find_empty_directories(*plan, options, walk_options(options, workers, descriptors, selection->get()));
  if (!dry_run) {
    if (const auto fits = check_space(*plan, options, walk_options(options, workers, descriptors, selection->get())); !fits)
      return refused(fits.error());
  }
  auto target = open_target(*plan, options, dry_run, umask);
  if (!target) return refused(std::move(target).error().about(plan->directory));
  const auto refused_after_all = [&](const Error& error) {
    if (plan->make_directory && !dry_run) (void)sys::remove_directory_at(sys::working_directory(), plan->directory);
    return refused(error);
  };
  const walk::Walk::Options walking = walk_options(options, workers, descriptors, selection->get());
  if (const auto safe = guard_deletion(options, *plan, *target, walking); !safe) return refused(safe.error());

  copy::Options engine = engine_options(options, umask);
  engine.dry_run = dry_run;
  const bool by_windows = *selection != nullptr && (*selection)->has_more();
  engine.names_may_repeat = by_windows;
  if (auto opened = manner->open_references(options, *target); !opened) return refused_after_all(opened.error());
  manner->apply_to(engine);
  engine.packing = packing_of(options, walking.selector);
  const auto under_way = UnderWay::prepare(options, *plan, *target);
  if (!under_way) return refused_after_all(under_way.error());
  under_way->apply_to(engine);
  engine.empty = plan->empty.get();
  const Remembered remembered(options, *plan, *target, walking, umask);
  remembered.apply_to(engine);
  engine.target_name = plan->directory;
  engine.most_waiting_commits = std::clamp<std::size_t>(descriptors / 8, 1, 1024);
  copy::Copier copier(engine, report, workers);
  auto deletion = Deletion::prepare(options, *plan, *target, report, copier.temp_names(), walking.selector);
  if (!deletion) return refused_after_all(deletion.error());
  copier.clear_away_with((*deletion)->during(), (*deletion)->clearing(), (*deletion)->keeper());
  std::optional<copy::SourceRemoval> removal;
  if (options.remove_source_files) removal.emplace(engine.hard_links && !dry_run);
  copier.remove_sources_with(removal ? &*removal : nullptr);
  report.start(options, workers);
  if (options.snapshot && !dry_run && !plan->make_directory) {
    if (const auto kept = keep_snapshot(options, *plan, *target, workers, descriptors, report); !kept)
      return refused(kept.error());
  }
  for (const std::string& path : manner->missing_references())
    report.problem({copy::ProblemKind::left_out,
                    false,
                    {.code = 0, .operation = "", .subject = path, .detail = "is not there, so nothing is taken from it"}});
  (*deletion)->pass(Delete::before, walking);

  const auto quiet = [&](walk::WorkerIndex worker) { copier.quiet(worker); };
  walk::Walk::Options walking_on = walking;
  walking_on.by_windows = by_windows;
  walk::Walk bases(copier, walking_on, quiet), walk(copier, walking_on, quiet);
  auto root = dry_run ? Result<sys::UniqueFd>(sys::UniqueFd()) : sys::duplicate(*target);
  if (!root) return refused(std::move(root).error().about(plan->directory));
  copier.connect(walk, std::move(*root));
  for (const Way& way : plan->ways) {
    if (auto added = add_way(walk, copier, *plan, way, *target); !added)
      report.problem({copy::ProblemKind::failed, true, std::move(added).error().about(way.base)});
  }
  for (const Item& item : plan->items) {
    if (item.on_a_way) continue;
    if (auto added = add_item(item.base ? bases : walk, copier, *plan, item, *target, removal ? &*removal : nullptr); !added) {
      report.problem({copy::ProblemKind::failed, true, std::move(added).error().about(item.source)});
    }
  }
  bool all_arrived = false;
  {
    copy::Estimate estimate(estimate_options(*plan, options));
    const auto state = [&] {
      copy::Counters sum;
      copier.add_counters_to(sum);
      return ProgressState{.files = sum.files,
                           .total_files = estimate.files(),
                           .bytes = Bytes(sum.bytes_so_far),
                           .total_bytes = estimate.bytes(),
                           .totals_are_final = estimate.complete()};
    };
    std::function<void()> count_all = [&] {
      walk::Walk count(estimate, walk_options(options, 1, descriptors, selection->get()));
      add_items_to_look_at(count, *plan);
      count.run();
      if (!sys::stop_requested()) estimate.mark_complete();
    };
    if (by_windows) count_all = nullptr;  // what is to come nobody knows
    const Progress progress(report, state, std::move(count_all));
    if (std::ranges::any_of(plan->items, &Item::base)) {  // DST itself gets its attributes from SRC, when all is in it
      copier.connect(bases);
      bases.run();
      copier.connect(walk);
    }
    walk.run();
    report_missing(selection->get(), report);
    while (next_window(selection->get(), options, report)) {
      const Arrangement part = bases_of_window(**selection, *plan, options, report);
      copier.connect(bases);
      for (const Item& item : part.items) {
        if (auto added = add_item(bases, copier, part, item, *target, removal ? &*removal : nullptr); !added)
          report.problem({copy::ProblemKind::failed, true, std::move(added).error().about(item.source)});
      }
      bases.run();
      copier.connect(walk);
      walk.go_on();
      report_missing(selection->get(), report);
    }
    walk.end();
    const auto durable = copier.finish();
    all_arrived = durable.has_value();
    if (!durable) report.problem({copy::ProblemKind::failed, true, Error(durable.error()).about(plan->directory)});
  }
  if (!sys::stop_requested()) (*deletion)->pass(Delete::after, walking);
  (*deletion)->end();
  const std::uint64_t failures = report.failures();
  if (options.verify && !dry_run && !sys::stop_requested()) verify_copies(options, *plan, *target, engine.keep, walking, report);
  // Where something failed later than the directories were left (a pass that deletes, --verify), their hashes would say too much.
  const bool hashes_hold = all_arrived && (report.failures() == 0 || !engine.pruning.at_the_end);
  if (hashes_hold && !sys::stop_requested()) {
    if (const auto stored = copier.store_hashes(); !stored)
      report.problem({copy::ProblemKind::failed, true, Error(stored.error()).about(plan->directory)});
  }
  copy::SourceRemoval::Done removed;
  if (removal && all_arrived && report.failures() == failures && !sys::stop_requested()) removed = removal->run(report, dry_run);
  if (*target && report.failures() == 0 && !sys::stop_requested()) remember_origin(options, *plan, *target);

  copy::Counters counters;
  copier.add_counters_to(counters);
  counters.deleted = (*deletion)->removed();
  counters.sources_removed = removed.removed;
  RunEnd end{.no_space = copier.no_space()};
  end.interrupted = sys::stop_requested() && !end.no_space;
  if (end.no_space && !by_windows)
    end.missing_space = missing_space(*plan, options, counters, *target, descriptors, selection->get());
  end.exit_code = exit_code(counters, report.failures() == 0 && !end.interrupted);
  end.elapsed = Clock::now() - begin;
  if (manner->deadline_passed()) end.after_stop = "the time is over; what is there is whole, and the same command goes on";
  report.end(counters, end);
  if (options.stats) report.print(manner->waits());
  if (!report.output_is_whole() && end.exit_code == ExitCode::all_done) return ExitCode::some_failed;
  return end.exit_code;
}

ExitCode run_cleanup(const Options& options) {
  Report report(options);
  sys::catch_stop_signals();
  const std::uint64_t descriptors = sys::raise_open_file_limit();
  copy::Cleanup cleanup(report, options.dry_run, options.partial_name());
  walk::Walk walk(cleanup, {.workers = worker_count(options), .descriptor_limit = descriptors});
  std::uint64_t of_stores = 0;
  for (const std::string& path : options.paths) {
    auto fd = sys::open_at(sys::working_directory(), path, {.links = sys::Links::follow, .directory = true, .keep_atime = true});
    auto status = fd ? sys::status_of(*fd) : Result<sys::FileStatus>(tl::make_unexpected(fd.error()));
    if (!status) {
      report.refuse(std::move(status).error().about(path));
      return ExitCode::nothing_done;
    }
    if (auto cleaned = clean_store(*fd, options.dry_run); cleaned) {
      of_stores += *cleaned;
    } else {
      report.problem({copy::ProblemKind::failed, true, std::move(cleaned).error().about(path)});
    }
    walk.add_root(std::move(*fd), *status, path, nullptr);
  }
  walk.run();
  report.end_cleanup(cleanup.removed() + of_stores, cleanup.kept());
  return report.failures() > 0 || sys::stop_requested() ? ExitCode::some_failed : ExitCode::all_done;
}

}  // namespace foxing::fxcp
