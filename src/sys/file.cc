// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "sys/call.h"

namespace foxing::sys {
namespace {

int flags_of(const OpenOptions& options) {
  int flags = O_CLOEXEC;
  switch (options.access) {
    case Access::read: flags |= O_RDONLY | O_NONBLOCK | O_NOCTTY; break;
    case Access::write: flags |= O_WRONLY | O_NONBLOCK | O_NOCTTY; break;
    case Access::read_write: flags |= O_RDWR | O_NONBLOCK | O_NOCTTY; break;
    case Access::path: flags |= O_PATH; break;
  }
  if (options.links == Links::keep) flags |= O_NOFOLLOW;
  if (options.directory) flags |= O_DIRECTORY;
  return flags;
}

bool is_plain_component(std::string_view name) { return !name.empty() && name != "." && name != ".."; }

/// What openat2 does in one call, a component at a time: for kernels without it and for paths longer than PATH_MAX.
Result<UniqueFd> open_component_by_component(FdView directory, std::string_view path, OpenOptions options) {
  UniqueFd here;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string component(path.substr(0, slash));
    if (!is_plain_component(component)) return fail(EXDEV, "openat2");
    const FdView at = here ? FdView(here) : directory;
    if (slash == std::string_view::npos) return open_at(at, component, options);
    here = FOX_TRY(open_at(at, component, {.access = Access::path, .directory = true}));
    path.remove_prefix(slash + 1);
  }
}

/// Set once openat2 has answered that it does not exist, or a sandbox that it may not be called.
std::atomic<bool> openat2_is_missing{false};

}  // namespace

Result<UniqueFd> open_at(FdView directory, CString name, OpenOptions options) {
  const auto open = [&](int flags) {
    return uninterrupted(Call::openat, [&] { return ::openat(directory.number(), name.text(), flags); });
  };
  const int flags = flags_of(options);
  if (options.keep_atime) {
    const int fd = open(flags | O_NOATIME);
    if (fd >= 0) return UniqueFd(fd);
    if (errno != EPERM) return failed("openat");  // EPERM: somebody else's file, and no CAP_FOWNER
  }
  const int fd = open(flags);
  if (fd < 0) return failed("openat");
  return UniqueFd(fd);
}

Result<UniqueFd> open_leased(FdView directory, CString name, Links links) {
  const UniqueFd path = FOX_TRY(open_at(directory, name, {.access = Access::path, .links = links}));
  if (FOX_TRY(status_of(path)).type() != FileType::regular) return fail(ENXIO, "openat");
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", path.get());
  const int fd = uninterrupted(Call::openat, [&] { return ::open(link, O_RDONLY | O_CLOEXEC | O_NOCTTY); });
  if (fd < 0) return failed("openat");
  return UniqueFd(fd);
}

Result<UniqueFd> reopen_for_writing(FdView file) {
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file.number());
  const int fd = uninterrupted(Call::openat, [&] { return ::open(link, O_WRONLY | O_CLOEXEC | O_NOCTTY); });
  if (fd < 0) return failed("openat");
  return UniqueFd(fd);
}

Result<> set_position(FdView file, FileOffset at) {
  const auto call = [&] { return ::lseek(file.number(), static_cast<off_t>(at.value), SEEK_SET); };
  if (uninterrupted(Call::lseek, call) == -1) return failed("lseek");
  return {};
}

void make_blocking(FdView file) {
  // The other flags stay: without O_NOATIME reading would be seen.
  const int flags = ::fcntl(file.number(), F_GETFL);
  if (flags != -1) ::fcntl(file.number(), F_SETFL, flags & ~O_NONBLOCK);
}

