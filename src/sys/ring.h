// SPDX-License-Identifier: GPL-2.0-or-later
// io_uring: reads and writes in flight, on buffers registered once.
//
// Why.   While one piece of a large file is written the next ones are already being read.
// Holds. A buffer belongs to its operation from queue_* to its completion; the Ring owns all buffers, and going away it waits
//        for what is still in flight.
// Errors of create(): ENOSYS (kernel without io_uring), EPERM (forbidden: seccomp, io_uring_disabled), ENOMEM (memlock):
// the caller does without.   Source: io_uring_setup(2), io_uring_register(2).   One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "base/strong.h"
#include "sys/fd.h"

namespace foxing::sys {

class Ring {
 public:
  struct Shape {
    unsigned buffers = 8;
    std::size_t buffer_size = 512 * 1024;
  };
  struct Completion {
    unsigned buffer;
    int result;  // bytes, or -errno
  };

  static Result<Ring> create(Shape shape);
  Ring(Ring&&) noexcept;
  Ring& operator=(Ring&&) noexcept;
  ~Ring();

  const Shape& shape() const;
  std::span<std::byte> buffer(unsigned index);

  /// Reads into / writes from `buffer` [skip, skip + length).
  void queue_read(FdView file, unsigned buffer, std::size_t skip, std::size_t length, FileOffset at);
  void queue_write(FdView file, unsigned buffer, std::size_t skip, std::size_t length, FileOffset at);
  /// Hands over what is queued and waits for one completion.
  Result<Completion> next();
  unsigned in_flight() const;

 private:
  struct State;
  explicit Ring(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace foxing::sys
