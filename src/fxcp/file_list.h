// SPDX-License-Identifier: GPL-2.0-or-later
// --files-from: the names of a list, and the directories that lead to them.
//
//   from  a file, or the standard input, of one path a line        to  Selection: is a path wanted?
//
// Holds. Paths are below SRC: a leading "/" or "./" means nothing, ".." is refused.  A directory of the list is made; what lies directly in it is walked where
//        the line ends in a slash, everything below only with an explicit --recursive, as with rsync.  "a/./b" is b, below the base a: its path is kept
//        with the mark, so that one list serves the walks of SRC and of its bases.  What is listed and was not met is known afterwards.
// Cost.  The list itself in memory, and 24 bytes a path.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace foxing::fxcp {

class FileList {
 public:
  /// `nul`: paths end with a NUL byte instead of a line's end.  Errors: of reading; a sentence where a path leads outside.
  static Result<std::unique_ptr<FileList>> read(const std::string& path, bool nul, bool recursive);
  /// As above from the text itself.
  static Result<std::unique_ptr<FileList>> parse(std::string text, bool nul, bool recursive);

  /// Listed, on the way to something that is, or in a listed directory.  Thread-safe.
  bool wants(std::string_view path, bool is_directory = true);
  /// Asked of a symbolic link: it means the directory it leads to: it is on the way to something that is listed, or its contents are.
  bool leads_on(std::string_view path);
  /// On the way to something that is listed.
  bool is_way(std::string_view path) const;
  /// Directories below SRC that lines leave behind: "a/b" of "a/b/./c".  The paths below are "a/b/./c".
  const std::vector<std::string>& bases() const { return bases_; }
  /// The root of a walk is there: SRC itself (empty), or one of the bases.
  void meet_root(std::string_view base);
  /// The listed paths that nobody asked for: they are not in the source.
  std::vector<std::string> missing() const;

 private:
  using Key = std::array<std::uint64_t, 2>;
  struct Record {
    Key key;
    std::size_t begin;  // in text_
    std::uint32_t size;
    bool listed = false;
    bool leads_on = false;  // there are others below it
    bool contents = false;  // with what is directly in it
  };
  static Key key_of(std::string_view path);
  const Record* find(std::string_view path) const;
  void meet(const Record* record);
  Result<> add(std::string_view line);

  std::string text_;
  bool recursive_ = false;
  std::vector<std::string> bases_;
  std::vector<Record> records_;  // sorted by key
  // Of each record.  A symbolic link that is followed is listed by itself, and not with what is below.
  std::unique_ptr<std::atomic<bool>[]> met_, links_;
};

}  // namespace foxing::fxcp
