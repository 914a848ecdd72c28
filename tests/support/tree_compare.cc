// SPDX-License-Identifier: GPL-2.0-or-later
// tree_compare A B: are two trees equal, attribute by attribute?
//   in   two directories (or two files)      out  one line per difference; exit 0 equal, 1 differs, 2 could not compare
// Why.   `diff -r` sees contents and names alone; rsync's own dry run trusts size and time, and is a judge in its own case.
// How.   Both trees are read side by side, each directory once, its names sorted as bytes; every access is relative to an open
//        directory.  Parents far up are closed and opened again through "..", and must then be the same directory: so depth is
//        bounded by memory, neither by PATH_MAX nor by the number of descriptors.
// Holds. Nothing but regular files is opened for content, and atimes stay as they are (those of symlinks excepted: readlink).
//        A tree that could not be read in full is never "equal".
// Not here: birth and change times, chattr flags, sizes of directories.
#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

#include "compare_node.h"
#include "raw.h"

namespace foxing::test {
namespace {

constexpr const char* kUsage =
    "usage: tree_compare A B [--no-owner] [--no-xattrs] [--no-acls] [--no-holes] [--no-times] [--no-trusted] [--no-links]\n"
    "                        [--atime] [--extra-ok] [--quiet]\n"
    "  --extra-ok   names that only B has are no difference\n";

/// Levels whose descriptors stay open: below 256, the common limit of a hardened service, and deep enough to be rare.
constexpr std::size_t kHeldLevels = 100;

struct Id {
  std::uint64_t device = 0, inode = 0;
  bool operator==(const Id&) const = default;
};

struct Side {
  Fd fd;
  Id id;
};

struct Name {
  std::string bytes;
  bool in_a = false, in_b = false;
};

struct Level {
  Side a, b;
  std::vector<Name> names;
  std::size_t next = 0;
  std::size_t path_length = 0;
};

std::optional<Id> identity(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return std::nullopt;
  return Id{status.st_dev, status.st_ino};
}

std::vector<Name> merge(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<Name> names;
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    const int order = i == a.size() ? 1 : j == b.size() ? -1 : a[i].compare(b[j]);
    names.push_back({order <= 0 ? a[i] : b[j], order <= 0, order >= 0});
    if (order <= 0) ++i;
    if (order >= 0) ++j;
  }
  return names;
}

class Comparison {
 public:
  explicit Comparison(const Choices& choices) : choices_(choices), verdict_(choices.quiet) {}

  int run(const char* a, const char* b) {
    visit({AT_FDCWD, a}, {AT_FDCWD, b});
    while (!levels_.empty()) step();
    if (choices_.links) links_.finish(verdict_);
    return verdict_.exit_code();
  }

 private:
  void step() {
    Level& level = levels_.back();
    if (level.next == level.names.size()) return leave();
    const Name& name = level.names[level.next++];
    path_.resize(level.path_length);
    if (!path_.empty()) path_ += '/';
    path_ += name.bytes;
    if (name.in_a && name.in_b)
      visit({level.a.fd.get(), name.bytes.c_str()}, {level.b.fd.get(), name.bytes.c_str()});
    else if (name.in_a)
      verdict_.differs(path_, "only in A");
    else if (!choices_.extra_ok)
      verdict_.differs(path_, "only in B");
  }

  void visit(Place a, Place b) {
    if (compare_node(path_, a, b, choices_, links_, verdict_)) enter(a, b);
  }

  void enter(Place a, Place b) {
    Level level;
    const auto names_a = open_and_list(a, level.a), names_b = open_and_list(b, level.b);
    if (!names_a || !names_b) return;
    level.names = merge(*names_a, *names_b);
    level.path_length = path_.size();
    levels_.push_back(std::move(level));
    if (levels_.size() > kHeldLevels) {
      Level& far = levels_[levels_.size() - 1 - kHeldLevels];
      far.a.fd.close();
      far.b.fd.close();
    }
  }

  std::optional<std::vector<std::string>> open_and_list(Place place, Side& side) {
    side.fd = open_quietly(place.directory, place.name, O_DIRECTORY);
    const auto id = side.fd ? identity(side.fd.get()) : std::nullopt;
    auto names = id ? names_in(side.fd.get()) : std::nullopt;
    if (!names)
      verdict_.failed(path_, fmt::format("reading the directory: {}", std::strerror(errno)));
    else
      side.id = *id;
    return names;
  }

  void leave() {
    const Level done = std::move(levels_.back());
    levels_.pop_back();
    if (levels_.empty() || levels_.back().a.fd) return;
    path_.resize(levels_.back().path_length);
    if (reopen(levels_.back().a, done.a) && reopen(levels_.back().b, done.b)) return;
    verdict_.failed(path_, "the way back up is gone: the tree changed under the comparison");
    levels_.clear();
  }

  static bool reopen(Side& parent, const Side& child) {
    parent.fd = Fd(::openat(child.fd.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    return parent.fd && identity(parent.fd.get()) == parent.id;
  }

  Choices choices_;
  Verdict verdict_;
  LinkGroups links_;
  std::vector<Level> levels_;
  std::string path_;   // of the name being compared, relative to the roots
};

bool choose(std::string_view option, Choices& choices) {
  const std::pair<std::string_view, bool Choices::*> table[] = {
      {"--no-owner", &Choices::owner}, {"--no-xattrs", &Choices::xattrs}, {"--no-acls", &Choices::acls},
      {"--no-holes", &Choices::holes}, {"--no-times", &Choices::times},   {"--no-trusted", &Choices::trusted},
      {"--no-links", &Choices::links}, {"--atime", &Choices::atime},      {"--extra-ok", &Choices::extra_ok},
      {"--quiet", &Choices::quiet},
  };
  for (const auto& [name, member] : table)
    if (option == name) {
      choices.*member = !option.starts_with("--no-");
      return true;
    }
  return false;
}

}  // namespace
}  // namespace foxing::test

int main(int count, char** arguments) {
  foxing::test::Choices choices;
  std::vector<const char*> roots;
  for (int i = 1; i < count; ++i) {
    if (std::string_view(arguments[i]).starts_with("--")) {
      if (foxing::test::choose(arguments[i], choices)) continue;
      fmt::print(stderr, "tree_compare: unknown option {}\n{}", arguments[i], foxing::test::kUsage);
      return 2;
    }
    roots.push_back(arguments[i]);
  }
  if (roots.size() != 2) {
    fmt::print(stderr, "{}", foxing::test::kUsage);
    return 2;
  }
  foxing::test::raise_descriptor_limit();
  return foxing::test::Comparison(choices).run(roots[0], roots[1]);
}
