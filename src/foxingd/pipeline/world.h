// SPDX-License-Identifier: GPL-2.0-or-later
// World: what the reconciler may see of source and target, and do to the target.  mirror/tree_pair.h is the real one; the simulator has a model of it.
// All is said by directory and name; a directory has been opened before anything is asked of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "foxingd/pipeline/outcome.h"
#include "foxingd/pipeline/pending.h"
#include "sys/status.h"

namespace foxing::pipeline {

/// What the source has under a name.
struct Seen {
  sys::FileType type = sys::FileType::regular;
  FileHandle object = {};
  std::uint64_t inode = 0;  // with `links`: which names are one file
  std::uint64_t links = 1;
  bool hidden = false;  // left out by a filter: neither copied nor deleted
  bool mounted = false;  // a directory on another filesystem: its copy stays empty
};

class World {
 public:
  virtual ~World() = default;

  enum class Opening : unsigned char {
    open,
    elsewhere,  // the source has something else at this path now
    no_target,  // the target has no directory there
    failed  // told to nobody yet: last_error()
  };
  /// Makes `directory`, at `path` in both trees, ready to be asked about.  Stays so until settle().
  virtual Opening open(const FileHandle& directory, const std::string& path) = 0;
  virtual Error last_error() const = 0;

  /// Nothing where the source has no such name.
  virtual Result<std::optional<Seen>> look(const Name& name) = 0;
  /// The source's name stands for this very object.
  virtual bool is(const Name& name, const FileHandle& object) = 0;
  /// The target's `copy` is the copy of what the source now has under `name`, as far as both tell without being read.
  virtual bool is_copy(const Name& copy, const Name& name) = 0;

  /// Makes the target's name equal to the source's, which is no directory.  With more than one: names of one file, or of files that were one;
  /// the last is the one that is pending.
  virtual Outcome synchronise(std::span<const Name> names) = 0;
  /// Makes the target's directory where it is missing, and gives it its attributes.
  struct Made {
    Outcome outcome = {};
    bool is_new = false;
  };
  virtual Made make_directory(const Name& name) = 0;
  /// Removes from the target what the source has not, with all that is in it.
  virtual Outcome remove(const Name& name) = 0;
  enum class How : unsigned char { over_existing, exchange };
  virtual Result<> rename(const Name& from, const Name& to, How how) = 0;

  /// All names of these files in the whole source, wherever they are.
  struct Found {
    Name name;
    std::uint64_t inode = 0;
  };
  virtual Result<std::vector<Found>> search(const std::unordered_set<std::uint64_t>& inodes) = 0;

  /// A name of this file in the source; nothing where it has none there any more.
  virtual std::optional<Name> name_of(const FileHandle& object) = 0;

  /// All names that the directory has in the source, and those in the target.
  virtual Result<std::vector<std::string>> names(const FileHandle& directory) = 0;
  /// What is open from before is looked at once more when it is asked for.
  virtual void begin_batch() {}
  /// Between two names: too many open directories may be settled.
  virtual void breathe() {}
  /// Every open directory gets its attributes and is closed.
  virtual void settle() = 0;
  /// True where settle() has something to do.
  virtual bool is_unsettled() const = 0;
};

}  // namespace foxing::pipeline
