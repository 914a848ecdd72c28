// SPDX-License-Identifier: GPL-2.0-or-later
#include "compare_content.h"

#include <fmt/format.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <memory>
#include <vector>

#include "raw.h"

namespace foxing::test {
namespace {

struct Range {
  std::int64_t begin, end;
};

/// The data ranges as SEEK_DATA and SEEK_HOLE tell them; the whole file where the filesystem cannot tell.
std::optional<std::vector<Range>> data_ranges(int fd, std::int64_t size) {
  std::vector<Range> ranges;
  for (std::int64_t at = 0; at < size;) {
    const std::int64_t data = ::lseek(fd, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    if (data < 0 && (errno == EINVAL || errno == EOPNOTSUPP)) return std::vector<Range>{{0, size}};
    if (data < 0) return std::nullopt;
    if (data >= size) break;
    std::int64_t hole = ::lseek(fd, data, SEEK_HOLE);
    if (hole < 0) return std::nullopt;
    hole = std::min(hole, size);
    if (!ranges.empty() && ranges.back().end == data)
      ranges.back().end = hole;
    else
      ranges.push_back({data, hole});
    at = hole;
  }
  return ranges;
}

std::vector<Range> merged(const std::vector<Range>& a, const std::vector<Range>& b) {
  std::vector<Range> all(a);
  all.insert(all.end(), b.begin(), b.end());
  std::sort(all.begin(), all.end(), [](const Range& x, const Range& y) { return x.begin < y.begin; });
  std::vector<Range> out;
  for (const Range& range : all) {
    if (!out.empty() && range.begin <= out.back().end)
      out.back().end = std::max(out.back().end, range.end);
    else
      out.push_back(range);
  }
  return out;
}

/// Is there really something written?  btrfs calls unwritten extents data in a clone that calls them holes in its original (seen on
/// 6.18); the extent map knows better.  Yes where there is no extent map to ask.
bool holds_written_extents(int fd, Range range) {
  constexpr unsigned kExtents = 128;
  alignas(fiemap) char buffer[sizeof(fiemap) + kExtents * sizeof(fiemap_extent)] = {};
  auto* map = reinterpret_cast<fiemap*>(buffer);
  map->fm_start = static_cast<std::uint64_t>(range.begin);
  map->fm_length = static_cast<std::uint64_t>(range.end - range.begin);
  map->fm_flags = FIEMAP_FLAG_SYNC;
  map->fm_extent_count = kExtents;
  if (::ioctl(fd, FS_IOC_FIEMAP, map) != 0 || map->fm_mapped_extents == kExtents) return true;
  for (unsigned i = 0; i < map->fm_mapped_extents; ++i)
    if ((map->fm_extents[i].fe_flags & FIEMAP_EXTENT_UNWRITTEN) == 0) return true;
  return false;
}

/// A hole of A must not be data in B.  Rounded inwards to whole blocks: parts of a block cannot be a hole.
std::optional<Range> filled_hole(const std::vector<Range>& a, const std::vector<Range>& b, std::int64_t size,
                                 std::int64_t block) {
  std::size_t next = 0;
  std::int64_t begin = 0;
  for (std::size_t i = 0; i <= a.size(); ++i) {
    const std::int64_t end = i < a.size() ? a[i].begin : size;
    const Range hole{(begin + block - 1) / block * block, i < a.size() ? end / block * block : end};
    while (next < b.size() && b[next].end <= hole.begin) ++next;
    if (hole.begin < hole.end && next < b.size() && b[next].begin < hole.end)
      return Range{std::max(hole.begin, b[next].begin), std::min(hole.end, b[next].end)};
    if (i < a.size()) begin = a[i].end;
  }
  return std::nullopt;
}

void compare_holes(std::string_view path, int fd_b, const std::vector<Range>& a, const std::vector<Range>& b,
                   const struct statx& stat_a, const struct statx& stat_b, Verdict& verdict) {
  const auto size = static_cast<std::int64_t>(stat_a.stx_size);
  const std::int64_t block = std::max<std::int64_t>({512, stat_a.stx_blksize, stat_b.stx_blksize});
  if (const auto filled = filled_hole(a, b, size, block); filled && holds_written_extents(fd_b, *filled))
    verdict.differs(path, fmt::format("hole of A is data in B: bytes {} to {}", filled->begin, filled->end));
  // Preallocated blocks are holes to SEEK_DATA and yet take space.  The slack is for indirect blocks and what XFS holds past the end.
  const std::uint64_t space_a = stat_a.stx_blocks * 512, space_b = stat_b.stx_blocks * 512;
  const bool sparse = space_a + (1 << 20) < stat_a.stx_size;
  if (sparse && space_b > space_a + space_a / 4 + (4 << 20))
    verdict.differs(path, fmt::format("hole of A takes space in B: {} bytes allocated, {} in B", space_a, space_b));
}

/// Reads until `wanted` bytes are there or the file ends.  -1 with errno set on error.
std::int64_t read_fully(int fd, char* buffer, std::int64_t wanted, std::int64_t offset) {
  std::int64_t done = 0;
  while (done < wanted) {
    const std::int64_t got = ::pread(fd, buffer + done, static_cast<std::size_t>(wanted - done), offset + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += got;
  }
  return done;
}

void compare_bytes(std::string_view path, int a, int b, Range range, Verdict& verdict) {
  constexpr std::int64_t kStep = 1 << 20;
  static const std::unique_ptr<char[]> buffer(new char[2 * kStep]);
  for (std::int64_t at = range.begin; at < range.end; at += kStep) {
    const std::int64_t wanted = std::min(kStep, range.end - at);
    const std::int64_t got_a = read_fully(a, buffer.get(), wanted, at);
    const std::int64_t got_b = read_fully(b, buffer.get() + kStep, wanted, at);
    if (got_a < 0 || got_b < 0) return verdict.failed(path, fmt::format("read: {}", std::strerror(errno)));
    if (got_a != wanted || got_b != wanted) return verdict.failed(path, "file is shorter than its size says");
    if (std::memcmp(buffer.get(), buffer.get() + kStep, static_cast<std::size_t>(wanted)) == 0) continue;
    const auto differ = std::mismatch(buffer.get(), buffer.get() + wanted, buffer.get() + kStep);
    return verdict.differs(path, fmt::format("content differs at byte {}", at + (differ.first - buffer.get())));
  }
}

}  // namespace

void compare_content(std::string_view path, int a, int b, const struct statx& stat_a, const struct statx& stat_b, bool holes,
                     Verdict& verdict) {
  const auto size = static_cast<std::int64_t>(stat_a.stx_size);
  const auto data_a = data_ranges(a, size), data_b = data_ranges(b, size);
  if (!data_a || !data_b) return verdict.failed(path, fmt::format("lseek: {}", std::strerror(errno)));
  if (holes) compare_holes(path, b, *data_a, *data_b, stat_a, stat_b, verdict);
  for (const Range& range : merged(*data_a, *data_b)) compare_bytes(path, a, b, range, verdict);
}

}  // namespace foxing::test
