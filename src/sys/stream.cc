// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/stream.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "sys/call.h"

namespace foxing::sys {

bool is_terminal(FdView file) { return ::isatty(file.number()) == 1; }

unsigned terminal_columns(FdView file) {
  winsize size{};
  return ::ioctl(file.number(), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

Result<bool> wait_readable(FdView file, std::chrono::milliseconds patience) {
  pollfd wanted{.fd = file.number(), .events = POLLIN, .revents = 0};
  int ready = -1;
  if (const int fault = planned_fault(Call::poll); fault > 0) {
    errno = fault;
  } else {
    ready = ::poll(&wanted, 1, static_cast<int>(patience.count()));
  }
  if (ready < 0 && errno == EINTR) return false;
  if (ready < 0) return failed("poll");
  return ready > 0;
}

void enlarge_pipe(FdView pipe) {
  constexpr int kSize = 1 << 20;  // what an ordinary user may have: /proc/sys/fs/pipe-max-size
  const int now = ::fcntl(pipe.number(), F_GETPIPE_SZ);
  if (now > 0 && now < kSize) (void)::fcntl(pipe.number(), F_SETPIPE_SZ, kSize);
}

Result<FileOffset> position_of(FdView file) {
  const off_t at = uninterrupted(Call::lseek, [&] { return ::lseek(file.number(), 0, SEEK_CUR); });
  if (at < 0) return failed("lseek");
  return FileOffset(static_cast<std::uint64_t>(at));
}

Result<Bytes> device_size(FdView device) {
  std::uint64_t size = 0;
  FOX_TRY(
      done_or_failed(Call::blkgetsize64, "ioctl(BLKGETSIZE64)", [&] { return ::ioctl(device.number(), BLKGETSIZE64, &size); }));
  return Bytes(size);
}

Result<UniqueFd> open_device_alone(FdView directory, CString name, Links links) {
  const int flags = O_WRONLY | O_EXCL | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (links == Links::keep ? O_NOFOLLOW : 0);
  // What is not a device is not opened for writing at all.
  if (FOX_TRY(status_at(directory, name, links)).type() != FileType::block_device) return fail(ENOTBLK, "openat");
  const int fd = uninterrupted(Call::openat, [&] { return ::openat(directory.number(), name.text(), flags); });
  if (fd < 0) return failed("openat");
  UniqueFd device(fd);
  if (FOX_TRY(status_of(device)).type() != FileType::block_device) return fail(ENOTBLK, "openat");
  return device;
}

}  // namespace foxing::sys
