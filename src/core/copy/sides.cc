// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/sides.h"

#include "sys/file.h"

namespace foxing::copy {

Result<sys::Object> Sides::opened(Side& side, sys::FdView directory, const std::string& name, sys::Links links,
                                  const sys::FileStatus& as) {
  if (side.fd) return sys::Object{side.fd, side.handle};
  sys::UniqueFd fd;
  sys::Handle handle = sys::Handle::path;
  if (as.type() == sys::FileType::regular) {
    auto readable = sys::open_at(directory, name, {.links = links, .keep_atime = true});
    if (readable) {
      fd = std::move(*readable);
      handle = sys::Handle::file;
    }
  }
  if (!fd) fd = FOX_TRY(sys::open_at(directory, name, {.access = sys::Access::path, .links = links}));
  side.as_opened = FOX_TRY(sys::status_of(fd));
  if (side.as_opened.key() != as.key()) return fail(ESTALE, "openat", {}, "was replaced while it was compared");
  side.fd = std::move(fd);
  side.handle = handle;
  return sys::Object{side.fd, side.handle};
}

Result<sys::Object> Sides::source() { return opened(source_, directory_->fd(), name_, links_, status_); }
Result<sys::Object> Sides::copy() { return opened(copy_, target_.fd(), target_name_, sys::Links::keep, there_.status); }

Result<sys::FdView> Sides::data(Result<sys::Object> object) {
  if (!object) return tl::make_unexpected(std::move(object).error());
  if (object->handle == sys::Handle::path) return fail(EACCES, "openat");
  return object->fd;
}

}  // namespace foxing::copy
