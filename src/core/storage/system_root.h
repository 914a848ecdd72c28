// SPDX-License-Identifier: GPL-2.0-or-later
// Where /proc, /sys, /dev and /run are read: below a folder, which is "/" in life and a small made-up tree in tests.
// Files there are short, come and go, and are often not ours to read: what can't be read is nothing, not an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace foxing::storage {

class SystemRoot {
 public:
  /// The running system.
  SystemRoot() = default;
  explicit SystemRoot(std::string folder) : folder_(std::move(folder)) {}
  bool is_real() const { return folder_.empty(); }

  /// The whole file, up to 16 MiB.  `path` is absolute, as everywhere here.
  std::optional<std::string> read(std::string_view path) const;
  /// Its first line without white space at either end; "" where the file is empty.
  std::string read_line(std::string_view path) const;
  std::optional<std::uint64_t> read_number(std::string_view path) const;
  /// What a symbolic link says; nothing where there is none.
  std::optional<std::string> read_link(std::string_view path) const;
  /// The names in a directory, sorted; none where there is none.
  std::vector<std::string> list(std::string_view path) const;
  bool exists(std::string_view path) const;

 private:
  std::string folder_;  // without a slash at the end
};

}  // namespace foxing::storage
