// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/fanotify.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "foxingd/capture/operations.h"
#include "sys/file.h"
#include "sys/waiting.h"
#include "testing/temp_tree.h"

namespace foxing::capture {
namespace {

using testing::TempTree;
using Kind = Event::Kind;

/// What somebody else does: events of this process are left out.
void in_another_process(const std::function<void()>& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    act();
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

class FanotifySource : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::is_root()) GTEST_SKIP() << "needs root";
    root_ = std::move(*sys::open_at(sys::working_directory(), world_.path(), {.directory = true}));
    handle_ = *sys::handle_of(root_);
    auto started = Fanotify::start(root_, queue_);
    if (!started) GTEST_SKIP() << "this filesystem cannot be watched: " << started.error().message();
    source_ = std::move(*started);
  }
  /// The events of the test's own directory; others write to this filesystem, too.
  std::vector<Event> heard() {
    std::vector<Event> all, ours;
    while (!*source_->poll(all, 1000)) {
    }
    for (Event& event : all)
      if (event.directory == handle_ || event.kind == Kind::lost) ours.push_back(std::move(event));
    return ours;
  }
  std::vector<std::string> names_after(const std::function<void()>& act) {
    (void)heard();
    in_another_process(act);
    std::vector<std::string> names;
    for (const Event& event : heard())
      names.push_back(event.kind == Kind::renamed ? event.name + ">" + event.to_name : event.name);
    return names;
  }
  std::string at(const char* name) const { return world_.at(name); }

  TempTree world_;
  Fanotify::Queue queue_ = Fanotify::Queue::unlimited;
  sys::UniqueFd root_;
  sys::FileHandle handle_;
  std::unique_ptr<EventSource> source_;
};

int open_file(const std::string& path, int flags = O_RDWR) { return ::open(path.c_str(), flags | O_CLOEXEC, 0644); }

TEST_F(FanotifySource, HearsOfEveryOperationThatItSaysItHearsOfAndOfNoOther) {
  ASSERT_TRUE(prepare_operations(root_));
  unsigned done = 0;
  for (std::size_t i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    SCOPED_TRACE(name_of(operation));
    const auto heard = is_heard(*source_, root_, operation);
    if (!heard) {
      // Not every filesystem can clone, or go past the page cache.
      EXPECT_THAT(heard.error().code, ::testing::AnyOf(EOPNOTSUPP, EINVAL, ENOSYS, ENOTTY, EPERM, EACCES))
          << heard.error().message();
      continue;
    }
    ++done;
    EXPECT_EQ(*heard, source_->coverage().sees(operation));
  }
  EXPECT_GE(done, 16u);
  EXPECT_TRUE(remove_operations(root_));
  EXPECT_THAT(world_.names(), ::testing::IsEmpty());
}

TEST_F(FanotifySource, ARenameSaysBothNamesAndWhoHadThem) {
  world_.file("a", "1");
  const sys::FileHandle object = *sys::handle_at(root_, "a");
  (void)heard();
  in_another_process([&] { ::rename(at("a").c_str(), at("b").c_str()); });
  const auto events = heard();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, Kind::renamed);
  EXPECT_EQ(events[0].name, "a");
  EXPECT_EQ(events[0].to_name, "b");
  EXPECT_EQ(events[0].to_directory, handle_);
  EXPECT_EQ(events[0].object, object);
}

TEST_F(FanotifySource, AnExchangeIsTwoRenames) {
  world_.file("a", "1");
  world_.file("b", "2");
  EXPECT_THAT(names_after([&] { ::renameat2(AT_FDCWD, at("a").c_str(), AT_FDCWD, at("b").c_str(), RENAME_EXCHANGE); }),
              ::testing::UnorderedElementsAre("a>b", "b>a"));
}

TEST_F(FanotifySource, LeavesOutWhatThisProcessDoes) {
  (void)heard();
  const std::uint64_t before = source_->counters().own;
  world_.file("mine", "1");
  EXPECT_THAT(heard(), ::testing::IsEmpty());
  EXPECT_GT(source_->counters().own, before);
}

TEST_F(FanotifySource, AStoreThroughAMapIsHeardOfWhenTheFileIsClosed) {
  world_.file("mapped", std::string(4096, 'x'));
  EXPECT_FALSE(source_->coverage().sees(Operation::mapped_write));
  EXPECT_THAT(names_after([&] {
                const int fd = open_file(at("mapped"));
                auto* const view = static_cast<char*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
                view[0] = 'y';
                ::munmap(view, 4096);
                ::close(fd);
              }),
              ::testing::Contains("mapped"));
}

class LimitedFanotifySource : public FanotifySource {
 protected:
  LimitedFanotifySource() { queue_ = Fanotify::Queue::limited; }
};

TEST_F(LimitedFanotifySource, AnOverflowIsAnEvent) {
  in_another_process([&] {
    for (int i = 0; i < 20'000; ++i) ::close(open_file(at(std::to_string(i % 19'000).c_str()), O_WRONLY | O_CREAT));
  });
  std::size_t lost = 0;
  for (const Event& event : heard()) lost += event.kind == Kind::lost ? 1 : 0;
  EXPECT_EQ(lost, 1u);
  EXPECT_EQ(source_->counters().lost, 1u);
}

}  // namespace
}  // namespace foxing::capture
