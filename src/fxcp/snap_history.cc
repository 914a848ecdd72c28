// SPDX-License-Identifier: GPL-2.0-or-later
// fxcp snap copy, revert, log, diff: what a path was like in a snapshot, and having it back.
#include <fmt/format.h>

#include "base/text.h"
#include "core/snapshot/remove.h"
#include "core/snapshot/store.h"
#include "fxcp/run.h"
#include "fxcp/snap.h"
#include "fxcp/snap_place.h"
#include "fxcp/verify.h"
#include "sys/attributes.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::fxcp {
namespace {

using snapshot::Entry;
using snapshot::Store;

/// A path and the snapshot that it is looked up in.
struct Chosen {
  Place place;
  Store store;
  Entry entry;
  sys::FileStatus status;  // of the path in the snapshot
};

Result<Chosen> choose(const std::string& path, const std::string& epoch, Store::Use use) {
  Place place = FOX_TRY(place_of(path));
  auto store = Store::open(place.fd, use);
  if (!store) {
    Error error = std::move(store).error();
    error.subject = place.target + "/" + kVersionsName;
    return error;
  }
  auto entry = store->choose(epoch);
  if (!entry) return tl::make_unexpected(std::move(entry).error().about(place.target));
  const sys::UniqueFd tree = FOX_TRY(store->tree(entry->name));
  const auto status = status_beneath(tree, place.below);
  if (!status) return fail(0, "", path, fmt::format("cannot be had from snapshot {}: {}", entry->name, status.error().message()));
  return Chosen{std::move(place), std::move(*store), std::move(*entry), *status};
}

/// What -a keeps.
constexpr Preserve kEverything{.perms = true,
                               .owner = true,
                               .group = true,
                               .times = true,
                               .xattrs = true,
                               .acls = true,
                               .hard_links = true,
                               .devices = true,
                               .specials = true,
                               .links = true};

/// fxcp -a SOURCE DESTINATION, for a SOURCE in the store.
Options copying(const Options& options, const std::string& source, const std::string& destination) {
  Options copy;
  copy.archive = copy.recursive = true;
  copy.preserve = kEverything;
  copy.sources = {source};
  copy.destination = destination;
  copy.no_target_directory = true;
  copy.jobs = options.jobs;
  copy.quiet = options.quiet;
  copy.verbose = options.verbose;
  return copy;
}

}  // namespace

ExitCode run_snap_copy(const Options& options) {
  SnapOutput output(options, stdout);
  const auto chosen = choose(options.paths[0], options.paths[1], Store::Use::look);
  if (!chosen) return output.refuse(chosen.error());
  return run_copy(copying(options, chosen->place.in_snapshot(chosen->entry.name), options.paths[2]));
}

namespace {

/// What was copied out of a snapshot, and lies whole in the store.
struct Whole {
  sys::UniqueFd fd;  // O_PATH
  sys::FileStatus status;

  static Result<Whole> open(sys::FdView directory, const std::string& name) {
    sys::UniqueFd fd = FOX_TRY(sys::open_at(directory, name, {.access = sys::Access::path}));
    const auto status = FOX_TRY(sys::status_of(fd));
    return Whole{std::move(fd), status};
  }
};

/// Puts `name`, which is whole and lies in `from`, where `to` says, in one step.  What was there lies in `from` then.
Result<> exchange(sys::FdView from, const std::string& name, const Parent& to) {
  const auto there = sys::status_at(to.fd, to.name);
  if (!there && there.error().code != ENOENT) return tl::make_unexpected(there.error());
  return sys::rename_at(from, name, to.fd, to.name, there ? sys::Replace::exchange : sys::Replace::nothing);
}

/// XFS gives directories that exchange their parents the present mtime; a rename, and other filesystems, do not.
Result<> settle(const Whole& whole, const Parent& in) {
  if (whole.status.type() == sys::FileType::directory)
    FOX_TRY(sys::set_times({whole.fd, sys::Handle::path}, whole.status.accessed(), whole.status.modified()));
  return sys::sync_filesystem(in.fd);
}

}  // namespace

