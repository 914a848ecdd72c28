// SPDX-License-Identifier: GPL-2.0-or-later
// Workload maker: the trees that the benchmarks copy, the same bytes on every machine.
//   from  a name of the table below          to  a new directory full of files
// Why.   Results can be compared only when the trees are equal, and compressing or deduplicating storage must gain nothing from them.
// How.   Every file's contents come from a Mersenne twister seeded with the workload's and the file's number.  Files are spread over
//        directories of 100, as trees of projects and mail are; `flat` puts all of them into one.
// Holds. --scale=N makes 1/N of the files (never fewer than one) and leaves their sizes alone, except that `large`, `sparse` and
//        `mixed` divide the sizes too: a smoke test wants every code path, not the bytes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;
constexpr uint64_t kFilesPerDirectory = 100;

[[noreturn]] void die(const char* operation, const std::string& subject) {
  std::fprintf(stderr, "make_workload: %s: %s: %s\n", subject.c_str(), operation, std::strerror(errno));
  std::exit(1);
}

/// The engine whose output the standard fixes, so that every machine and library makes the same bytes.
using Random = std::mt19937_64;

/// A size between the two, each power of two as likely as the next.
uint64_t size_between(Random& random, uint64_t least, uint64_t most) {
  const double unit = static_cast<double>(random() >> 11) * 0x1.0p-53;
  return static_cast<uint64_t>(static_cast<double>(least) *
                               std::pow(static_cast<double>(most) / static_cast<double>(least), unit));
}

/// Where one file's data lies; what is between is hole.
struct DataRange {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};
struct FilePlan {
  uint64_t size = 0;
  std::vector<DataRange> data;  // empty: all of it
};

struct Workload {
  std::string_view name;
  std::string_view what;
  uint64_t files;
  bool flat;
  bool scale_sizes;  // --scale divides the sizes as well as (or instead of) the number
  std::function<FilePlan(uint64_t number, Random&)> plan;
};

FilePlan plan_sparse(uint64_t, Random& random) {
  FilePlan plan{50 * kMiB, {}};
  for (uint64_t at = 0; at < plan.size; at += 5 * kMiB) plan.data.push_back({at + (random() % 64) * 64 * kKiB, 64 * kKiB});
  return plan;
}

/// 3 500 small, 1 250 middling and 250 large files: 2.1 GB, nearly all of it in the large ones, nearly all calls in the small ones.
FilePlan plan_mixed(uint64_t number, Random& random) {
  const uint64_t kind = number % 20;
  if (kind < 14) return {size_between(random, 256, 64 * kKiB), {}};
  if (kind < 19) return {size_between(random, 64 * kKiB, kMiB), {}};
  return {size_between(random, 3 * kMiB, 12 * kMiB), {}};
}

