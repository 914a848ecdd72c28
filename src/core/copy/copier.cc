// SPDX-License-Identifier: GPL-2.0-or-later
// Directories, and what the observer hears.  Regular files: regular_file.cc; links, devices and the like: special.cc.
#include "core/copy/copier.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/assert.h"
#include "base/own_names.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::copy {
namespace {

constexpr mode_t kClosedDirectory = 0700;
constexpr std::size_t kMostCompleteGroups = 65536;  // some 180 bytes each

sys::Object object_of(const walk::Directory& directory) {
  return {directory.fd(), directory.searched_only() ? sys::Handle::path : sys::Handle::file};
}

/// Calls that only the target can fail, and errors that only a target has: then the target's path is the one to look at.
bool concerns_target(const Error& error) {
  if (error.code == ENOSPC || error.code == EDQUOT || error.code == EROFS || error.code == EFBIG) return true;
  static constexpr std::string_view kCalls[] = {"mkdirat",     "open(O_TMPFILE)", "open(O_CREAT)", "linkat",    "renameat2",
                                                "rename",      "fchown",          "fchmod",        "utimensat", "setxattr",
                                                "removexattr", "write",           "close",         "ftruncate", "fallocate",
                                                "symlinkat",   "mknodat",         "unlinkat",      "rmdir",     "syncfs"};
  return std::ranges::find(kCalls, std::string_view(error.operation)) != std::end(kCalls);
}

}  // namespace

Copier::Copier(Options options, Observer& observer, unsigned workers)
    : options_(options),
      begin_(sys::wall_clock()),
      observer_(observer),
      commits_(options.most_waiting_commits),
      workers_(std::max(workers, 1u)) {
  if (options_.names_may_repeat) hard_links_.names_may_repeat(kMostCompleteGroups);
  for (Worker& worker : workers_) worker.bench.paced_by(options.governor);
}

Copier::~Copier() = default;

void Copier::connect(walk::Walk& walk, sys::UniqueFd root) {
  walk_ = &walk;
  root_ = std::move(root);
}

Result<std::unique_ptr<TargetDirectory>> Copier::adopt(sys::UniqueFd fd, sys::FdView source, DeviceId source_device, bool fresh) {
  const sys::FileStatus status = FOX_TRY(sys::status_of(fd));
  Pair* pair = FOX_TRY(pairs_.of(source, source_device, fd, status.device()));
  const auto given = FOX_TRY(gives({fd, sys::Handle::path}, status));  // the place of single names is open as O_PATH
  if (flushes_at_end()) commits_.touched(status.device(), fd);
  if (std::ranges::find(target_roots_, status.key()) == target_roots_.end()) target_roots_.push_back(status.key());
  auto target =
      std::make_unique<TargetDirectory>(std::move(fd), status, *pair, fresh, given, Placed{nullptr, options_.target_name});
  target->clear_away_with(clearing_, keeper_);
  return target;
}

void Copier::begin_anew() {
  hard_links_.forget();
  target_roots_.clear();
}

Result<std::unique_ptr<TargetDirectory>> Copier::place(walk::Directory& directory, TargetDirectory& parent) {
  auto target = FOX_TRY(make_directory(directory, parent));
  if (target == nullptr) return fail(EEXIST, "", {}, "something else is there, and the options leave it alone");
  FOX_TRY(open_up(*target));
  if (!target->fresh()) FOX_TRY(hashes_.forget(*target));
  return target;
}

Result<TargetDirectory::Gives> Copier::gives(sys::Object directory, const sys::FileStatus& status) const {
  return TargetDirectory::Gives{.acl = FOX_TRY(meta::has_default_acl(directory)),
                                .project = sys::inherits_project(directory.fd),
                                .group = (status.permissions() & S_ISGID) != 0 && !options_.keep.group};
}

// ---- Directories

