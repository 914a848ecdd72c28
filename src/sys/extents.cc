// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/extents.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <cstddef>
#include <cstring>

#include "sys/call.h"

namespace foxing::sys {

Result<> for_each_extent(FdView file, const std::function<void(const Extent&)>& visit) {
  constexpr std::uint32_t kMost = 128;
  alignas(struct fiemap) std::byte room[sizeof(struct fiemap) + kMost * sizeof(struct fiemap_extent)];
  auto* const map = reinterpret_cast<struct fiemap*>(room);
  std::uint64_t from = 0;
  while (true) {
    std::memset(room, 0, sizeof room);
    map->fm_start = from;
    map->fm_length = FIEMAP_MAX_OFFSET - from;
    map->fm_extent_count = kMost;
    FOX_TRY(done_or_failed(Call::fiemap, "ioctl(FIEMAP)", [&] { return ::ioctl(file.number(), FS_IOC_FIEMAP, map); }));
    for (std::uint32_t i = 0; i < map->fm_mapped_extents; ++i) {
      const struct fiemap_extent& extent = map->fm_extents[i];
      visit({.at = extent.fe_physical,
             .size = Bytes(extent.fe_length),
             .shared = (extent.fe_flags & FIEMAP_EXTENT_SHARED) != 0 && (extent.fe_flags & FIEMAP_EXTENT_UNKNOWN) == 0});
      if ((extent.fe_flags & FIEMAP_EXTENT_LAST) != 0) return {};
      from = extent.fe_logical + extent.fe_length;
    }
    if (map->fm_mapped_extents == 0) return {};
  }
}

}  // namespace foxing::sys
