// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/child.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/call.h"

namespace foxing::sys {

void ChildTraits::dispose(pid_t child) {
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<Child> Child::start(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child < 0) return failed("fork");
  if (child == 0) ::_exit(work());
  return Child(child);
}

std::optional<int> Child::ask(int flags) {
  int status = 0;
  pid_t answer = 0;
  do {
    answer = ::waitpid(child_.get(), &status, flags);
  } while (answer < 0 && errno == EINTR);
  if (answer == 0) return std::nullopt;
  (void)child_.release();
  return answer > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

std::optional<int> Child::ended() { return ask(WNOHANG); }

int Child::wait() { return ask(0).value_or(255); }

}  // namespace foxing::sys
