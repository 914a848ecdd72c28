// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/storage/system_root.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "sys/file.h"
#include "sys/names.h"
#include "sys/status.h"

namespace foxing::storage {
namespace {

constexpr std::size_t kLargestFile = 16 << 20;

Result<sys::UniqueFd> open_anything(const std::string& path, bool directory) {
  return sys::open_at(sys::working_directory(), path, {.links = sys::Links::follow, .directory = directory});
}

std::string join(const std::string& folder, std::string_view path) {
  std::string joined = folder;
  joined += path;
  return joined;
}

}  // namespace

std::optional<std::string> SystemRoot::read(std::string_view path) const {
  const auto file = open_anything(join(folder_, path), false);
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 4096> piece;
  while (text.size() < kLargestFile) {
    const auto got = sys::read_some(*file, std::as_writable_bytes(std::span(piece)));
    if (!got) return std::nullopt;
    if (*got == 0) break;
    text.append(piece.data(), *got);
  }
  return text;
}

std::string SystemRoot::read_line(std::string_view path) const {
  const std::optional<std::string> text = read(path);
  if (!text) return {};
  constexpr std::string_view kSpace = " \t\r";
  std::string_view line = std::string_view(*text).substr(0, text->find('\n'));
  line = line.substr(std::min(line.find_first_not_of(kSpace), line.size()));
  return std::string(line.substr(0, line.find_last_not_of(kSpace) + 1));
}

std::optional<std::uint64_t> SystemRoot::read_number(std::string_view path) const {
  const std::string line = read_line(path);
  std::uint64_t number = 0;
  const auto [rest, problem] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (problem != std::errc{} || rest != line.data() + line.size()) return std::nullopt;
  return number;
}

std::optional<std::string> SystemRoot::read_link(std::string_view path) const {
  auto target = sys::read_link_at(sys::working_directory(), join(folder_, path));
  if (!target) return std::nullopt;
  return std::move(*target);
}

std::vector<std::string> SystemRoot::list(std::string_view path) const {
  std::vector<std::string> names;
  const auto directory = open_anything(join(folder_, path), true);
  if (!directory) return names;
  sys::DirectoryReader reader(16 << 10);
  while (true) {
    const auto more = reader.fill(*directory);
    if (!more || !*more) break;
    while (const auto entry = reader.next()) names.emplace_back(entry->name, entry->length);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool SystemRoot::exists(std::string_view path) const {
  return sys::status_at(sys::working_directory(), join(folder_, path), sys::Links::follow).has_value();
}

}  // namespace foxing::storage
