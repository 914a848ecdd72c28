// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/mirror/tree_pair.h"

#include <algorithm>

#include "base/assert.h"
#include "base/own_names.h"
#include "core/copy/origin.h"
#include "core/copy/temp_names.h"
#include "foxingd/log/log.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/process.h"

namespace foxing::mirror {

using pipeline::FileHandle;
using pipeline::Name;
using pipeline::Outcome;
using pipeline::Seen;
using pipeline::Trouble;

copy::Options engine_options(const std::string& target_name) {
  copy::Options engine;
  engine.keep = {.mode = true,
                 .owner = true,
                 .group = true,
                 .times = true,
                 .xattrs = true,
                 .acls = true,
                 .umask = 0,
                 .privileges = sys::privileges()};
  engine.hard_links = engine.symlinks = engine.devices = engine.specials = true;
  engine.one_filesystem = true;  // what is mounted inside is not watched
  engine.stops_when_full = false;
  engine.notes = false;
  engine.target_name = target_name;
  return engine;
}

namespace {

/// Ours, or of somebody who is copying: neither copied nor deleted.
bool is_nobodys(std::string_view name) {
  return is_own_name(name) || (name.starts_with(".tmp.") && copy::TempNames::maker_of(name).has_value());
}

bool is_not_there(int code) { return code == ENOENT || code == ENOTDIR || code == ELOOP; }

/// Finds names by their inodes: what getdents tells is enough, nothing is looked at.
class InodeSearch final : public walk::Visitor {
 public:
  InodeSearch(const std::unordered_set<std::uint64_t>& wanted, DeviceId device) : wanted_(wanted), device_(device) {}
  Descend enter(walk::Directory& directory, walk::WorkerIndex) override {
    return directory.status().device() == device_ ? Descend::yes : Descend::no;
  }
  void visit(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex) override {
    if (!wanted_.contains(entry.inode.value)) return;
    if (auto handle = sys::handle_of(directory->fd())) found.push_back({{std::move(*handle), entry.name}, entry.inode.value});
  }
  void leave(walk::Directory&) override {}
  void unreadable(walk::Directory&, std::string_view, Error error) override { failed = std::move(error); }
  void vanished(walk::Directory&, std::string_view) override {}

  std::vector<pipeline::World::Found> found;
  std::optional<Error> failed;

