// SPDX-License-Identifier: GPL-2.0-or-later
// swapper DIR NAME OTHER: the attacker.  Exchanges two names as fast as it can (a directory and a symlink, a file and a fifo),
// so that whoever looks twice sees two things.  Ends on SIGTERM, with the names as they were at the start, and says how often.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace {
volatile std::sig_atomic_t stop = 0;
}

int main(int count, char** arguments) {
  if (count != 4) {
    std::fprintf(stderr, "usage: swapper DIR NAME OTHER\n");
    return 2;
  }
  std::signal(SIGTERM, [](int) { stop = 1; });
  const int directory = ::open(arguments[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) {
    std::fprintf(stderr, "swapper: %s: %s\n", arguments[1], std::strerror(errno));
    return 2;
  }
  unsigned long swaps = 0, misses = 0;
  while (stop == 0 || swaps % 2 != 0) {
    // A copier that has just moved one of the names away makes this fail: try again.
    if (::renameat2(directory, arguments[2], directory, arguments[3], RENAME_EXCHANGE) == 0)
      ++swaps;
    else if (errno != ENOENT || (stop != 0 && ++misses > 1000))
      break;
  }
  std::printf("%lu\n", swaps);
  return stop != 0 ? 0 : 1;
}
