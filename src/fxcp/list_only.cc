// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/list_only.h"

#include <fmt/format.h>

#include "base/text.h"
#include "core/walk/walk.h"
#include "fxcp/arrangement.h"
#include "fxcp/json_lines.h"
#include "fxcp/preflight.h"
#include "fxcp/rsync_forms.h"
#include "fxcp/selection.h"
#include "fxcp/windows.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::fxcp {
namespace {

using Clock = std::chrono::steady_clock;
using sys::FileType;

/// "-rw-r--r--          1,234 2026/11/25 06:58:57 d/name".  Source: rsync 3.5, what it prints.
std::string line_of(const json::Listed& entry, unsigned human) {
  std::string line =
      fmt::format("{} {:>{}} {} {}", mode_letters(entry.status.raw.st_mode), rsync_number(entry.status.size().value, human),
                  human == 0 ? 11 : 14, local_time(entry.status.modified().tv_sec, kDateTime), printable(entry.path));
  if (entry.link) line += " -> " + printable(*entry.link);
  return line;
}

/// One worker's visitor: the order of lines is that of the walk.
class Lister final : public walk::Visitor {
 public:
  Lister(const Options& options, Report& report) : options_(options), report_(report) {}

  json::ListSum sum;

  Descend enter(walk::Directory& directory, walk::WorkerIndex) override {
    const std::string path = directory.relative_path();
    const walk::Directory* parent = directory.parent();
    // A base of --files-from leaves nothing of itself.
    const bool base = parent == nullptr && options_.files_from && directory.name() != options_.sources.front();
    if (!base && !directory.again()) list({path.empty() ? "." : path, directory.status(), {}});
    if (parent == nullptr) return Descend::yes;
    const bool elsewhere = options_.one_file_system && parent->status().inode() != InodeNo(0) &&
                           directory.status().device() != parent->status().device();
    return options_.recursive && !elsewhere ? Descend::yes : Descend::no;
  }

  void visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex) override {
    const auto status = sys::status_at(directory->fd(), entry.name, entry.links);
    if (!status && status.error().code == ENOENT) return vanished(*directory, entry.name);
    if (!status) return unreadable(*directory, entry.name, status.error());
    json::Listed listed{directory->relative_path_of(entry.name), *status, {}};
    if (status->type() == FileType::symlink && options_.preserve.links) {
      auto text = sys::read_link_at(directory->fd(), entry.name);
      if (!text) return unreadable(*directory, entry.name, std::move(text).error());
      listed.link = std::move(*text);
    }
    list(listed);
  }

  void leave(walk::Directory&) override {}

  void unreadable(walk::Directory& directory, std::string_view name, Error error) override {
    report_.problem(
        {copy::ProblemKind::unreadable, true, std::move(error).about(name.empty() ? directory.path() : directory.path_of(name))});
  }

  void vanished(walk::Directory& directory, std::string_view name) override {
    ++sum.warnings;
    report_.problem({copy::ProblemKind::vanished,
                     false,
                     {0, "", name.empty() ? directory.path() : directory.path_of(name), "was removed while the tree was read"}});
  }

 private:
  void list(const json::Listed& entry) {
    ++sum.entries;
    if (entry.status.type() == FileType::regular) sum.bytes += entry.status.size().value;
    report_.line(options_.json ? json::list_entry(entry) : line_of(entry, options_.human_readable));
  }

  const Options& options_;
  Report& report_;
};

Result<Item> look_at(const std::string& source, const Options& options) {
  Item item{.source = source, .links = sys::Links::keep, .status = {}, .name = split_path(source).name};
  const auto leads_to = sys::status_at(sys::working_directory(), source, sys::Links::follow);
  const bool to_directory = leads_to && leads_to->type() == FileType::directory;
  const bool follow = source.ends_with('/') || options.follow_arguments || options.symlinks == Symlinks::follow ||
                      (options.symlinks == Symlinks::follow_directories && to_directory);
  if (follow) item.links = sys::Links::follow;
  auto status = sys::status_at(sys::working_directory(), source, item.links);
  if (!status && follow && status.error().code == ENOENT) {  // a link that leads nowhere is an entry, too
    item.links = sys::Links::keep;
    status = sys::status_at(sys::working_directory(), source, item.links);
  }
  if (!status)
    return fail(status.error().code, "", source,
                status.error().code == ENOENT ? "does not exist; nothing was listed" : "cannot be looked at; nothing was listed");
  item.status = *status;
  return item;
}

