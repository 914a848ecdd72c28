// SPDX-License-Identifier: GPL-2.0-or-later
// The simulator: seeded streams of events, late, doubled, out of order and lost, while the source changes between any two steps of the reconciler.
//   FOXING_SEED=N          this seed alone        FOXING_SEEDS=N   so many seeds (2 000)
// Afterwards the target is equal, and nothing in it ever was what the source never was.  A seed does the same each time.
#include <gmock/gmock.h>

#include <cstdlib>

#include "foxingd/pipeline/model_world.h"
#include "foxingd/pipeline/reconciler.h"

namespace foxing::pipeline {
namespace {

using capture::Event;

struct Disorder {
  unsigned changing;  // of 100 questions, after how many the source changes
  unsigned failing;  // of 100 actions
  unsigned doubled;  // of 100 events
  unsigned reordered;  // of 100 pairs of neighbours
  unsigned lost;  // of 100 deliveries
  bool by_directory = false;  // as by a source that polls: only in which directories something happened
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, Disorder disorder)
      : random_(seed),
        disorder_(disorder),
        source_(random_),
        world_(
            source_, [this] { between(); }, [this] { return busy_ && chance(disorder_.failing); }),
        table_(handle_of(ModelTree::kRoot)),
        pending_(10'000),
        reconciler_(table_, links_, pending_, world_) {}

  void run() {
    for (unsigned i = 0; i < 20; ++i) source_.change();
    source_.told.clear();
    scan();
    for (unsigned step = 0; step < 25; ++step) {
      for (std::size_t i = below(6); i > 0; --i) source_.change();
      if (chance(70)) deliver(below(8));
      if (chance(80)) reconcile(1 + below(10));
    }
    busy_ = false;  // the source is quiet from here on
    for (unsigned round = 0; round < 2000; ++round) {
      deliver(source_.told.size());
      const std::uint64_t asked = pending_.last_number();
      for (bool done = false; !done && round < 2000; ++round) {
        reconcile(1 + below(100));
        done = !pending_.lost() && pending_.oldest().value_or(asked + 1) > asked &&
               reconciler_.oldest_to_search().value_or(asked + 1) > asked;
      }
      // `foxingd flush` is answered now: what has come of what had been heard is done, too.
      world_.settle();
      if (pending_.empty() && !pending_.lost()) return;
      expect_equal();
      if (testing::Test::HasFailure()) return;
    }
    ADD_FAILURE() << "it does not come to an end";
  }

  void expect_equal() {
    EXPECT_THAT(world_.target.description(), testing::ElementsAreArray(source_.tree.description()));
    EXPECT_THAT(world_.inventions, testing::IsEmpty());
  }
  void expect_nothing_is_kept() { EXPECT_EQ(pending_.moves(), 0u) << "renames that nobody will ask for"; }

 private:
  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }
  bool chance(unsigned percent) { return below(100) < percent; }
  void between() {
    if (busy_ && chance(disorder_.changing)) source_.change();
  }

  void scan() {
    table_.begin_scan();
    links_.clear();
    world_.scan([&](Inode directory, Inode parent,
                    const std::string& name) { table_.put(handle_of(directory), handle_of(parent), name); },
                [&](const Name& name, std::uint64_t inode, std::uint64_t links) { links_.note(name, inode, links); });
    table_.end_scan();
  }

  void deliver(std::size_t count) {
    std::vector<Event> events(source_.told.begin(),
                              source_.told.begin() + static_cast<std::ptrdiff_t>(std::min(count, source_.told.size())));
    source_.told.erase(source_.told.begin(), source_.told.begin() + static_cast<std::ptrdiff_t>(events.size()));
    if (busy_ && !events.empty() && chance(disorder_.lost)) {
      pending_.push({.kind = Event::Kind::lost});
      return;
    }
    for (std::size_t i = 1; i < events.size(); ++i)
      if (chance(disorder_.reordered)) std::swap(events[i - 1], events[i]);
    for (const Event& event : events) {
      if (disorder_.by_directory && (event.kind == Event::Kind::name || event.kind == Event::Kind::renamed)) {
        pending_.push({.kind = Event::Kind::inside, .directory = event.directory});
        if (event.kind == Event::Kind::renamed) pending_.push({.kind = Event::Kind::inside, .directory = event.to_directory});
        continue;
      }
      pending_.push(event);
      if (chance(disorder_.doubled)) pending_.push(event);
    }
  }

  void reconcile(std::size_t most) {
    if (pending_.take_lost()) scan();
    for (const auto& failure : reconciler_.run(most))
      pending_.put_back({failure.item.name, failure.item.since, 0, failure.item.owed});
    if (pending_.empty()) world_.settle();
  }

  std::mt19937_64 random_;
  const Disorder disorder_;
  bool busy_ = true;
  ModelSource source_;
  ModelWorld world_;
  DirectoryTable table_;
  LinkGroups links_;
  Pending pending_;
  Reconciler reconciler_;
};

void simulate(const char* what, Disorder disorder) {
  const char* const one = std::getenv("FOXING_SEED");
  const char* const many = std::getenv("FOXING_SEEDS");
  const std::uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : 1;
  const std::uint64_t count = one != nullptr ? 1 : many != nullptr ? std::strtoull(many, nullptr, 10) : 2000;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE(std::string(what) + ", FOXING_SEED=" + std::to_string(seed));
    Simulation simulation(seed, disorder);
    simulation.run();
    simulation.expect_equal();
    simulation.expect_nothing_is_kept();
    if (testing::Test::HasFailure()) return;  // the first seed that fails is the one to look at
  }
}

TEST(Simulator, EventsInOrder) { simulate("in order", {}); }
TEST(Simulator, TheSourceChangesAllTheTime) { simulate("changing", {.changing = 20}); }
TEST(Simulator, EventsAreDoubledAndOutOfOrder) { simulate("out of order", {.changing = 10, .doubled = 20, .reordered = 30}); }
TEST(Simulator, EventsAreLost) { simulate("lost", {.changing = 10, .lost = 20}); }
TEST(Simulator, ActionsFail) { simulate("failing", {.changing = 10, .failing = 15}); }
TEST(Simulator, OnlyDirectoriesAreTold) {
  simulate("by directory", {.changing = 10, .failing = 5, .lost = 5, .by_directory = true});
}
TEST(Simulator, Everything) {
  simulate("everything", {.changing = 20, .failing = 10, .doubled = 10, .reordered = 10, .lost = 5});
}

}  // namespace
}  // namespace foxing::pipeline
