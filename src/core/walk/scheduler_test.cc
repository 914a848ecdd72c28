// SPDX-License-Identifier: GPL-2.0-or-later
// No test waits for time to pass: threads meet at latches.
#include "core/walk/scheduler.h"

#include <gmock/gmock.h>

#include <latch>
#include <random>
#include <set>
#include <thread>

namespace foxing::walk {
namespace {

using ::testing::ElementsAre;

class Call final : public Task {
 public:
  explicit Call(std::function<void(WorkerIndex)> work) : work_(std::move(work)) {}
  void run(WorkerIndex worker) override { work_(worker); }

 private:
  std::function<void(WorkerIndex)> work_;
};

void push(Scheduler& scheduler, WorkerIndex worker, std::function<void(WorkerIndex)> work) {
  scheduler.push(worker, std::make_unique<Call>(std::move(work)));
}

TEST(Scheduler, WithoutWorkItEnds) {
  for (const unsigned workers : {1u, 4u}) Scheduler(workers).run();
}

TEST(Scheduler, NoWorkersAreOne) { EXPECT_EQ(Scheduler(0).workers(), 1u); }

TEST(Scheduler, TheNewestTaskComesFirst) {
  Scheduler scheduler(1);
  std::vector<int> order;
  for (int i = 0; i < 4; ++i) {
    push(scheduler, 0, [&, i](WorkerIndex worker) {
      order.push_back(i);
      if (i == 3) push(scheduler, worker, [&](WorkerIndex) { order.push_back(30); });
    });
  }
  scheduler.run();
  EXPECT_THAT(order, ElementsAre(3, 30, 2, 1, 0));
}

TEST(Scheduler, OneTaskStartsNoThread) {
  Scheduler scheduler(8);
  std::thread::id ran;
  push(scheduler, 0, [&](WorkerIndex worker) {
    ran = std::this_thread::get_id();
    EXPECT_EQ(worker, 0u);
  });
  scheduler.run();
  EXPECT_EQ(ran, std::this_thread::get_id());
}

/// Every task waits until as many run at once as there are workers: with one thread fewer this would hang.
TEST(Scheduler, EveryWorkerTakesPart) {
  for (const unsigned workers : {2u, 3u, 8u}) {
    Scheduler scheduler(workers);
    std::latch all_here(workers);
    std::mutex mutex;
    std::set<WorkerIndex> seen;
    push(scheduler, 0, [&](WorkerIndex first) {
      for (unsigned i = 0; i + 1 < workers; ++i) {
        push(scheduler, first, [&](WorkerIndex worker) {
          all_here.arrive_and_wait();
          const std::lock_guard lock(mutex);
          seen.insert(worker);
        });
      }
      // A lone task waits for the one who pushed it; this makes sure that there are two.
      push(scheduler, first, [](WorkerIndex) {});
      all_here.arrive_and_wait();
      const std::lock_guard lock(mutex);
      seen.insert(first);
    });
    scheduler.run();
    EXPECT_EQ(seen.size(), workers);
    EXPECT_LT(*seen.rbegin(), workers);
  }
}

TEST(Scheduler, AThiefTakesTheOldestTask) {
  Scheduler scheduler(2);
  std::latch stolen(1);
  std::atomic<int> first_stolen{-1};
  push(scheduler, 0, [&](WorkerIndex self) {
    for (int i = 0; i < 10; ++i) {
      push(scheduler, self, [&, i, self](WorkerIndex worker) {
        if (worker == self) return;
        int none = -1;
        if (first_stolen.compare_exchange_strong(none, i)) stolen.count_down();
      });
    }
    stolen.wait();  // its own stack is not touched by itself until then
  });
  scheduler.run();
  EXPECT_EQ(first_stolen, 0);
}

TEST(Scheduler, WorkersSayWhetherTheyWouldTakeMore) {
  Scheduler alone(1);
  EXPECT_FALSE(alone.someone_is_idle());
  Scheduler two(2);
  EXPECT_TRUE(two.someone_is_idle()) << "its thread has not even started";
}

/// A tree of tasks, grown at random: each runs once, all run before run() returns.
TEST(Scheduler, ATreeOfTasksRunsOnceEach) {
  constexpr std::uint64_t kSeed = 20260707;
  SCOPED_TRACE("seed 20260707");
  for (const unsigned workers : {1u, 2u, 4u, 16u}) {
    Scheduler scheduler(workers);
    constexpr int kMost = 20000;
    std::vector<std::atomic<int>> runs(kMost);
    std::atomic<int> made{0};
    std::function<void(WorkerIndex)> grow = [&](WorkerIndex worker) {
      const int number = made.fetch_add(1);
      if (number >= kMost) return;
      runs[static_cast<std::size_t>(number)].fetch_add(1);
      std::mt19937_64 random(kSeed + static_cast<std::uint64_t>(number));
      const std::uint64_t children = number < 10 ? 3 : random() % 3;
      for (std::uint64_t i = 0; i < children; ++i) push(scheduler, worker, grow);
    };
    for (int i = 0; i < 10; ++i) push(scheduler, 0, grow);
    scheduler.run();
    EXPECT_GT(made, 10);
    for (int i = 0; i < std::min(made.load(), kMost); ++i) ASSERT_EQ(runs[static_cast<std::size_t>(i)], 1);
  }
}

TEST(Scheduler, QuietIsAskedWhenAllIsDoneAndWhatItPushesGoesOn) {
  for (const unsigned workers : {1u, 4u}) {
    std::atomic<int> done{0};
    std::atomic<int> asked{0};
    Scheduler* self = nullptr;
    Scheduler scheduler(workers, [&](WorkerIndex worker) {
      EXPECT_EQ(done % 10, 0) << "something was not done";
      if (++asked > 3) return;
      for (int i = 0; i < 10; ++i) push(*self, worker, [&](WorkerIndex) { ++done; });
    });
    self = &scheduler;
    for (int i = 0; i < 10; ++i) push(scheduler, 0, [&](WorkerIndex) { ++done; });
    scheduler.run();
    EXPECT_EQ(done, 40);
    EXPECT_EQ(asked, 4);
  }
}

/// What quiet pushes is done by others before quiet returns: nobody but the one who asked could ask again.
TEST(Scheduler, QuietIsAskedAgainAlsoWhereOthersWereFaster) {
  for (int round = 0; round < 300; ++round) {
    std::atomic<int> asked{0};
    Scheduler* self = nullptr;
    std::latch done(2);
    Scheduler scheduler(2, [&](WorkerIndex worker) {
      if (++asked > 1) return;
      for (int i = 0; i < 2; ++i) push(*self, worker, [&](WorkerIndex) { done.count_down(); });
      done.wait();
    });
    self = &scheduler;
    push(scheduler, 0, [](WorkerIndex) {});
    scheduler.run();
    ASSERT_EQ(asked, 2) << "round " << round;
  }
}

TEST(Scheduler, ATaskIsGoneBeforeItCountsAsDone) {
  // What a task holds may push more when it goes.
  Scheduler scheduler(2);
  std::atomic<int> done{0};
  const auto push_another = [&](void*) { push(scheduler, 0, [&](WorkerIndex) { ++done; }); };
  push(scheduler, 0, [held = std::shared_ptr<void>(&done, push_another)](WorkerIndex) {});
  scheduler.run();
  EXPECT_EQ(done, 1);
}

TEST(Scheduler, CanRunAgain) {
  Scheduler scheduler(3);
  std::atomic<int> done{0};
  for (int round = 1; round <= 20; ++round) {
    for (int i = 0; i < 5; ++i) push(scheduler, 0, [&](WorkerIndex) { ++done; });
    scheduler.run();
    EXPECT_EQ(done, 5 * round);
  }
}

}  // namespace
}  // namespace foxing::walk
