// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/walk/walk.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/assert.h"
#include "base/own_names.h"
#include "base/text.h"
#include "core/walk/unsafe_links.h"
#include "sys/file.h"
#include "sys/process.h"

namespace foxing::walk {
namespace {

constexpr std::size_t kNamesInPiece = 1024;  // of names that are known: as many as are sorted and visited at once
// What a walk by windows remembers: descriptors of as many levels, and directories (some 40 bytes each).
constexpr unsigned kMostLevelsKept = 64;
constexpr std::size_t kMostRemembered = 65536;
constexpr std::size_t kPieceSize =
    64 * 1024;  // about 2 000 entries: larger ones were not faster (bench/, 10 000 and 1 M entries)

}  // namespace

/// The names of one piece, in one allocation each for the bytes and the records.
struct Names {
  struct Record {
    std::uint32_t at;
    sys::FileType type;
    InodeNo inode;
  };
  std::string bytes;
  std::vector<Record> records;

  void add(const sys::DirectoryEntry& entry) {
    records.push_back({static_cast<std::uint32_t>(bytes.size()), entry.type, entry.inode});
    bytes.append(entry.name, entry.length + 1);
  }
  const char* name(const Record& record) const { return bytes.data() + record.at; }
};

// ---- Directory and Hold

std::string Directory::path() const {
  std::vector<const Directory*> chain;
  for (const Directory* at = this; at != nullptr; at = at->parent_) chain.push_back(at);
  std::string path;
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    if (!path.empty() && path.back() != '/') path += '/';
    path += (*it)->name_;
  }
  return path;
}

std::string Directory::path_of(std::string_view name) const {
  std::string path = this->path();
  if (!path.empty() && path.back() != '/') path += '/';
  path += name;
  return path;
}

std::string Directory::relative_path() const {
  std::vector<const Directory*> chain;
  const Directory* at = this;
  for (; at->parent_ != nullptr; at = at->parent_) chain.push_back(at);
  std::string path = at->below_;
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    if (!path.empty()) path += '/';
    path += (*it)->name_;
  }
  return path;
}

std::string Directory::relative_path_of(std::string_view name) const {
  std::string path = relative_path();
  if (!path.empty()) path += '/';
  path += name;
  return path;
}

Hold::Hold(Directory& directory) : directory_(&directory) {
  directory.references_.fetch_add(1);
  directory.holds_.fetch_add(1);
}

Hold::Hold(const Hold& other) : directory_(other.directory_) {
  if (directory_ == nullptr) return;
  directory_->references_.fetch_add(1);
  directory_->holds_.fetch_add(1);
}

Hold::~Hold() {
  if (directory_ != nullptr) directory_->walk_.release_hold(directory_);
}

// ---- Tasks

class DirectoryTask final : public Task {
 public:
  DirectoryTask(Walk& walk, Hold parent, std::string name, sys::Links links)
      : walk_(walk), parent_(std::move(parent)), name_(std::move(name)), links_(links) {}
  void run(WorkerIndex worker) override { walk_.descend(parent_, name_, links_, worker); }

 private:
  Walk& walk_;
  Hold parent_;
  std::string name_;
  sys::Links links_;
};

class ReadTask final : public Task {
 public:
  ReadTask(Walk& walk, Hold directory, std::unique_ptr<sys::DirectoryReader> reader)
      : walk_(walk), directory_(std::move(directory)), reader_(std::move(reader)) {}
  void run(WorkerIndex worker) override { walk_.read_piece(directory_, std::move(reader_), true, worker); }

 private:
  Walk& walk_;
  Hold directory_;
  std::unique_ptr<sys::DirectoryReader> reader_;
};

// ---- Walk

Walk::Walk(Visitor& visitor, Options options, std::function<void(WorkerIndex)> quiet)
    : visitor_(visitor), options_(options), scheduler_(options.workers, std::move(quiet)) {}

void Walk::add_root(sys::UniqueFd fd, const sys::FileStatus& status, std::string name, std::unique_ptr<Attachment> attachment) {
  auto* directory = new Directory(*this, nullptr, std::move(name));
  directory->fd_ = std::move(fd);
  directory->status_ = status;
  directory->attachment_ = std::move(attachment);
  open_directories_.fetch_add(1);
  scheduler_.push(0, std::make_unique<FunctionTask>([this, directory](WorkerIndex worker) { enter(directory, worker); }));
}