walk::Visitor::Descend Copier::enter(walk::Directory& directory, walk::WorkerIndex worker) {
  if (directory.parent() != nullptr && is_somebodys_temporary(*directory.parent(), directory.name())) return Descend::no;
  at(worker).counters.entries.fetch_add(1, std::memory_order_relaxed);
  walk::Directory* parent = directory.parent();
  if (options_.empty != nullptr && options_.empty->contains(directory)) return Descend::no;
  if (parent != nullptr && std::ranges::find(target_roots_, directory.status().key()) != target_roots_.end()) {
    report(directory, {}, ProblemKind::in_the_way,
           {.code = 0, .operation = "", .subject = {}, .detail = "is the destination itself; it is not copied into itself"});
    return Descend::no;
  }
  if (!options_.recursive && !directory.implied()) {
    report(directory, {}, ProblemKind::left_out,
           {.code = 0, .operation = "", .subject = {}, .detail = "is a directory; -r or -a copies directories"});
    return Descend::no;
  }
  // A SRC itself may be a mount point; inode 0 is the place that holds SRCs.
  const bool elsewhere = parent != nullptr && options_.one_filesystem && parent->status().inode() != InodeNo(0) &&
                         !parent->implied() && directory.status().device() != parent->status().device();
  if (options_.dry_run) return elsewhere ? Descend::no : enter_dry(directory, worker);

  if (parent == nullptr) {
    FOX_ASSERT(directory.attachment() != nullptr);  // adopt()
  } else {
    auto& above = static_cast<TargetDirectory&>(*parent->attachment());
    auto target = make_directory(directory, above);
    if (!target) {
      fail_entry(directory, {}, std::move(target).error());
      return Descend::no;
    }
    if (*target == nullptr) {  // --existing, --ignore-existing
      at(worker).counters.skipped.fetch_add(1, std::memory_order_relaxed);
      return Descend::no;
    }
    directory.attach(std::move(*target));
  }
  TargetDirectory& target = target_of(directory);
  if (!target.fresh() && pruned(directory, target, worker)) return Descend::no;
  auto opened = open_up(target);
  if (opened && !target.fresh()) opened = hashes_.forget(target);
  if (!opened) {
    fail_entry(directory, {}, std::move(opened).error());
    return Descend::no;
  }
  target.stands_for(directory);
  read_note(directory, target);
  if (!target.fresh()) take_stock(directory, target, worker);
  const bool top = parent == nullptr || parent->status().inode() == InodeNo(0);
  if (top && options_.atomic) staging_.may_lie_in(target, temp_names_, static_cast<unsigned>(workers_.size()));
  Changes changes = Changes::creation();
  if (!target.fresh()) {
    changes = {};
    changes.add(meta::status_differences(directory.status(), target.status(), options_.keep, options_.compare.window));
  }
  if (!target.undressed()) entered(directory, changes, worker);
  if (elsewhere) {
    dress(directory, target);  // what is mounted there is not ours, and what lies below in the target is not touched
    return Descend::no;
  }
  return Descend::yes;
}

void Copier::entered(walk::Directory& directory, const Changes& changes, walk::WorkerIndex worker) {
  if (directory.again()) return;  // it has been counted and told
  at(worker).counters.directories.fetch_add(1, std::memory_order_relaxed);
  if (changes.any() ? observer_.wants_files() : observer_.wants_unchanged())
    tell(directory, {}, FileEvent::Action::directory, directory.status(), changes);
}

walk::Visitor::Descend Copier::enter_dry(walk::Directory& directory, walk::WorkerIndex worker) {
  if (directory.parent() != nullptr && directory.parent()->attachment() != nullptr) {
    auto target = look_up_directory(directory, target_of(*directory.parent()));
    if (target) {
      target_of(*directory.parent()).count_match(target_of(*directory.parent()).name_for(directory.name()));
      directory.attach(std::move(*target));
    }
  }
  Changes changes = Changes::creation();
  if (TargetDirectory* target = existing_target(directory)) {
    if (pruned(directory, *target, worker)) return Descend::no;
    target->stands_for(directory);
    read_note(directory, *target);
    take_stock(directory, *target, worker);
    changes = {};
    changes.add(meta::status_differences(directory.status(), target->status(), options_.keep, options_.compare.window));
  } else if (options_.compare.only_existing && !would_give_way(directory)) {
    at(worker).counters.skipped.fetch_add(1, std::memory_order_relaxed);
    return Descend::no;
  }
  entered(directory, changes, worker);
  return Descend::yes;
}

