// SPDX-License-Identifier: GPL-2.0-or-later
// What tree_compare says about one name that both trees have.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace foxing::test {

struct Choices {
  bool owner = true;
  bool xattrs = true;
  bool acls = true;
  bool holes = true;
  bool times = true;
  bool trusted = true;
  bool links = true;
  bool atime = false;
  bool extra_ok = false;   // names that only B has are no difference
  bool quiet = false;
};

/// Where differences and failures go.
class Verdict {
 public:
  explicit Verdict(bool quiet) : quiet_(quiet) {}
  void differs(std::string_view path, const std::string& how);
  void failed(std::string_view path, const std::string& why);
  int exit_code() const { return failures_ != 0 ? 2 : differences_ != 0 ? 1 : 0; }

 private:
  bool quiet_;
  std::uint64_t differences_ = 0;
  std::uint64_t failures_ = 0;
};

/// Are the hard link groups of A those of B?  Inode numbers of A and B must map one to one.
class LinkGroups {
 public:
  void compare(std::string_view path, const struct statx& a, const struct statx& b, Verdict& verdict);
  /// Where A's tree holds all names of a group, B must not have a name more: that one lies outside, or is litter.
  void finish(Verdict& verdict) const;

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  struct Group {
    Key other;                // the inode it maps to in the other tree
    std::string first_path;
    std::uint64_t nlink = 0;
    std::uint64_t seen = 0;   // names in this tree
  };
  std::map<Key, Group> from_a_;
  std::map<Key, Group> from_b_;
};

/// A name in an open directory.
struct Place {
  int directory;
  const char* name;
};

/// Compares everything but the names below.  True where both are directories, so that the walk may go on.
bool compare_node(std::string_view path, Place a, Place b, const Choices& choices, LinkGroups& links, Verdict& verdict);

}  // namespace foxing::test
