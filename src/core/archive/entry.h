// SPDX-License-Identifier: GPL-2.0-or-later
// Entries: names of a snapshot with all that is kept of them, and the blocks of them that an archive has.
//   from  writer.cc: Entry        to  the payload of an `entries` record        and back, item by item, from bytes that may be anything
//
// How.   A block stands before the chunks that are new in it, so that a pipe can be restored while it arrives.  Content is runs of chunk numbers and holes.
//        A file whose content does not fit into one block goes on in the next (`continues`).  One that was changing while it was read is taken back (`void`).
// Holds. A BlockReader has one item in memory, whatever the block claims; paths are checked (`is_valid_path`), their order is TreeCheck's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/little_endian.h"
#include "base/result.h"
#include "base/strong.h"
#include "core/meta/meta.h"
#include "sys/status.h"

namespace foxing::archive {

inline constexpr std::size_t kMostPath = 1024 * 1024;
inline constexpr std::size_t kMostLevels = 4096;  // directories in one another, the root among them
inline constexpr std::size_t kMostName = 1024;  // a component; Linux has 255
inline constexpr std::size_t kMostAttributes = 1024 * 1024;  // names and values of one entry together
inline constexpr std::uint32_t kMostRuns = 1024 * 1024;  // in a block

/// A part of a file's content: `count` chunks from number `first` on, or a hole of `count` bytes.
struct Run {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  static constexpr std::uint64_t kHole = ~std::uint64_t{0};
  static Run hole(std::uint64_t bytes) { return {kHole, bytes}; }
  bool is_hole() const { return first == kHole; }
  friend bool operator==(const Run&, const Run&) = default;
};

struct Entry {
  sys::FileType type = sys::FileType::regular;
  bool hard_link = false;  // another name of the entry whose path is `text`; nothing else counts then
  bool leads_links = false;  // has more names, which may come later
  std::string path;  // from the root of the snapshot; empty: the root itself
  mode_t mode = 0;  // the twelve bits
  uid_t owner = 0;
  gid_t group = 0;
  timespec modified{};
  timespec changed{};  // ctime and inode: to tell an unchanged file when the next snapshot is made.  0 where that cannot be told
  std::uint64_t inode = 0;
  meta::Attributes attributes;
  std::uint64_t size = 0;  // regular
  std::string text;  // symlink: what it says
  std::uint32_t major = 0, minor = 0;  // devices

  /// Bytes that names, text and attributes take.
  std::size_t weight() const;
  /// As meta::apply wants it.
  sys::FileStatus status() const;
};

/// What a block is a sequence of.
struct Item {
  enum class What { begins, continues, taken_back } what = What::begins;
  Entry entry;  // begins
  std::vector<Run> content;  // begins, of a regular file; continues
  bool more = false;  // more of its content follows in the next block
};

/// "/" sorts before every other byte: what is in a directory comes right behind it.  < 0, 0, > 0.
int compare_paths(std::string_view a, std::string_view b);
/// Components that are no "." nor "..", not empty, not too long, without NUL, and none of the product's own names.  The empty path is not valid here.
bool is_valid_path(std::string_view path);

/// Puts items together to a payload.
class BlockWriter {
 public:
  /// `first_chunk`: the number that the next new chunk will have.
  explicit BlockWriter(std::uint64_t first_chunk) : first_chunk_(first_chunk), next_(first_chunk) {}
  void add(const Item& item);
  std::size_t size() const { return items_.size(); }
  std::uint32_t items() const { return count_; }
  std::uint32_t beginning() const { return beginning_; }
  const std::string& first_path() const { return first_path_; }  // of the first that begins here
  std::string finish(std::uint32_t new_chunks) const;

 private:
  void put_content(const std::vector<Run>& content);

  std::uint64_t first_chunk_;
  std::uint64_t next_;
  std::string items_;
  std::string last_path_;
  std::string first_path_;
  std::uint32_t count_ = 0;
  std::uint32_t beginning_ = 0;
};

/// Bytes that the content of an item may take in a block, at most.
inline constexpr std::size_t kMostRunBytes = 11;

/// Reads a payload.  Errors are words for what is wrong (EBADMSG, `detail`); who knows the record adds byte and name.
class BlockReader {
 public:
  /// The payload outlives the reader.
  static Result<BlockReader> open(std::string_view payload);
  std::uint64_t first_chunk() const { return first_chunk_; }
  std::uint32_t new_chunks() const { return new_chunks_; }
  /// The next item; nothing at the end.
  Result<std::optional<Item>> next();

 private:
  explicit BlockReader(std::string_view payload) : reader_(payload) {}
  Result<> read_entry(Entry& entry, std::uint8_t kind, bool with_attributes);
  Result<> read_content(std::vector<Run>& content);

  ByteReader reader_;
  std::uint64_t first_chunk_ = 0;
  std::uint64_t next_ = 0;
  std::uint32_t new_chunks_ = 0;
  std::uint32_t left_ = 0;
  std::uint32_t runs_ = 0;
  std::string path_;
};

/// Holds a snapshot's entries to the shape of a tree: in order, each once, each in a directory that came before.
class TreeCheck {
 public:
  /// A sentence where the item cannot come here.
  Result<> accept(const Item& item);
  /// Something was lost: the next entry is a later one, whose directories may have been among it.
  void pass_gap();
  /// At the end of a snapshot.
  Result<> finish() const;

 private:
  std::string last_;  // path
  bool some_ = false;
  bool open_ = false;  // a file's content goes on
  bool behind_gap_ = false;
  std::string before_open_;  // the path before it, for when it is taken back
  std::string directory_;  // the deepest one under way; the others are beginnings of it
  std::vector<std::size_t> levels_;  // their lengths
};

}  // namespace foxing::archive
