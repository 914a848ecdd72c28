// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/status.h"

#include <fcntl.h>

#include "sys/call.h"

namespace foxing::sys {

FileType file_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return FileType::regular;
    case S_IFDIR: return FileType::directory;
    case S_IFLNK: return FileType::symlink;
    case S_IFIFO: return FileType::fifo;
    case S_IFSOCK: return FileType::socket;
    case S_IFCHR: return FileType::character_device;
    case S_IFBLK: return FileType::block_device;
    default: return FileType::unknown;
  }
}

const char* name_of(FileType type) {
  switch (type) {
    case FileType::regular: return "regular file";
    case FileType::directory: return "directory";
    case FileType::symlink: return "symbolic link";
    case FileType::fifo: return "fifo";
    case FileType::socket: return "socket";
    case FileType::character_device: return "character device";
    case FileType::block_device: return "block device";
    case FileType::unknown: break;
  }
  return "file of unknown type";
}

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

bool same_version(const FileStatus& a, const FileStatus& b) {
  return a.key() == b.key() && a.raw.st_size == b.raw.st_size && same_time(a.modified(), b.modified()) &&
         same_time(a.changed(), b.changed());
}

Result<FileStatus> status_of(FdView file) {
  FileStatus status;
  if (uninterrupted(Call::fstat, [&] { return ::fstat(file.number(), &status.raw); }) == -1) return failed("fstat");
  return status;
}

Result<FileStatus> status_at(FdView directory, CString name, Links links) {
  FileStatus status;
  const int flags = AT_NO_AUTOMOUNT | (links == Links::keep ? AT_SYMLINK_NOFOLLOW : 0);
  const auto look = [&] { return ::fstatat(directory.number(), name.text(), &status.raw, flags); };
  if (uninterrupted(Call::fstatat, look) == -1) return failed("fstatat");
  return status;
}

Result<struct statfs> filesystem_of(FdView file) {
  struct statfs answer{};
  if (uninterrupted(Call::fstatfs, [&] { return ::fstatfs(file.number(), &answer); }) == -1) return failed("fstatfs");
  return answer;
}

FdView working_directory() { return FdView(AT_FDCWD); }

}  // namespace foxing::sys
