// SPDX-License-Identifier: GPL-2.0-or-later
// The installed rsync, for tests that compare with it.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

extern char** environ;

namespace foxing::testing {

struct Ran {
  int status = -1;     // exit code; -1 where it did not run, or died of a signal
  std::string output;  // standard output and standard error
};

inline Ran run_rsync(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "rsync");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return {};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe[1], 1);
  ::posix_spawn_file_actions_adddup2(&actions, pipe[1], 2);
  pid_t child = -1;
  const int problem = ::posix_spawnp(&child, "rsync", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  Ran ran;
  char buffer[4096];
  for (ssize_t got; problem == 0 && (got = ::read(pipe[0], buffer, sizeof buffer)) > 0;)
    ran.output.append(buffer, static_cast<std::size_t>(got));
  ::close(pipe[0]);
  int status = 0;
  if (problem == 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status)) ran.status = WEXITSTATUS(status);
  return ran;
}

/// True where rsync is there and takes this option: the ways it writes some of them are new.
inline bool rsync_takes(const std::string& option) { return run_rsync({option, "--version"}).status == 0; }

}  // namespace foxing::testing
