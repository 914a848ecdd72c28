// SPDX-License-Identifier: GPL-2.0-or-later
// What a process does to itself is tried in a child of its own.
#include "sys/process.h"

#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <functional>

namespace foxing::sys {
namespace {

/// Runs `work` in a child; its exit status as of waitpid(2).
int in_a_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::_exit(work());
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}
int exited_with(int code) { return code << 8; }

TEST(OpenFiles, TheSoftLimitBecomesTheHardOne) {
  EXPECT_EQ(in_a_child([] {
              rlimit limit{};
              ::getrlimit(RLIMIT_NOFILE, &limit);
              limit.rlim_cur = 64;
              limit.rlim_max = 128;
              if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
              if (raise_open_file_limit() != 128) return 2;
              ::getrlimit(RLIMIT_NOFILE, &limit);
              return limit.rlim_cur == 128 ? 0 : 3;
            }),
            exited_with(0));
}

TEST(Privileges, AreRootsOrNot) {
  if (::geteuid() != 0) {
    EXPECT_FALSE(privileges().set_owner);
    EXPECT_FALSE(privileges().ignore_permissions);
    GTEST_SKIP() << "root's own: needs root";
  }
  EXPECT_TRUE(privileges().set_owner);
  EXPECT_EQ(
      in_a_child([] {
        if (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0) return 1;
        const Privileges now = privileges();
        return now.set_owner || now.trusted_attributes || now.file_capabilities || now.ignore_permissions || now.make_devices ? 2
                                                                                                                              : 0;
      }),
      exited_with(0));
}

TEST(Processors, AreAtLeastOneAndAtMostAll) {
  EXPECT_GE(usable_processors(), 1u);
  EXPECT_LE(usable_processors(), static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_CONF)));
}

TEST(Umask, IsToldWithoutBeingChangedAndCleared) {
  const mode_t before = ::umask(027);
  EXPECT_EQ(current_umask(), 027u);
  EXPECT_EQ(current_umask(), 027u);
  clear_umask();
  EXPECT_EQ(::umask(before), 0u);
}

TEST(StopSignals, TheFirstAsksTheSecondEnds) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    const int first = in_a_child([number] {
      ::signal(number, SIG_DFL);
      catch_stop_signals();
      if (stop_requested()) return 1;
      ::raise(number);
      ::raise(number);  // a terminal that closes sends two at once: they are one
      return stop_requested() ? 0 : 2;
    });
    EXPECT_EQ(first, exited_with(0)) << number;
    const int second = in_a_child([number] {
      ::signal(number, SIG_DFL);
      catch_stop_signals();
      ::alarm(20);
      while (true) ::raise(number);  // until one of them is late enough to be a second one
      return 3;
    });
    EXPECT_TRUE(WIFSIGNALED(second)) << number;
    EXPECT_EQ(WTERMSIG(second), number);
  }
}

TEST(StopSignals, NohupStaysNohup) {
  EXPECT_EQ(in_a_child([] {
              ::signal(SIGHUP, SIG_IGN);
              catch_stop_signals();
              ::raise(SIGHUP);
              return stop_requested() ? 1 : 0;
            }),
            exited_with(0));
}

TEST(StopSignals, AClosedPipeIsAnErrorAndNoDeath) {
  EXPECT_EQ(in_a_child([] {
              catch_stop_signals();
              int pipe[2];
              if (::pipe(pipe) != 0) return 1;
              ::close(pipe[0]);
              return ::write(pipe[1], "x", 1) == -1 && errno == EPIPE ? 0 : 2;
            }),
            exited_with(0));
}

TEST(StopSignals, AStopOfOurOwnDoesNotCountAsTheFirstOne) {
  EXPECT_EQ(in_a_child([] {
              ::signal(SIGTERM, SIG_DFL);
              catch_stop_signals();
              request_stop();
              ::raise(SIGTERM);
              return stop_requested() ? 0 : 1;
            }),
            exited_with(0));
}

TEST(BootTime, IsBeforeThisProcessAndAfter2020) {
  EXPECT_LT(boot_time(), ::time(nullptr));
  EXPECT_GT(boot_time(), 1'577'836'800);
}

TEST(StopSignals, CanBeAskedForAndForgotten) {
  forget_stop_request();
  EXPECT_FALSE(stop_requested());
  request_stop();
  EXPECT_TRUE(stop_requested());
  forget_stop_request();
  EXPECT_FALSE(stop_requested());
}

// ---- Identity

TEST(Identity, IsTheSameEachTimeAndAlive) {
  const ProcessIdentity a = own_identity();
  const ProcessIdentity b = own_identity();
  EXPECT_EQ(a.pid, static_cast<std::uint32_t>(::getpid()));
  EXPECT_EQ(a.machine, b.machine);
  EXPECT_EQ(a.boot, b.boot);
  EXPECT_EQ(a.start_time, b.start_time);
  EXPECT_LT(a.boot, 1u << 12);
  EXPECT_LT(a.start_time, 1u << 14);
  EXPECT_EQ(liveness(a), Liveness::alive);
}

TEST(Identity, OfAnotherLivingProcess) {
  // Its name holds what separates the fields of /proc/PID/stat.
  int go[2];
  int said[2];
  ASSERT_EQ(::pipe(go), 0);
  ASSERT_EQ(::pipe(said), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NAME, "a) b (c) 1 2");
    const ProcessIdentity own = own_identity();
    [[maybe_unused]] ssize_t ignored = ::write(said[1], &own, sizeof own);
    char byte;
    ignored = ::read(go[0], &byte, 1);
    ::_exit(0);
  }
  ProcessIdentity identity;
  ASSERT_EQ(::read(said[0], &identity, sizeof identity), static_cast<ssize_t>(sizeof identity));
  EXPECT_EQ(identity.pid, static_cast<std::uint32_t>(child));
  EXPECT_EQ(liveness(identity), Liveness::alive);
  EXPECT_EQ(::write(go[1], "x", 1), 1);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(liveness(identity), Liveness::dead);
  for (const int fd : {go[0], go[1], said[0], said[1]}) ::close(fd);
}

TEST(Identity, ANumberThatWasUsedAgainAnEarlierBootAnotherMachine) {
  ProcessIdentity identity = own_identity();
  identity.start_time ^= 1;
  EXPECT_EQ(liveness(identity), Liveness::dead);
  identity = own_identity();
  identity.boot ^= 1;
  EXPECT_EQ(liveness(identity), Liveness::dead_with_boot);
  identity = own_identity();
  identity.machine ^= 1;
  EXPECT_EQ(liveness(identity), Liveness::unknown) << "its processes cannot be asked from here";
}

}  // namespace
}  // namespace foxing::sys
