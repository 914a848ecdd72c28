// SPDX-License-Identifier: GPL-2.0-or-later
// A small world on disk for one test: a temporary folder in $TMPDIR (or /tmp) that goes away with its owner.
//     TempTree world;
//     world.dir("source/a");
//     world.file("source/a/b", "text");
//     world.sparse_file("source/holes", 1 << 20, {{65536, "data"}});
//     EXPECT_EQ(world.read("target/a/b"), "text");
// Plain calls of the C library only: what is under test must not make its own world.  What cannot be made fails the test.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foxing::testing {

/// Bytes that no two seeds have in common.  Say the seed when a test fails: SCOPED_TRACE(seed).
inline std::string random_bytes(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + at, &word, std::min(sizeof word, size - at));
  }
  return bytes;
}

inline bool is_root() { return ::geteuid() == 0; }

class TempTree {
 public:
  TempTree() {
    const char* const place = std::getenv("TMPDIR");
    std::string pattern = std::string(place != nullptr ? place : "/tmp") + "/foxing-unit-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << pattern << ": " << std::strerror(errno);
    path_ = pattern;
  }
  ~TempTree() {
    std::error_code ignored;
    for (std::filesystem::recursive_directory_iterator at(path_, ignored), end; at != end; at.increment(ignored)) {
      if (at->symlink_status(ignored).type() == std::filesystem::file_type::directory) ::chmod(at->path().c_str(), 0700);
    }
    std::filesystem::remove_all(path_, ignored);
    EXPECT_FALSE(std::filesystem::exists(path_, ignored)) << "a test leaves " << path_ << " behind";
  }
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;

  const std::string& path() const { return path_; }
  /// Where `name` lies; an absolute one is itself.
  std::string at(std::string_view name) const {
    if (name.starts_with('/')) return std::string(name);
    return name.empty() ? path_ : path_ + '/' + std::string(name);
  }

  // ---- Making.  Directories on the way are made.

  void dir(std::string_view name, mode_t mode = 0755) const {
    std::filesystem::create_directories(at(name));
    must(::chmod(at(name).c_str(), mode), "chmod", name);
  }
  void file(std::string_view name, std::string_view content, mode_t mode = 0644) const {
    make_parent(name);
    const int fd = ::open(at(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd, "open", name);
    write_at(fd, content, 0, name);
    must(::fchmod(fd, mode), "fchmod", name);
    ::close(fd);
  }
  /// `size` bytes of which only the given pieces are written.
  void sparse_file(std::string_view name, std::uint64_t size,
                   std::initializer_list<std::pair<std::uint64_t, std::string_view>> pieces = {}) const {
    make_parent(name);
    const int fd = ::open(at(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    must(fd, "open", name);
    for (const auto& [offset, content] : pieces) write_at(fd, content, offset, name);
    must(::ftruncate(fd, static_cast<off_t>(size)), "ftruncate", name);
    ::fsync(fd);  // so that the filesystem has made up its mind about extents
    ::close(fd);
  }
  /// Writes into a file that is there.
  void overwrite(std::string_view name, std::uint64_t offset, std::string_view content) const {
    const int fd = ::open(at(name).c_str(), O_WRONLY | O_CLOEXEC);
    must(fd, "open", name);
    write_at(fd, content, offset, name);
    ::close(fd);
  }
  void symlink(std::string_view name, std::string_view target) const {
    make_parent(name);
    must(::symlink(std::string(target).c_str(), at(name).c_str()), "symlink", name);
  }
  void hard_link(std::string_view old_name, std::string_view name) const {
    make_parent(name);
    must(::link(at(old_name).c_str(), at(name).c_str()), "link", name);
  }
  void fifo(std::string_view name, mode_t mode = 0644) const {
    make_parent(name);
    must(::mkfifo(at(name).c_str(), mode), "mkfifo", name);
  }
  void chmod(std::string_view name, mode_t mode) const { must(::chmod(at(name).c_str(), mode), "chmod", name); }
  void times(std::string_view name, timespec accessed, timespec modified) const {
    const timespec both[2] = {accessed, modified};
    must(::utimensat(AT_FDCWD, at(name).c_str(), both, AT_SYMLINK_NOFOLLOW), "utimensat", name);
  }
  /// False where the filesystem or the kernel refuses.
  bool set_xattr(std::string_view name, const char* attribute, std::string_view value) const {
    return ::lsetxattr(at(name).c_str(), attribute, value.data(), value.size(), 0) == 0;
  }
  void rename(std::string_view old_name, std::string_view name) const {
    must(::rename(at(old_name).c_str(), at(name).c_str()), "rename", name);
  }
  void remove(std::string_view name) const { std::filesystem::remove_all(at(name)); }

  // ---- Looking.

  bool exists(std::string_view name) const {
    struct stat ignored{};
    return ::lstat(at(name).c_str(), &ignored) == 0;
  }
  /// The link itself, not what it points to.
  struct stat status(std::string_view name) const {
    struct stat status{};
    must(::lstat(at(name).c_str(), &status), "lstat", name);
    return status;
  }
  mode_t mode(std::string_view name) const { return status(name).st_mode & 07777; }
  std::string read(std::string_view name) const {
    std::string content;
    const int fd = ::open(at(name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    must(fd, "open", name);
    char buffer[65536];
    for (ssize_t got; fd >= 0 && (got = ::read(fd, buffer, sizeof buffer)) > 0;)
      content.append(buffer, static_cast<std::size_t>(got));
    if (fd >= 0) ::close(fd);
    return content;
  }
  std::string link_target(std::string_view name) const {
    char buffer[4096];
    const ssize_t length = ::readlink(at(name).c_str(), buffer, sizeof buffer);
    must(static_cast<int>(length), "readlink", name);
    return length < 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(length));
  }
  /// The value; "(none)" where there is none.
  std::string xattr(std::string_view name, const char* attribute) const {
    char buffer[65536];
    const ssize_t length = ::lgetxattr(at(name).c_str(), attribute, buffer, sizeof buffer);
    return length < 0 ? "(none)" : std::string(buffer, static_cast<std::size_t>(length));
  }
  /// What a directory holds, sorted, temporary files included.
  std::vector<std::string> names(std::string_view directory = {}) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(at(directory)))
      names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }
  /// Data extents as SEEK_DATA and SEEK_HOLE tell them: [begin, end) each.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> extents(std::string_view name) const {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
    const int fd = ::open(at(name).c_str(), O_RDONLY | O_CLOEXEC);
    must(fd, "open", name);
    for (off_t begin = 0, end = 0; (begin = ::lseek(fd, end, SEEK_DATA)) >= 0;) {
      end = ::lseek(fd, begin, SEEK_HOLE);
      found.emplace_back(begin, end);
    }
    ::close(fd);
    return found;
  }

 private:
  void make_parent(std::string_view name) const {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
  }
  static void must(int answer, const char* call, std::string_view name) {
    if (answer < 0) ADD_FAILURE() << call << ' ' << name << ": " << std::strerror(errno);
  }
  static void write_at(int fd, std::string_view content, std::uint64_t offset, std::string_view name) {
    while (!content.empty()) {
      const ssize_t put = ::pwrite(fd, content.data(), content.size(), static_cast<off_t>(offset));
      must(static_cast<int>(put < 0 ? -1 : 0), "pwrite", name);
      if (put <= 0) return;
      content.remove_prefix(static_cast<std::size_t>(put));
      offset += static_cast<std::uint64_t>(put);
    }
  }

  std::string path_;
};

}  // namespace foxing::testing
