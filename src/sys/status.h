// SPDX-License-Identifier: GPL-2.0-or-later
// What a name or a descriptor stands for: type, owner, size, times, identity; and the filesystem below it.
#pragma once

#include <sys/stat.h>
#include <sys/statfs.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "base/strong.h"
#include "sys/fd.h"

namespace foxing::sys {

enum class FileType : unsigned char { regular, directory, symlink, fifo, socket, character_device, block_device, unknown };

FileType file_type(mode_t mode);
constexpr bool is_device(FileType type) { return type == FileType::character_device || type == FileType::block_device; }
/// "symbolic link", "fifo": for messages.
const char* name_of(FileType type);

/// stat(2) with types.  Times keep their nanoseconds; `allocated` is what the file occupies (st_blocks is in 512 bytes).
struct FileStatus {
  struct stat raw{};

  FileType type() const { return file_type(raw.st_mode); }
  mode_t permissions() const { return raw.st_mode & 07777; }
  uid_t owner() const { return raw.st_uid; }
  gid_t group() const { return raw.st_gid; }
  Bytes size() const { return Bytes(static_cast<std::uint64_t>(raw.st_size)); }
  Bytes allocated() const { return Bytes(static_cast<std::uint64_t>(raw.st_blocks) * 512); }
  std::uint64_t links() const { return raw.st_nlink; }
  dev_t special_device() const { return raw.st_rdev; }
  DeviceId device() const { return DeviceId::from_stat(raw.st_dev); }
  InodeNo inode() const { return InodeNo(raw.st_ino); }
  FileKey key() const { return {device(), inode()}; }
  timespec accessed() const { return raw.st_atim; }
  timespec modified() const { return raw.st_mtim; }
  timespec changed() const { return raw.st_ctim; }
};

bool same_time(const timespec& a, const timespec& b);
/// "SECONDS.NANOSECONDS", decimal: how notes and messages write a time.
std::string to_text(const timespec& time);

/// True where both are the same inode with the same content as far as stat tells: size, mtime and ctime.
bool same_version(const FileStatus& a, const FileStatus& b);

/// Source: fstat(2).
Result<FileStatus> status_of(FdView file);

enum class Links { follow, keep };
/// `name` below `directory`; a link itself with Links::keep.  ENOENT is the caller's to judge.  Source: fstatat(2).
Result<FileStatus> status_at(FdView directory, CString name, Links links = Links::keep);

/// As status_at for the name itself (empty: for what `directory` is open on), and when the inode was made, where the filesystem remembers that.  Source: statx(2), STATX_BTIME.
struct BornStatus {
  FileStatus status;
  std::optional<timespec> born;
};
Result<BornStatus> born_status_at(FdView directory, CString name);

/// Source: fstatfs(2).
Result<struct statfs> filesystem_of(FdView file);

/// An anchor for paths as the user wrote them: relative to the working directory.
FdView working_directory();

}  // namespace foxing::sys