const std::array kWorkloads{
    Workload{"small", "10 000 files of 4 KiB", 10'000, false, false, [](uint64_t, Random&) { return FilePlan{4 * kKiB, {}}; }},
    Workload{"large", "10 files of 100 MiB", 10, true, true, [](uint64_t, Random&) { return FilePlan{100 * kMiB, {}}; }},
    Workload{"sparse", "10 files of 50 MiB, 640 KiB of it data", 10, true, true, plan_sparse},
    Workload{"mixed", "5 000 files, 2.1 GB", 5'000, false, true, plan_mixed},
    Workload{"single", "one file of 4 KiB", 1, true, false, [](uint64_t, Random&) { return FilePlan{4 * kKiB, {}}; }},
    Workload{"million", "1 000 000 files of 100 bytes", 1'000'000, false, false,
             [](uint64_t, Random&) { return FilePlan{100, {}}; }},
};

class Maker {
 public:
  explicit Maker(std::string root) : root_(std::move(root)) {
    if (mkdir(root_.c_str(), 0755) != 0) die("mkdir", root_);
  }

  void make(const Workload& workload, uint64_t scale) {
    const uint64_t files = std::max<uint64_t>(1, workload.files / scale);
    const uint64_t divisor = workload.scale_sizes ? scale : 1;
    std::string directory = root_;
    for (uint64_t number = 0; number < files; ++number) {
      if (!workload.flat && number % kFilesPerDirectory == 0) directory = next_directory(number / kFilesPerDirectory);
      // The seed keeps file 17 of `mixed` the same whatever the scale.
      Random random(number ^ (static_cast<uint64_t>(workload.name[0]) << 56));
      write_file(directory + "/file" + std::to_string(number), workload.plan(number, random), divisor, random);
    }
    std::printf("{\"files\": %llu, \"bytes\": %llu, \"data_bytes\": %llu}\n", static_cast<unsigned long long>(files),
                static_cast<unsigned long long>(bytes_), static_cast<unsigned long long>(data_bytes_));
  }

 private:
  /// Two levels, so that a million files do not need ten thousand directories side by side.
  std::string next_directory(uint64_t number) const {
    const std::string upper = root_ + "/group" + std::to_string(number / kFilesPerDirectory);
    const std::string lower = upper + "/dir" + std::to_string(number % kFilesPerDirectory);
    if (mkdir(upper.c_str(), 0755) != 0 && errno != EEXIST) die("mkdir", upper);
    if (mkdir(lower.c_str(), 0755) != 0) die("mkdir", lower);
    return lower;
  }

  void write_file(const std::string& path, FilePlan plan, uint64_t divisor, Random& random) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0) die("create", path);
    plan.size = std::max<uint64_t>(1, plan.size / divisor);
    if (plan.data.empty()) plan.data.push_back({0, plan.size});
    for (const DataRange& range : plan.data) {
      const uint64_t offset = range.offset / divisor / (4 * kKiB) * (4 * kKiB);
      if (offset < plan.size) write_random(file, offset, std::min(range.bytes, plan.size - offset), random, path);
    }
    if (ftruncate(file, static_cast<off_t>(plan.size)) != 0) die("ftruncate", path);
    if (close(file) != 0) die("close", path);
    bytes_ += plan.size;
  }

  void write_random(int file, uint64_t offset, uint64_t bytes, Random& random, const std::string& path) {
    for (uint64_t done = 0; done < bytes;) {
      const uint64_t part = std::min<uint64_t>(bytes - done, buffer_.size() * sizeof(uint64_t));
      for (uint64_t i = 0; i < (part + 7) / 8; ++i) buffer_[i] = random();
      const ssize_t written = pwrite(file, buffer_.data(), part, static_cast<off_t>(offset + done));
      if (written <= 0) die("write", path);
      done += static_cast<uint64_t>(written);
    }
    data_bytes_ += bytes;
  }

  std::string root_;
  uint64_t bytes_ = 0;
  uint64_t data_bytes_ = 0;
  std::vector<uint64_t> buffer_ = std::vector<uint64_t>(32 * 1024);
};

int usage() {
  std::fputs("usage: make_workload NAME NEW_DIRECTORY [--scale=N] [--files=N] [--size=BYTES]\n", stderr);
  for (const Workload& workload : kWorkloads) {
    std::fprintf(stderr, "  %-8.*s %.*s\n", static_cast<int>(workload.name.size()), workload.name.data(),
                 static_cast<int>(workload.what.size()), workload.what.data());
  }
  std::fputs("  uniform  as many files of one size as --files and --size say\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return usage();
  uint64_t scale = 1;
  uint64_t files = 1;
  uint64_t size = 4 * kKiB;
  for (int i = 3; i < argc; ++i) {
    unsigned long long value = 0;
    if (std::sscanf(argv[i], "--scale=%llu", &value) == 1 && value > 0) {
      scale = value;
    } else if (std::sscanf(argv[i], "--files=%llu", &value) == 1) {
      files = value;
    } else if (std::sscanf(argv[i], "--size=%llu", &value) == 1) {
      size = value;
    } else {
      return usage();
    }
  }
  if (std::string_view(argv[1]) == "uniform") {
    Maker(argv[2]).make({"uniform", "", files, false, false, [size](uint64_t, Random&) { return FilePlan{size, {}}; }}, 1);
    return 0;
  }
  for (const Workload& workload : kWorkloads) {
    if (workload.name != argv[1]) continue;
    Maker(argv[2]).make(workload, scale);
    return 0;
  }
  return usage();
}
