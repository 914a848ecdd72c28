// SPDX-License-Identifier: GPL-2.0-or-later
// Bare loop: the limit that fxcp is measured against.
//   from  a tree of directories, regular files and symlinks          to  the same tree below a new directory
// Why.   "Faster than cp" says little about how much is left.  This program copies with the fewest system calls that still give
//        names, contents, permission bits and mtime; whatever fxcp needs beyond that is the price of what fxcp promises.
// How.   Threads share stacks of names: a directory still to be read, or a file of one that was.  For every file:
//        open, fstat, open, the bytes in one of five ways (--clone-from adds: large ones shared), futimens, close, close; plus linkat or rename when staged.
// Holds. A file that fails ends the program with status 1: a limit that skipped work would be no limit.
// Not here: xattrs, ACLs, owners, hard links, directory times, special files (they are an error), sparse detection in full extents.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

enum class Way { read_write, copy_file_range, sendfile, clone, mapped };
// tmpfile opens O_TMPFILE in the directory that the name will be in, apart in a directory of the thread's own.  XFS makes the inode in the
// allocation group of the directory given; two threads in one group wait for each other twice a file (20 000 sleeps for 78 000 files).
enum class Naming { final, tmpfile, apart, rename };

struct Choices {
  Way way = Way::read_write;
  Naming naming = Naming::final;
  unsigned threads = 2;
  size_t buffer_bytes = 1 << 20;
  off_t clone_from_bytes = std::numeric_limits<off_t>::max();  // files of this size and more are cloned, whatever `way` says
  std::string source;
  std::string target;
};

constexpr size_t kEntriesBytes = 64 << 10;

[[noreturn]] void die(const char* operation, const std::string& subject) {
  std::fprintf(stderr, "bare_loop: %s: %s: %s\n", subject.c_str(), operation, std::strerror(errno));
  std::_Exit(1);
}

/// One directory on both sides; closed when the last name below it is done.
struct DirectoryPair {
  int source = -1;
  int target = -1;
  DirectoryPair(int source_fd, int target_fd) : source(source_fd), target(target_fd) {}
  DirectoryPair(const DirectoryPair&) = delete;
  DirectoryPair& operator=(const DirectoryPair&) = delete;
  ~DirectoryPair() {
    close(source);
    close(target);
  }
};
using SharedPair = std::shared_ptr<const DirectoryPair>;

/// A directory to be made and read, or a file or symlink to be copied.
struct Item {
  SharedPair parent;
  bool is_directory = false;
  std::string name;
};

/// The work, one stack per thread.  A thread takes its own newest item; without one it takes the oldest of another thread, which is
/// most often a whole directory.  So two threads seldom create names in one directory, where the kernel would let them wait for each
/// other: 10 000 files of 4 KiB on XFS, staged, take 85 ms in 100 directories and 390 ms in one (2 cores, Linux 6.18, docs/benchmarks.md).
class Stacks {
 public:
  explicit Stacks(unsigned threads) : stacks_(threads) {}

  void put(unsigned owner, Item item) {
    {
      const std::lock_guard lock(mutex_);
      stacks_[owner].push_back(std::move(item));
      ++open_;
    }
    more_.notify_one();
  }
  /// Waits while others may still add; false when all is done.
  bool take(unsigned owner, Item& item) {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (pop(owner, item)) return true;
      if (open_ == 0) return false;
      more_.wait(lock);
    }
  }
  void finish_one() {
    const std::lock_guard lock(mutex_);
    if (--open_ == 0) more_.notify_all();
  }

 private:
  bool pop(unsigned owner, Item& item) {
    if (std::deque<Item>& own = stacks_[owner]; !own.empty()) {
      item = std::move(own.back());
      own.pop_back();
      return true;
    }
    for (std::deque<Item>& other : stacks_) {
      if (other.empty()) continue;
      item = std::move(other.front());
      other.pop_front();
      return true;
    }
    return false;
  }

  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<std::deque<Item>> stacks_;
  size_t open_ = 0;  // in a stack or in somebody's hands
};

class Copier {
 public:
  Copier(const Choices& choices, Stacks& stacks, unsigned number)
      : choices_(choices),
        stacks_(stacks),
        number_(number),
        buffer_(choices.way == Way::read_write ? choices.buffer_bytes : 0),
        entries_(kEntriesBytes) {
    if (choices_.naming != Naming::apart) return;
    own_directory_ = choices_.target + "/.bare." + std::to_string(number_);
    if (mkdir(own_directory_.c_str(), 0755) != 0) die("mkdir", own_directory_);
    own_fd_ = open(own_directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own_fd_ < 0) die("open", own_directory_);
  }
  Copier(const Copier&) = delete;
  Copier& operator=(const Copier&) = delete;
  ~Copier() {
    if (own_fd_ < 0) return;
    close(own_fd_);
    if (rmdir(own_directory_.c_str()) != 0) die("rmdir", own_directory_);
  }

