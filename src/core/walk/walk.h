// SPDX-License-Identifier: GPL-2.0-or-later
// The walk: hands every entry of some trees to a Visitor, on several workers at once.
//
//   from  the roots that the program adds        to  Visitor: enter, visit, leave
//
// How.   A directory is opened relative to its parent's descriptor and read in pieces of 64 KiB.  The files of a piece are visited by the worker
//        that read it (sorted by inode, which is the order of the disk on ext4), its subdirectories become tasks; the rest of the directory
//        waits below them on the worker's stack.  So a directory of a million entries has one piece in memory, and a tree as many as it is deep.
// Holds. enter(d) before every visit in d; leave(d) after every visit in d, after leave() of all its subdirectories, and after
//        everything that a visitor held back with a Hold.  Visitors are called from several workers at once.
//        No path strings: a Directory knows its name and its parent.  Symbolic links are followed only when asked for.
// Cost.  Memory: docs/benchmarks.md.  Descriptors: two per directory in work; where the limit is near, directories that only wait for their
//        subdirectories close theirs and open them again, through "..", when the last one is done.
// Reading order: Entry, Directory, Visitor, Walk.   Not here: comparing, copying, deleting.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "core/walk/scheduler.h"
#include "sys/fd.h"
#include "sys/names.h"
#include "sys/status.h"

namespace foxing::walk {

class Walk;
struct Names;
struct Route;

/// A name in a directory.  `type` is what the directory said, or what stat said where it did not say.
struct Entry {
  const char* name;  // valid during the visit
  sys::FileType type;
  InodeNo inode;  // as in sys::DirectoryEntry
  sys::Links links = sys::Links::keep;  // follow: the name is a symbolic link to something of this `type`
};

/// A way of names below a place.  At its end everything is walked; before that the directories are entered and left, and of what is in them only `next` is
/// walked.  Symbolic links on the way mean what they point to: the user has written them.  Outlives the walk.
struct Route {
  std::string name;
  sys::Links links = sys::Links::keep;  // at the end
  std::vector<Route> next = {};  // none: this is the end
};

/// What a visitor keeps with a directory while it is walked.
class Attachment {
 public:
  virtual ~Attachment() = default;
};

/// One directory of the source, from enter() to leave().
class Directory {
 public:
  const std::string& name() const { return name_; }
  const Directory* parent() const { return parent_; }
  Directory* parent() { return parent_; }
  sys::FdView fd() const { return fd_; }
  const sys::FileStatus& status() const { return status_; }
  sys::Links links() const { return links_; }
  /// The path for messages: the root as the user wrote it, then the names.
  std::string path() const;
  std::string path_of(std::string_view name) const;
  /// The path below the root; empty for the root itself.
  std::string relative_path() const;
  std::string relative_path_of(std::string_view name) const;
  /// Only on the way to what was asked for (Route): of its names only those are walked.
  bool implied() const { return route_ != nullptr; }
  /// `fd` is open as O_PATH: an implied directory that may be searched and not read.
  bool searched_only() const { return searched_only_; }
  /// Directories between this one and its root, or the end of the route that leads to it.
  unsigned depth() const { return depth_; }
  /// In a walk by windows: an earlier window had this directory too, and it has been left since.
  bool again() const { return again_; }
  /// For who looks after a detached directory: its status has been asked for again.
  void renew_status(const sys::FileStatus& status) { status_ = status; }

  Attachment* attachment() const { return attachment_.get(); }
  void attach(std::unique_ptr<Attachment> attachment) { attachment_ = std::move(attachment); }

  /// What the Selector keeps with the directory; null without one.
  const std::shared_ptr<const void>& selection() const { return selection_; }

  /// Something below could not be read: who deletes what is not here must not do so in this directory.
  bool incomplete() const { return incomplete_.load(std::memory_order_relaxed); }
  void mark_incomplete() { incomplete_.store(true, std::memory_order_relaxed); }

 private:
  friend class Walk;
  friend class Hold;
  Directory(Walk& walk, Directory* parent, std::string name) : walk_(walk), parent_(parent), name_(std::move(name)) {}