Result<std::unique_ptr<TargetDirectory>> Copier::look_up_directory(walk::Directory& directory, TargetDirectory& parent) {
  const auto links = keeps_links_to_directories(directory) ? sys::Links::follow : sys::Links::keep;
  sys::UniqueFd fd = FOX_TRY(
      sys::open_at(parent.fd(), parent.name_for(directory.name()), {.links = links, .directory = true, .keep_atime = true}));
  const sys::FileStatus status = FOX_TRY(sys::status_of(fd));
  Pair* pair = FOX_TRY(pairs_.of(directory.fd(), directory.status().device(), fd, status.device()));
  return std::make_unique<TargetDirectory>(std::move(fd), status, *pair, false, TargetDirectory::Gives{},
                                           Placed{&parent, parent.name_for(directory.name())});
}

bool Copier::would_give_way(walk::Directory& directory) {
  TargetDirectory* above = directory.parent() == nullptr ? nullptr : existing_target(*directory.parent());
  const auto there = above != nullptr ? sys::status_at(above->fd(), above->name_for(directory.name()))
                                      : Result<sys::FileStatus>(fail(ENOENT, "fstatat"));
  return there && there->type() != sys::FileType::directory && !options_.compare.only_new;
}

Result<std::unique_ptr<TargetDirectory>> Copier::make_directory(walk::Directory& directory, TargetDirectory& parent) {
  const std::string name = parent.name_for(directory.name());
  const auto open_it = [&] { return sys::open_at(parent.fd(), name, {.directory = true, .keep_atime = true}); };
  bool fresh = true;
  if (options_.compare.only_existing && (parent.fresh() || !sys::status_at(parent.fd(), name)))
    return std::unique_ptr<TargetDirectory>();
  if (auto made = sys::make_directory_at(parent.fd(), name, kClosedDirectory); !made) {
    if (made.error().code != EEXIST) return tl::make_unexpected(std::move(made).error());
    if (parent.fresh() && !parent.taken_by_somebody_else(name)) {
      return fail(EEXIST, "mkdirat", {},
                  "another entry of the source has this name already: the target does not tell the two names apart");
    }
    fresh = false;
    parent.count_match(name);
  }
  auto fd = open_it();
  if (!fd && (fd.error().code == ENOTDIR || fd.error().code == ELOOP)) {
    if (keeps_links_to_directories(directory))
      fd = sys::open_at(parent.fd(), name, {.links = sys::Links::follow, .directory = true});
    if (!fd && options_.attributes_only) return fail(EEXIST, "", {}, "is no directory in the target, and nothing is replaced");
    if (!fd && options_.compare.only_new)
      return std::unique_ptr<TargetDirectory>();  // something else is there, and is not to be touched
    if (!fd) return replace_by_directory(directory, parent, name);
  }
  if (!fd && fd.error().code == EACCES && !fresh) {
    // One of ours without read permission, from a source of mode 0300, say.  O_PATH needs none; its mode is set again at the end.
    const sys::UniqueFd path = FOX_TRY(sys::open_at(parent.fd(), name, {.access = sys::Access::path, .directory = true}));
    FOX_TRY(sys::set_mode({path, sys::Handle::path}, FOX_TRY(sys::status_of(path)).permissions() | 0700));
    fd = open_it();
  }
  if (!fd) return tl::make_unexpected(std::move(fd).error());

  const sys::FileStatus status = FOX_TRY(sys::status_of(*fd));
  if (status.key() == directory.status().key()) return fail(EBUSY, "", {}, "is the very directory that it would be copied to");
  // Where others may rename in the target they could have put one of theirs here.  Elsewhere another owner is the filesystem's doing (vfat, CIFS, FUSE, NFS).
  const bool others_may_rename =
      !parent.made() && ((parent.status().permissions() & 0022) != 0 || parent.status().owner() != ::geteuid());
  if (fresh && others_may_rename && storage::is_native(parent.pair().target_kind) && status.owner() != ::geteuid()) {
    return fail(ESTALE, "mkdirat", {}, "somebody put another directory in the place of the new one");
  }
  Pair* pair = FOX_TRY(pairs_.of(directory.fd(), directory.status().device(), *fd, status.device()));
  const auto given = fresh ? parent.gives() : FOX_TRY(gives({*fd}, status));
  if (flushes_at_end()) commits_.touched(status.device(), *fd);
  auto target = std::make_unique<TargetDirectory>(std::move(*fd), status, *pair, fresh, given, Placed{&parent, name});
  target->clear_away_with(clearing_, keeper_);
  return target;
}

