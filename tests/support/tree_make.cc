// SPDX-License-Identifier: GPL-2.0-or-later
// tree_make DIR KIND...: makes a tree that copying tools get wrong.  Each kind becomes a directory of that name in DIR.
//   types names modes owners sizes sparse links xattrs acls times dirs deep, or all
// Why.   One tree of each difficulty, so that a difference found has a name; deterministic, so that it can be made again.
// How.   --seed N chooses contents, random names and numbers; --scale X how many (1: 20 000 entries in one directory; 0.01: tens
//        of files of a kind).  --portable leaves out what one of XFS, btrfs, ext4, tmpfs cannot hold; without it the tree has
//        what this filesystem takes, and no less.  --user makes what an ordinary user can make and read (implied when not root).
// Holds. What cannot be made is an error (exit 2), never left out silently.
#include <fmt/format.h>

#include <cstdlib>

#include "maker.h"

namespace foxing::test {
namespace {

constexpr struct {
  const char* name;
  void (*make)(Maker&);
  bool own_times;   // the kind sets the times of what it makes
} kKinds[] = {
    {"types", make_types, false}, {"names", make_names, false},   {"modes", make_modes, false}, {"owners", make_owners, false},
    {"sizes", make_sizes, false}, {"sparse", make_sparse, false}, {"links", make_links, false}, {"xattrs", make_xattrs, false},
    {"acls", make_acls, false},   {"times", make_times, true},    {"dirs", make_dirs, false},   {"deep", make_deep, true},
};

struct Request {
  const char* directory = nullptr;
  std::uint64_t seed = 1;
  double scale = 1;
  bool portable = false;
  bool user = ::geteuid() != 0;
  std::vector<std::string_view> kinds;
};

[[noreturn]] void usage(std::string_view problem) {
  fmt::print(stderr,
             "tree_make: {}\nusage: tree_make DIR [--seed N] [--scale X] [--portable] [--user] KIND...|all\nkinds:", problem);
  for (const auto& kind : kKinds) fmt::print(stderr, " {}", kind.name);
  fmt::print(stderr, "\n");
  std::exit(2);
}

Request read_request(int count, char** arguments) {
  Request request;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const auto value = [&] { return i + 1 < count ? arguments[++i] : (usage("an option lacks its value"), nullptr); };
    if (argument == "--seed")
      request.seed = std::strtoull(value(), nullptr, 10);
    else if (argument == "--scale")
      request.scale = std::strtod(value(), nullptr);
    else if (argument == "--portable")
      request.portable = true;
    else if (argument == "--user")
      request.user = true;
    else if (argument.starts_with("--"))
      usage(fmt::format("unknown option {}", argument));
    else if (request.directory == nullptr)
      request.directory = arguments[i];
    else
      request.kinds.push_back(argument);
  }
  if (request.kinds.empty()) usage("which kinds?");
  return request;
}

void make_tree(const Request& request) {
  ::umask(022);
  ::mkdir(request.directory, 0755);
  const Fd top = open_directory(AT_FDCWD, request.directory);
  for (const std::string_view wanted : request.kinds) {
    bool known = false;
    for (const auto& kind : kKinds) {
      if (wanted != kind.name && wanted != "all") continue;
      known = true;
      Random random(request.seed * 1000 + static_cast<std::uint64_t>(&kind - kKinds));
      const Fd directory = make_directory(top.get(), kind.name);
      Maker make{directory.get(), random, request.scale, request.portable, request.user};
      kind.make(make);
      if (!kind.own_times) settle_times(make, directory.get());
      set_times(top.get(), kind.name, {1'234'567'890, 123'456'789}, {987'654'321, 987'654'321});
    }
    if (!known) usage(fmt::format("no kind {}", wanted));
  }
  set_times(AT_FDCWD, request.directory, {1'111'111'111, 1}, {1'111'111'112, 2});
}

}  // namespace
}  // namespace foxing::test

int main(int count, char** arguments) {
  foxing::test::raise_descriptor_limit();
  foxing::test::make_tree(foxing::test::read_request(count, arguments));
}
