// SPDX-License-Identifier: GPL-2.0-or-later
#include "compare_node.h"

#include <fmt/format.h>
#include <sys/xattr.h>

#include "base/text.h"
#include "compare_content.h"
#include "raw.h"

namespace foxing::test {
namespace {

using Xattrs = std::map<std::string, std::string>;

const char* type_name(unsigned mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return "regular file";
    case S_IFDIR: return "directory";
    case S_IFLNK: return "symlink";
    case S_IFIFO: return "fifo";
    case S_IFSOCK: return "socket";
    case S_IFCHR: return "character device";
    case S_IFBLK: return "block device";
    default: return "unknown type";
  }
}

/// Through /proc/self/fd, because f*xattr refuses O_PATH, and only O_PATH reaches symlinks and devices without opening them.
std::string magic_path(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

template <class Call>
std::optional<std::string> sized(Call call) {
  for (;;) {
    const ssize_t size = call(nullptr, 0);
    if (size < 0) return std::nullopt;
    std::string buffer(static_cast<std::size_t>(size), '\0');
    const ssize_t got = call(buffer.data(), buffer.size());
    if (got < 0 && errno == ERANGE) continue;
    if (got < 0) return std::nullopt;
    buffer.resize(static_cast<std::size_t>(got));
    if (size == 0 || got <= size) return buffer;
  }
}

bool wanted(const std::string& name, const Choices& choices) {
  if (name.starts_with("trusted.SGI_ACL_")) return false;   // XFS's second name for the ACLs
  if (name.starts_with("user.foxing.")) return false;       // fxcp's own notes on copies
  if (name.starts_with("system.posix_acl_")) return choices.acls;
  if (name.starts_with("trusted.") && !choices.trusted) return false;
  return choices.xattrs;
}

std::optional<Xattrs> read_xattrs(Place place, const Choices& choices) {
  const Fd fd(::openat(place.directory, place.name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return std::nullopt;
  const std::string path = magic_path(fd.get());
  const auto list = sized([&](char* buffer, std::size_t size) { return ::listxattr(path.c_str(), buffer, size); });
  if (!list && errno == EOPNOTSUPP) return Xattrs{};
  if (!list) return std::nullopt;
  Xattrs found;
  for (std::size_t at = 0; at < list->size();) {
    const std::string name(list->c_str() + at);
    at += name.size() + 1;
    if (!wanted(name, choices)) continue;
    const auto value =
        sized([&](char* buffer, std::size_t size) { return ::getxattr(path.c_str(), name.c_str(), buffer, size); });
    if (!value) return std::nullopt;
    found[name] = *value;
  }
  return found;
}

void compare_xattrs(std::string_view path, Place a, Place b, const Choices& choices, Verdict& verdict) {
  const auto in_a = read_xattrs(a, choices);
  if (!in_a) return verdict.failed(path, fmt::format("xattrs of A: {}", std::strerror(errno)));
  const auto in_b = read_xattrs(b, choices);
  if (!in_b) return verdict.failed(path, fmt::format("xattrs of B: {}", std::strerror(errno)));
  for (const auto& [name, value] : *in_a) {
    const auto other = in_b->find(name);
    if (other == in_b->end())
      verdict.differs(path, "xattr only in A: " + printable(name));
    else if (other->second != value)
      verdict.differs(path, "xattr value differs: " + printable(name));
  }
  for (const auto& [name, value] : *in_b)
    if (!in_a->contains(name)) verdict.differs(path, "xattr only in B: " + printable(name));
}

std::optional<std::string> link_target(Place place) {
  char buffer[65536];
  const ssize_t got = ::readlinkat(place.directory, place.name, buffer, sizeof buffer);
  if (got < 0) return std::nullopt;
  return std::string(buffer, static_cast<std::size_t>(got));
}

void compare_targets(std::string_view path, Place a, Place b, Verdict& verdict) {
  const auto in_a = link_target(a), in_b = link_target(b);
  if (!in_a || !in_b) return verdict.failed(path, fmt::format("readlink: {}", std::strerror(errno)));
  if (*in_a != *in_b) verdict.differs(path, fmt::format("symlink target: {} | {}", printable(*in_a), printable(*in_b)));
}

void compare_regular(std::string_view path, Place a, Place b, const struct statx& stat_a, const struct statx& stat_b,
                     const Choices& choices, Verdict& verdict) {
  if (stat_a.stx_size != stat_b.stx_size)
    return verdict.differs(path, fmt::format("size: {} | {}", stat_a.stx_size, stat_b.stx_size));
  if (stat_a.stx_size == 0) return;
  const Fd open_a = open_quietly(a.directory, a.name, 0);
  if (!open_a) return verdict.failed(path, fmt::format("open A: {}", std::strerror(errno)));
  const Fd open_b = open_quietly(b.directory, b.name, 0);
  if (!open_b) return verdict.failed(path, fmt::format("open B: {}", std::strerror(errno)));
  compare_content(path, open_a.get(), open_b.get(), stat_a, stat_b, choices.holes, verdict);
}

std::string shown(const statx_timestamp& time) { return fmt::format("{}.{:09}", time.tv_sec, time.tv_nsec); }

bool equal(const statx_timestamp& a, const statx_timestamp& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

void compare_inode(std::string_view path, const struct statx& a, const struct statx& b, const Choices& choices,
                   Verdict& verdict) {
  if ((a.stx_mode & 07777) != (b.stx_mode & 07777))
    verdict.differs(path, fmt::format("mode: {:04o} | {:04o}", a.stx_mode & 07777, b.stx_mode & 07777));
  if (choices.owner && a.stx_uid != b.stx_uid) verdict.differs(path, fmt::format("uid: {} | {}", a.stx_uid, b.stx_uid));
  if (choices.owner && a.stx_gid != b.stx_gid) verdict.differs(path, fmt::format("gid: {} | {}", a.stx_gid, b.stx_gid));
  if (choices.times && !equal(a.stx_mtime, b.stx_mtime))
    verdict.differs(path, fmt::format("mtime: {} | {}", shown(a.stx_mtime), shown(b.stx_mtime)));
  // Nobody reads a symlink without touching its atime: there is nothing to compare.
  if (choices.atime && !S_ISLNK(a.stx_mode) && !equal(a.stx_atime, b.stx_atime))
    verdict.differs(path, fmt::format("atime: {} | {}", shown(a.stx_atime), shown(b.stx_atime)));
  if ((S_ISCHR(a.stx_mode) || S_ISBLK(a.stx_mode)) &&
      (a.stx_rdev_major != b.stx_rdev_major || a.stx_rdev_minor != b.stx_rdev_minor))
    verdict.differs(path,
                    fmt::format("device: {}:{} | {}:{}", a.stx_rdev_major, a.stx_rdev_minor, b.stx_rdev_major, b.stx_rdev_minor));
}

std::pair<std::uint64_t, std::uint64_t> key_of(const struct statx& stat) {
  return {(std::uint64_t{stat.stx_dev_major} << 32) | stat.stx_dev_minor, stat.stx_ino};
}

}  // namespace

void Verdict::differs(std::string_view path, const std::string& how) {
  ++differences_;
  if (!quiet_) fmt::print("{}: {}\n", printable(path.empty() ? "." : path), how);
}

void Verdict::failed(std::string_view path, const std::string& why) {
  ++failures_;
  fmt::print(stderr, "tree_compare: cannot compare {}: {}\n", printable(path.empty() ? "." : path), why);
}

void LinkGroups::compare(std::string_view path, const struct statx& a, const struct statx& b, Verdict& verdict) {
  if (a.stx_nlink <= 1 && b.stx_nlink <= 1) return;
  const Key key_a = key_of(a), key_b = key_of(b);
  const auto [of_a, new_a] = from_a_.try_emplace(key_a, Group{key_b, std::string(path), a.stx_nlink});
  const auto [of_b, new_b] = from_b_.try_emplace(key_b, Group{key_a, std::string(path), b.stx_nlink});
  ++of_a->second.seen;
  ++of_b->second.seen;
  if (!new_a && of_a->second.other != key_b)
    verdict.differs(path, fmt::format("hard link: one file with {} in A, not in B", printable(of_a->second.first_path)));
  else if (!new_b && of_b->second.other != key_a)
    verdict.differs(path, fmt::format("hard link: one file with {} in B, not in A", printable(of_b->second.first_path)));
}

void LinkGroups::finish(Verdict& verdict) const {
  for (const auto& [key, group] : from_a_) {
    const Group& other = from_b_.at(group.other);
    if (group.seen == group.nlink && other.seen < other.nlink)
      verdict.differs(group.first_path, fmt::format("link count: {} | {}", group.nlink, other.nlink));
  }
}

bool compare_node(std::string_view path, Place a, Place b, const Choices& choices, LinkGroups& links, Verdict& verdict) {
  struct statx stat_a{}, stat_b{};
  if (::statx(a.directory, a.name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stat_a) != 0) {
    verdict.failed(path, fmt::format("statx A: {}", std::strerror(errno)));
    return false;
  }
  if (::statx(b.directory, b.name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stat_b) != 0) {
    verdict.failed(path, fmt::format("statx B: {}", std::strerror(errno)));
    return false;
  }
  if ((stat_a.stx_mode & S_IFMT) != (stat_b.stx_mode & S_IFMT)) {
    verdict.differs(path, fmt::format("type: {} | {}", type_name(stat_a.stx_mode), type_name(stat_b.stx_mode)));
    return false;
  }
  compare_inode(path, stat_a, stat_b, choices, verdict);
  if (choices.xattrs || choices.acls) compare_xattrs(path, a, b, choices, verdict);
  if (S_ISLNK(stat_a.stx_mode)) compare_targets(path, a, b, verdict);
  if (S_ISREG(stat_a.stx_mode)) compare_regular(path, a, b, stat_a, stat_b, choices, verdict);
  if (choices.links && !S_ISDIR(stat_a.stx_mode)) links.compare(path, stat_a, stat_b, verdict);
  return S_ISDIR(stat_a.stx_mode);
}

}  // namespace foxing::test
