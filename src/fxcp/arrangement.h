// SPDX-License-Identifier: GPL-2.0-or-later
// The arrangement: which source becomes which name in the target, and what is refused before anything is touched.
//
//   from  Options        to  run.cc: a list of items, the directory to make
//
// One directory as SRC:          DST mirrors its contents, with or without trailing slashes, whether DST exists or not.
// One file, DST a directory:     DST/name.   One file, else: DST is its new name.
// Several SRC, or --target-directory: DST/name for each.
// --relative: relative.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/copy/empty_directories.h"
#include "core/walk/walk.h"
#include "fxcp/options.h"
#include "sys/status.h"

namespace foxing::fxcp {

struct Item {
  std::string source;        // as the user wrote it
  sys::Links links;          // whether a symbolic link there means what it points to
  sys::FileStatus status;
  bool mirror = false;       // the contents go into the target directory itself
  std::string name;          // else: the name there; with --relative a path
  bool base = false;  // left behind by lines of --files-from: a mirror that is walked before, and gives DST no attributes
  bool on_a_way = false;  // walked by one of Arrangement::ways
};

/// --relative: names below one directory that are walked together.
struct Way {
  std::string base;
  FileKey key;
  DeviceId device;
  std::vector<walk::Route> routes;
};

struct Arrangement {
  std::vector<Item> items;
  std::vector<Way> ways;
  std::shared_ptr<const copy::EmptyDirectories> empty;  // --prune-empty-dirs
  std::string directory;  // all targets lie in this one
  bool make_directory = false;  // it does not exist yet
};

/// Errors: detail is a whole sentence; nothing has been touched; exit code 2.
/// `bases`: directories below the one SRC that --files-from leaves behind; their contents go into DST too.
Result<Arrangement> arrange(const Options& options, const std::vector<std::string>& bases = {});
/// As items of their own; those that are no directories are left to whoever misses what is listed in them.
void add_bases(Arrangement& plan, const std::vector<std::string>& bases);
/// A tree must not be copied into itself, nor a file onto itself, whichever names lead there.
Result<> check_nesting(const Arrangement& plan, const Options& options);

/// True of a snapshot in the target's own store, which no run deletes: what the target was may become what it is again.
bool lies_in_store(const std::string& source, const std::string& target);

/// "a/b//" -> "a", "b"; "b" -> ".", "b"; "/" -> "/", "".
struct SplitPath {
  std::string directory;
  std::string name;
};
SplitPath split_path(const std::string& path);

}  // namespace foxing::fxcp
