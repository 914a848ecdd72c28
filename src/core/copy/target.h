// SPDX-License-Identifier: GPL-2.0-or-later
// The target: a directory of it, and a file on its way into one.
//
// The seam. All that the engine does to a target is said here: look up, make, stage, put in place, remove.  Today a target is a local tree; an NFS
//        session or a peer will answer the same verbs.
// Holds. A name that existed shows its old or its new content to everybody, at every moment (`put_in_place`).  Nothing is followed: every call names
//        one component relative to an open directory.
// How.   A new file is nameless (O_TMPFILE) until it is whole and then linked, so a killed run leaves nothing; over an existing name, and where
//        O_TMPFILE does not exist, it goes through `.tmp.<uuid>` and a rename.  Where an old directory gives way to a file, or a file to a directory,
//        the two are exchanged (RENAME_EXCHANGE) and the old one is removed under the temporary name.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "core/copy/keeper.h"
#include "core/copy/pairs.h"
#include "core/copy/temp_names.h"
#include "core/meta/meta.h"
#include "core/signature/sidecar.h"
#include "core/walk/walk.h"
#include "sys/fd.h"
#include "sys/status.h"

namespace foxing::copy {

class TargetDirectory;

/// Removes what is in a directory that is in the way (Deleter does); without one such a directory stays.
class Clearing {
 public:
  virtual ~Clearing() = default;
  /// Empties the directory `name` of `directory`.  False where something in it must stay.
  virtual Result<bool> clear(TargetDirectory& directory, const std::string& name) = 0;
};

/// Where a directory of the target lies: below `parent`, which outlives it; a root has none, and messages call it `name`.
struct Placed {
  const TargetDirectory* parent = nullptr;
  std::string name = {};
};

/// A directory of the target, attached to the source directory whose copy it is.
class TargetDirectory final : public walk::Attachment {
 public:
  struct Gives {
    bool acl = false;  // a default ACL, which nobody asked for
    bool project = false;  // a project id
    bool group = false;  // a group that the run does not set anyway
  };
  TargetDirectory(sys::UniqueFd fd, const sys::FileStatus& status, Pair& pair, bool fresh, Gives gives, Placed placed = {})
      : fd_(std::move(fd)),
        status_(status),
        pair_(pair),
        made_(fresh),
        fresh_(fresh),
        gives_(gives),
        placed_(std::move(placed)) {}

  /// How messages call it.
  std::string shown() const;
  /// The path below the target's root; empty for the root.
  std::string relative() const;

  sys::FdView fd() const { return fd_; }
  bool open() const { return static_cast<bool>(fd_); }
  void close() { fd_.reset(); }
  void reopen(sys::UniqueFd fd) { fd_ = std::move(fd); }
  const sys::FileStatus& status() const { return status_; }
  Pair& pair() const { return pair_; }
  bool made() const { return made_; }  // by this run
  bool fresh() const { return fresh_.load(std::memory_order_relaxed); }  // and what is in it is ours
  /// `name` is taken in a fresh directory.  True where somebody else has made it (another run that copies to here, say): then the directory is fresh no more,
  /// and what is in it is looked at as in any other.  False where it is listed as another name: that of an entry of the source that this filesystem takes for the same.
  bool taken_by_somebody_else(const std::string& name);
  /// A name of the source may come a second time, after it has been copied: what is here is looked at as in any other directory.
  void may_hold_copies() { fresh_.store(false, std::memory_order_relaxed); }
  /// Owner, mode, attributes and times are not this source's to give.
  void leave_undressed() { undressed_ = true; }
  bool undressed() const { return undressed_; }
  bool inherits_acl() const { return gives_.acl; }
  const Gives& gives() const { return gives_; }
  /// What is made here gets something from here.
  bool gives_files_something() const { return gives_.acl || gives_.project || gives_.group; }

  /// What is replaced here is kept by `keeper`, directories in the way are emptied by `clearing`; both may be null.
  void clear_away_with(Clearing* clearing, Keeper* keeper) {
    clearing_ = clearing;
    keeper_ = keeper;
  }
  /// The directory of the source whose copy this is; null for a place of single names.
  void stands_for(walk::Directory& source) { source_ = &source; }
  walk::Directory* source() const { return source_; }

  /// Names as a number of them and a sum over their hashes: two directories' worth are equal where both are.
  struct NameSum {
    std::uint64_t count = 0;
    std::uint64_t sum = 0;
    void add(std::string_view name) {
      ++count;
      sum += std::hash<std::string_view>{}(name);
    }
  };
  /// A name of the source was found here: what is not found is a candidate for deletion.
  void count_match(std::string_view name) {
    matches_.fetch_add(1, std::memory_order_relaxed);
    match_sum_.fetch_add(std::hash<std::string_view>{}(name), std::memory_order_relaxed);
  }
  /// Names that were here when the run came.
  void set_names_before(const NameSum& names) { names_before_ = names; }
  /// Every name that was here has been found in the source, once: there is nothing to delete.
  bool all_were_met() const {
    return matches_.load(std::memory_order_relaxed) == names_before_.count &&
           match_sum_.load(std::memory_order_relaxed) == names_before_.sum;
  }

