// SPDX-License-Identifier: GPL-2.0-or-later
// --files-from: the names of a list, and the directories that lead to them.
//
//   from  a file, or the standard input, of one path a line        to  Selection: is a path wanted?
//
// Holds. Paths are below SRC: a leading "/" or "./" means nothing, ".." is refused.  A directory of the list is made; what is in it is walked only with an
//        explicit --recursive, as with rsync.  What is listed and was not met is known afterwards.
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

  /// Listed, on the way to something that is, or below a listed directory.  Thread-safe.
  bool wants(std::string_view path);
  /// The listed paths that nobody asked for: they are not in the source.
  std::vector<std::string> missing() const;

 private:
  using Key = std::array<std::uint64_t, 2>;
  struct Record {
    Key key;
    std::size_t begin;  // in text_
    std::uint32_t size;  // 0: only on the way to others
  };
  static Key key_of(std::string_view path);
  Record* find(std::string_view path);
  Result<> add(std::string_view line);

  std::string text_;
  bool recursive_ = false;
  bool everything_ = false;  // the root itself is listed, and --recursive given
  std::vector<Record> records_;  // sorted by key
  std::unique_ptr<std::atomic<bool>[]> met_;
};

}  // namespace foxing::fxcp