  Walk& walk_;
  Directory* const parent_;  // kept by a reference for as long as this lives
  const std::string name_;
  std::string below_;  // of a detached directory: its path below the root
  sys::UniqueFd fd_;
  sys::FileStatus status_;
  sys::Links links_ = sys::Links::keep;
  unsigned depth_ = 0;
  const Route* route_ = nullptr;
  bool searched_only_ = false;
  bool entered_ = false;
  bool again_ = false;
  std::unique_ptr<Attachment> attachment_;
  std::shared_ptr<const void> selection_;
  std::atomic<bool> incomplete_{false};
  std::atomic<std::uint32_t> references_{0};  // holds and subdirectories
  std::atomic<std::uint32_t> holds_{0};  // who still needs the descriptors
};

/// Keeps a directory from being left, and its descriptors open.
class Hold {
 public:
  Hold() = default;
  explicit Hold(Directory& directory);
  Hold(const Hold& other);
  Hold(Hold&& other) noexcept : directory_(std::exchange(other.directory_, nullptr)) {}
  Hold& operator=(Hold other) noexcept {
    std::swap(directory_, other.directory_);
    return *this;
  }
  ~Hold();
  Directory& operator*() const { return *directory_; }
  Directory* operator->() const { return directory_; }
  explicit operator bool() const { return directory_ != nullptr; }

 private:
  Directory* directory_ = nullptr;
};

class Visitor {
 public:
  virtual ~Visitor() = default;

  enum class Descend { yes, no };
  /// A directory has been opened.  With `no` its entries are not read and leave() is not called.
  virtual Descend enter(Directory& directory, WorkerIndex worker) = 0;
  /// An entry that is not a directory, or that is one and is not gone into (Walk::Options::one_filesystem never hides it: see enter).
  virtual void visit(const Hold& directory, const Entry& entry, WorkerIndex worker) = 0;
  virtual void leave(Directory& directory) = 0;
  /// `name` in `directory` (or the directory itself, where empty) could not be opened or read; the walk goes on elsewhere.
  virtual void unreadable(Directory& directory, std::string_view name, Error error) = 0;
  /// The name was there when the directory was read and is gone now.
  virtual void vanished(Directory& directory, std::string_view name) = 0;
  /// A directory that was kept for the next window (Walk::go_on) gets more of its entries: what is in it may be ours, or anybody's.
  virtual void resumed(Directory&) {}
  /// `name` is the product's own (base/own_names.h): no walk goes there.
  virtual void own_name(Directory&, std::string_view /*name*/) {}

  /// The directory only waits for its subdirectories, and descriptors are short: close what can be opened again.
  virtual void close_descriptors(Directory&) {}
  /// Opens it again, just before it is left: from `child`, a subdirectory whose own descriptors are open, or else (null) from above.
  virtual Result<> reopen_descriptors(Directory&, Directory* /*child*/) { return {}; }
};

/// Chooses which names are walked: of the others no visitor hears.  Called from several workers at once.
class Selector {
 public:
  virtual ~Selector() = default;
  /// Before a directory is read: what holds in it, beside what holds above (`directory.parent()->selection()`).
  virtual Result<std::shared_ptr<const void>> enter(const Directory& directory) = 0;
  virtual bool selects(const Directory& directory, std::string_view name, bool is_directory) const = 0;
  /// Where the names of a directory that can be selected are known, they are looked for, and the directory is not read.  Valid until the walk's end, or
  /// that of its window; nothing: the directory is read.
  virtual std::optional<std::vector<std::string_view>> names_in(const Directory&) { return std::nullopt; }
  /// A walk by windows: the next window will have more of this directory.
  virtual bool goes_on_in(const Directory&) const { return false; }
  /// True where something below the name was asked for by its path: a symbolic link means the directory it leads to, as for a Route.
  virtual bool leads_on(const Directory&, std::string_view /*name*/) const { return false; }
  /// True where a name that only the target has must stay; `below` is its path from `directory`, of one component or more.
  virtual bool guards(const Directory& directory, std::string_view below, bool is_directory) const = 0;
};

class Walk {
 public:
  enum class Follow { none, directories /* links to directories */, all };
  struct Options {
    unsigned workers = 1;
    Follow follow = Follow::none;
    bool follow_unsafe = false;  // also links that lead out of the tree (unsafe_links.h)
    std::uint64_t descriptor_limit = 1024;
    Selector* selector = nullptr;  // null: everything is walked
    bool by_windows =
        false;  // what the selector wants comes window by window: run(), then go_on() for each further one, then end()
  };

