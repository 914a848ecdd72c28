// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/odd_changes.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "sys/call.h"
#include "sys/file.h"

namespace foxing::sys {
namespace {

constexpr std::size_t kBlock = 4096;

}  // namespace

Result<UniqueFd> open_direct(FdView directory, CString name) {
  UniqueFd fd(uninterrupted(Call::openat, [&] {
    return ::openat(directory.number(), name.text(), O_WRONLY | O_DIRECT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  }));
  if (!fd) return failed("openat(O_DIRECT)");
  return fd;
}

Result<> write_direct_block(FdView file, std::byte value) {
  alignas(kBlock) std::byte block[kBlock];
  std::memset(block, std::to_integer<int>(value), sizeof block);
  return write_all_at(file, block, FileOffset(0));
}

Result<> store_through_map(FdView file, std::byte value) {
  void* const view = ::mmap(nullptr, kBlock, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
  if (view == MAP_FAILED) return failed("mmap");
  static_cast<volatile std::byte*>(view)[0] = value;
  ::munmap(view, kBlock);
  return {};
}

Result<> write_by_aio(FdView file, std::span<const std::byte> from, FileOffset at) {
  aio_context_t context = 0;
  if (::syscall(SYS_io_setup, 1, &context) != 0) return failed("io_setup");
  iocb request{};
  request.aio_lio_opcode = IOCB_CMD_PWRITE;
  request.aio_fildes = static_cast<std::uint32_t>(file.number());
  request.aio_buf = reinterpret_cast<std::uintptr_t>(from.data());
  request.aio_nbytes = from.size();
  request.aio_offset = static_cast<std::int64_t>(at.value);
  iocb* requests[] = {&request};
  io_event done{};
  Result<> outcome;
  if (::syscall(SYS_io_submit, context, 1, requests) != 1) {
    outcome = failed("io_submit");
  } else if (::syscall(SYS_io_getevents, context, 1, 1, &done, nullptr) != 1) {
    outcome = failed("io_getevents");
  } else if (done.res != static_cast<std::int64_t>(from.size())) {
    outcome = fail(done.res < 0 ? static_cast<int>(-done.res) : EIO, "io_getevents");
  }
  ::syscall(SYS_io_destroy, context);
  return outcome;
}

Result<> toggle_no_dump(FdView file) {
  int flags = 0;
  if (::ioctl(file.number(), FS_IOC_GETFLAGS, &flags) != 0) return failed("ioctl(FS_IOC_GETFLAGS)");
  flags ^= FS_NODUMP_FL;
  if (::ioctl(file.number(), FS_IOC_SETFLAGS, &flags) != 0) return failed("ioctl(FS_IOC_SETFLAGS)");
  return {};
}

}  // namespace foxing::sys
