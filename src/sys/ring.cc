// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/ring.h"

#include <liburing.h>
#include <sys/mman.h>

#include <vector>

#include "base/assert.h"
#include "sys/call.h"

namespace foxing::sys {

struct Ring::State {
  io_uring ring{};
  bool ready = false;
  Shape shape;
  std::byte* memory = nullptr;
  std::size_t memory_size = 0;
  unsigned in_flight = 0;
  std::vector<int> planned;  // per buffer: the errno to answer instead of the kernel's result

  ~State() {
    while (ready && in_flight > 0) {
      io_uring_cqe* entry = nullptr;
      const int answer = io_uring_submit_and_wait(&ring, 1);
      if (answer < 0 && answer != -EINTR && answer != -EAGAIN && answer != -EBUSY) break;  // closing it below cancels the rest
      while (io_uring_peek_cqe(&ring, &entry) == 0) {
        io_uring_cqe_seen(&ring, entry);
        --in_flight;
      }
    }
    if (ready) io_uring_queue_exit(&ring);
    if (memory != nullptr) ::munmap(memory, memory_size);
  }

  io_uring_sqe* prepare(unsigned buffer, Call call, std::size_t& length) {
    FOX_ASSERT(buffer < shape.buffers && length <= shape.buffer_size);
    io_uring_sqe* entry = io_uring_get_sqe(&ring);
    FOX_ASSERT(entry != nullptr);  // one operation per buffer, and as many entries as buffers
    const int fault = planned_fault(call);
    planned[buffer] = fault > 0 ? fault : 0;
    length = cut_short(fault, length);
    ++in_flight;
    return entry;
  }
};

Ring::Ring(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ring::Ring(Ring&&) noexcept = default;
Ring& Ring::operator=(Ring&&) noexcept = default;
Ring::~Ring() = default;

Result<Ring> Ring::create(Shape shape) {
  if (const int fault = planned_fault(Call::io_uring_setup); fault > 0) return fail(fault, "io_uring_setup");
  auto state = std::make_unique<State>();
  state->shape = shape;
  state->planned.resize(shape.buffers);
  if (const int answer = io_uring_queue_init(shape.buffers, &state->ring, 0); answer < 0) {
    return fail(-answer, "io_uring_setup");
  }
  state->ready = true;

  state->memory_size = shape.buffers * shape.buffer_size;
  void* memory = ::mmap(nullptr, state->memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return failed("mmap");
  state->memory = static_cast<std::byte*>(memory);
  std::vector<iovec> vectors(shape.buffers);
  for (unsigned i = 0; i < shape.buffers; ++i) vectors[i] = {state->memory + i * shape.buffer_size, shape.buffer_size};
  if (const int answer = io_uring_register_buffers(&state->ring, vectors.data(), shape.buffers); answer < 0) {
    return fail(-answer, "io_uring_register");
  }
  return Ring(std::move(state));
}

const Ring::Shape& Ring::shape() const { return state_->shape; }
unsigned Ring::in_flight() const { return state_->in_flight; }

std::span<std::byte> Ring::buffer(unsigned index) {
  return {state_->memory + index * state_->shape.buffer_size, state_->shape.buffer_size};
}

void Ring::queue_read(FdView file, unsigned buffer, std::size_t skip, std::size_t length, FileOffset at) {
  io_uring_sqe* entry = state_->prepare(buffer, Call::uring_read, length);
  io_uring_prep_read_fixed(entry, file.number(), this->buffer(buffer).data() + skip, static_cast<unsigned>(length), at.value,
                           static_cast<int>(buffer));
  io_uring_sqe_set_data64(entry, buffer);
}

void Ring::queue_write(FdView file, unsigned buffer, std::size_t skip, std::size_t length, FileOffset at) {
  io_uring_sqe* entry = state_->prepare(buffer, Call::uring_write, length);
  if (state_->planned[buffer] != 0) length = 0;  // a failed write must not have happened
  io_uring_prep_write_fixed(entry, file.number(), this->buffer(buffer).data() + skip, static_cast<unsigned>(length), at.value,
                            static_cast<int>(buffer));
  io_uring_sqe_set_data64(entry, buffer);
}

Result<Ring::Completion> Ring::next() {
  FOX_ASSERT(state_->in_flight > 0);
  io_uring_cqe* entry = nullptr;
  while (true) {
    const int answer = io_uring_submit_and_wait(&state_->ring, 1);
    if (answer >= 0 || answer == -EINTR || answer == -EAGAIN || answer == -EBUSY) {
      if (io_uring_peek_cqe(&state_->ring, &entry) == 0) break;
      continue;
    }
    return fail(-answer, "io_uring_enter");
  }
  const auto buffer = static_cast<unsigned>(io_uring_cqe_get_data64(entry));
  Completion completion{buffer, entry->res};
  io_uring_cqe_seen(&state_->ring, entry);
  --state_->in_flight;
  if (state_->planned[buffer] != 0) completion.result = -state_->planned[buffer];
  return completion;
}

}  // namespace foxing::sys
