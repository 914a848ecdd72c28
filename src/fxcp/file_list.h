// SPDX-License-Identifier: GPL-2.0-or-later
// --files-from: the names of a list, or of a window of it, and the directories that lead to them.
//
//   from  list_reader   lines        to  Selection: is a path wanted, and which names in a directory are?
//
// Holds. Paths are below SRC: a leading "/" or "./" means nothing, ".." is refused.  A directory of the list is made; what lies directly in it is walked where
//        the line ends in a slash, everything below only with an explicit --recursive, as with rsync.  "a/./b" is b, below the base a: its path is kept
//        with the mark, so that one list serves the walks of SRC and of its bases.  What is listed and was not met is known afterwards.
// How.   Records lie in the order of their paths, a directory right before what is below it, so that the names in it are found without a table.
// Cost.  The paths, and 18 bytes for each and for each directory on the way.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace foxing::fxcp {

class FileList {
 public:
  explicit FileList(bool recursive) : recursive_(recursive) {}

  /// Adds a line, without its end.  Errors: a sentence where it leads outside; then nothing was added.
  Result<> add(std::string_view line);
  /// After the last line, and before any question.
  void close();
  std::size_t lines() const { return lines_; }
  std::size_t bytes() const { return text_.size(); }

  /// Listed, on the way to something that is, or in a listed directory.  Thread-safe.
  bool wants(std::string_view path, bool is_directory = true);
  /// The names in the directory `path` that are wanted; nothing where that is not known by the list alone.  Valid as long as the list.
  std::optional<std::vector<std::string_view>> names_in(std::string_view path) const;
  /// Asked of a symbolic link: it means the directory it leads to: it is on the way to something that is listed, or its contents are.
  bool leads_on(std::string_view path);
  /// On the way to something that is listed.
  bool is_way(std::string_view path) const;
  /// On the way to the last line, or that line itself: where a list in order goes on.
  bool goes_on_in(std::string_view path) const;
  /// Directories below SRC that lines leave behind: "a/b" of "a/b/./c".  The paths below are "a/b/./c".
  const std::vector<std::string>& bases() const { return bases_; }
  /// The root of a walk is there: SRC itself (empty), or one of the bases.
  void meet_root(std::string_view base);
  /// The listed paths that nobody asked for: they are not in the source.
  std::vector<std::string> missing() const;

 private:
  struct Record {
    std::size_t begin;  // in text_
    std::uint32_t size;
    bool listed = false;
    bool leads_on = false;  // there are others below it
    bool contents = false;  // with what is directly in it
  };
  std::string_view path_of(const Record& record) const { return std::string_view(text_).substr(record.begin, record.size); }
  const Record* find(std::string_view path) const;
  std::size_t index_of(const Record* record) const { return static_cast<std::size_t>(record - records_.data()); }
  void meet(const Record* record) { met_[index_of(record)].store(true, std::memory_order_relaxed); }
  bool is_way_of_last(std::string_view path) const;
  /// All that is below it is wanted, by itself or a directory above.
  bool is_wanted_whole(std::string_view path) const;

  std::string text_;
  const bool recursive_;
  std::size_t lines_ = 0;
  std::string last_;
  std::vector<std::string> bases_;
  std::vector<Record> records_;
  // Of each record.  A symbolic link that is followed is listed by itself, and not with what is below.
  std::unique_ptr<std::atomic<bool>[]> met_, links_;
};

}  // namespace foxing::fxcp