 private:
  const std::unordered_set<std::uint64_t>& wanted_;
  const DeviceId device_;
};

}  // namespace

TreePair::TreePair(Roots roots, Selection* selection, Doubts* doubts)
    : roots_(std::move(roots)), selection_(selection), doubts_(doubts) {}

TreePair::~TreePair() { open_.clear(); }

Result<> TreePair::connect() {
  deleter_ = std::make_unique<copy::Deleter>(copy::Deleting{.target_name = roots_.target, .sources = {roots_.source_key}},
                                             collector_, selection_, nullptr);
  engine_ = FOX_TRY(make_engine(copy::Comparison::By::quick));
  return {};
}

Result<TreePair::Engine> TreePair::make_engine(copy::Comparison::By by) {
  copy::Options options = engine_options(roots_.target);
  options.compare.by = by;
  Engine engine;
  engine.copier = std::make_unique<copy::Copier>(std::move(options), collector_, 1);
  engine.copier->clear_away_with(nullptr, deleter_.get(), nullptr);
  engine.walk = std::make_unique<walk::Walk>(*engine.copier, walk::Walk::Options{.workers = 1});
  engine.copier->connect(*engine.walk, FOX_TRY(sys::duplicate(roots_.target_fd)));
  return engine;
}

void TreePair::add_counters_to(copy::Counters& sum) const {
  engine_.copier->add_counters_to(sum);
  if (comparing_.copier) comparing_.copier->add_counters_to(sum);
}

const walk::Hold& TreePair::at(const FileHandle& directory) const {
  const auto found = open_.find(directory);
  FOX_ASSERT(found != open_.end());  // open() comes first
  return found->second.hold;
}

/// One that is open from an earlier batch may have been moved since.
bool TreePair::still_leads_to(const Open& open, const std::string& path) const {
  const auto now = sys::status_at(roots_.source_fd, path.empty() ? "." : path);
  return open.hold->relative_path() == path && now && now->key() == open.hold->status().key();
}

copy::TargetDirectory& TreePair::target_of(const walk::Hold& directory) {
  return static_cast<copy::TargetDirectory&>(*directory->attachment());
}

pipeline::World::Opening TreePair::could_not_open(Error error, bool of_target) {
  const bool missing = is_not_there(error.code);
  last_error_ = std::move(error);
  if (missing) return of_target ? Opening::no_target : Opening::elsewhere;
  return Opening::failed;
}

pipeline::World::Opening TreePair::open(const FileHandle& directory, const std::string& path) {
  if (const auto known = open_.find(directory); known != open_.end()) {
    if (known->second.checked == batch_ || still_leads_to(known->second, path)) {
      known->second.checked = batch_;
      return Opening::open;
    }
    open_.erase(known);
  }
  const std::string below = path.empty() ? "." : path;
  auto source = sys::open_beneath(roots_.source_fd, below, {.directory = true, .keep_atime = true});
  if (!source) return could_not_open(std::move(source).error().about(roots_.source + '/' + path), false);
  const auto handle = sys::handle_of(*source);
  if (!handle) return could_not_open(Error(handle.error()).about(roots_.source + '/' + path), false);
  if (*handle != directory) return Opening::elsewhere;
  const auto status = sys::status_of(*source);
  if (!status) return could_not_open(Error(status.error()).about(roots_.source + '/' + path), false);
  auto target = sys::open_beneath(roots_.target_fd, below, {.directory = true, .keep_atime = true});
  if (!target) return could_not_open(std::move(target).error().about(roots_.target + '/' + path), true);
  auto adopted = engine_.copier->adopt(std::move(*target), *source, status->device(), false);
  if (!adopted) return could_not_open(std::move(adopted).error().about(roots_.target + '/' + path), true);
  walk::Hold hold = engine_.walk->add_detached(std::move(*source), *status, roots_.source, path, std::move(*adopted));
  target_of(hold).stands_for(*hold);
  open_.emplace(directory, Open{std::move(hold), batch_});
  return Opening::open;
}

Result<std::optional<Seen>> TreePair::look(const Name& name) {
  const walk::Hold& directory = at(name.directory);
  if (is_nobodys(name.name)) return std::optional(Seen{.hidden = true});
  auto status = sys::status_at(directory->fd(), name.name);
  if (!status && status.error().code == ENOENT) return std::optional<Seen>();
  if (!status) return tl::make_unexpected(std::move(status).error().about(directory->path_of(name.name)));
  Seen seen{.type = status->type(), .inode = status->inode().value, .links = status->links()};
  const bool is_directory = seen.type == sys::FileType::directory;
  seen.hidden = selection_ != nullptr && !selection_->selects(*directory, name.name, is_directory);
  seen.mounted = is_directory && status->device() != roots_.source_device;
  if (!seen.hidden && !seen.mounted) {
    auto handle = sys::handle_at(directory->fd(), name.name);
    if (!handle && handle.error().code == ENOENT) return std::optional<Seen>();
    if (!handle) return tl::make_unexpected(std::move(handle).error().about(directory->path_of(name.name)));
    seen.object = std::move(*handle);
  }
  return std::optional(std::move(seen));
}

bool TreePair::is(const Name& name, const FileHandle& object) {
  const auto handle = sys::handle_at(at(name.directory)->fd(), name.name);
  return handle && *handle == object;
}

bool TreePair::is_copy(const Name& copy, const Name& name) {
  const walk::Hold& copy_in = at(copy.directory);
  const walk::Hold& source_in = at(name.directory);
  if (is_nobodys(copy.name)) return false;
  const auto there = sys::status_at(target_of(copy_in).fd(), copy.name);
  const auto here = sys::status_at(source_in->fd(), name.name);
  if (!there || !here || there->type() != here->type()) return false;
  switch (here->type()) {
    case sys::FileType::regular: return there->size() == here->size() && sys::same_time(there->modified(), here->modified());
    case sys::FileType::symlink: {
      const auto one = sys::read_link_at(target_of(copy_in).fd(), copy.name);
      const auto other = sys::read_link_at(source_in->fd(), name.name);
      return one && other && *one == *other;
    }
    case sys::FileType::character_device:
    case sys::FileType::block_device: return there->special_device() == here->special_device();
    default: return sys::same_time(there->modified(), here->modified());
  }
}

std::vector<FileHandle> TreePair::doubted(std::span<const Name> names) const {
  std::vector<FileHandle> found;
  if (doubts_ == nullptr || doubts_->empty()) return found;
  for (const Name& name : names)
    if (auto handle = sys::handle_at(at(name.directory)->fd(), name.name); handle && doubts_->has(*handle))
      found.push_back(std::move(*handle));
  return found;
}

Outcome TreePair::synchronise(std::span<const Name> names) {
  const auto begin = pipeline::Clock::now();
  if (pace_.rests(names.back(), begin)) return {.trouble = Trouble::too_soon};
  const std::vector<FileHandle> doubtful = doubted(names);
  if (!doubtful.empty() && !comparing_.copier) {
    auto made = make_engine(copy::Comparison::By::content);
    if (!made) return {Trouble::failed, std::move(made).error()};
    comparing_ = std::move(*made);
  }
  Engine& engine = doubtful.empty() ? engine_ : comparing_;
  engine.copier->begin_anew();
  for (const Name& name : names) {
    const walk::Hold& directory = at(name.directory);
    const auto status = sys::status_at(directory->fd(), name.name);
    if (!status || status->type() == sys::FileType::directory) continue;  // somebody will tell
    engine.copier->visit(directory, {name.name.c_str(), status->type(), status->inode(), sys::Links::keep}, 0);
  }
  engine.walk->run();  // links whose first name failed
  pace_.copied(names.back(), begin, pipeline::Clock::now());
  Outcome outcome = collector_.take();
  if (outcome.is_there())
    for (const FileHandle& file : doubtful) doubts_->settled(file);
  return outcome;
}

pipeline::World::Made TreePair::make_directory(const Name& name) {
  const walk::Hold& parent = at(name.directory);
  const auto failed = [&](Error error) {
    error = std::move(error).about(parent->path_of(name.name));
    const Trouble trouble = error.code == ENOSPC || error.code == EDQUOT     ? Trouble::no_room
                            : error.code == ENOTEMPTY || error.code == EBUSY ? Trouble::in_the_way
                                                                             : Trouble::failed;
    return Made{.outcome = {trouble, std::move(error)}};
  };
  auto fd = sys::open_at(parent->fd(), name.name, {.directory = true, .keep_atime = true});
  if (!fd) return is_not_there(fd.error().code) ? Made{} : failed(std::move(fd).error());  // somebody will tell
  const auto status = sys::status_of(*fd);
  if (!status) return failed(status.error());
  // Named by its last component, which is what the engine makes.
  const walk::Hold named = engine_.walk->add_detached(std::move(*fd), *status, name.name, {}, nullptr);
  auto target = engine_.copier->place(*named, target_of(parent));
  if (!target) return failed(std::move(target).error());
  const bool is_new = (*target)->fresh();
  named->attach(std::move(*target));
  engine_.copier->dress_detached(*named);
  return {.outcome = collector_.take(), .is_new = is_new};
}

Outcome TreePair::remove(const Name& name) {
  const walk::Hold& directory = at(name.directory);
  if (!roots_.may_be_emptied && directory->relative_path().empty() && sys::status_at(target_of(directory).fd(), name.name)) {
    const auto emptied = copy::is_empty(roots_.source_fd);
    if (!emptied) return {Trouble::unreadable, Error(emptied.error()).about(roots_.source)};
    if (*emptied)
      return {Trouble::emptied,
              Error{.subject = roots_.source,
                    .detail = "is empty now: is it meant so? delete_anyway = true (--delete-anyway) empties the target, too; "
                              "it goes on when there is something again"}};
  }
  deleter_->remove_if_extra(*directory, target_of(directory), name.name);
  return collector_.take();
}

Result<> TreePair::rename(const Name& from, const Name& to, How how) {
  const walk::Hold& old_directory = at(from.directory);
  const walk::Hold& new_directory = at(to.directory);
  copy::TargetDirectory& old_target = target_of(old_directory);
  copy::TargetDirectory& new_target = target_of(new_directory);
  const auto moved = FOX_TRY(sys::status_at(old_target.fd(), from.name));
  const bool is_directory = moved.type() == sys::FileType::directory;
  const auto there = sys::status_at(new_target.fd(), to.name);
  Result<> renamed;
  if (how == How::exchange) {
    renamed = sys::rename_at(old_target.fd(), from.name, new_target.fd(), to.name, sys::Replace::exchange);
  } else if (is_directory && there && there->type() == sys::FileType::directory) {
    // The source's was empty when this took its place; the copy is emptied under its own name.
    if (!FOX_TRY(deleter_->clear(new_target, to.name))) return fail(ENOTEMPTY, "rename");
    renamed = sys::rename_at(old_target.fd(), from.name, new_target.fd(), to.name);
  } else if (is_directory && there) {
    renamed = sys::rename_at(old_target.fd(), from.name, new_target.fd(), to.name, sys::Replace::exchange);
    if (renamed) renamed = sys::unlink_at(old_target.fd(), from.name);
  } else {
    renamed = sys::rename_at(old_target.fd(), from.name, new_target.fd(), to.name);
  }
  (void)collector_.take();
  if (is_directory) settle();  // paths of what is open are no longer what they were
  return renamed;
}

std::optional<Name> TreePair::name_of(const FileHandle& object) {
  const auto path = sys::path_of_handle(roots_.source_fd, object);
  const auto root =
      path ? sys::read_link_at(sys::working_directory(), "/proc/self/fd/" + std::to_string(roots_.source_fd.number()))
           : Result<std::string>(std::string());
  if (!path || !root || !path->starts_with(*root + '/')) {
    if (doubts_ != nullptr) doubts_->settled(object);
    return std::nullopt;
  }
  const std::string below = path->substr(root->size() + 1);
  const std::size_t slash = below.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : below.substr(0, slash);
  const auto fd = sys::open_beneath(roots_.source_fd, directory, {.access = sys::Access::path, .directory = true});
  auto handle = fd ? sys::handle_of(*fd) : Result<FileHandle>(tl::make_unexpected(fd.error()));
  if (!handle) return std::nullopt;
  return Name{std::move(*handle), slash == std::string::npos ? below : below.substr(slash + 1)};
}

Result<std::vector<pipeline::World::Found>> TreePair::search(const std::unordered_set<std::uint64_t>& inodes) {
  InodeSearch visitor(inodes, roots_.source_device);
  walk::Walk walk(visitor, {.workers = 1, .selector = selection_});
  sys::UniqueFd root = FOX_TRY(sys::open_at(roots_.source_fd, ".", {.directory = true, .keep_atime = true}));
  const sys::FileStatus status = FOX_TRY(sys::status_of(root));
  walk.add_root(std::move(root), status, roots_.source, nullptr);
  walk.run();
  // What lies in a directory that cannot be read is not known, and keeps nobody else from being mirrored.
  if (visitor.failed) logging::warning("names of files are not known: {}", logging::told(*visitor.failed));
  return std::move(visitor.found);
}

Result<std::vector<std::string>> TreePair::names(const FileHandle& directory) {
  const walk::Hold& hold = at(directory);
  std::vector<std::string> names;
  for (const sys::FdView side : {hold->fd(), target_of(hold).fd()}) {
    FOX_TRY(sys::set_position(side, FileOffset(0)));
    sys::DirectoryReader reader(32 * 1024);
    while (FOX_TRY(reader.fill(side)))
      while (const auto entry = reader.next())
        if (!is_nobodys({entry->name, entry->length})) names.emplace_back(entry->name, entry->length);
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

void TreePair::breathe() {
  if (open_.size() >= kMostOpen) settle();
}

void TreePair::settle() {
  for (auto& [handle, open] : open_) {
    const walk::Hold& directory = open.hold;
    if (const auto status = sys::status_of(directory->fd())) {
      directory->renew_status(*status);
      engine_.copier->dress_detached(*directory);
    } else {
      unsettled_.push_back({handle, {Trouble::unreadable, Error(status.error()).about(directory->path_of(""))}});
    }
    if (Outcome outcome = collector_.take(); !outcome.good()) unsettled_.push_back({handle, std::move(outcome)});
  }
  open_.clear();
}

}  // namespace foxing::mirror