/// Something that is no directory has the name: it gives way, and the name is never missing.
Result<std::unique_ptr<TargetDirectory>> Copier::replace_by_directory(walk::Directory& directory, TargetDirectory& parent,
                                                                      const std::string& name) {
  const std::string temporary = temp_names_.next();
  FOX_TRY(sys::make_directory_at(parent.fd(), temporary, kClosedDirectory));
  // Opened before it has its name, so that it is ours whatever is put in its place.
  auto opened = sys::open_at(parent.fd(), temporary, {.directory = true});
  auto placed = opened ? parent.put_in_place(temporary, name) : Result<>(tl::make_unexpected(opened.error()));
  if (!placed) {
    (void)sys::remove_directory_at(parent.fd(), temporary);
    return tl::make_unexpected(std::move(placed).error());
  }
  sys::UniqueFd fd = std::move(*opened);
  const sys::FileStatus status = FOX_TRY(sys::status_of(fd));
  Pair* pair = FOX_TRY(pairs_.of(directory.fd(), directory.status().device(), fd, status.device()));
  return std::make_unique<TargetDirectory>(std::move(fd), status, *pair, true, parent.gives(), Placed{&parent, name});
}

/// An existing directory without write permission is opened for its owner until it is left.
Result<> Copier::open_up(TargetDirectory& target) {
  if (target.fresh() || options_.keep.privileges.ignore_permissions) return {};
  if ((target.status().permissions() & 0700) == 0700 || target.status().owner() != ::geteuid()) return {};
  return sys::set_mode({target.fd()}, target.status().permissions() | 0700);
}

void Copier::take_stock(walk::Directory& directory, TargetDirectory& target, walk::WorkerIndex worker) {
  sys::DirectoryReader reader(32 * 1024);
  std::vector<std::string> litter;
  TargetDirectory::NameSum names;
  // Its open file may be shared with a pass that deleted before, and stand at the end.
  if (auto at_start = sys::set_position(target.fd(), FileOffset(0)); !at_start)
    return report(directory, {}, ProblemKind::unreadable, std::move(at_start).error());
  while (true) {
    auto more = reader.fill(target.fd());
    if (!more) return report(directory, {}, ProblemKind::unreadable, std::move(more).error());
    if (!*more) break;
    while (const auto entry = reader.next()) {
      if (entry->name[0] == '.' && TempNames::is_litter(target.fd(), {entry->name, entry->length})) {
        litter.emplace_back(entry->name);
      } else if (!is_own_name({entry->name, entry->length}) && options_.partial.name != entry->name) {
        names.add({entry->name, entry->length});
      }
    }
  }
  target.set_names_before(names);
  if (options_.dry_run) return;
  for (const std::string& name : litter) {
    auto removed = sys::unlink_at(target.fd(), name);
    if (!removed && removed.error().code == EISDIR) removed = sys::remove_directory_at(target.fd(), name);
    if (removed) at(worker).counters.litter.fetch_add(1, std::memory_order_relaxed);
  }
}

