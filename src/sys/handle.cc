// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/handle.h"

#include <fcntl.h>

#include <cstring>

#include "sys/call.h"
#include "sys/names.h"
#include "sys/status.h"

namespace foxing::sys {
namespace {

#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID 0x200
#endif

Result<FileHandle> ask(FdView directory, const char* name, int flags) {
  alignas(file_handle) char room[sizeof(file_handle) + MAX_HANDLE_SZ];
  auto* const handle = reinterpret_cast<file_handle*>(room);
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  FOX_TRY(done_or_failed(Call::name_to_handle_at, "name_to_handle_at",
                         [&] { return ::name_to_handle_at(directory.number(), name, handle, &mount, flags); }));
  FileHandle answer;
  answer.bytes.reserve(sizeof handle->handle_type + handle->handle_bytes);
  answer.bytes.append(reinterpret_cast<const char*>(&handle->handle_type), sizeof handle->handle_type);
  answer.bytes.append(reinterpret_cast<const char*>(handle->f_handle), handle->handle_bytes);
  return answer;
}

/// Overlayfs, for one, has handles that cannot be opened, but identify an inode all the same (Linux 6.5).
Result<FileHandle> ask_for_any(FdView directory, const char* name, int flags) {
  auto handle = ask(directory, name, flags);
  if (handle || handle.error().code != EOPNOTSUPP) return handle;
  if (auto only_for_comparing = ask(directory, name, flags | AT_HANDLE_FID)) return only_for_comparing;
  return handle;
}

}  // namespace

Result<FileHandle> handle_of(FdView file) { return ask_for_any(file, "", AT_EMPTY_PATH); }

Result<UniqueFd> open_handle(FdView filesystem, const FileHandle& handle, Opening how) {
  alignas(file_handle) char room[sizeof(file_handle) + MAX_HANDLE_SZ];
  auto* const opened = reinterpret_cast<file_handle*>(room);
  if (handle.bytes.size() < sizeof opened->handle_type || handle.bytes.size() > sizeof opened->handle_type + MAX_HANDLE_SZ)
    return fail(ESTALE, "open_by_handle_at");
  std::memcpy(&opened->handle_type, handle.bytes.data(), sizeof opened->handle_type);
  opened->handle_bytes = static_cast<unsigned>(handle.bytes.size() - sizeof opened->handle_type);
  std::memcpy(opened->f_handle, handle.bytes.data() + sizeof opened->handle_type, opened->handle_bytes);
  const int flags = O_CLOEXEC | (how == Opening::path ? O_PATH : O_RDONLY | O_NOATIME | O_NONBLOCK | O_NOCTTY);
  const int fd = uninterrupted(Call::name_to_handle_at, [&] { return ::open_by_handle_at(filesystem.number(), opened, flags); });
  if (fd < 0) return failed("open_by_handle_at");
  return UniqueFd(fd);
}

Result<std::string> path_of(FdView file) {
  std::string path = FOX_TRY(read_link_at(working_directory(), "/proc/self/fd/" + std::to_string(file.number())));
  // What has no name is shown with a name that it had: told by its links, and by what the name leads to.
  const auto there = status_at(working_directory(), path);
  if (!there || there->key() != FOX_TRY(status_of(file)).key()) return fail(ESTALE, "open_by_handle_at");
  return path;
}

Result<std::string> path_of_handle(FdView filesystem, const FileHandle& handle) {
  const UniqueFd file = FOX_TRY(open_handle(filesystem, handle, Opening::path));
  return path_of(file);
}

Result<FileHandle> handle_at(FdView directory, CString name) { return ask_for_any(directory, name.text(), 0); }

}  // namespace foxing::sys
