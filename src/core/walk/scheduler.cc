// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/walk/scheduler.h"

#include <system_error>

#include "base/assert.h"

namespace foxing::walk {

Scheduler::Scheduler(unsigned workers, std::function<void(WorkerIndex)> quiet)
    : stacks_(workers == 0 ? 1 : workers), quiet_(std::move(quiet)) {}

Scheduler::~Scheduler() { FOX_ASSERT(threads_.empty()); }

void Scheduler::push(WorkerIndex worker, std::unique_ptr<Task> task) {
  outstanding_.fetch_add(1);
  pushed_.fetch_add(1);
  const std::size_t before = queued_.fetch_add(1);
  {
    Stack& stack = stacks_[worker];
    const std::lock_guard lock(stack.mutex);
    stack.tasks.push_back(std::move(task));
  }
  // The first task is for the one who pushes it, soon; waking somebody for each link of a chain would only pass it round.
  if (before == 0 || !running_.load()) return;
  if (idle_.load() > 0) {
    const std::lock_guard lock(sleep_mutex_);
    wake_.notify_one();
  } else if (started_.load() < workers()) {
    start_another();
  }
}

void Scheduler::start_another() {
  const std::lock_guard lock(sleep_mutex_);
  if (finished_ || started_.load() >= workers()) return;
  const WorkerIndex index = started_.fetch_add(1);
  try {
    threads_.emplace_back([this, index] { work(index); });
  } catch (const std::system_error&) {
    // No thread to be had (limits, memory): the others do the work.  started_ stays, so that it is not tried for every task.
  }
}

void Scheduler::run() {
  if (outstanding_.load() == 0) return;
  running_.store(true);
  if (queued_.load() > 1) start_another();  // which starts the next one, if there is so much to do
  work(0);
  running_.store(false);
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(sleep_mutex_);
    finished_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
  const std::lock_guard lock(sleep_mutex_);
  finished_ = false;
  started_.store(1);
}

void Scheduler::work(WorkerIndex self) {
  while (true) {
    if (std::unique_ptr<Task> task = take(self)) {
      if (queued_.load(std::memory_order_relaxed) > 1 && started_.load(std::memory_order_relaxed) < workers()) start_another();
      task->run(self);
      task.reset();  // before it counts as done: what it holds may start more
      finish_one(self);
    } else if (!wait_for_work()) {
      return;
    }
  }
}

void Scheduler::finish_one(WorkerIndex self) {
  if (outstanding_.fetch_sub(1) != 1) return;
  // What quiet_ pushes may be done by others before it returns; then nobody else will ask again.
  for (bool pushed_more = static_cast<bool>(quiet_); pushed_more;) {
    outstanding_.fetch_add(1);
    const std::uint64_t before = pushed_.load();
    quiet_(self);
    pushed_more = pushed_.load() != before;
    if (outstanding_.fetch_sub(1) != 1) return;
  }
  const std::lock_guard lock(sleep_mutex_);
  finished_ = true;
  wake_.notify_all();
}

std::unique_ptr<Task> Scheduler::take(WorkerIndex self) {
  const auto count = static_cast<WorkerIndex>(stacks_.size());
  for (WorkerIndex step = 0; step < count; ++step) {
    Stack& stack = stacks_[(self + step) % count];
    const std::lock_guard lock(stack.mutex);
    if (stack.tasks.empty()) continue;
    std::unique_ptr<Task> task;
    if (step == 0) {
      task = std::move(stack.tasks.back());
      stack.tasks.pop_back();
    } else {
      task = std::move(stack.tasks.front());
      stack.tasks.pop_front();
    }
    queued_.fetch_sub(1);
    return task;
  }
  return nullptr;
}

bool Scheduler::wait_for_work() {
  std::unique_lock lock(sleep_mutex_);
  idle_.fetch_add(1);
  // push() raises queued_ before it looks at idle_, this raises idle_ before it looks at queued_: one of the two sees the other.
  // A lone task may wait for its pusher; a sleeper is then not needed.
  wake_.wait(lock, [&] { return finished_ || queued_.load() > 0; });
  idle_.fetch_sub(1);
  return !finished_ || queued_.load() > 0;
}

}  // namespace foxing::walk