Result<UniqueFd> duplicate(FdView file) {
  const int fd = ::fcntl(file.number(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return failed("fcntl(F_DUPFD)");
  return UniqueFd(fd);
}

Result<UniqueFd> open_beneath(FdView directory, CString path, OpenOptions options) {
  if (std::strlen(path.text()) < PATH_MAX && !openat2_is_missing.load(std::memory_order_relaxed)) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags_of(options));
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    // EAGAIN: a rename raced with the resolution (openat2(2), BUGS); asking again is what the page recommends.
    for (int attempt = 0; attempt < 16; ++attempt) {
      const auto call = [&] { return ::syscall(SYS_openat2, directory.number(), path.text(), &how, sizeof how); };
      const long fd = uninterrupted(Call::openat2, call);
      if (fd >= 0) return UniqueFd(static_cast<int>(fd));
      if (errno != EAGAIN) break;
    }
    if (errno != ENOSYS && errno != EPERM && errno != EAGAIN) return failed("openat2");
    if (errno == ENOSYS) openat2_is_missing.store(true, std::memory_order_relaxed);
  }
  return open_component_by_component(directory, path.text(), options);
}

Result<UniqueFd> create_at(FdView directory, CString name, mode_t mode) {
  const auto call = [&] {
    return ::openat(directory.number(), name.text(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  };
  const int fd = uninterrupted(Call::openat, call);
  if (fd < 0) return failed("open(O_CREAT)");
  return UniqueFd(fd);
}

Result<UniqueFd> open_to_append(FdView directory, CString name, mode_t mode) {
  const auto call = [&] {
    return ::openat(directory.number(), name.text(), O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, mode);
  };
  const int fd = uninterrupted(Call::openat, call);
  if (fd < 0) return failed("open(O_APPEND)");
  return UniqueFd(fd);
}

Result<UniqueFd> create_nameless(FdView directory, mode_t mode) {
  const auto call = [&] { return ::openat(directory.number(), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, mode); };
  const int fd = uninterrupted(Call::tmpfile, call);
  if (fd < 0) return failed("open(O_TMPFILE)");
  return UniqueFd(fd);
}

Result<> close_written(UniqueFd file) {
  // Not retried on EINTR: on Linux the descriptor is gone then (close(2), NOTES).
  const int fault = planned_fault(Call::close);
  const int answer = ::close(file.release());
  if (fault > 0) errno = fault;
  if ((answer == -1 || fault > 0) && errno != EINTR) return failed("close");
  return {};
}

Result<std::size_t> read_some(FdView file, std::span<std::byte> into) {
  const ssize_t got = transfer(Call::read, into.size(), [&](std::size_t n) { return ::read(file.number(), into.data(), n); });
  if (got < 0) return failed("read");
  return static_cast<std::size_t>(got);
}

Result<std::size_t> read_some_at(FdView file, std::span<std::byte> into, FileOffset at) {
  const ssize_t got = transfer(Call::pread, into.size(), [&](std::size_t n) {
    return ::pread(file.number(), into.data(), n, static_cast<off_t>(at.value));
  });
  if (got < 0) return failed("read");
  return static_cast<std::size_t>(got);
}

Result<std::size_t> read_all_at(FdView file, std::span<std::byte> into, FileOffset at) {
  std::size_t total = 0;
  while (total < into.size()) {
    const std::size_t got = FOX_TRY(read_some_at(file, into.subspan(total), at + Bytes(total)));
    if (got == 0) break;
    total += got;
  }
  return total;
}

Result<> write_all(FdView file, std::span<const std::byte> from) {
  while (!from.empty()) {
    const ssize_t put = transfer(Call::write, from.size(), [&](std::size_t n) { return ::write(file.number(), from.data(), n); });
    if (put < 0) return failed("write");
    if (put == 0) return fail(EIO, "write", {}, "the kernel took no byte");
    from = from.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Result<> write_all_at(FdView file, std::span<const std::byte> from, FileOffset at) {
  while (!from.empty()) {
    const ssize_t put = transfer(Call::pwrite, from.size(), [&](std::size_t n) {
      return ::pwrite(file.number(), from.data(), n, static_cast<off_t>(at.value));
    });
    if (put < 0) return failed("write");
    if (put == 0) return fail(EIO, "write", {}, "the kernel took no byte");
    from = from.subspan(static_cast<std::size_t>(put));
    at = at + Bytes(static_cast<std::uint64_t>(put));
  }
  return {};
}

bool is_cached(FdView file, Bytes size) {
  constexpr long kCachestat = 451;  // on every architecture; the C library of Debian 12 does not know it
  struct {
    std::uint64_t offset, length;
  } const range{0, size.value};
  struct {
    std::uint64_t cached, dirty, writeback, evicted, recently_evicted;
  } pages{};
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (::syscall(kCachestat, file.number(), &range, &pages, 0) != 0) return true;
  return pages.cached >= (size.value + page - 1) / page;
}

Result<std::optional<FileOffset>> seek_data(FdView file, FileOffset at) {
  const auto call = [&] { return ::lseek(file.number(), static_cast<off_t>(at.value), SEEK_DATA); };
  const off_t found = uninterrupted(Call::lseek, call);
  if (found >= 0) return FileOffset(static_cast<std::uint64_t>(found));
  if (errno == ENXIO) return std::nullopt;
  return failed("lseek(SEEK_DATA)");
}

Result<FileOffset> seek_hole(FdView file, FileOffset at) {
  const auto call = [&] { return ::lseek(file.number(), static_cast<off_t>(at.value), SEEK_HOLE); };
  const off_t found = uninterrupted(Call::lseek, call);
  if (found < 0) return failed("lseek(SEEK_HOLE)");
  return FileOffset(static_cast<std::uint64_t>(found));
}

Result<> truncate(FdView file, Bytes size) {
  return done_or_failed(Call::ftruncate, "ftruncate", [&] { return ::ftruncate(file.number(), static_cast<off_t>(size.value)); });
}

Result<> preallocate(FdView file, ByteRange range) {
  return done_or_failed(Call::fallocate, "fallocate", [&] {
    return ::fallocate(file.number(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(range.begin.value),
                       static_cast<off_t>(range.size().value));
  });
}

Result<> punch_hole(FdView file, ByteRange range) {
  return done_or_failed(Call::punch_hole, "fallocate(PUNCH_HOLE)", [&] {
    return ::fallocate(file.number(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(range.begin.value),
                       static_cast<off_t>(range.size().value));
  });
}

Result<> clone(FdView source, FdView target) {
  return done_or_failed(Call::ficlone, "ioctl(FICLONE)", [&] { return ::ioctl(target.number(), FICLONE, source.number()); });
}

Result<std::size_t> copy_range(FdView source, FileOffset from, FdView target, FileOffset to, std::size_t length) {
  const ssize_t moved = transfer(Call::copy_file_range, length, [&](std::size_t n) {
    auto in = static_cast<loff_t>(from.value);
    auto out = static_cast<loff_t>(to.value);
    return static_cast<ssize_t>(::syscall(SYS_copy_file_range, source.number(), &in, target.number(), &out, n, 0u));
  });
  if (moved < 0) return failed("copy_file_range");
  return static_cast<std::size_t>(moved);
}

Result<std::size_t> send_file(FdView source, FileOffset from, FdView target, std::size_t length) {
  const ssize_t moved = transfer(Call::sendfile, length, [&](std::size_t n) {
    auto in = static_cast<off_t>(from.value);
    return ::sendfile(target.number(), source.number(), &in, n);
  });
  if (moved < 0) return failed("sendfile");
  return static_cast<std::size_t>(moved);
}

Result<bool> try_lock(FdView file) {
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  const int answer = uninterrupted(Call::lock, [&] { return ::fcntl(file.number(), F_OFD_SETLK, &whole); });
  if (answer == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return failed("fcntl(F_OFD_SETLK)");
}

Result<bool> try_lock_directory(FdView directory) {
  if (uninterrupted(Call::lock, [&] { return ::syscall(SYS_flock, directory.number(), LOCK_EX | LOCK_NB); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return failed("flock");
}

Result<> sync_file(FdView file) {
  return done_or_failed(Call::fsync, "fsync", [&] { return ::fsync(file.number()); });
}

Result<> sync_filesystem(FdView file) {
  return done_or_failed(Call::syncfs, "syncfs", [&] { return ::syncfs(file.number()); });
}

void expect_sequential(FdView file) { ::posix_fadvise(file.number(), 0, 0, POSIX_FADV_SEQUENTIAL); }

}  // namespace foxing::sys
