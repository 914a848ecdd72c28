// SPDX-License-Identifier: GPL-2.0-or-later
// bpf-ctime on the kernel that runs: needs root, BPF, Linux 6.13, and a $TMPDIR on ext4, XFS or btrfs.
#include "foxingd/capture/bpf_ctime.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <liburing.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>

#include "bpf/embedded.h"
#include "sys/file.h"
#include "sys/waiting.h"
#include "testing/temp_tree.h"

#ifdef FOXING_BPF
#include <bpf/libbpf.h>
#endif

namespace foxing::capture {
namespace {

using namespace std::chrono_literals;
using testing::TempTree;
using Kind = Event::Kind;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = 20s;

/// Somebody else: does something when he is told to, and keeps open what he has opened until he goes.
class Other {
 public:
  /// `act` is called with a rising number; false: this cannot be done here.
  explicit Other(const std::function<bool(int)>& act) {
    int to[2], from[2];
    if (::pipe(to) != 0 || ::pipe(from) != 0) ::abort();
    child_ = ::fork();
    if (child_ == 0) {
      ::close(to[1]);
      ::close(from[0]);
      char go = 0;
      for (int number = 0; ::read(to[0], &go, 1) == 1; ++number) {
        const char answer = act(number) ? 'y' : 'n';
        if (::write(from[1], &answer, 1) != 1) break;
      }
      ::_exit(0);
    }
    ::close(to[0]);
    ::close(from[1]);
    to_ = to[1];
    from_ = from[0];
  }
  bool acts() {
    char answer = 'g';
    if (::write(to_, &answer, 1) != 1 || ::read(from_, &answer, 1) != 1) {
      ADD_FAILURE() << "the other process is gone";
      return false;
    }
    return answer == 'y';
  }
  ~Other() {
    ::kill(child_, SIGKILL);  // those that were forked later have its pipe as well: it would not end
    ::close(to_);
    ::close(from_);
    ::waitpid(child_, nullptr, 0);
  }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;

 private:
  pid_t child_ = -1;
  int to_ = -1, from_ = -1;
};

class BpfCtimeSource : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::is_root()) GTEST_SKIP() << "needs root";
    world_.dir("root");
    world_.dir("beside");
    root_ = std::move(*sys::open_at(sys::working_directory(), world_.at("root"), {.directory = true}));
    directory_ = *sys::handle_of(root_);
    for (const char* name : {"f", "g", "h"}) world_.file(std::string("root/") + name, std::string(16384, 'x'));
    auto started = BpfCtime::start(root_, BpfCtime::Queue::unlimited, room_);
    if (!started) GTEST_SKIP() << "there is no bpf-ctime here: " << started.error().message();
    source_ = std::move(*started);
  }
  std::string at(const char* name) const { return world_.at("root/") + name; }
  sys::FileHandle object(const char* name) const { return *sys::handle_at(root_, name); }

  /// Polls until an event is `wanted`; what came until then is in events_.
  bool hears(const std::function<bool(const Event&)>& wanted) {
    events_.clear();
    const auto until = Clock::now() + kPatience;
    while (Clock::now() < until) {
      const std::size_t before = events_.size();
      if (!source_->poll(events_, 1000)) return false;
      for (std::size_t i = before; i < events_.size(); ++i)
        if (wanted(events_[i])) return true;
      const std::array only{source_->descriptor()};
      (void)sys::wait_any(only, 100ms);
    }
    return false;
  }
  static std::function<bool(const Event&)> doubts(const sys::FileHandle& object) {
    return [object](const Event& event) { return event.doubted && event.object == object; };
  }

  std::uint32_t room_ = CtimeProgram::kRoom;
  TempTree world_;
  sys::UniqueFd root_;
  sys::FileHandle directory_;
  std::unique_ptr<EventSource> source_;
  std::vector<Event> events_;
};