Hold Walk::add_place(sys::UniqueFd fd, std::string name, std::unique_ptr<Attachment> attachment) {
  auto* directory = new Directory(*this, nullptr, std::move(name));
  directory->fd_ = std::move(fd);
  directory->attachment_ = std::move(attachment);
  open_directories_.fetch_add(1);
  return Hold(*directory);
}

Hold Walk::add_detached(sys::UniqueFd fd, const sys::FileStatus& status, const std::string& root, std::string below,
                        std::unique_ptr<Attachment> attachment) {
  auto* directory = new Directory(*this, nullptr, below.empty() ? root : join_path(root, below));
  directory->below_ = std::move(below);
  directory->fd_ = std::move(fd);
  directory->status_ = status;
  directory->attachment_ = std::move(attachment);
  open_directories_.fetch_add(1);
  return Hold(*directory);
}

bool Walk::begin_place(const Hold& place, const std::string& name) {
  if (options_.selector == nullptr) return true;
  auto selection = options_.selector->enter(*place);
  if (!selection) visitor_.unreadable(*place, name, std::move(selection).error());
  if (!selection) return false;
  place->selection_ = std::move(*selection);
  return true;
}

void Walk::add_entry(const Hold& place, const std::string& name, sys::FileType type, sys::Links links) {
  if (!begin_place(place, name) || !selects(*place, name, type == sys::FileType::directory)) return;
  if (type == sys::FileType::directory) {
    scheduler_.push(0, std::make_unique<DirectoryTask>(*this, place, name, links));
    return;
  }
  scheduler_.push(0, std::make_unique<FunctionTask>([this, place, name, type, links](WorkerIndex worker) {
                    visitor_.visit(place, {name.c_str(), type, InodeNo(0), links}, worker);
                  }));
}

void Walk::add_route(const Hold& place, const Route& route) {
  if (!begin_place(place, route.name)) return;
  scheduler_.push(0,
                  std::make_unique<FunctionTask>([this, place, &route](WorkerIndex worker) { go_along(place, route, worker); }));
}

void Walk::go_along(const Hold& directory, const Route& route, WorkerIndex worker) {
  if (!route.next.empty()) return descend(directory, route.name, sys::Links::follow, worker, &route);
  const auto status = sys::status_at(directory->fd(), route.name, route.links);
  if (!status && status.error().code == ENOENT) return visitor_.vanished(*directory, route.name);
  if (!status) {
    directory->mark_incomplete();
    return visitor_.unreadable(*directory, route.name, status.error());
  }
  const bool is_directory = status->type() == sys::FileType::directory;
  if (!selects(*directory, route.name, is_directory)) return;
  if (is_directory) return descend(directory, route.name, route.links, worker);
  visitor_.visit(directory, {route.name.c_str(), status->type(), InodeNo(0), route.links}, worker);
}

void Walk::go_on(const Hold& directory, const Route& route, WorkerIndex worker) {
  for (const Route& next : route.next) {
    scheduler_.push(worker,
                    std::make_unique<FunctionTask>([this, directory, &next](WorkerIndex by) { go_along(directory, next, by); }));
  }
}

bool Walk::is_own_ancestor(const Directory& parent, const FileKey& key) const {
  for (const Directory* at = &parent; at != nullptr; at = at->parent_) {
    if (at->entered_ && at->status_.key() == key) return true;
  }
  return false;
}

void Walk::descend(const Hold& parent, const std::string& name, sys::Links links, WorkerIndex worker, const Route* route) {
  if (sys::stop_requested()) return parent->mark_incomplete();
  if (const auto kept = kept_.find(&*parent); kept != kept_.end() && kept->second->name() == name) {
    visitor_.resumed(*kept->second);
    return look_into(kept->second, worker);
  }
  auto fd = sys::open_at(parent->fd(), name, {.links = links, .directory = true, .keep_atime = true});
  // To go through a directory one need not be able to read it.
  const bool searched_only = !fd && fd.error().code == EACCES && route != nullptr;
  if (searched_only) fd = sys::open_at(parent->fd(), name, {.access = sys::Access::path, .links = links, .directory = true});
  if (!fd) {
    if (fd.error().code == ENOENT) return visitor_.vanished(*parent, name);
    if (links == sys::Links::keep && (fd.error().code == ENOTDIR || fd.error().code == ELOOP)) {
      // A directory when its parent was read, something else now: visit it as that.
      return visit(parent, {name.c_str(), sys::FileType::unknown, InodeNo(0)}, worker);
    }
    parent->mark_incomplete();
    return visitor_.unreadable(*parent, name, std::move(fd).error());
  }
  auto status = sys::status_of(*fd);
  if (!status) {
    parent->mark_incomplete();
    return visitor_.unreadable(*parent, name, std::move(status).error());
  }
  if (links == sys::Links::follow && route == nullptr && !leads_on(*parent, name) && is_own_ancestor(*parent, status->key())) {
    return visitor_.unreadable(
        *parent, name,
        {.code = ELOOP, .operation = "openat", .subject = {}, .detail = "the link leads to a directory that contains it"});
  }

  auto* directory = new Directory(*this, &*parent, name);
  directory->fd_ = std::move(*fd);
  directory->status_ = *status;
  directory->links_ = links;
  directory->depth_ = route != nullptr ? 0 : parent->depth_ + 1;
  directory->route_ = route;
  directory->searched_only_ = searched_only;
  parent->references_.fetch_add(1);  // given back in release()
  open_directories_.fetch_add(1);
  enter(directory, worker);
}

