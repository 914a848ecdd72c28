// SPDX-License-Identifier: GPL-2.0-or-later
// Work stealing: every worker has a stack of tasks of its own and, when that is empty, takes the oldest task of another.
//
// Why.   Newest first keeps a walk deep rather than wide, so that what waits is bounded by the depth of the tree and not by
//        its size; oldest first for a thief moves big pieces (the rest of a directory), so stealing is rare.
// How.   A mutex per stack: tasks are batches of dozens of files, so the locks cost nothing measurable and stay simple to
//        reason about.  Threads start when there is work for them: copying one file starts none.
// Holds. Tasks run at most once.  run() returns when no task is left and `quiet` had nothing more to do.
// Not here: what a task does.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace foxing::walk {

using WorkerIndex = unsigned;

class Task {
 public:
  virtual ~Task() = default;
  virtual void run(WorkerIndex worker) = 0;
};

/// A task made of a function.
class FunctionTask final : public Task {
 public:
  explicit FunctionTask(std::function<void(WorkerIndex)> work) : work_(std::move(work)) {}
  void run(WorkerIndex worker) override { work_(worker); }

 private:
  std::function<void(WorkerIndex)> work_;
};

class Scheduler {
 public:
  /// `quiet` is called by one worker whenever everything queued is done, until it has nothing more to push.
  explicit Scheduler(unsigned workers, std::function<void(WorkerIndex)> quiet = {});
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  unsigned workers() const { return static_cast<unsigned>(stacks_.size()); }
  /// From a running task or before run(), when it only queues: puts `task` on the stack of `worker`.
  void push(WorkerIndex worker, std::unique_ptr<Task> task);
  /// True while some worker has nothing to do: a reason to split work further.
  bool someone_is_idle() const {
    return idle_.load(std::memory_order_relaxed) > 0 || started_.load(std::memory_order_relaxed) < workers();
  }
  /// Runs everything; the calling thread is worker 0.
  void run();

 private:
  struct alignas(64) Stack {
    std::mutex mutex;
    std::deque<std::unique_ptr<Task>> tasks;
  };

  void work(WorkerIndex self);
  std::unique_ptr<Task> take(WorkerIndex self);
  void start_another();
  void finish_one(WorkerIndex self);
  /// False when all work is done.
  bool wait_for_work();

  std::vector<Stack> stacks_;
  std::function<void(WorkerIndex)> quiet_;
  std::atomic<std::size_t> outstanding_{0};  // queued or running
  std::atomic<std::size_t> queued_{0};
  std::atomic<std::uint64_t> pushed_{0};       // ever
  std::atomic<bool> running_{false};
  std::atomic<unsigned> idle_{0};
  std::atomic<unsigned> started_{1};
  std::mutex sleep_mutex_;
  std::condition_variable wake_;
  bool finished_ = false;               // guarded by sleep_mutex_
  std::vector<std::thread> threads_;    // guarded by sleep_mutex_
};

}  // namespace foxing::walk