int open_file(const std::string& path, int flags = O_RDWR) { return ::open(path.c_str(), flags | O_CLOEXEC, 0644); }

char* map(const std::string& path) {
  return static_cast<char*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open_file(path), 0));
}

bool ring_write(const std::string& path) {
  io_uring ring;
  if (::io_uring_queue_init(2, &ring, 0) != 0) return false;
  io_uring_sqe* const entry = ::io_uring_get_sqe(&ring);
  ::io_uring_prep_write(entry, open_file(path), "y", 1, 0);
  return ::io_uring_submit_and_wait(&ring, 1) == 1;
}

/// As libaio does it, which Debian's kernel headers are enough for.
bool aio_write(int fd, char byte, int more_flags = 0) {
  alignas(4096) static char block[4096];
  block[0] = byte;
  aio_context_t context = 0;
  if (::syscall(SYS_io_setup, 1, &context) != 0) return false;
  iocb request{};
  request.aio_lio_opcode = IOCB_CMD_PWRITE;
  request.aio_fildes = static_cast<std::uint32_t>(fd);
  request.aio_buf = reinterpret_cast<std::uint64_t>(block);
  request.aio_nbytes = sizeof block;
  request.aio_rw_flags = more_flags;
  iocb* requests[1] = {&request};
  io_event done{};
  const bool ok =
      ::syscall(SYS_io_submit, context, 1, requests) == 1 && ::syscall(SYS_io_getevents, context, 1, 1, &done, nullptr) == 1;
  ::syscall(SYS_io_destroy, context);
  return ok && done.res == static_cast<std::int64_t>(sizeof block);
}

bool set_acl(const std::string& path) {
  // Version 2; owner rw, user 1 r, group r, mask r, others r.
  static constexpr unsigned char kAcl[] = {2, 0, 0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
                                           0, 1, 0,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                                           4, 0, 255, 255, 255, 255, 32, 0, 4,   0,   255, 255, 255, 255};
  return ::setxattr(path.c_str(), "system.posix_acl_access", kAcl, sizeof kAcl, 0) == 0;
}