ExitCode run_snap_revert(const Options& options) {
  SnapOutput output(options, stdout);
  const std::string& path = options.paths[0];
  const auto fail_with = [&](Error error, const char* what) {
    error.detail = fmt::format("{}{}{}", what, error.detail.empty() ? "" : ": ", error.detail);
    return output.refuse(std::move(error).about(path));
  };
  auto chosen = choose(path, options.paths[1], Store::Use::change);
  if (!chosen) return output.refuse(chosen.error());
  const Place& place = chosen->place;
  const std::string source = place.in_snapshot(chosen->entry.name);
  if (place.below.empty())
    return output.refuse({0, "", path,
                          fmt::format("is the whole target, which cannot be exchanged in one step; fxcp -a --delete --snapshot "
                                      "{} {} makes it so file by file",
                                      source, place.target)});
  auto parent = parent_beneath(place.fd, place.below);
  if (!parent) return fail_with(std::move(parent).error(), "the directory that it was in is not there; revert that");
  // Beside nobody's files: what a kill leaves goes with the next change of the store.
  static constexpr const char* kReverting = "revert";
  auto building = chosen->store.begin(kReverting);
  if (!building) return fail_with(std::move(building).error(), "was not changed");
  const std::string half = join_path(join_path(place.target, kVersionsName), Store::building_name(kReverting));
  Options copy = copying(options, source, join_path(half, parent->name));
  copy.quiet = true;
  copy.verbose = 0;
  copy.fsync = true;
  auto whole = run_copy(copy) == ExitCode::all_done
                   ? Whole::open(*building, parent->name)
                   : Result<Whole>(fail(0, "", {}, "it could not be copied out of the snapshot as it is there"));
  const Result<> done = whole ? exchange(*building, parent->name, *parent) : tl::make_unexpected(whole.error());
  const Result<> settled = done ? settle(*whole, *parent) : Result<>();
  const auto cleared = chosen->store.abandon(kReverting);
  if (!done) return fail_with(done.error(), "was not changed");
  if (!settled) return fail_with(settled.error(), "is back, but its time may be the present one, or a power cut may undo it");
  if (!cleared) output.problem(half, cleared.error(), true);
  if (!options.quiet) output.say(fmt::format("{} is as in snapshot {}", printable(path), chosen->entry.name));
  return output.flush() && output.failures() == 0 ? ExitCode::all_done : ExitCode::some_failed;
}

namespace {

bool is_same(const sys::FileStatus& a, const sys::FileStatus& b) {
  if (a.type() != b.type() || a.permissions() != b.permissions() || a.owner() != b.owner() || a.group() != b.group())
    return false;
  if (a.type() == sys::FileType::directory) return true;  // what is in it has lines of its own
  return a.size() == b.size() && sys::same_time(a.modified(), b.modified());
}

std::string line_of(const std::string& when, const char* what, const std::optional<sys::FileStatus>& status,
                    const std::string& tag) {
  if (!status) return fmt::format("{:<20} {}", when, what);
  const std::string modified =
      snapshot::name_of({.seconds = status->modified().tv_sec}).value_or(sys::to_text(status->modified()));
  return fmt::format("{:<20} {:<8} {} {:04o} {:>10} {}{}{}", when, what, sys::name_of(status->type()), status->permissions(),
                     human(status->size()), modified, tag.empty() ? "" : "  ", tag);
}

}  // namespace

ExitCode run_snap_log(const Options& options) {
  SnapOutput output(options, stdout);
  const auto place = place_of(options.paths[0]);
  if (!place) return output.refuse(place.error());
  auto store = Store::open(place->fd, Store::Use::look);
  if (!store) return output.refuse(std::move(store).error().about(place->target));
  auto entries = store->list();
  if (!entries) return output.refuse(std::move(entries).error().about(place->target));
  std::optional<sys::FileStatus> before;
  bool ever = false;
  const auto tell = [&](const std::string& when, Result<sys::FileStatus> now, const std::string& tag) {
    if (!now && now.error().code != ENOENT && now.error().code != ENOTDIR && now.error().code != ELOOP)
      return output.problem(when, std::move(now).error(), true);
    const std::optional<sys::FileStatus> status = now ? std::optional(*now) : std::nullopt;
    if (status && !before)
      output.say(line_of(when, ever ? "again" : "there", status, tag));
    else if (status && !is_same(*before, *status))
      output.say(line_of(when, "changed", status, tag));
    else if (!status && before)
      output.say(line_of(when, "gone", status, tag));
    ever = ever || status.has_value();
    before = status;
  };
  for (const Entry& entry : *entries) {
    if (!entry.damage.empty()) {
      output.problem(entry.name, {0, "", {}, entry.damage}, true);
      continue;
    }
    const auto tree = store->tree(entry.name);
    tell(entry.name, tree ? status_beneath(*tree, place->below) : Result<sys::FileStatus>(tl::make_unexpected(tree.error())),
         entry.summary.tag);
  }
  tell("now", status_beneath(place->fd, place->below), "");
  if (!ever) return output.refuse({0, "", options.paths[0], "is in no snapshot, and not there now"});
  return output.flush() && output.failures() == 0 ? ExitCode::all_done : ExitCode::some_failed;
}

namespace {

/// "TARGET@EPOCH", or "TARGET" as it is now: the path of its tree.
Result<std::string> tree_of(const std::string& operand) {
  const std::size_t at = operand.rfind('@');
  auto there = sys::status_at(sys::working_directory(), operand, sys::Links::follow);
  if (there) return operand;
  if (at == std::string::npos) return tl::make_unexpected(std::move(there).error().about(operand));
  const Chosen chosen = FOX_TRY(choose(operand.substr(0, at), operand.substr(at + 1), Store::Use::look));
  return chosen.place.in_snapshot(chosen.entry.name);
}

}  // namespace

ExitCode run_snap_diff(const Options& options) {
  SnapOutput output(options, stdout);
  Options compare = options;
  compare.content = options.every_byte ? CompareContent::hash : CompareContent::size;
  compare.preserve = kEverything;
  compare.shown = options.paths;
  for (std::string& operand : compare.paths) {
    auto path = tree_of(operand);
    if (!path) return output.refuse(path.error());
    operand = std::move(*path);
  }
  return run_verify(compare);
}

}  // namespace foxing::fxcp