void Copier::leave(walk::Directory& directory) {
  if (removal_ != nullptr) removal_->left(directory);
  if (deleter_ != nullptr && !directory.implied()) delete_extras(directory);
  if (options_.dry_run) return;
  TargetDirectory& target = target_of(directory);
  if (!target.open()) return;  // could not be opened again; reported
  if (auto saved = target.sidecar().save(target.fd(), temp_names_.next()); !saved)  // before it gets its times
    fail_entry(directory, {}, std::move(saved).error());
  if (staging_.lie_in(target)) {  // before it gets its times
    if (auto removed = staging_.remove(target.fd()); !removed) fail_entry(directory, {}, std::move(removed).error());
  }
  sweep_partials_of(directory, target);
  leave_note(directory, target);
  dress(directory, target);
  store_hash(directory, target);
}

bool Copier::keeps_links_to_directories(const walk::Directory& directory) const {
  return options_.keep_dirlinks || (directory.implied() && !options_.implied_dirs);
}

void Copier::dress(walk::Directory& directory, TargetDirectory& target) {
  if (directory.implied() && !options_.implied_dirs) {
    // As whoever makes a directory has it; one that was there gets back what open_up took.
    const mode_t mode = target.made() ? 0777 & ~options_.keep.umask : target.status().permissions();
    const auto now = sys::status_of(target.fd());
    auto set = now && now->permissions() != mode ? sys::set_mode({target.fd()}, mode) : Result<>();
    if (!set) fail_entry(directory, {}, std::move(set).error());
    return;
  }
  if (target.undressed()) return;
  auto losses = target.made() ? dress_new(directory, target) : bring_up_to_date(directory, target);
  if (!losses) return fail_entry(directory, {}, std::move(losses).error());
  report(directory, {}, *losses);
}

void Copier::delete_extras(walk::Directory& directory) {
  TargetDirectory* target = existing_target(directory);
  if (target == nullptr || !target->open()) return;
  // Every name that was there has been met: nothing to look for.
  if (!directory.incomplete() && target->all_were_met()) return;
  if (!deleter_->remove_extras(directory, *target)) spoil(directory);
}

Result<meta::Losses> Copier::dress_new(const walk::Directory& directory, TargetDirectory& target) {
  meta::Current current = meta::Current::of(target.status());
  current.own_mode.reset();  // made by this run
  current.may_have_attributes = target.inherits_acl();
  return meta::apply(object_of(directory), directory.status(), {target.fd()}, current, options_.keep, target.pair().fidelity);
}

Result<meta::Losses> Copier::bring_up_to_date(const walk::Directory& directory, TargetDirectory& target) {
  sys::FileStatus now = FOX_TRY(sys::status_of(target.fd()));
  if (!options_.keep.mode &&
      now.permissions() != target.status().permissions()) {  // open_up widened it, and nobody asked for another one
    FOX_TRY(sys::set_mode({target.fd()}, target.status().permissions()));
    now = FOX_TRY(sys::status_of(target.fd()));
  }
  const auto found = FOX_TRY(
      meta::differences(object_of(directory), directory.status(), {target.fd()}, now, options_.keep, options_.compare.window));
  if (!found.any()) return meta::Losses{};
  return meta::apply(object_of(directory), directory.status(), {target.fd()}, meta::Current::of(now), options_.keep,
                     target.pair().fidelity);
}

void Copier::close_descriptors(walk::Directory& directory) {
  if (directory.attachment() != nullptr) target_of(directory).close();
}

