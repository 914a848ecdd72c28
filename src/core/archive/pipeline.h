// SPDX-License-Identifier: GPL-2.0-or-later
// The pipeline: work on items by several threads, handed back in the order in which they came.
//   from  one thread that pushes items        to  the same thread, which pops them, done
//
// Why.   Hashing and compression are most of the work, and archives are written in order: the same input gives the same bytes, however many threads.
// How.   A queue of slots.  Workers take the oldest that waits; so does the thread that pops, where its item has not been begun.  With no workers it does it all.
// Holds. Bounded by whom it serves: `weight()` is what was pushed and not popped.  Items that need no work cost no lock but one.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace foxing::archive {

template <class Item>
class Pipeline {
 public:
  /// `work(item, worker)`: worker 0 is the thread that pops.
  Pipeline(unsigned workers, std::function<void(Item&, unsigned)> work) : work_(std::move(work)) {
    for (unsigned i = 0; i < workers; ++i) threads_.emplace_back([this, i] { serve(i + 1); });
  }
  ~Pipeline() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  bool empty() const { return slots_.empty(); }
  std::size_t weight() const { return weight_; }

  void push(Item item, std::size_t weight, bool needs_work) {
    slots_.push_back(std::make_unique<Slot>(Slot{std::move(item), weight, needs_work ? State::waiting : State::done}));
    weight_ += weight;
    if (!needs_work) return;
    bool someone_sleeps = false;
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(slots_.back().get());
      someone_sleeps = asleep_ > 0;
    }
    if (someone_sleeps) wake_.notify_one();
  }

  /// The oldest item, when its work is done.  Not where empty().
  Item pop() {
    const std::unique_ptr<Slot> slot = std::move(slots_.front());
    slots_.pop_front();
    weight_ -= slot->weight;
    std::unique_lock lock(mutex_);
    if (slot->state == State::waiting) {  // then it is the oldest that waits
      waiting_.pop_front();
      slot->state = State::running;
      lock.unlock();
      work_(slot->item, 0);
    } else {
      done_.wait(lock, [&] { return slot->state == State::done; });
    }
    return std::move(slot->item);
  }

 private:
  enum class State { waiting, running, done };
  struct Slot {
    Item item;
    std::size_t weight;
    State state;  // guarded by mutex_ once it is pushed
  };

  void serve(unsigned worker) {
    std::unique_lock lock(mutex_);
    while (true) {
      while (!over_ && waiting_.empty()) {
        ++asleep_;
        wake_.wait(lock);
        --asleep_;
      }
      if (over_) return;
      Slot* const slot = waiting_.front();
      waiting_.pop_front();
      slot->state = State::running;
      lock.unlock();
      work_(slot->item, worker);
      lock.lock();
      slot->state = State::done;
      done_.notify_one();
    }
  }

  const std::function<void(Item&, unsigned)> work_;
  std::deque<std::unique_ptr<Slot>> slots_;  // touched by the one thread alone
  std::size_t weight_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::deque<Slot*> waiting_;  // guarded by mutex_
  unsigned asleep_ = 0;  // guarded by mutex_
  bool over_ = false;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace foxing::archive
