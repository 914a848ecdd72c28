// SPDX-License-Identifier: GPL-2.0-or-later
// Stopwatch: runs one command and says what it cost.
//   from  a command line          to  one line of JSON in the file named first: seconds, largest resident set, user and system time, status
// Why.   The runner is Python.  A child's ru_maxrss starts at the size of whoever forked it, so a child of Python never seems smaller than
//        Python (12 MiB and more), and Python takes as long to start a child as `cp` takes for a small file.  This program is 2 MiB small.
// How.   CLOCK_MONOTONIC before posix_spawn and after wait4: what somebody at the prompt waits for, exec included.
//        --touch=BYTES has a child write to that much memory and end, before the clock starts.  Many virtual machines hand free memory back
//        to the host, and the first program to use it again pays for every page; whoever copies next would pay for whoever copied last.
//        --warm=DIRECTORY reads everything below it before the clock starts; whatever else runs on the machine may have pushed it out.
//        --repeat=N runs the command N times and reports the median of the seconds; a command with {} in it gets the number there.
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Choices {
  size_t touch_bytes = 0;
  const char* warm_directory = nullptr;
  unsigned repeat = 1;
  const char* result_file = nullptr;
  std::vector<std::string> command;
};

struct Run {
  double seconds = 0;
  rusage usage{};
  int status = 0;
};

double seconds(const timespec& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9; }
double seconds(const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6; }

/// As a shell would say it: the exit code, or 128 and the number of the signal.
int shell_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(126);
}

/// In a child, because the largest resident set of this process would be inherited by the command.
void touch_memory(size_t bytes) {
  if (bytes == 0) return;
  const pid_t child = fork();
  if (child < 0) die("stopwatch: fork");
  if (child == 0) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    _exit(memory == MAP_FAILED ? 1 : 0);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) die("stopwatch: --touch");
}

int read_file(const char* path, const struct stat*, int kind, FTW*) {
  static std::array<char, 256 << 10> buffer;
  if (kind != FTW_F) return 0;
  const int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) die(path);
  while (read(file, buffer.data(), buffer.size()) > 0) {
  }
  close(file);
  return 0;
}

/// Names, inodes and contents.  In a child, for the same reason.
void warm(const char* directory) {
  if (directory == nullptr) return;
  const pid_t child = fork();
  if (child < 0) die("stopwatch: fork");
  if (child == 0) _exit(nftw(directory, read_file, 64, FTW_PHYS) == 0 ? 0 : 1);
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) die("stopwatch: --warm");
}

Run run_once(const std::vector<std::string>& command, unsigned number) {
  std::vector<std::string> words = command;
  std::vector<char*> argv;
  for (std::string& word : words) {
    if (const size_t at = word.find("{}"); at != std::string::npos) word.replace(at, 2, std::to_string(number));
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  Run run;
  timespec start{};
  timespec end{};
  pid_t child = 0;
  clock_gettime(CLOCK_MONOTONIC, &start);
  if (const int failed = posix_spawnp(&child, argv[0], nullptr, nullptr, argv.data(), environ); failed != 0) {
    errno = failed;
    die(argv[0]);
  }
  if (wait4(child, &run.status, 0, &run.usage) != child) die("stopwatch: wait4");
  clock_gettime(CLOCK_MONOTONIC, &end);
  run.seconds = seconds(end) - seconds(start);
  return run;
}

Choices parse(int argc, char** argv) {
  Choices choices;
  int i = 1;
  for (; i < argc && std::strncmp(argv[i], "--", 2) == 0; ++i) {
    const std::string_view word = argv[i];
    const char* value = argv[i] + word.find('=') + 1;
    if (word.starts_with("--touch=")) choices.touch_bytes = std::strtoull(value, nullptr, 10);
    if (word.starts_with("--warm=")) choices.warm_directory = value;
    if (word.starts_with("--repeat=")) choices.repeat = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
  }
  if (argc - i < 2 || choices.repeat == 0) {
    std::fputs("usage: stopwatch [--touch=BYTES] [--warm=DIRECTORY] [--repeat=N] RESULT_FILE COMMAND [ARGUMENT...]\n", stderr);
    std::exit(2);
  }
  choices.result_file = argv[i];
  choices.command.assign(argv + i + 1, argv + argc);
  return choices;
}

}  // namespace

int main(int argc, char** argv) {
  const Choices choices = parse(argc, argv);
  touch_memory(choices.touch_bytes);
  warm(choices.warm_directory);
  std::vector<Run> runs;
  for (unsigned number = 0; number < choices.repeat; ++number) {
    runs.push_back(run_once(choices.command, number));
    if (runs.back().status != 0) break;
  }
  const int status = shell_status(runs.back().status);
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.seconds < b.seconds; });
  const Run& median = runs[runs.size() / 2];
  std::FILE* result = std::fopen(choices.result_file, "w");
  if (result == nullptr) die(choices.result_file);
  std::fprintf(
      result, "{\"seconds\": %.9f, \"max_rss_bytes\": %ld, \"user_seconds\": %.6f, \"system_seconds\": %.6f, \"status\": %d}\n",
      median.seconds, median.usage.ru_maxrss * 1024, seconds(median.usage.ru_utime), seconds(median.usage.ru_stime), status);
  return std::fclose(result) == 0 ? status : 126;
}