bool set_no_atime(const std::string& path) {
  const int fd = open_file(path, O_RDONLY);
  int flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return false;
  flags |= FS_NOATIME_FL;
  return ::ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

// Every row of the table, by somebody who keeps his files open.
TEST_F(BpfCtimeSource, HearsOfEveryOperation) {
  using Act = std::function<bool()>;
  const std::array<std::pair<Operation, Act>, kOperations> acts{{
      {Operation::create, [&] { return open_file(at("new"), O_WRONLY | O_CREAT) >= 0; }},
      {Operation::make_directory, [&] { return ::mkdir(at("d").c_str(), 0755) == 0; }},
      {Operation::link, [&] { return ::link(at("f").c_str(), at("f2").c_str()) == 0; }},
      {Operation::unlink, [&] { return ::unlink(at("f2").c_str()) == 0; }},
      {Operation::rename, [&] { return ::rename(at("new").c_str(), at("newer").c_str()) == 0; }},
      {Operation::exchange,
       [&] { return ::renameat2(AT_FDCWD, at("h").c_str(), AT_FDCWD, at("newer").c_str(), RENAME_EXCHANGE) == 0; }},
      {Operation::write, [&] { return ::pwrite(open_file(at("f")), "y", 1, 0) == 1; }},
      {Operation::ring_write, [&] { return ring_write(at("f")); }},
      {Operation::direct_write,
       [&] {
         alignas(4096) static char block[4096];
         return ::pwrite(open_file(at("f"), O_WRONLY | O_DIRECT), block, sizeof block, 0) == sizeof block;
       }},
      {Operation::truncate, [&] { return ::truncate(at("f").c_str(), 8192) == 0; }},
      {Operation::allocate, [&] { return ::fallocate(open_file(at("f")), 0, 0, 12288) == 0; }},
      {Operation::copy_range,
       [&] { return ::copy_file_range(open_file(at("f")), nullptr, open_file(at("g")), nullptr, 100, 0) == 100; }},
      {Operation::clone, [&] { return ::ioctl(open_file(at("g")), FICLONE, open_file(at("f"))) == 0; }},
      {Operation::chmod, [&] { return ::chmod(at("f").c_str(), 0600) == 0; }},
      {Operation::chown, [&] { return ::chown(at("f").c_str(), 1, 1) == 0; }},
      {Operation::utimes, [&] { return ::utimensat(AT_FDCWD, at("f").c_str(), nullptr, 0) == 0; }},
      {Operation::xattr, [&] { return ::setxattr(at("f").c_str(), "user.x", "1", 1, 0) == 0; }},
      {Operation::acl, [&] { return set_acl(at("f")); }},
      {Operation::close_after_write, [&] { return ::close(open_file(at("f"), O_WRONLY)) == 0; }},
      {Operation::mapped_write,
       [&] {
         char* const view = map(at("f"));
         return view != MAP_FAILED && (view[0] = 'z') != 0;
       }},
      {Operation::aio_write, [&] { return aio_write(open_file(at("f")), 'a'); }},
      {Operation::inode_flags, [&] { return set_no_atime(at("f")); }},
  }};
  // Somebody each, who stays until the end: no close of his tells of what another has done.
  std::vector<std::unique_ptr<Other>> others;
  const std::vector<sys::FileHandle> files{object("f"), object("g"), object("h")};
  for (const auto& [operation, act] : acts) {
    SCOPED_TRACE(name_of(operation));
    EXPECT_TRUE(source_->coverage().sees(operation));
    for (std::vector<Event> before; !*source_->poll(before, 1000);) {
    }
    // As whoever mirrors does: without it, changes within one tick of the clock are one.
    for (const char* name : {"f", "g", "h"}) (void)world_.status(std::string("root/") + name);
    others.push_back(std::make_unique<Other>([&](int) { return act(); }));
    const bool done = others.back()->acts();
    if (!done && operation == Operation::clone) continue;  // ext4
    ASSERT_TRUE(done) << std::strerror(errno);
    EXPECT_TRUE(hears([&](const Event& event) {
      return event.directory == directory_ || std::ranges::find(files, event.object) != files.end();
    }));
  }
}

TEST_F(BpfCtimeSource, EveryStoreThroughAMapIsHeardOfWhileTheFileIsOpen) {
  char* view = nullptr;
  Other other([&](int number) {
    if (number == 0) view = map(at("f"));
    view[0] = static_cast<char>('a' + number);
    return true;
  });
  const sys::FileHandle f = object("f");
  for (int store = 0; store < 5; ++store) {
    SCOPED_TRACE(store);
    ASSERT_TRUE(other.acts());
    EXPECT_TRUE(hears(doubts(f)));
  }
}

TEST_F(BpfCtimeSource, AnAsynchronousWriteIsHeardOfWhileTheFileIsOpen) {
  int fd = -1;
  Other other([&](int number) {
    if (number == 0) fd = open_file(at("g"), O_WRONLY | O_DIRECT);
    return aio_write(fd, static_cast<char>('a' + number));
  });
  const sys::FileHandle g = object("g");
  for (int write = 0; write < 3; ++write) {
    SCOPED_TRACE(write);
    (void)sys::status_of(root_);
    ASSERT_TRUE(other.acts());
    EXPECT_TRUE(hears(doubts(g)));
    struct stat asked{};
    ASSERT_EQ(::stat(at("g").c_str(), &asked), 0);  // as whoever reads it does first
  }
}

TEST_F(BpfCtimeSource, TheLastCloseOfAFileThatWasStoredIntoIsDoubted) {
  {
    Other other([&](int) {
      map(at("f"))[0] = 'y';
      return true;
    });
    ASSERT_TRUE(other.acts());
    ASSERT_TRUE(hears(doubts(object("f"))));
  }
  const auto close = [](const Event& event) { return event.kind == Kind::name && event.name == "f"; };
  EXPECT_TRUE(hears(close));
  // Others are at work on this filesystem, too.
  const auto heard = std::ranges::find_if(events_, close);
  EXPECT_TRUE(heard != events_.end() && heard->doubted);
}

TEST_F(BpfCtimeSource, LeavesOutWhatThisProcessDoesAndWhatLiesElsewhere) {
  world_.file("beside/outside", std::string(4096, 'x'));
  const sys::FileHandle outside = *sys::handle_at(sys::working_directory(), world_.at("beside/outside"));
  const sys::FileHandle mine = object("g");
  char* const own = map(at("g"));
  ASSERT_NE(own, MAP_FAILED);
  const std::uint64_t before = source_->counters().own;
  own[0] = 'y';
  Other other([&](int number) {
    map(number == 0 ? world_.at("beside/outside") : at("f"))[0] = 'y';
    return true;
  });
  ASSERT_TRUE(other.acts());
  ASSERT_TRUE(other.acts());
  EXPECT_TRUE(hears(doubts(object("f"))));
  for (const Event& event : events_) {
    EXPECT_NE(event.object, mine);
    EXPECT_FALSE(event.kind == Kind::object && event.object == outside);
  }
  EXPECT_GT(source_->counters().own, before);
}

TEST_F(BpfCtimeSource, WhoIsWaitedForComesAtOnce) {
  Other other([&](int) {
    map(at("f"))[0] = 'y';
    return true;
  });
  ASSERT_TRUE(other.acts());
  source_->look_now();
  std::vector<Event> events;
  while (!*source_->poll(events, 1000)) {
  }
  EXPECT_TRUE(std::ranges::any_of(events, doubts(object("f"))));
}

class SmallBpfCtimeSource : public BpfCtimeSource {
 protected:
  SmallBpfCtimeSource() { room_ = 4; }
};

TEST_F(SmallBpfCtimeSource, WhatFindsNoRoomIsAnEvent) {
  for (int i = 0; i < 20; ++i) world_.file("root/" + std::to_string(i), "x");
  Other other([&](int) {
    for (int i = 0; i < 20; ++i) ::chmod(at(std::to_string(i).c_str()).c_str(), 0600);
    return true;
  });
  ASSERT_TRUE(other.acts());
  EXPECT_TRUE(hears([](const Event& event) { return event.kind == Kind::lost; }));
  EXPECT_GT(source_->counters().lost, 0u);
}

#ifdef FOXING_BPF
// The loader replaces a field that it does not find by a call of a function that there is not.
TEST(CtimeObject, EveryFieldIsFoundInTheKernelThatRuns) {
  if (!testing::is_root()) GTEST_SKIP() << "needs root";
  constexpr int kNotFound = 195'896'080;
  const auto bytes = bpf::ctime_object();
  bpf_object* const object = bpf_object__open_mem(bytes.data(), bytes.size(), nullptr);
  ASSERT_NE(object, nullptr);
  const int answer = bpf_object__load(object);
  std::size_t programs = 0, missing = 0;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    ++programs;
    const bpf_insn* const code = bpf_program__insns(program);
    EXPECT_NE(code, nullptr);
    for (std::size_t i = 0; code != nullptr && i < bpf_program__insn_cnt(program); ++i)
      missing += code[i].code == (BPF_JMP | BPF_CALL) && code[i].imm == kNotFound ? 1 : 0;
  }
  bpf_object__close(object);
  if (answer == -EPERM || answer == -ESRCH || answer == -ENOENT)
    GTEST_SKIP() << "this kernel loads no such programs: " << std::strerror(-answer);
  EXPECT_EQ(answer, 0);
  EXPECT_EQ(programs, 3u);
  EXPECT_EQ(missing, 0u);
}
#endif

}  // namespace
}  // namespace foxing::capture