Result<> Copier::reopen_descriptors(walk::Directory& directory, walk::Directory* child) {
  if (directory.attachment() == nullptr) return {};
  TargetDirectory& target = target_of(directory);
  sys::UniqueFd fd;
  if (child != nullptr && child->attachment() != nullptr && target_of(*child).open()) {
    fd = FOX_TRY(sys::open_at(target_of(*child).fd(), "..", {.directory = true}));
  } else {
    std::string path = directory.name();
    const walk::Directory* above = directory.parent();
    const auto open = [](const walk::Directory* at) { return static_cast<TargetDirectory&>(*at->attachment()).open(); };
    for (; above != nullptr && !open(above); above = above->parent()) path.insert(0, above->name() + '/');
    if (above == nullptr) return fail(ESTALE, "openat");
    fd = FOX_TRY(sys::open_beneath(static_cast<TargetDirectory&>(*above->attachment()).fd(), path, {.directory = true}));
  }
  if (FOX_TRY(sys::status_of(fd)).key() != target.status().key()) {
    return fail(ESTALE, "openat", {}, "the target's directory was moved while it was copied to");
  }
  target.reopen(std::move(fd));
  return {};
}

// ---- Entries

bool Copier::is_somebodys_temporary(walk::Directory& directory, std::string_view name) {
  if (!name.starts_with(".tmp.") || !TempNames::maker_of(name)) return false;
  report(directory, name, ProblemKind::left_out,
         {.code = 0,
          .operation = "",
          .subject = {},
          .detail = "is a temporary file of an fxcp run; fxcp --cleanup removes those of dead runs"},
         false);
  return true;
}

void Copier::visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  if (is_somebodys_temporary(*directory, entry.name)) return;
  at(worker).counters.entries.fetch_add(1, std::memory_order_relaxed);
  if (options_.safe_links && left_out_as_unsafe(directory, entry, worker)) return;
  if (options_.compare.only_existing &&
      existing_target(*directory) == nullptr) {  // --existing: where nothing was nothing is made
    at(worker).counters.skipped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (options_.link_sources) return visit_to_link(directory, entry, worker);
  if (options_.attributes_only && entry.type == sys::FileType::regular) return give_attributes(directory, entry, worker);
  switch (entry.type) {
    case sys::FileType::regular: return visit_regular(directory, entry, worker);
    case sys::FileType::symlink: return visit_symlink(directory, entry, worker);
    case sys::FileType::directory:
    case sys::FileType::unknown: FOX_ASSERT(false); return;
    default: return visit_special(directory, entry, worker);
  }
}

void Copier::unreadable(walk::Directory& directory, std::string_view name, Error error) {
  report(directory, name, ProblemKind::unreadable, std::move(error));
}

void Copier::vanished(walk::Directory& directory, std::string_view name) {
  // Also for the directory itself, where the name is empty.  A source that was named and is gone is no small thing.
  const walk::Directory* place = name.empty() ? directory.parent() : &directory;
  const bool named = place == nullptr || place->status().inode() == InodeNo(0);
  report(directory, name, ProblemKind::vanished,
         {.code = 0, .operation = "", .subject = {}, .detail = "was removed while the tree was copied"}, named);
}

void Copier::own_name(walk::Directory& directory, std::string_view name) {
  report(directory, name, ProblemKind::left_out,
         {.code = 0,
          .operation = "",
          .subject = {},
          .detail = "has a name that is Foxing's own (versions and signatures of a target), and is not copied"},
         false);
}

void Copier::resumed(walk::Directory& directory) {
  if (directory.attachment() != nullptr) target_of(directory).may_hold_copies();
}

// ---- What the observer hears

void Copier::report(ProblemKind kind, bool failure, Error error) {
  if (failure && removal_ != nullptr) removal_->failed();
  observer_.problem({.kind = kind, .failure = failure, .error = std::move(error)});
}

void Copier::report(const walk::Directory& directory, std::string_view name, ProblemKind kind, Error error, bool failure) {
  if (kind != ProblemKind::left_out) spoil(directory);  // that is as the options say
  report(kind, failure, std::move(error).about(name.empty() ? directory.path() : directory.path_of(name)));
}

void Copier::report(const walk::Directory& directory, std::string_view name, const meta::Losses& losses) {
  for (const auto& one : losses.all) {
    report(directory, name, kind_of(one.loss),
           {.code = one.code, .operation = meta::name_of(one.loss), .subject = {}, .detail = one.detail}, !one.note);
  }
}