  /// Something in it, or below, is not what it should be: its hash must not say that it is.
  void spoil() { spoiled_.store(true, std::memory_order_relaxed); }
  bool spoiled() const { return spoiled_.load(std::memory_order_relaxed); }
  /// What a note of an earlier run says, and whether it was enough (as_of.h).
  struct Noted {
    timespec entered{};
    std::optional<timespec> as_of = {};
    bool of_another_source = false;
    std::atomic<bool> falls_short{false};  // an entry was compared that it does not cover
  };
  Noted& noted() { return noted_; }
  /// Signatures of its files, where the filesystem has no attributes.
  signature::Sidecar& sidecar() { return sidecar_; }

  /// In a place for single names: the one entry is called so here instead.
  void rename_entry(std::string name) { entry_name_ = std::move(name); }
  std::string name_for(std::string_view source_name) const {
    return std::string(entry_name_ ? std::string_view(*entry_name_) : source_name);
  }

  /// Owner and group that a new file gets here, asked of the first one (setgid directories, mount options and NFS decide).
  Result<meta::Current> newborn(sys::FdView file, mode_t mode);

  /// Gives the finished object under `temporary` the name `name`, over whatever is there.
  /// ENOTEMPTY: a directory with something in it is in the way; it stays.  EEXIST: this run made the directory, so what is there is another entry of the
  /// source whose name this filesystem takes for the same one (case, Unicode forms); the first one stays.
  Result<> put_in_place(const std::string& temporary, const std::string& name) { return put_in_place(fd_, temporary, name); }
  /// The same for an object that lies in the directory `from`, on the same filesystem.
  Result<> put_in_place(sys::FdView from, const std::string& temporary, const std::string& name);
  Result<> remove(const std::string& name);

 private:
  Result<> exchange_and_remove(sys::FdView from, const std::string& temporary, const std::string& name);
  Result<bool> is_empty_directory(const std::string& name);

  sys::UniqueFd fd_;
  const sys::FileStatus status_;  // before anything was changed
  Pair& pair_;
  const bool made_;
  std::atomic<bool> fresh_;
  bool undressed_ = false;
  const Gives gives_;
  const Placed placed_;
  Clearing* clearing_ = nullptr;
  Keeper* keeper_ = nullptr;
  walk::Directory* source_ = nullptr;
  std::optional<std::string> entry_name_;
  Noted noted_;
  signature::Sidecar sidecar_;
  std::atomic<bool> spoiled_{false};
  NameSum names_before_;
  std::atomic<std::uint64_t> matches_{0};
  std::atomic<std::uint64_t> match_sum_{0};
  std::atomic<std::uint64_t> newborn_{~std::uint64_t{0}};
};

/// A regular file that is not there yet.  Removes itself unless it is committed.
class StagedFile {
 public:
  enum class Staging { atomic, under_final_name /* --no-atomic; atomic where the name exists */ };

  /// `place`: where a nameless file is made; the directory itself, or one of StagingDirectories.
  /// `apart`: where temporary names lie, if not in the directory (--temp-dir); on its filesystem, outlives this.
  static Result<StagedFile> create(TargetDirectory& directory, sys::FdView place, TempNames& names, std::string name, mode_t mode,
                                   Staging staging, sys::FdView apart = sys::FdView(-1));

  /// A file that has a name of its own in another directory, and keeps it where this is not committed (partial.h).
  struct Kept {
    sys::UniqueFd file;  // read and write; locked
    sys::UniqueFd directory;
    std::string name;  // there
    std::string directory_name = {};  // in the target directory, where it goes when it is empty; empty: it stays
    bool resumed = false;  // has something of an earlier run
  };
  static StagedFile adopt(TargetDirectory& directory, TempNames& names, std::string name, mode_t mode, Kept kept);
  StagedFile(StagedFile&&) noexcept = default;
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile();

  sys::FdView fd() const { return fd_; }
  /// The mode it was made with.
  mode_t mode() const { return mode_; }

  /// Made elsewhere than in its directory, or by an earlier run: what it has of owner and mode is to be looked at.
  bool is_apart() const { return kept_.has_value() || static_cast<bool>(apart_); }
  bool is_kept() const { return kept_.has_value(); }
  /// It is not empty: an earlier run left it.
  bool is_resumed() const { return kept_ && kept_->resumed; }

  /// Gives it its name.  Afterwards it is whole, visible, closed.
  Result<> commit();
  /// The same where the name is free: EEXIST where it is not, and nothing has changed.  Not for one that was adopted.
  Result<> commit_as_new();

 private:
  StagedFile(TargetDirectory& directory, TempNames& names, std::string name)
      : directory_(&directory), names_(&names), name_(std::move(name)) {}
  Result<> commit_nameless();
  Result<> commit_kept();
  void leave_kept();
  sys::FdView lies_in() const { return apart_ ? apart_ : directory_->fd(); }

  TargetDirectory* directory_;
  TempNames* names_;
  std::string name_;
  mode_t mode_ = 0;
  sys::UniqueFd fd_;
  std::string visible_name_;  // what has to be removed when this fails; empty while it has no name
  sys::FdView apart_{-1};
  std::optional<Kept> kept_;  // its `file` has moved to fd_
};

}  // namespace foxing::copy
