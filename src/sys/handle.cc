// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/handle.h"

#include <fcntl.h>

#include <cstring>

#include "sys/call.h"

namespace foxing::sys {
namespace {

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

}  // namespace

Result<FileHandle> handle_of(FdView file) { return ask(file, "", AT_EMPTY_PATH); }

Result<FileHandle> handle_at(FdView directory, CString name) { return ask(directory, name.text(), 0); }

}  // namespace foxing::sys
