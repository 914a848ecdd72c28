// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/snapshot/take.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <span>

#include "core/copy/copier.h"
#include "core/copy/origin.h"
#include "core/snapshot/store.h"
#include "sys/attributes.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::snapshot {
namespace {

using Clock = std::chrono::steady_clock;

/// Counts what comes, and how.  One thing that is missing makes the snapshot none.
class Arrivals final : public copy::Observer {
 public:
  bool wants_files() const override { return true; }
  void file(const copy::FileEvent& event) override {
    using Action = copy::FileEvent::Action;
    if (event.type != sys::FileType::regular || (event.action != Action::copied && event.action != Action::linked)) return;
    const bool cloned = event.action == Action::copied && event.tier == copy::Tier::clone;
    (cloned ? cloned_ : event.action == Action::linked ? linked_ : copied_).fetch_add(1, std::memory_order_relaxed);
    size_.fetch_add(event.status.size().value, std::memory_order_relaxed);
  }
  void problem(copy::Problem problem) override {
    if (!problem.failure) return;
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(problem.error);
  }
  const std::optional<Error>& error() const { return error_; }
  void tell(Summary& summary) const {
    summary.cloned = cloned_.load();
    summary.linked = linked_.load();
    summary.copied = copied_.load();
    summary.files = summary.cloned + summary.linked + summary.copied;
    summary.size = Bytes(size_.load());
  }

 private:
  std::atomic<std::uint64_t> cloned_{0}, linked_{0}, copied_{0}, size_{0};
  std::mutex mutex_;
  std::optional<Error> error_;
};

copy::Options everything(const std::string& target_name) {
  copy::Options options;
  options.keep = {.mode = true,
                  .owner = true,
                  .group = true,
                  .times = true,
                  .xattrs = true,
                  .acls = true,
                  .umask = sys::current_umask(),
                  .privileges = sys::privileges()};
  options.hard_links = options.symlinks = options.devices = options.specials = true;
  options.choices.reflink = copy::Reflink::preferred;
  options.notes = false;
  options.target_name = target_name;
  return options;
}

/// A run that is refused has changed nothing, and a store that was made is nothing of the tree's.  Where it is another's directory that stays undone.
void restore_times(sys::FdView target, const sys::FileStatus& status) {
  const auto fd = sys::open_at(target, ".", {.directory = true});
  if (fd) (void)sys::set_times({*fd}, status.accessed(), status.modified());
}

/// The first name of this second that is free.
Result<std::string> next_name(const std::vector<Entry>& entries) {
  Epoch epoch{.seconds = sys::wall_clock().tv_sec};
  for (const Entry& entry : entries)
    if (entry.epoch.seconds == epoch.seconds) epoch.number = std::max(epoch.number, entry.epoch.number + 1);
  auto name = epoch.number > kMostInOneSecond ? std::nullopt : name_of(epoch);
  if (!name) return fail(0, "", {}, "the clock says a time that no snapshot can be named after");
  return *name;
}

/// Copies `target`, whose status was `status`, into the new directory `tree`.
Result<> copy_tree(sys::FdView target, const sys::FileStatus& status, sys::UniqueFd tree, const Store& store, const Entry* before,
                   const Taking& how, Summary& summary) {
  Arrivals observer;
  copy::References references;
  copy::Options options = everything(how.target_name);
  options.references = &references;
  copy::Copier copier(options, observer, how.workers);
  walk::Walk walk(copier, {.workers = how.workers, .descriptor_limit = how.descriptor_limit},
                  [&](walk::WorkerIndex worker) { copier.quiet(worker); });
  sys::UniqueFd from = FOX_TRY(sys::open_at(target, ".", {.directory = true, .keep_atime = true}));
  copier.connect(walk, FOX_TRY(sys::duplicate(tree)));
  auto into = FOX_TRY(copier.adopt(std::move(tree), from, status.device(), true));
  if (!into->pair().shares_blocks && before != nullptr) references.directories.push_back(FOX_TRY(store.tree(before->name)));
  walk.add_root(std::move(from), status, how.target_name, std::move(into));
  walk.run();
  auto finished = copier.finish();
  copy::Counters counters;
  copier.add_counters_to(counters);
  observer.tell(summary);
  summary.entries = summary.files + counters.directories.load() + counters.symlinks.load() + counters.specials.load();
  summary.written = Bytes(counters.bytes_moved.load());
  if (observer.error()) return tl::make_unexpected(*observer.error());
  if (!finished) return finished;
  if (copier.no_space()) return fail(ENOSPC, "write");
  if (sys::stop_requested()) return fail(EINTR, "", {}, "was stopped");
  return {};
}

}  // namespace

Result<std::optional<Summary>> take(sys::FdView target, const Taking& how) {
  {
    const sys::UniqueFd readable = FOX_TRY(sys::open_at(target, ".", {.directory = true, .keep_atime = true}));
    if (FOX_TRY(copy::is_empty(readable))) return std::optional<Summary>();
  }
  const auto start = Clock::now();
  const sys::FileStatus status = FOX_TRY(sys::status_of(target));  // making the store changes its time
  const bool fresh = !sys::status_at(target, kVersionsName);
  Store store = FOX_TRY(Store::open(target, Store::Use::make));
  if (fresh) restore_times(target, status);
  const std::vector<Entry> entries = FOX_TRY(store.list());
  const Entry* before = nullptr;
  for (const Entry& entry : entries)
    if (entry.damage.empty()) before = &entry;
  Summary summary;
  summary.name = FOX_TRY(next_name(entries));
  summary.source = how.source;
  summary.trigger = how.trigger;

  const auto build = [&]() -> Result<> {
    const sys::UniqueFd building = FOX_TRY(store.begin(summary.name));
    FOX_TRY(sys::make_directory_at(building, kTreeName, 0700));
    sys::UniqueFd tree = FOX_TRY(sys::open_at(building, kTreeName, {.directory = true}));
    FOX_TRY(copy_tree(target, status, std::move(tree), store, before, how, summary));
    summary.elapsed_ms =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count());
    sys::UniqueFd file = FOX_TRY(sys::create_at(building, kSummaryName, 0600));
    const std::string text = to_json(summary);
    FOX_TRY(sys::write_all(file, std::as_bytes(std::span(text))));
    FOX_TRY(sys::close_written(std::move(file)));
    return store.commit(summary.name, building);
  };
  if (auto built = build(); !built) {
    (void)store.abandon(summary.name);  // what stays goes with the next run
    return tl::make_unexpected(std::move(built).error());
  }
  return std::optional(std::move(summary));
}

}  // namespace foxing::snapshot