void Walk::enter(Directory* directory, WorkerIndex worker) {
  const Hold hold(*directory);
  directory->again_ = options_.by_windows && was_entered_before(*directory);
  if (visitor_.enter(*directory, worker) == Visitor::Descend::no) return;
  directory->entered_ = true;
  if (options_.selector != nullptr) {
    auto selection = options_.selector->enter(*directory);
    if (!selection) {  // without its rules nobody knows what is wanted here
      directory->mark_incomplete();
      return visitor_.unreadable(*directory, {}, std::move(selection).error());
    }
    directory->selection_ = std::move(*selection);
  }
  if (directory->route_ != nullptr) return go_on(hold, *directory->route_, worker);
  look_into(hold, worker);
}

void Walk::look_into(const Hold& directory, WorkerIndex worker) {
  keep_if_it_goes_on(directory);
  auto names = options_.selector == nullptr ? std::nullopt : options_.selector->names_in(*directory);
  if (names) return visit_known(directory, std::make_shared<const std::vector<std::string_view>>(std::move(*names)), 0, worker);
  read_piece(directory, std::make_unique<sys::DirectoryReader>(kPieceSize), false, worker);
}

void Walk::visit_known(const Hold& directory, const KnownNames& names, std::size_t from, WorkerIndex worker) {
  while (from < names->size()) {
    if (sys::stop_requested()) return directory->mark_incomplete();
    Names files;
    std::vector<std::unique_ptr<Task>> subdirectories;
    for (const std::size_t end = std::min(from + kNamesInPiece, names->size()); from < end; ++from) {
      const std::string name((*names)[from]);
      const auto status = sys::status_at(directory->fd(), name);
      if (!status && (status.error().code == ENOENT || status.error().code == ENAMETOOLONG)) continue;  // the selector misses it
      if (!status) {
        if (!selects(*directory, name, true)) continue;
        directory->mark_incomplete();
        visitor_.unreadable(*directory, name, status.error());
        continue;
      }
      const bool is_directory = status->type() == sys::FileType::directory;
      const bool decided = status->type() != sys::FileType::symlink;  // see visit
      if (is_own_name(name)) {
        if (selects(*directory, name, is_directory)) visitor_.own_name(*directory, name);
        continue;
      }
      if (decided && !selects(*directory, name, is_directory)) continue;
      if (is_directory) {
        subdirectories.push_back(std::make_unique<DirectoryTask>(*this, directory, name, sys::Links::keep));
      } else {
        files.add({.name = name.c_str(), .length = name.size(), .inode = status->inode(), .type = status->type()});
      }
    }
    std::ranges::sort(files.records, {}, &Names::Record::inode);
    if (!subdirectories.empty() && from < names->size())
      scheduler_.push(worker, std::make_unique<FunctionTask>(
                                  [this, directory, names, from](WorkerIndex by) { visit_known(directory, names, from, by); }));
    const bool rest_is_a_task = !subdirectories.empty();
    for (auto& task : subdirectories) scheduler_.push(worker, std::move(task));
    visit_all(directory, files, worker);
    if (rest_is_a_task) return;
  }
}

// ---- Windows

void Walk::run() {
  scheduler_.run();
  kept_ = std::exchange(keeping_, {});  // what was kept before, and is not among them, is left now
}

void Walk::go_on() {
  const auto root = kept_.find(nullptr);
  if (root != kept_.end()) {
    scheduler_.push(0, std::make_unique<FunctionTask>([this, directory = root->second](WorkerIndex worker) {
                      visitor_.resumed(*directory);
                      look_into(directory, worker);
                    }));
  }
  run();
}

