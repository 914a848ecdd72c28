// SPDX-License-Identifier: GPL-2.0-or-later
// What the makers of tree_make share: where they are, what they may do, and calls that end the program when they fail.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "raw.h"

namespace foxing::test {

/// Ends the program with exit 2: a tree that lacks what it should have would let a test pass for nothing.
[[noreturn]] void give_up(std::string_view what, std::string_view name);

struct Maker {
  int directory;   // of this kind
  Random& random;
  double scale;
  bool portable;   // only what every filesystem can hold
  bool user;       // only what an ordinary user can make, and read again

  /// So many of something at scale 1; never fewer than `least`.
  int scaled(int count, int least = 1) const { return std::max(least, static_cast<int>(std::lround(count * scale))); }
};

Fd make_directory(int parent, const std::string& name, mode_t mode = 0755);
Fd open_directory(int parent, const std::string& name);
/// A new file of that many random bytes; its descriptor for more.
Fd make_file(Maker& make, int parent, const std::string& name, std::uint64_t size);
void write_at(Maker& make, int fd, std::uint64_t offset, std::uint64_t size);
void make_symlink(int parent, const std::string& name, const std::string& target);
void make_node(int parent, const std::string& name, mode_t type_and_mode, unsigned major = 0, unsigned minor = 0);
void make_link(int parent, const std::string& name, int new_parent, const std::string& new_name);
void set_mode(int parent, const std::string& name, mode_t mode);
void set_owner(int parent, const std::string& name, uid_t uid, gid_t gid);
void set_times(int parent, const std::string& name, timespec atime, timespec mtime);
/// False with errno set when the filesystem refuses it; the caller knows whether that may be.
bool set_xattr(int parent, const std::string& name, const std::string& xattr, const std::string& value);
std::string random_bytes(Maker& make, std::size_t size);

/// Times that are not now, for every name below, the directory itself last.
void settle_times(Maker& make, int directory);

void make_types(Maker& make);
void make_names(Maker& make);
void make_modes(Maker& make);
void make_owners(Maker& make);
void make_sizes(Maker& make);
void make_sparse(Maker& make);
void make_links(Maker& make);
void make_xattrs(Maker& make);
void make_acls(Maker& make);
void make_times(Maker& make);
void make_dirs(Maker& make);
void make_deep(Maker& make);

}  // namespace foxing::test
