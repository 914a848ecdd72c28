// SPDX-License-Identifier: GPL-2.0-or-later
// A whole copy inside one process, for tests: what fxcp/run.cc connects, on a TempTree, with an observer that remembers and can interfere.
//     TempTree world;
//     world.file("source/a", "text");
//     TestRun run(world);
//     run.copy("source", "target");
//     EXPECT_THAT(run.failures(), IsEmpty());
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/copy/copier.h"
#include "sys/fault.h"
#include "sys/file.h"
#include "sys/names.h"
#include "testing/temp_tree.h"

#define FOXING_NEEDS_FAULTS() \
  if (!::foxing::sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)"
#define FOXING_NEEDS_ROOT() \
  if (!::foxing::testing::is_root()) GTEST_SKIP() << "needs root"

namespace foxing::copy {

/// Everything, as `-a` keeps it.
inline Options archive() {
  Options options;
  options.keep = {.mode = true,
                  .owner = true,
                  .group = true,
                  .times = true,
                  .xattrs = true,
                  .acls = true,
                  .umask = 022,
                  .privileges = sys::privileges()};
  options.hard_links = options.symlinks = options.devices = options.specials = true;
  return options;
}

/// The same with --generate-sigs.
inline Options signing() {
  Options options = archive();
  options.sign = true;
  return options;
}

/// Until the clock is so far past the last change of `name` that its times are believed (kSurelyEarlierNs).  No sleep: the clock is asked.
inline void let_age(const testing::TempTree& world, const std::string& name) {
  const timespec changed = world.status(name).st_ctim;
  timespec now{};
  do {
    now = sys::wall_clock();
    now.tv_nsec -= kSurelyEarlierNs;  // twice as long: what is made next is born surely later, too
  } while (may_change_unseen(changed, now));
}

/// Until signatures that were written so far no longer overlook a change that puts times back (docs/formats/signature.md: 50 ms).
inline void let_window_pass() {
  const timespec begin = sys::wall_clock();
  timespec now{};
  do {
    now = sys::wall_clock();
  } while ((now.tv_sec - begin.tv_sec) * 1'000'000'000 + (now.tv_nsec - begin.tv_nsec) < 70'000'000);
}

class TestRun final : public Observer {
 public:
  explicit TestRun(const testing::TempTree& world, Options options = archive(), unsigned workers = 1)
      : world_(world), options_(options), workers_(workers), umask_(::umask(0)) {}
  ~TestRun() override {
    ::umask(umask_);
    sys::forget_stop_request();  // a full target asks for one
  }

  // ---- To interfere, at moments that do not depend on luck.  Called on the worker's thread.

  /// Before an entry or, with the name ending in '/', a directory is handed to the copier; the path is below the source.
  std::function<void(const std::string& path)> before;
  /// After a directory of the target is there and before anything in it is copied.
  std::function<void(const std::string& path)> inside;
  /// When a regular file has been opened and looked at and its content has not been read.
  std::function<void()> looked;

  /// Faults while the tree is copied; not while the world is opened before.
  std::string faults;
  std::uint64_t descriptor_limit = 1024;

  /// --delete, and what is kept of what gives way: beside it, or below the directory `keep_in`.
  std::optional<Deleting> deleting;
  std::optional<Keeper::Options> keep;
  std::string keep_in;
  /// --remove-source-files; `removed` is what came of it.
  bool remove_sources = false;
  SourceRemoval::Done removed;

  /// What fxcp/remembered.cc connects: hashes of directories are stored, and believed, under options that are called so.
  std::optional<std::string> hashed_as;
  bool believes = true;
  /// --detect-renames: whether an old name may be taken away.
  std::optional<bool> renames;
  /// After the passes that only look, before the copier.
  std::function<void()> between;

  /// Copies the contents of `source` to the existing or new directory `target`.
  void copy(const std::string& source = "source", const std::string& target = "target") {
    const bool fresh = !world_.exists(target);
    if (fresh) world_.dir(target, 0700);
    source_ = world_.at(source);
    Options options = options_;
    Subtrees subtrees({.one_filesystem = options.one_filesystem});
    if (hashed_as) {
      look_at(subtrees);
      options.pruning = {.subtrees = &subtrees,
                         .options = digest::hash(std::as_bytes(std::span(*hashed_as))),
                         .believe = believes,
                         .store = options.sign && !options.dry_run,
                         .at_the_end = false};
    }
    std::optional<Renames> orphans;
    if (renames) {
      orphans.emplace(*renames);
      look_for_orphans(*orphans, target);
      options.renames = &*orphans;
    }
    if (between) between();
    Copier copier(options, *this, workers_);
    TempNames& names = copier.temp_names();
    std::optional<Keeper> keeper;
    if (keep) {
      keeper.emplace(*keep, names);
      if (!keep_in.empty()) {
        auto place = sys::open_at(sys::working_directory(), world_.at(keep_in), {.directory = true});
        ASSERT_TRUE(place);
        keeper.emplace(*keep, names, std::move(*place));
      }
    }
    std::optional<Deleter> deleter;
    if (deleting) deleter.emplace(*deleting, *this, nullptr, keeper ? &*keeper : nullptr);
    copier.clear_away_with(deleter ? &*deleter : nullptr, deleter ? &*deleter : nullptr, keeper ? &*keeper : nullptr);
    Interfering visitor(*this, copier);
    walk::Walk walk(visitor, {.workers = workers_, .descriptor_limit = descriptor_limit},
                    [&](walk::WorkerIndex worker) { copier.quiet(worker); });
    copier_ = &copier;
    auto into = sys::open_at(sys::working_directory(), world_.at(target), {.directory = true});
    auto root = sys::open_at(sys::working_directory(), world_.at(target), {.directory = true});
    auto from = sys::open_at(sys::working_directory(), source_, {.directory = true});
    ASSERT_TRUE(into && root && from);
    const auto status = sys::status_of(*from);
    ASSERT_TRUE(status);
    SourceRemoval removal(options_.hard_links);
    if (remove_sources) {
      removal.add_root(source_, *sys::duplicate(*from));
      copier.remove_sources_with(&removal);
    }
    copier.connect(walk, std::move(*root));
    auto adopted = copier.adopt(std::move(*into), *from, status->device(), fresh);
    ASSERT_TRUE(adopted);
    walk.add_root(std::move(*from), *status, source_, std::move(*adopted));
    {
      std::optional<sys::FaultPlan> planned;
      if (!faults.empty()) planned.emplace(faults);
      walk.run();
      auto finished = copier.finish();
      if (finished && remove_sources && !sys::stop_requested()) removed = removal.run(*this, options_.dry_run);
      if (!finished) problem({ProblemKind::failed, true, std::move(finished).error().about("finish")});
      if (!sys::stop_requested()) {
        if (auto stored = copier.store_hashes(); !stored)
          problem({ProblemKind::failed, true, std::move(stored).error().about("hashes")});
      }
    }
    copier.add_counters_to(counters);
    if (deleter) counters.deleted = deleter->removed();
    if (deleter) spared = deleter->spared();
    no_space = copier.no_space();
    {
      const std::lock_guard lock(mutex_);
      copier_ = nullptr;
    }
  }

  // ---- What became of it.

  Counters counters;
  bool no_space = false;
  std::uint64_t spared = 0;

  const std::vector<Problem>& problems() const { return problems_; }
  /// "kind path-below-the-source" of everything that counts as a failure, sorted.
  std::vector<std::string> failures() const { return told(true); }
  std::vector<std::string> notes() const { return told(false); }
  std::uint64_t retries_so_far() const {
    // Asked by threads that only the kernel orders before the copier's end.
    const std::lock_guard lock(mutex_);
    Counters sum;
    if (const Copier* copier = copier_.load()) copier->add_counters_to(sum);
    return sum.retries;
  }
  const std::vector<FileEvent>& events() const { return events_; }
  /// The event of a path below the source; fails the test where there is none.
  FileEvent event(const std::string& path) const {
    const auto found = std::ranges::find(events_, source_ + '/' + path, &FileEvent::path);
    if (found != events_.end()) return *found;
    ADD_FAILURE() << "no event for " << path;
    return {};
  }

  // Observer
  void problem(Problem problem) override {
    const std::lock_guard lock(mutex_);
    problems_.push_back(std::move(problem));
  }
  bool wants_files() const override {
    if (looked && visiting_.load() > 0) looked();
    return true;
  }
  bool wants_unchanged() const override { return true; }
  void file(const FileEvent& event) override {
    if (inside && event.action == FileEvent::Action::directory) inside(below(event.path));
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
  }

 private:
  class Interfering final : public walk::Visitor {
   public:
    Interfering(TestRun& run, Copier& copier) : run_(run), copier_(copier) {}
    Descend enter(walk::Directory& directory, walk::WorkerIndex worker) override {
      if (run_.before) run_.before(run_.below(directory.path()) + '/');
      return copier_.enter(directory, worker);
    }
    void visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) override {
      if (run_.before) run_.before(run_.below(directory->path_of(entry.name)));
      run_.visiting_.fetch_add(1);
      copier_.visit(directory, entry, worker);
      run_.visiting_.fetch_sub(1);
    }
    void leave(walk::Directory& directory) override { copier_.leave(directory); }
    void unreadable(walk::Directory& directory, std::string_view name, Error error) override {
      copier_.unreadable(directory, name, std::move(error));
    }
    void vanished(walk::Directory& directory, std::string_view name) override { copier_.vanished(directory, name); }
    void close_descriptors(walk::Directory& directory) override { copier_.close_descriptors(directory); }
    Result<> reopen_descriptors(walk::Directory& directory, walk::Directory* child) override {
      return copier_.reopen_descriptors(directory, child);
    }

   private:
    TestRun& run_;
    Copier& copier_;
  };

  void look_at(Subtrees& subtrees) {
    auto from = sys::open_at(sys::working_directory(), source_, {.directory = true, .keep_atime = true});
    ASSERT_TRUE(from);
    walk::Walk walk(subtrees, {.workers = workers_, .descriptor_limit = descriptor_limit});
    const auto status = sys::status_of(*from);
    ASSERT_TRUE(status);
    walk.add_root(std::move(*from), *status, source_, nullptr);
    walk.run();
  }
  void look_for_orphans(Renames& orphans, const std::string& target) {
    auto from = sys::open_at(sys::working_directory(), source_, {.access = sys::Access::path, .directory = true});
    auto copy = sys::open_at(sys::working_directory(), world_.at(target), {.directory = true, .keep_atime = true});
    ASSERT_TRUE(from && copy);
    OrphanPass pass(orphans);
    walk::Walk walk(pass, {.workers = workers_, .descriptor_limit = descriptor_limit});
    const auto status = sys::status_of(*copy);
    ASSERT_TRUE(status);
    walk.add_root(std::move(*copy), *status, "", OrphanPass::beside(std::move(*from), ""));
    walk.run();
  }

  std::string below(const std::string& path) const {
    if (!path.starts_with(source_)) return path;
    return path.size() > source_.size() ? path.substr(source_.size() + 1) : std::string();
  }
  std::vector<std::string> told(bool failure) const {
    std::vector<std::string> lines;
    for (const Problem& problem : problems_) {
      if (problem.failure == failure) lines.push_back(std::string(name_of(problem.kind)) + ' ' + below(problem.error.subject));
    }
    std::ranges::sort(lines);
    return lines;
  }

  const testing::TempTree& world_;
  const Options options_;
  const unsigned workers_;
  const mode_t umask_;
  std::string source_;
  std::atomic<Copier*> copier_{nullptr};
  mutable std::mutex mutex_;
  std::vector<Problem> problems_;
  mutable std::atomic<int> visiting_{0};
  std::vector<FileEvent> events_;
};

}  // namespace foxing::copy
