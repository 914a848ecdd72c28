// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/status.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sysmacros.h>

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

std::string to_text(const timespec& time) { return fmt::format("{}.{:09}", time.tv_sec, time.tv_nsec); }

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

Result<BornStatus> born_status_at(FdView directory, CString name) {
  struct statx found{};
  const auto look = [&] {
    return ::statx(directory.number(), name.text(), AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH,
                   STATX_BASIC_STATS | STATX_BTIME, &found);
  };
  if (uninterrupted(Call::fstatat, look) == -1) return failed("statx");
  const auto time = [](const struct statx_timestamp& stamp) { return timespec{stamp.tv_sec, static_cast<long>(stamp.tv_nsec)}; };
  BornStatus answer;
  struct stat& raw = answer.status.raw;
  raw.st_dev = makedev(found.stx_dev_major, found.stx_dev_minor);
  raw.st_ino = found.stx_ino;
  raw.st_mode = found.stx_mode;
  raw.st_nlink = found.stx_nlink;
  raw.st_uid = found.stx_uid;
  raw.st_gid = found.stx_gid;
  raw.st_rdev = makedev(found.stx_rdev_major, found.stx_rdev_minor);
  raw.st_size = static_cast<off_t>(found.stx_size);
  raw.st_blksize = static_cast<blksize_t>(found.stx_blksize);
  raw.st_blocks = static_cast<blkcnt_t>(found.stx_blocks);
  raw.st_atim = time(found.stx_atime);
  raw.st_mtim = time(found.stx_mtime);
  raw.st_ctim = time(found.stx_ctime);
  if ((found.stx_mask & STATX_BTIME) != 0) answer.born = time(found.stx_btime);
  return answer;
}

Result<struct statfs> filesystem_of(FdView file) {
  struct statfs answer{};
  if (uninterrupted(Call::fstatfs, [&] { return ::fstatfs(file.number(), &answer); }) == -1) return failed("fstatfs");
  return answer;
}

FdView working_directory() { return FdView(AT_FDCWD); }

}  // namespace foxing::sys
