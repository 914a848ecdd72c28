// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/archive/entry.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/own_names.h"
#include "core/copy/temp_names.h"

namespace foxing::archive {
namespace {

// Kinds of items and their flags, as they stand in archives.
enum ItemKind : std::uint8_t {
  kRegular,
  kDirectory,
  kSymlink,
  kFifo,
  kSocket,
  kCharacter,
  kBlock,
  kHardLink,
  kContinues,
  kTakenBack
};
constexpr std::uint8_t kHasAttributes = 1, kLeadsLinks = 2, kMore = 4;

// The two low bits of a word of content.
constexpr std::uint64_t kRunHere = 0, kRunThere = 1, kHoleBytes = 2;

tl::unexpected<Error> wrong(std::string what) { return fail(EBADMSG, "", {}, std::move(what)); }

ItemKind kind_of(const Entry& entry) {
  if (entry.hard_link) return kHardLink;
  switch (entry.type) {
    case sys::FileType::regular: return kRegular;
    case sys::FileType::directory: return kDirectory;
    case sys::FileType::symlink: return kSymlink;
    case sys::FileType::fifo: return kFifo;
    case sys::FileType::socket: return kSocket;
    case sys::FileType::character_device: return kCharacter;
    case sys::FileType::block_device: return kBlock;
    case sys::FileType::unknown: break;
  }
  FOX_ASSERT(false);
}

constexpr sys::FileType kTypes[] = {sys::FileType::regular,     sys::FileType::directory, sys::FileType::symlink,
                                    sys::FileType::fifo,        sys::FileType::socket,    sys::FileType::character_device,
                                    sys::FileType::block_device};
constexpr mode_t kModes[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK};

void put_text(ByteWriter& writer, std::string_view text) {
  writer.varint(text.size());
  writer.text(text);
}
std::string_view get_text(ByteReader& reader) {
  const std::uint64_t size = reader.varint();
  if (size > reader.left()) {
    reader.spoil();
    return {};
  }
  return reader.text(size);
}
timespec get_time(ByteReader& reader) {
  timespec time{};
  time.tv_sec = reader.zigzag();
  const std::uint64_t nanoseconds = reader.varint();
  if (nanoseconds >= 1'000'000'000) reader.spoil();
  time.tv_nsec = static_cast<long>(nanoseconds % 1'000'000'000);
  return time;
}
std::uint32_t get_u32(ByteReader& reader) {
  const std::uint64_t value = reader.varint();
  if (value > 0xFFFFFFFF) reader.spoil();
  return static_cast<std::uint32_t>(value);
}

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace

std::size_t Entry::weight() const {
  std::size_t bytes = path.size() + text.size();
  // Many small ones are more than what they hold.
  for (const auto& [name, value] : attributes) bytes += sizeof(attributes.front()) + name.size() + value.size();
  return bytes;
}

sys::FileStatus Entry::status() const {
  sys::FileStatus status;
  status.raw.st_mode = mode | kModes[kind_of(*this)];
  status.raw.st_uid = owner;
  status.raw.st_gid = group;
  status.raw.st_mtim = modified;
  status.raw.st_atim = modified;  // times of last access are not in archives
  status.raw.st_size = static_cast<off_t>(size);
  if (sys::is_device(type)) status.raw.st_rdev = ::makedev(major, minor);
  return status;
}

int compare_paths(std::string_view a, std::string_view b) {
  const std::size_t common = std::min(a.size(), b.size());
  const auto [left, right] = std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(common), b.begin());
  if (left == a.begin() + static_cast<std::ptrdiff_t>(common)) return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
  const auto rank = [](char c) { return c == '/' ? 0 : 1 + static_cast<unsigned char>(c); };
  return rank(*left) - rank(*right);
}

bool is_valid_path(std::string_view path) {
  if (path.empty() || path.size() > kMostPath || path.find('\0') != std::string_view::npos) return false;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    if (name.empty() || name.size() > kMostName || name == "." || name == "..") return false;
    // What one of them says would be believed by later runs.
    if (is_own_name(name) || (name.starts_with(".tmp.") && copy::TempNames::maker_of(name))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

// ---- Writing

void BlockWriter::add(const Item& item) {
  ByteWriter writer(items_);
  ++count_;
  if (item.what != Item::What::begins) {
    writer.u8(item.what == Item::What::continues ? kContinues : kTakenBack);
    writer.u8(item.more ? kMore : 0);
    if (item.what == Item::What::continues) put_content(item.content);
    return;
  }
  const Entry& entry = item.entry;
  const ItemKind kind = kind_of(entry);
  if (beginning_++ == 0) first_path_ = entry.path;
  writer.u8(kind);
  writer.u8(static_cast<std::uint8_t>((entry.attributes.empty() ? 0 : kHasAttributes) | (entry.leads_links ? kLeadsLinks : 0) |
                                      (item.more ? kMore : 0)));
  const auto same = std::ranges::mismatch(last_path_, entry.path);
  const auto shared = static_cast<std::size_t>(same.in1 - last_path_.begin());
  writer.varint(shared);
  put_text(writer, std::string_view(entry.path).substr(shared));
  last_path_ = entry.path;
  if (kind == kHardLink) return put_text(writer, entry.text);
  writer.varint(entry.mode);
  writer.varint(entry.owner);
  writer.varint(entry.group);
  writer.zigzag(entry.modified.tv_sec);
  writer.varint(static_cast<std::uint64_t>(entry.modified.tv_nsec));
  writer.zigzag(entry.changed.tv_sec);
  writer.varint(static_cast<std::uint64_t>(entry.changed.tv_nsec));
  writer.varint(entry.inode);
  if (!entry.attributes.empty()) {
    writer.varint(entry.attributes.size());
    for (const auto& [name, value] : entry.attributes) {
      put_text(writer, name);
      put_text(writer, value);
    }
  }
  if (kind == kSymlink) put_text(writer, entry.text);
  if (kind == kCharacter || kind == kBlock) {
    writer.varint(entry.major);
    writer.varint(entry.minor);
  }
  if (kind == kRegular) {
    writer.varint(entry.size);
    put_content(item.content);
  }
}

void BlockWriter::put_content(const std::vector<Run>& content) {
  ByteWriter writer(items_);
  std::string words;
  ByteWriter put(words);
  std::uint64_t count = 0;
  for (const Run& run : content) {
    ++count;
    if (run.is_hole()) {
      put.varint(run.count << 2 | kHoleBytes);
      continue;
    }
    std::uint64_t left = run.count;
    if (run.first != next_) {
      const auto distance = static_cast<std::int64_t>(run.first - next_);
      put.varint((static_cast<std::uint64_t>(distance) << 1 ^ static_cast<std::uint64_t>(distance >> 63)) << 2 | kRunThere);
      if (--left > 0) ++count;
    }
    if (left > 0) put.varint((left - 1) << 2 | kRunHere);
    next_ = run.first + run.count;
  }
  writer.varint(count);
  writer.text(words);
}

std::string BlockWriter::finish(std::uint32_t new_chunks) const {
  std::string payload;
  ByteWriter writer(payload);
  writer.u64(first_chunk_);
  writer.u32(new_chunks);
  writer.u32(count_);
  payload += items_;
  return payload;
}

// ---- Reading

Result<BlockReader> BlockReader::open(std::string_view payload) {
  BlockReader block(payload);
  block.first_chunk_ = block.next_ = block.reader_.u64();
  block.new_chunks_ = block.reader_.u32();
  block.left_ = block.reader_.u32();
  if (!block.reader_.ok()) return wrong("it ends too early");
  if (block.first_chunk_ > (std::uint64_t{1} << 60)) return wrong("it counts more chunks than there can be");
  return block;
}

Result<std::optional<Item>> BlockReader::next() {
  if (left_ == 0) {
    if (!reader_.complete()) return wrong("it goes on behind its last item");
    return std::nullopt;
  }
  --left_;
  Item item;
  const std::uint8_t kind = reader_.u8();
  const std::uint8_t flags = reader_.u8();
  if (!reader_.ok()) return wrong("it ends too early");
  item.more = (flags & kMore) != 0;
  if (kind > kTakenBack || (flags & ~(kHasAttributes | kLeadsLinks | kMore)) != 0) return wrong("an item is of an unknown kind");
  if (kind == kTakenBack) {
    if (flags != 0) return wrong("an item is of an unknown kind");
    item.what = Item::What::taken_back;
    return item;
  }
  if (item.more && kind != kRegular && kind != kContinues) return wrong("something goes on that has no content");
  if (kind == kContinues) {
    if ((flags & ~kMore) != 0) return wrong("an item is of an unknown kind");
    item.what = Item::What::continues;
    FOX_TRY(read_content(item.content));
    return item;
  }
  item.entry.leads_links = (flags & kLeadsLinks) != 0;
  FOX_TRY(read_entry(item.entry, kind, (flags & kHasAttributes) != 0));
  if (kind == kRegular) {
    item.entry.size = reader_.varint();
    if (item.entry.size > INT64_MAX) reader_.spoil();
    FOX_TRY(read_content(item.content));
  }
  if (!reader_.ok()) return wrong("it ends too early, or a number makes no sense");
  return item;
}

Result<> BlockReader::read_entry(Entry& entry, std::uint8_t kind, bool with_attributes) {
  const std::uint64_t shared = reader_.varint();
  const std::string_view rest = get_text(reader_);
  if (!reader_.ok()) return wrong("it ends too early, or a number makes no sense");
  if (shared > path_.size() || rest.size() > kMostPath) return wrong("a path makes no sense");
  path_.resize(shared);
  path_ += rest;
  if (!path_.empty() && !is_valid_path(path_))
    return wrong(
        "a path is not allowed: absolute, with . or .., with a NUL, too long, or with a name that fxcp keeps for itself");
  entry.path = path_;
  if (kind == kHardLink) {
    entry.hard_link = true;
    entry.text = get_text(reader_);
    if (reader_.ok() && !is_valid_path(entry.text)) return wrong("a hard link leads to a path that is not allowed");
    return {};
  }
  entry.type = kTypes[kind];
  const std::uint32_t mode = get_u32(reader_);
  if ((mode & ~07777U) != 0) reader_.spoil();
  entry.mode = mode;
  entry.owner = get_u32(reader_);
  entry.group = get_u32(reader_);
  entry.modified = get_time(reader_);
  entry.changed = get_time(reader_);
  entry.inode = reader_.varint();
  if (with_attributes) {
    const std::uint64_t count = reader_.varint();
    if (count > reader_.left()) reader_.spoil();
    std::size_t bytes = 0;
    for (std::uint64_t i = 0; i < count && reader_.ok(); ++i) {
      const std::string_view name = get_text(reader_);
      const std::string_view value = get_text(reader_);
      bytes += name.size() + value.size();
      if (bytes > kMostAttributes || name.empty() || name.find('\0') != std::string_view::npos)
        return wrong("an attribute makes no sense");
      if (!entry.attributes.empty() && name <= entry.attributes.back().first) return wrong("attributes are out of order");
      entry.attributes.emplace_back(name, value);
    }
  }
  if (kind == kSymlink) {
    entry.text = get_text(reader_);
    if (reader_.ok() && (entry.text.empty() || entry.text.size() > 65536 || entry.text.find('\0') != std::string::npos))
      return wrong("the text of a symbolic link makes no sense");
  }
  if (kind == kCharacter || kind == kBlock) {
    entry.major = get_u32(reader_);
    entry.minor = get_u32(reader_);
  }
  return {};
}

Result<> BlockReader::read_content(std::vector<Run>& content) {
  const std::uint64_t count = reader_.varint();
  if (count > reader_.left() || count > kMostRuns - runs_) return wrong("a file has more parts than there can be");
  runs_ += static_cast<std::uint32_t>(count);
  const std::uint64_t end = first_chunk_ + new_chunks_;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t word = reader_.varint();
    if (!reader_.ok()) return wrong("it ends too early, or a number makes no sense");
    const std::uint64_t value = word >> 2;
    switch (word & 3) {
      case kRunHere:
        if (next_ > end || value >= end - next_) return wrong("a file refers to a chunk that has not come");
        content.push_back({next_, value + 1});
        next_ += value + 1;
        break;
      case kRunThere: {
        const std::uint64_t place = next_ + (value >> 1 ^ (~(value & 1) + 1));
        if (place >= end) return wrong("a file refers to a chunk that has not come");
        content.push_back({place, 1});
        next_ = place + 1;
        break;
      }
      case kHoleBytes:
        if (value == 0) return wrong("a hole is empty");
        content.push_back(Run::hole(value));
        break;
      default: return wrong("a part of a file is of an unknown kind");
    }
  }
  return {};
}

// ---- The shape of a tree

Result<> TreeCheck::accept(const Item& item) {
  if (item.what != Item::What::begins) {
    if (!open_) return wrong("something goes on that has not begun");
    if (item.what == Item::What::taken_back) {
      last_ = before_open_;
      open_ = false;
    } else {
      open_ = item.more;
    }
    return {};
  }
  if (open_) return wrong("an entry begins before the content of the last one has ended");
  const Entry& entry = item.entry;
  const bool directory = !entry.hard_link && entry.type == sys::FileType::directory;
  if (!some_) {
    if (!entry.path.empty() || !directory) return wrong("the first entry is not the root directory");
    some_ = true;
    levels_.push_back(0);
    return {};
  }
  if (entry.path.empty() || compare_paths(last_, entry.path) >= 0) return wrong("entries are out of order, or one comes twice");
  if (entry.hard_link && compare_paths(entry.text, entry.path) >= 0)
    return wrong("a hard link leads to a name that has not come");
  const std::string_view parent = parent_of(entry.path);
  if (std::exchange(behind_gap_, false)) {
    // It says itself which directories there are; that what came last is none of them is known.
    if (directory_ != last_ && parent.starts_with(last_) && (parent.size() == last_.size() || parent[last_.size()] == '/'))
      return wrong("an entry lies in something that is not a directory of the archive");
    directory_ = parent;
    levels_.assign(1, 0);
    for (std::size_t i = 0; i < parent.size(); ++i)
      if (parent[i] == '/') levels_.push_back(i);
    if (!parent.empty()) levels_.push_back(parent.size());
    if (levels_.size() > kMostLevels) return wrong("directories are nested too deeply");
  }
  while (!levels_.empty() && std::string_view(directory_).substr(0, levels_.back()) != parent) levels_.pop_back();
  if (levels_.empty()) return wrong("an entry lies in something that is not a directory of the archive");
  if (directory) {
    if (levels_.size() >= kMostLevels) return wrong("directories are nested too deeply");
    directory_ = entry.path;
    levels_.push_back(directory_.size());
  }
  before_open_ = last_;
  last_ = entry.path;
  open_ = item.more;
  return {};
}

void TreeCheck::pass_gap() {
  if (std::exchange(open_, false)) last_ = before_open_;
  if (levels_.empty()) levels_.push_back(0);
  some_ = behind_gap_ = true;
}

Result<> TreeCheck::finish() const {
  if (!some_) return wrong("it has no entries");
  if (open_) return wrong("the content of its last file does not end");
  return {};
}

}  // namespace foxing::archive