void Copier::fail_entry(const walk::Directory& directory, std::string_view name, Error error) {
  spoil(directory);
  if (error.code == ECANCELED && sys::stop_requested()) return;  // the whole run was asked to stop, and says so itself
  ProblemKind kind = ProblemKind::failed;
  if (error.code == ENOSPC) {
    // No other file will fit either; what is in the target stays.
    kind = ProblemKind::no_space;
    if (!no_space_.exchange(true) && options_.stops_when_full) sys::request_stop();
  } else if (error.code == EDQUOT) {
    kind = ProblemKind::no_space;  // one owner's quota: the files of others still fit
  } else if (error.code == ENOTEMPTY || error.code == EBUSY || error.code == EEXIST) {
    kind = ProblemKind::in_the_way;
  }
  if (concerns_target(error)) error = std::move(error).about(target_path(directory, name));
  report(directory, name, kind, std::move(error));
}

std::string Copier::target_path(const walk::Directory& directory, std::string_view name) const {
  std::string path = options_.target_name;
  const auto add = [&](std::string_view part) {
    if (part.empty()) return;
    if (!path.empty() && path.back() != '/') path += '/';
    path += part;
  };
  add(directory.relative_path());
  const bool place = directory.parent() == nullptr && directory.attachment() != nullptr;
  if (options_.packing.active() && !name.empty() && directory.status().inode() != InodeNo(0)) {
    const auto called = options_.packing.name_of_entry(directory.fd(), std::string(name));
    add(called && *called ? (*called)->name : std::string(name));
    return path;
  }
  add(place && !name.empty() ? static_cast<const TargetDirectory&>(*directory.attachment()).name_for(name) : std::string(name));
  return path;
}

Result<> Copier::finish() {
  FOX_ASSERT(hard_links_.nobody_waits());
  if (flushes_at_end()) FOX_TRY(commits_.finish());
  return remove_moved_orphans();
}

void Copier::add_counters_to(Counters& sum) const {
  using signature::Ignored;
  using signature::Written;
  sum.signed_files += signatures_.written(Written::attribute) + signatures_.written(Written::sidecar);
  sum.hashed_directories += signatures_.hashes(Written::attribute) + signatures_.hashes(Written::sidecar);
  for (const Ignored why : {Ignored::stale, Ignored::damaged, Ignored::foreign})
    sum.signatures_ignored += signatures_.ignored(why);
  for (const Worker& worker : workers_) {
    const Counters& from = worker.counters;
    const auto add = [](std::atomic<std::uint64_t>& to, const std::atomic<std::uint64_t>& value) {
      to.fetch_add(value.load(std::memory_order_relaxed), std::memory_order_relaxed);
    };
    add(sum.entries, from.entries);
    add(sum.files, from.files);
    add(sum.directories, from.directories);
    add(sum.symlinks, from.symlinks);
    add(sum.specials, from.specials);
    add(sum.hard_links, from.hard_links);
    add(sum.unchanged, from.unchanged);
    add(sum.updated, from.updated);
    add(sum.pruned, from.pruned);
    add(sum.renamed, from.renamed);
    add(sum.skipped, from.skipped);
    add(sum.deleted, from.deleted);
    add(sum.delta_files, from.delta_files);
    add(sum.delta_spared, from.delta_spared);
    add(sum.packed_files, from.packed_files);
    add(sum.packed_read, from.packed_read);
    add(sum.packed_made, from.packed_made);
    add(sum.bytes, from.bytes);
    add(sum.bytes_moved, from.bytes_moved);
    add(sum.bytes_so_far, from.bytes_so_far);
    add(sum.bytes_so_far, worker.bench.so_far());
    add(sum.retries, from.retries);
    add(sum.litter, from.litter);
    for (std::size_t tier = 0; tier < kTiers; ++tier) {
      add(sum.by_tier[tier], from.by_tier[tier]);
      add(sum.declined_by_tier[tier], from.declined_by_tier[tier]);
    }
  }
}

}  // namespace foxing::copy
