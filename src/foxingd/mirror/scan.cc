// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/mirror/scan.h"

#include <mutex>
#include <span>
#include <unordered_map>

#include "core/digest/digest.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::mirror {
namespace {

constexpr std::size_t kToldFailures = 20;
/// Of the notes on directories (core/copy/as_of.h): what this version keeps of a file.
constexpr std::string_view kDecisive = "foxingd 1: everything";

/// Enters directories into the table; all else is the copier's.
class Learner final : public walk::Visitor {
 public:
  Learner(copy::Copier& copier, pipeline::DirectoryTable& table) : copier_(copier), table_(table) {}

  Descend enter(walk::Directory& directory, walk::WorkerIndex worker) override {
    const Descend answer = copier_.enter(directory, worker);
    if (answer == Descend::yes) learn(directory);
    return answer;
  }
  void visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) override {
    copier_.visit(directory, entry, worker);
  }
  void leave(walk::Directory& directory) override {
    copier_.leave(directory);
    const std::lock_guard lock(mutex_);
    handles_.erase(&directory);
  }
  void unreadable(walk::Directory& directory, std::string_view name, Error error) override {
    copier_.unreadable(directory, name, std::move(error));
  }
  void vanished(walk::Directory& directory, std::string_view name) override { copier_.vanished(directory, name); }
  void close_descriptors(walk::Directory& directory) override { copier_.close_descriptors(directory); }
  Result<> reopen_descriptors(walk::Directory& directory, walk::Directory* child) override {
    return copier_.reopen_descriptors(directory, child);
  }

 private:
  void learn(walk::Directory& directory) {
    auto handle = sys::handle_of(directory.fd());
    if (!handle) return copier_.unreadable(directory, {}, std::move(handle).error());
    const std::lock_guard lock(mutex_);
    if (directory.parent() != nullptr) {
      const auto parent = handles_.find(directory.parent());
      if (parent == handles_.end()) return;
      table_.put(*handle, parent->second, directory.name());
    }
    handles_.emplace(&directory, std::move(*handle));
  }

  copy::Copier& copier_;
  pipeline::DirectoryTable& table_;
  std::mutex mutex_;
  std::unordered_map<const walk::Directory*, pipeline::FileHandle> handles_;  // of those that are walked now
};

class Listener final : public copy::Observer {
 public:
  struct Linked {
    std::string path;
    std::uint64_t inode;
    std::uint64_t links;
  };

  void problem(copy::Problem problem) override {
    if (!problem.failure) return;
    const std::lock_guard lock(mutex_);
    ++failures_;
    if (problem.kind == copy::ProblemKind::changed_while_read) ++changing_;
    full_ |= problem.kind == copy::ProblemKind::no_space;
    if (first_.size() < kToldFailures) first_.push_back(std::move(problem.error));
  }
  bool wants_files() const override { return true; }
  bool wants_unchanged() const override { return true; }
  void file(const copy::FileEvent& event) override {
    using Action = copy::FileEvent::Action;
    if (event.action == Action::deleted || event.action == Action::removed || event.action == Action::directory) return;
    if (event.status.links() <= 1) return;
    const std::lock_guard lock(mutex_);
    linked_.push_back({event.below, event.status.inode().value, event.status.links()});
  }

  void report_to(ScanReport& report) {
    report.failures = failures_;
    report.changing = changing_;
    report.full = full_;
    report.first_failures = std::move(first_);
  }
  /// By path, which is then told by the table as a directory and a name.
  void report_to(pipeline::LinkGroups& links, const pipeline::DirectoryTable& table) const {
    for (const Linked& one : linked_) {
      std::optional<pipeline::FileHandle> directory = table.root();
      std::string_view rest = one.path;
      for (std::size_t slash = rest.find('/'); directory && slash != std::string_view::npos; slash = rest.find('/')) {
        directory = table.at(*directory, std::string(rest.substr(0, slash)));
        rest.remove_prefix(slash + 1);
      }
      if (directory) links.note({*directory, std::string(rest)}, one.inode, one.links);
    }
  }

 private:
  std::mutex mutex_;
  std::uint64_t failures_ = 0;
  std::uint64_t changing_ = 0;
  bool full_ = false;
  std::vector<Error> first_;
  std::vector<Linked> linked_;
};

}  // namespace

Result<ScanReport> scan(const TreePair::Roots& roots, Selection* selection, unsigned workers, pipeline::DirectoryTable& table,
                        pipeline::LinkGroups& links) {
  Listener listener;
  copy::Options options = engine_options(roots.target);
  options.notes = true;
  options.decisive = digest::hash(std::as_bytes(std::span(kDecisive)));
  copy::Copier copier(options, listener, workers);
  copy::Deleter deleter({.target_name = roots.target, .sources = {roots.source_key}}, listener, selection, nullptr);
  copier.clear_away_with(&deleter, &deleter, nullptr);
  Learner learner(copier, table);
  walk::Walk walk(learner, {.workers = workers, .descriptor_limit = sys::raise_open_file_limit(), .selector = selection},
                  [&](walk::WorkerIndex worker) { copier.quiet(worker); });
  copier.connect(walk, FOX_TRY(sys::duplicate(roots.target_fd)));

  // Opened anew: the walk reads to the end of what it is given.
  sys::UniqueFd source = FOX_TRY(sys::open_at(roots.source_fd, ".", {.directory = true, .keep_atime = true}));
  const sys::FileStatus status = FOX_TRY(sys::status_of(source));
  sys::UniqueFd target = FOX_TRY(sys::open_at(roots.target_fd, ".", {.directory = true, .keep_atime = true}));
  auto into = FOX_TRY(copier.adopt(std::move(target), source, status.device(), false));
  table.begin_scan();
  links.clear();
  walk.add_root(std::move(source), status, roots.source, std::move(into));
  walk.run();

  ScanReport report;
  if (auto finished = copier.finish(); !finished)
    listener.problem({copy::ProblemKind::failed, true, std::move(finished).error()});
  listener.report_to(report);
  // Where something could not be read, what lies below may be there still.
  if (report.failures == 0) table.end_scan();
  listener.report_to(links, table);
  copy::Counters done;
  copier.add_counters_to(done);
  report.entries = done.entries;
  report.deleted = deleter.removed();
  report.changed = done.files + done.symlinks + done.specials + done.hard_links + done.updated + report.deleted;
  return report;
}

}  // namespace foxing::mirror