  void run() {
    Item item;
    while (stacks_.take(number_, item)) {
      if (item.is_directory) {
        read_directory(item);
      } else {
        copy_name(*item.parent, item.name);
      }
      item.parent.reset();
      stacks_.finish_one();
    }
  }

  /// Opens both sides of a directory, making the target; `name` is relative to `parent`, or to the working directory without one.
  static SharedPair enter(const DirectoryPair* parent, const std::string& source, const std::string& target) {
    const int source_at = parent != nullptr ? parent->source : AT_FDCWD;
    const int target_at = parent != nullptr ? parent->target : AT_FDCWD;
    const int source_fd = openat(source_at, source.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (source_fd < 0) die("open", source);
    if (mkdirat(target_at, target.c_str(), 0755) != 0 && errno != EEXIST) die("mkdir", target);
    const int target_fd = openat(target_at, target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (target_fd < 0) die("open", target);
    return std::make_shared<const DirectoryPair>(source_fd, target_fd);
  }

 private:
  /// The root has no name: its pair is the parent already.
  void read_directory(const Item& item) {
    const SharedPair here = item.name.empty() ? item.parent : enter(item.parent.get(), item.name, item.name);
    for (;;) {
      const long got = syscall(SYS_getdents64, here->source, entries_.data(), entries_.size());
      if (got < 0) die("getdents64", item.name);
      if (got == 0) return;
      for (long at = 0; at < got;) {
        // struct linux_dirent64: ino 8, offset 8, reclen 2, type 1, name
        const char* record = entries_.data() + at;
        uint16_t length = 0;
        std::memcpy(&length, record + 16, sizeof length);
        const auto type = static_cast<unsigned char>(record[18]);
        const std::string_view name = record + 19;
        at += length;
        if (name != "." && name != "..") stacks_.put(number_, {here, type == 4 /* DT_DIR */, std::string(name)});
      }
    }
  }

  void copy_name(const DirectoryPair& at, const std::string& name) {
    const int source = openat(at.source, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (source < 0) {
      if (errno != ELOOP) die("open", name);
      copy_symlink(at, name);
      return;
    }
    struct stat facts{};
    if (fstat(source, &facts) != 0) die("fstat", name);
    if (!S_ISREG(facts.st_mode)) {
      errno = EINVAL;
      die("not a regular file", name);
    }
    const std::string staged = choices_.naming == Naming::rename ? staged_name() : name;
    const int target = create(at, staged, facts.st_mode & 07777);
    copy_bytes(source, target, facts, name);
    const timespec times[2] = {facts.st_atim, facts.st_mtim};
    if (futimens(target, times) != 0) die("futimens", name);
    if ((choices_.naming == Naming::tmpfile || own_fd_ >= 0) && linkat(target, "", at.target, name.c_str(), AT_EMPTY_PATH) != 0 &&
        linkat(AT_FDCWD, ("/proc/self/fd/" + std::to_string(target)).c_str(), at.target, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      die("linkat", name);
    }
    if (choices_.naming == Naming::rename && renameat(at.target, staged.c_str(), at.target, name.c_str()) != 0)
      die("rename", name);
    close(source);
    if (close(target) != 0) die("close", name);
  }

  std::string staged_name() { return ".bare." + std::to_string(number_) + "." + std::to_string(++staged_count_); }

  int create(const DirectoryPair& at, const std::string& name, mode_t mode) const {
    const bool nameless = choices_.naming == Naming::tmpfile || choices_.naming == Naming::apart;
    const int target = nameless ? openat(own_fd_ >= 0 ? own_fd_ : at.target, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode)
                                : openat(at.target, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (target < 0) die("create", name);
    return target;
  }

  void copy_symlink(const DirectoryPair& at, const std::string& name) const {
    char text[PATH_MAX];
    const ssize_t length = readlinkat(at.source, name.c_str(), text, sizeof text - 1);
    if (length < 0) die("readlink", name);
    text[length] = '\0';
    if (symlinkat(text, at.target, name.c_str()) != 0) die("symlink", name);
  }

  void copy_bytes(int source, int target, const struct stat& facts, const std::string& name) {
    if (facts.st_size == 0) return;
    if (choices_.way == Way::clone || facts.st_size >= choices_.clone_from_bytes) {
      if (ioctl(target, FICLONE, source) != 0) die("FICLONE", name);
      return;
    }
    if (facts.st_blocks * 512 >= facts.st_size || facts.st_size < 4096) {
      copy_range(source, target, facts.st_size, name);
      return;
    }
    for (off_t data = 0; data < facts.st_size;) {
      data = lseek(source, data, SEEK_DATA);
      if (data < 0) break;  // ENXIO: only a hole is left
      const off_t hole = lseek(source, data, SEEK_HOLE);
      if (hole < 0 || lseek(source, data, SEEK_SET) < 0 || lseek(target, data, SEEK_SET) < 0) die("lseek", name);
      copy_range(source, target, hole - data, name);
      data = hole;
    }
    if (ftruncate(target, facts.st_size) != 0) die("ftruncate", name);
  }

  /// Copies `bytes` from the file position of `source` to that of `target`.  The size is believed: no read to see the end of file.
  void copy_range(int source, int target, off_t bytes, const std::string& name) {
    if (choices_.way == Way::mapped) {
      copy_mapped(source, target, bytes, name);
      return;
    }
    while (bytes > 0) {
      ssize_t done = 0;
      const auto wanted = static_cast<size_t>(bytes);
      switch (choices_.way) {
        case Way::copy_file_range:
          done = copy_file_range(source, nullptr, target, nullptr, std::min(wanted, choices_.buffer_bytes), 0);
          if (done < 0) die("copy_file_range", name);
          break;
        case Way::sendfile:
          done = sendfile(target, source, nullptr, std::min(wanted, choices_.buffer_bytes));
          if (done < 0) die("sendfile", name);
          break;
        default:
          done = read(source, buffer_.data(), std::min(wanted, buffer_.size()));
          if (done < 0) die("read", name);
          if (write(target, buffer_.data(), static_cast<size_t>(done)) != done) die("write", name);
      }
      if (done == 0) {
        errno = ENODATA;
        die("shorter than it said", name);
      }
      bytes -= done;
    }
  }

  void copy_mapped(int source, int target, off_t bytes, const std::string& name) const {
    const off_t start = lseek(source, 0, SEEK_CUR);
    const auto length = static_cast<size_t>(bytes);
    void* view = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, source, start);
    if (view == MAP_FAILED) die("mmap", name);
    for (size_t at = 0; at < length; at += choices_.buffer_bytes) {
      const size_t part = std::min(length - at, choices_.buffer_bytes);
      madvise(static_cast<char*>(view) + at, part, MADV_POPULATE_READ);
      if (write(target, static_cast<const char*>(view) + at, part) != static_cast<ssize_t>(part)) die("write", name);
    }
    munmap(view, length);
  }

  const Choices& choices_;
  Stacks& stacks_;
  unsigned number_;
  std::string own_directory_;
  int own_fd_ = -1;
  uint64_t staged_count_ = 0;
  std::vector<char> buffer_;
  std::vector<char> entries_;
};

[[noreturn]] void usage() {
  std::fputs(
      "usage: bare_loop [--way=read_write|copy_file_range|sendfile|clone|mapped] [--naming=final|tmpfile|apart|rename]\n"
      "                 [--threads=N] [--buffer=BYTES] [--clone-from=BYTES] SOURCE TARGET\n"
      "Copies a tree with the fewest system calls, as a limit to measure fxcp against.  Not a tool for real data.\n",
      stderr);
  std::exit(2);
}

template <typename Value, size_t N>
Value pick(std::string_view word, const std::pair<std::string_view, Value> (&table)[N]) {
  for (const auto& [name, value] : table) {
    if (name == word) return value;
  }
  usage();
}

Choices parse(int argc, char** argv) {
  constexpr std::pair<std::string_view, Way> kWays[] = {{"read_write", Way::read_write},
                                                        {"copy_file_range", Way::copy_file_range},
                                                        {"sendfile", Way::sendfile},
                                                        {"clone", Way::clone},
                                                        {"mapped", Way::mapped}};
  constexpr std::pair<std::string_view, Naming> kNamings[] = {
      {"final", Naming::final}, {"tmpfile", Naming::tmpfile}, {"apart", Naming::apart}, {"rename", Naming::rename}};
  Choices choices;
  std::vector<std::string> paths;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::string value(word.substr(std::min(word.size(), word.find('=') + 1)));
    if (word.starts_with("--way=")) {
      choices.way = pick(value, kWays);
    } else if (word.starts_with("--naming=")) {
      choices.naming = pick(value, kNamings);
    } else if (word.starts_with("--threads=")) {
      choices.threads = static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 10));
    } else if (word.starts_with("--clone-from=")) {
      choices.clone_from_bytes = std::strtoll(value.c_str(), nullptr, 10);
    } else if (word.starts_with("--buffer=")) {
      choices.buffer_bytes = std::strtoul(value.c_str(), nullptr, 10);
    } else if (word.starts_with("--")) {
      usage();
    } else {
      paths.emplace_back(word);
    }
  }
  if (paths.size() != 2 || choices.threads == 0 || choices.buffer_bytes == 0) usage();
  choices.source = paths[0];
  choices.target = paths[1];
  return choices;
}

}  // namespace

int main(int argc, char** argv) {
  const Choices choices = parse(argc, argv);
  umask(0);
  Stacks stacks(choices.threads);
  stacks.put(0, {Copier::enter(nullptr, choices.source, choices.target), true, ""});
  // All of them before the first runs: XFS puts directories made one after the other into one allocation group after the other.
  std::vector<std::unique_ptr<Copier>> copiers;
  for (unsigned i = 0; i < choices.threads; ++i) copiers.push_back(std::make_unique<Copier>(choices, stacks, i));
  std::vector<std::thread> others;
  for (unsigned i = 1; i < choices.threads; ++i) others.emplace_back([&copiers, i] { copiers[i]->run(); });
  copiers[0]->run();
  for (std::thread& other : others) other.join();
  return 0;
}