void Walk::keep_if_it_goes_on(const Hold& directory) {
  if (!options_.by_windows || directory->depth_ > kMostLevelsKept || !options_.selector->goes_on_in(*directory)) return;
  const std::lock_guard lock(windows_mutex_);
  keeping_.insert_or_assign(directory->parent_, directory);
}

bool Walk::was_entered_before(const Directory& directory) {
  const std::size_t path = std::hash<std::string>{}(directory.path());
  const std::lock_guard lock(windows_mutex_);
  if (entered_before_.size() < kMostRemembered) return !entered_before_.insert(path).second;
  return entered_before_.contains(path);
}

void Walk::read_piece(const Hold& directory, std::unique_ptr<sys::DirectoryReader> reader, bool filled, WorkerIndex worker) {
  while (true) {
    if (sys::stop_requested()) return directory->mark_incomplete();
    if (!filled && !fill(*directory, *reader)) return;

    // Names are copied out of the buffer, since it is filled again before they are visited.
    Names files;
    std::vector<std::unique_ptr<Task>> subdirectories;
    while (const auto entry = reader->next()) {
      if (const std::string_view name(entry->name, entry->length); is_own_name(name)) {
        if (selects(*directory, name, entry->type == sys::FileType::directory)) visitor_.own_name(*directory, name);
        continue;
      }
      if (entry->type != sys::FileType::unknown && entry->type != sys::FileType::symlink &&
          !selects(*directory, {entry->name, entry->length}, entry->type == sys::FileType::directory))
        continue;
      if (entry->type == sys::FileType::directory) {
        subdirectories.push_back(std::make_unique<DirectoryTask>(*this, directory, entry->name, sys::Links::keep));
      } else {
        files.add(*entry);
      }
    }
    std::ranges::sort(files.records, {}, &Names::Record::inode);
    filled = fill(*directory, *reader);

    // One directory, one worker: two that make names in one directory of the target wait for each other (XFS, 10 000 files: 390 ms against
    // 148 ms for one).  So the files are visited here; others may take subdirectories, and the rest of a huge directory when this worker has gone
    // into the subdirectories of this piece.
    if (!filled) {
      for (auto& task : subdirectories) scheduler_.push(worker, std::move(task));
      return visit_all(directory, files, worker);
    }
    visit_all(directory, files, worker);
    if (subdirectories.empty()) continue;
    scheduler_.push(worker, std::make_unique<ReadTask>(*this, directory, std::move(reader)));
    for (auto& task : subdirectories) scheduler_.push(worker, std::move(task));
    return;
  }
}

bool Walk::fill(Directory& directory, sys::DirectoryReader& reader) {
  auto more = reader.fill(directory.fd());
  if (more) return *more;
  directory.mark_incomplete();
  if (more.error().code == ENOENT) {  // removed while it was open
    visitor_.vanished(directory, {});
    return false;
  }
  visitor_.unreadable(directory, {}, std::move(more).error());
  return false;
}

void Walk::visit_all(const Hold& directory, const Names& files, WorkerIndex worker) {
  for (const Names::Record& record : files.records) {
    if (sys::stop_requested()) return directory->mark_incomplete();
    visit(directory, {files.name(record), record.type, record.inode}, worker);
  }
}

