// SPDX-License-Identifier: GPL-2.0-or-later
// mirror_latency SRC DST N: how long after a change its copy is visible and complete, while foxingd mirrors SRC into DST.
//   out  one line a kind: p50, p90, p99 and the longest, in microseconds
// How.   One change at a time, then the target is asked (fstatat, and the bytes are compared where there are some) without a pause until it has it.
//        The clock starts before the first system call of the change.  Files that are in the way are removed first, and that is waited for.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& what) {
  fmt::print(stderr, "mirror_latency: {}: {}\n", what, std::strerror(errno));
  std::exit(2);
}

void write_file(const std::string& path, const std::string& content, int flags) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0644);
  if (fd < 0 || ::write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size())) give_up(path);
  ::close(fd);
}

bool has(const std::string& path, const std::string& content) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || status.st_size != static_cast<off_t>(content.size())) return false;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  std::string read(content.size(), '\0');
  const bool same = ::read(fd, read.data(), read.size()) == static_cast<ssize_t>(read.size()) && read == content;
  ::close(fd);
  return same;
}

bool exists(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

double microseconds_until(const std::function<void()>& change, const std::function<bool()>& seen) {
  const auto begin = Clock::now();
  change();
  while (!seen()) {
    if (Clock::now() - begin > std::chrono::seconds(10)) {
      errno = ETIMEDOUT;
      give_up("the target does not follow");
    }
  }
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

void tell(const char* kind, std::vector<double> times) {
  std::ranges::sort(times);
  const auto at = [&](double share) {
    return times[std::min(times.size() - 1, static_cast<std::size_t>(share * static_cast<double>(times.size())))];
  };
  fmt::print("{:<16} p50 {:7.0f}  p90 {:7.0f}  p99 {:7.0f}  max {:7.0f} us\n", kind, at(0.5), at(0.9), at(0.99), times.back());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: mirror_latency SRC DST N\n");
    return 2;
  }
  const std::string source = argv[1], target = argv[2];
  const int count = std::max(1, std::atoi(argv[3]));
  std::vector<double> create, large, modify, rename, directory, remove, batch;
  for (int i = 0; i < count; ++i) {
    const std::string name = fmt::format("/latency.{}", i), other = name + ".renamed", made = name + ".d", big = name + ".64k";
    const std::string first(4096, static_cast<char>('a' + i % 26)), second(4096, static_cast<char>('A' + i % 26)),
        more(65536, 'x');
    const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(3)); };  // each change finds the mirror idle
    create.push_back(microseconds_until([&] { write_file(source + name, first, O_CREAT | O_EXCL); },
                                        [&] { return has(target + name, first); }));
    pause();
    modify.push_back(
        microseconds_until([&] { write_file(source + name, second, 0); }, [&] { return has(target + name, second); }));
    pause();
    rename.push_back(microseconds_until(
        [&] {
          if (::rename((source + name).c_str(), (source + other).c_str()) != 0) give_up(name);
        },
        [&] { return exists(target + other) && !exists(target + name); }));
    pause();
    large.push_back(
        microseconds_until([&] { write_file(source + big, more, O_CREAT | O_EXCL); }, [&] { return has(target + big, more); }));
    pause();
    directory.push_back(microseconds_until(
        [&] {
          if (::mkdir((source + made).c_str(), 0755) != 0) give_up(made);
        },
        [&] { return exists(target + made); }));
    pause();
    batch.push_back(microseconds_until(
        [&] {
          for (int k = 0; k < 10; ++k) write_file(source + made + fmt::format("/{}", k), first, O_CREAT | O_EXCL);
        },
        [&] { return has(target + made + "/9", first); }));
    pause();
    remove.push_back(microseconds_until([&] { ::unlink((source + other).c_str()); }, [&] { return !exists(target + other); }));
    pause();
  }
  tell("create 4 KiB", create);
  tell("create 64 KiB", large);
  tell("modify 4 KiB", modify);
  tell("rename", rename);
  tell("mkdir", directory);
  tell("delete", remove);
  tell("10 x 4 KiB", batch);
  return 0;
}