  Walk(Visitor& visitor, Options options, std::function<void(WorkerIndex)> quiet = {});
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  Scheduler& scheduler() { return scheduler_; }
  const Selector* selector() const { return options_.selector; }

  /// Walks the directory open as `fd`: enter() is called for it, then for what is below.
  /// `name` is how messages call it; `attachment` is there before enter() is called.
  void add_root(sys::UniqueFd fd, const sys::FileStatus& status, std::string name, std::unique_ptr<Attachment> attachment);

  /// A directory that is only a place for the names given by `add_entry`: neither entered nor left, nor read.
  Hold add_place(sys::UniqueFd fd, std::string name, std::unique_ptr<Attachment> attachment);
  /// A directory of a tree that is not walked: neither entered nor left nor read, for who brings single names up to date.
  /// `root` is how messages call the tree, `below` the directory's path in it (empty: the root itself).
  Hold add_detached(sys::UniqueFd fd, const sys::FileStatus& status, const std::string& root, std::string below,
                    std::unique_ptr<Attachment> attachment);
  void add_entry(const Hold& place, const std::string& name, sys::FileType type, sys::Links links);
  /// The directories on a route are not judged by the selector, its end is.
  void add_route(const Hold& place, const Route& route);

  /// Walks all of it; returns when every directory has been left, but for those that the selector goes on in (Options::by_windows).
  void run();
  /// The selector has the next window: walks on in the directories that were kept, and then leaves those that it does not go on in.
  void go_on();
  /// After the last window: leaves what was kept.
  void end() { kept_.clear(); }

 private:
  friend class Hold;
  friend class DirectoryTask;
  friend class ReadTask;

  /// `route`: the directory is only on the way.
  void descend(const Hold& parent, const std::string& name, sys::Links links, WorkerIndex worker, const Route* route = nullptr);
  void go_along(const Hold& directory, const Route& route, WorkerIndex worker);
  void go_on(const Hold& directory, const Route& route, WorkerIndex worker);
  bool begin_place(const Hold& place, const std::string& name);
  void enter(Directory* directory, WorkerIndex worker);
  /// Goes through the names that the selector knows, else reads the directory.
  void look_into(const Hold& directory, WorkerIndex worker);
  using KnownNames = std::shared_ptr<const std::vector<std::string_view>>;
  void visit_known(const Hold& directory, const KnownNames& names, std::size_t from, WorkerIndex worker);
  /// A walk by windows (walk.cc).
  void keep_if_it_goes_on(const Hold& directory);
  bool was_entered_before(const Directory& directory);
  /// Reads and visits piece after piece, until subdirectories are worth going into.  `filled`: the reader has one already.
  void read_piece(const Hold& directory, std::unique_ptr<sys::DirectoryReader> reader, bool filled, WorkerIndex worker);
  bool fill(Directory& directory, sys::DirectoryReader& reader);
  void visit_all(const Hold& directory, const Names& files, WorkerIndex worker);
  void visit(const Hold& directory, Entry entry, WorkerIndex worker);
  bool selects(const Directory& directory, std::string_view name, bool is_directory) const {
    return options_.selector == nullptr || options_.selector->selects(directory, name, is_directory);
  }
  bool leads_on(const Directory& directory, std::string_view name) const {
    return options_.selector != nullptr && options_.selector->leads_on(directory, name);
  }
  bool is_own_ancestor(const Directory& parent, const FileKey& key) const;

  void release_hold(Directory* directory);
  void release(Directory* directory);
  void reopen(Directory& directory, Directory* child);
  Result<sys::UniqueFd> open_from_ancestor(const Directory& directory);
  void leave(Directory& directory);

  Visitor& visitor_;
  const Options options_;
  std::atomic<std::uint64_t> open_directories_{0};
  // Descriptors of directories that nobody holds are touched only with this mutex; some_are_closed_ spares it where they are plenty.
  std::mutex descriptors_mutex_;
  std::atomic<bool> some_are_closed_{false};
  Scheduler scheduler_;
  // A walk by windows: where it goes on, each directory under its parent (a root under null); one way down, so each parent has one at most.
  using Kept = std::unordered_map<const Directory*, Hold>;
  std::mutex windows_mutex_;  // guards keeping_ and entered_before_; kept_ changes between windows only
  Kept kept_, keeping_;
  std::unordered_set<std::size_t> entered_before_;  // hashes of paths, kMostRemembered of them
};

}  // namespace foxing::walk