void Walk::visit(const Hold& directory, Entry entry, WorkerIndex worker) {
  const bool may_follow = (options_.follow != Follow::none || options_.follow_unsafe) && entry.type == sys::FileType::symlink;
  if (entry.type == sys::FileType::symlink && leads_on(*directory, entry.name)) {
    const auto target = sys::status_at(directory->fd(), entry.name, sys::Links::follow);
    if (target && target->type() == sys::FileType::directory) {
      if (!selects(*directory, entry.name, true)) return;
      return scheduler_.push(worker, std::make_unique<DirectoryTask>(*this, directory, entry.name, sys::Links::follow));
    }
  }
  const bool undecided = entry.type == sys::FileType::unknown || entry.type == sys::FileType::symlink;  // see read_piece
  if (entry.type == sys::FileType::unknown || may_follow) {
    // What no rule lets through, whatever it is, is not looked at, nor followed.
    if (!selects(*directory, entry.name, false) && !selects(*directory, entry.name, true)) return;
    auto status = sys::status_at(directory->fd(), entry.name, sys::Links::keep);
    if (!status) {
      if (status.error().code == ENOENT) return visitor_.vanished(*directory, entry.name);
      directory->mark_incomplete();
      return visitor_.unreadable(*directory, entry.name, std::move(status).error());
    }
    entry.type = status->type();
    if (entry.type == sys::FileType::symlink && (options_.follow != Follow::none || options_.follow_unsafe)) {
      const auto target = sys::status_at(directory->fd(), entry.name, sys::Links::follow);
      const bool leads_to_directory = options_.follow != Follow::none && target && target->type() == sys::FileType::directory;
      const bool any = options_.follow == Follow::all || (options_.follow_unsafe && leads_out(*directory, entry.name));
      if (any && !target) {
        if (!selects(*directory, entry.name, false)) return;  // it would be of those that stay behind
        return visitor_.unreadable(*directory, entry.name,
                                   {.code = target.error().code,
                                    .operation = "stat",
                                    .subject = {},
                                    .detail = "the symbolic link leads nowhere, and links are to be followed"});
      }
      if (any || leads_to_directory) {
        entry.type = target->type();
        entry.links = sys::Links::follow;
      }
    }
  }
  if (undecided && !selects(*directory, entry.name, entry.type == sys::FileType::directory)) return;
  if (entry.type == sys::FileType::directory) {
    scheduler_.push(worker, std::make_unique<DirectoryTask>(*this, directory, entry.name, entry.links));
    return;
  }
  visitor_.visit(directory, entry, worker);
}

void Walk::release_hold(Directory* directory) {
  // The last hold: from here on only subdirectories are waited for, and no new hold can come.
  const bool short_of_descriptors = open_directories_.load() * 2 > options_.descriptor_limit / 2;
  // A root, or what was reached through a link, could not be found again.
  const bool can_be_reopened = directory->parent_ != nullptr && directory->links_ == sys::Links::keep;
  if (directory->holds_.fetch_sub(1) == 1 && directory->entered_ && short_of_descriptors && can_be_reopened) {
    const std::lock_guard lock(descriptors_mutex_);
    if (directory->references_.load() > 1) {
      some_are_closed_.store(true);
      visitor_.close_descriptors(*directory);
      directory->fd_.reset();
      open_directories_.fetch_sub(1);
    }
  }
  release(directory);
}

void Walk::release(Directory* directory) {
  // A loop and not a recursion: the last file of a tree ten thousand directories deep ends all of them.
  while (directory != nullptr && directory->references_.fetch_sub(1) == 1) {
    if (some_are_closed_.load() && directory->entered_) reopen(*directory, nullptr);
    leave(*directory);
    Directory* parent = directory->parent_;
    // While this one is open its parent is one step away.
    if (parent != nullptr && parent->entered_ && some_are_closed_.load()) reopen(*parent, directory);
    if (directory->fd_) open_directories_.fetch_sub(1);
    delete directory;
    directory = parent;
  }
}

void Walk::reopen(Directory& directory, Directory* child) {
  const std::lock_guard lock(descriptors_mutex_);
  if (directory.fd_ || (child != nullptr && (directory.references_.load() > 1 || !child->fd_))) return;
  auto fd =
      child != nullptr ? sys::open_at(child->fd(), "..", {.directory = true, .keep_atime = true}) : open_from_ancestor(directory);
  const auto status = fd ? sys::status_of(*fd) : Result<sys::FileStatus>(fail(ESTALE, "openat"));
  auto reopened = status && status->key() == directory.status_.key()
                      ? visitor_.reopen_descriptors(directory, child)
                      : Result<>(fail(ESTALE, "openat", {}, "the directory was moved while it was walked"));
  if (reopened) {
    directory.fd_ = std::move(*fd);
    open_directories_.fetch_add(1);
  } else if (child == nullptr) {  // with a child there is a second try, from above
    visitor_.unreadable(directory, {}, std::move(reopened).error());
  }
}

Result<sys::UniqueFd> Walk::open_from_ancestor(const Directory& directory) {
  std::string path = directory.name();
  const Directory* at = directory.parent_;
  for (; at != nullptr && !at->fd_; at = at->parent_) path.insert(0, at->name() + '/');
  if (at == nullptr) return fail(ESTALE, "openat");
  return sys::open_beneath(at->fd(), path, {.directory = true});
}

void Walk::leave(Directory& directory) {
  if (directory.entered_) visitor_.leave(directory);
}

}  // namespace foxing::walk
