// SPDX-License-Identifier: GPL-2.0-or-later
// Directory table: which directory of the source the target has where.
//
//   from  the scan, and the reconciler as it makes, moves and removes directories        to  the reconciler: paths, and who is where
//
// Why.   An event names a directory by its handle.  The handle stays the same through every rename, and is never given to another directory: so the table
//        tells a directory that was moved from one that was deleted and made anew.
// Holds. It says what the target has, not what the source has now: a directory's place changes here when it has changed there.
//        The root is there from the beginning and stays.  Every other directory has its parent in the table.
// Cost.  About 200 bytes and the name for each directory.   Not here: files, and anything of the disk.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sys/handle.h"

namespace foxing::pipeline {

using sys::FileHandle;

class DirectoryTable {
 public:
  explicit DirectoryTable(FileHandle root);

  struct Place {
    FileHandle parent;
    std::string name;
    friend bool operator==(const Place&, const Place&) = default;
  };

  const FileHandle& root() const { return root_->handle; }
  bool has(const FileHandle& directory) const { return nodes_.contains(directory); }
  std::size_t size() const { return nodes_.size(); }
  /// Where it lies; nothing for the root and for who is not here.
  std::optional<Place> place_of(const FileHandle& directory) const;
  /// Who lies there.
  std::optional<FileHandle> at(const FileHandle& parent, const std::string& name) const;
  /// Names from the root, "a/b"; empty for the root.  Nothing where it is not here.
  std::optional<std::string> path_of(const FileHandle& directory) const;
  bool is_below(const FileHandle& directory, const FileHandle& ancestor) const;

  /// Puts it there, with all that is in it where it was somewhere else already.  What the table had there is removed.
  /// False where that cannot be: the parent is not here, or lies in it.
  bool put(const FileHandle& directory, const FileHandle& parent, const std::string& name);
  /// The two change places, with all that is in them.  False where one lies in the other.
  bool exchange(const FileHandle& one, const FileHandle& other);
  /// It and all that is in it.  The root stays.
  void remove(const FileHandle& directory);

  /// A scan begins: what it does not meet is gone when it ends.
  void begin_scan() { ++scan_; }
  void end_scan();

 private:
  struct Node {
    FileHandle handle;
    Node* parent = nullptr;
    std::string name;
    std::map<std::string, Node*, std::less<>> children = {};
    unsigned met = 0;  // by the scan of this number
  };
  Node* find(const FileHandle& directory) const;
  static bool lies_in(const Node* node, const Node* ancestor);
  void erase(Node* node);

  std::unordered_map<FileHandle, std::unique_ptr<Node>> nodes_;
  Node* root_;
  unsigned scan_ = 0;
};

}  // namespace foxing::pipeline