/// One directory as SRC means its contents; of several each keeps its name.
Result<Arrangement> sources_of(const Options& options) {
  Arrangement plan;
  for (const std::string& source : options.sources) plan.items.push_back(FOX_TRY(look_at(source, options)));
  for (Item& item : plan.items) {
    const bool nameless = item.name.empty() || item.name == "." || item.name == "..";
    item.mirror = item.status.type() == FileType::directory && (plan.items.size() == 1 || nameless);
  }
  return plan;
}

Result<> add_item(walk::Walk& walk, const Item& item) {
  const SplitPath path = split_path(item.source);
  sys::UniqueFd fd = FOX_TRY(sys::open_at(sys::working_directory(), item.mirror ? item.source : path.directory,
                                          {.access = item.mirror ? sys::Access::read : sys::Access::path,
                                           .links = item.mirror ? item.links : sys::Links::follow,
                                           .directory = true,
                                           .keep_atime = true}));
  const sys::FileStatus status = FOX_TRY(sys::status_of(fd));
  if (item.mirror) {
    walk.add_root(std::move(fd), status, item.source, nullptr);
    return {};
  }
  const std::string shown = path.directory == "." && !item.source.starts_with("./") ? "" : path.directory;
  walk.add_entry(walk.add_place(std::move(fd), shown, nullptr), path.name, item.status.type(), item.links);
  return {};
}

}  // namespace

ExitCode run_list(const Options& options) {
  Report report(options);
  const auto begin = Clock::now();
  const std::uint64_t descriptors = sys::raise_open_file_limit();
  sys::catch_stop_signals();
  const auto refused = [&](const Error& error) {
    report.refuse(error);
    return ExitCode::nothing_done;
  };
  auto selection = Selection::make(options);
  if (!selection) return refused(selection.error());
  auto plan = sources_of(options);
  if (!plan) return refused(plan.error());
  if (*selection != nullptr && !(*selection)->bases().empty()) add_bases(*plan, (*selection)->bases());
  if (options.json) report.line(json::list_start(options));

  Lister lister(options, report);
  walk::Walk::Options walking = walk_options(options, 1, descriptors, selection->get());
  walking.by_windows = *selection != nullptr && (*selection)->has_more();
  walk::Walk walk(lister, walking);
  const auto add_all = [&](const Arrangement& part) {
    for (const Item& item : part.items)
      if (auto added = add_item(walk, item); !added)
        report.problem({copy::ProblemKind::unreadable, true, std::move(added).error().about(item.source)});
  };
  add_all(*plan);
  walk.run();
  report_missing(selection->get(), report);
  while (next_window(selection->get(), options, report)) {
    add_all(bases_of_window(**selection, *plan, options, report));
    walk.go_on();
    report_missing(selection->get(), report);
  }
  walk.end();

  const bool all_well = report.failures() == 0 && !sys::stop_requested();
  ExitCode code = all_well ? ExitCode::all_done : lister.sum.entries > 0 ? ExitCode::some_failed : ExitCode::nothing_done;
  if (options.json) {
    lister.sum.failures = report.failures();
    lister.sum.interrupted = sys::stop_requested();
    lister.sum.elapsed = Clock::now() - begin;
    report.line(json::list_summary(lister.sum, code));
  }
  report.flush();
  if (!report.output_is_whole() && code == ExitCode::all_done) code = ExitCode::some_failed;
  return code;
}

}  // namespace foxing::fxcp
