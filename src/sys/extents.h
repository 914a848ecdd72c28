// SPDX-License-Identifier: GPL-2.0-or-later
// Where the data of a file lies, as its filesystem tells it.
#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "base/strong.h"
#include "sys/fd.h"

namespace foxing::sys {

struct Extent {
  std::uint64_t at = 0;  // on the filesystem's address space; means nothing where `shared` is false
  Bytes size;
  bool shared = false;  // other files may have it too
};

/// Tells `visit` every extent of an open regular file.  Errors: EOPNOTSUPP, ENOTTY where the filesystem does not tell (tmpfs).
/// Source: ioctl_fiemap(2), FS_IOC_FIEMAP; data that is not on disk yet is not waited for.
Result<> for_each_extent(FdView file, const std::function<void(const Extent&)>& visit);

}  // namespace foxing::sys
