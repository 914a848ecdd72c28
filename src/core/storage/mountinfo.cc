// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/storage/mountinfo.h"

#include <algorithm>
#include <charconv>

namespace foxing::storage {
namespace {

/// The bytes up to `separator` or the end; `text` goes on behind it.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return field;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<DeviceId> parse_device(std::string_view text) {
  const auto major = parse_number<unsigned>(take_until(text, ':'));
  const auto minor = parse_number<unsigned>(text);
  if (!major || !minor) return std::nullopt;
  return DeviceId::from_numbers(*major, *minor);
}

/// "rw,upperdir=/a\054b": the kernel escapes a comma that belongs to a value, so every plain one separates.
std::vector<std::string> parse_options(std::string_view text) {
  std::vector<std::string> options;
  while (!text.empty())
    if (const std::string_view option = take_until(text, ','); !option.empty()) options.push_back(unescape(option));
  return options;
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

}  // namespace

std::string unescape(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3' &&
                        is_octal(text[i + 2]) && is_octal(text[i + 3]);
    if (escape) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::optional<Mount> parse_mount(std::string_view line) {
  Mount mount;
  const auto id = parse_number<int>(take_until(line, ' '));
  const auto parent = parse_number<int>(take_until(line, ' '));
  const auto device = parse_device(take_until(line, ' '));
  if (!id || !parent || !device) return std::nullopt;
  mount.id = MountId(*id);
  mount.parent = MountId(*parent);
  mount.device = *device;
  mount.root = unescape(take_until(line, ' '));
  mount.point = unescape(take_until(line, ' '));
  if (mount.root.empty() || !mount.point.starts_with('/')) return std::nullopt;
  mount.options = parse_options(take_until(line, ' '));

  std::string_view field;
  while ((field = take_until(line, ' ')) != "-") {
    if (line.empty()) return std::nullopt;  // the separator never came: a truncated line
    if (!field.empty()) mount.propagation.emplace_back(field);
  }
  mount.type = unescape(take_until(line, ' '));
  mount.source = unescape(take_until(line, ' '));  // empty where mount(2) was given none
  mount.super_options = parse_options(line);
  if (mount.type.empty() || mount.super_options.empty()) return std::nullopt;
  return mount;
}

MountTable parse_mountinfo(std::string_view text) {
  MountTable table;
  while (!text.empty()) {
    const std::string_view line = take_until(text, '\n');
    if (line.empty()) continue;
    if (auto mount = parse_mount(line)) {
      table.mounts.push_back(std::move(*mount));
    } else {
      ++table.unreadable;
    }
  }
  return table;
}

const Mount* MountTable::find(MountId id) const {
  const auto at = std::find_if(mounts.begin(), mounts.end(), [&](const Mount& mount) { return mount.id == id; });
  return at == mounts.end() ? nullptr : &*at;
}

bool MountTable::covered(const Mount& mount) const {
  return std::any_of(mounts.begin(), mounts.end(), [&](const Mount& other) {
    return other.parent == mount.id && other.id != mount.id && other.point == mount.point;
  });
}

bool Mount::read_only() const {
  const auto has_ro = [](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), "ro") != list.end();
  };
  return has_ro(options) || has_ro(super_options);
}

std::optional<std::string_view> Mount::super_option(std::string_view name) const {
  for (const std::string_view option : super_options)
    if (option.starts_with(name) && option.substr(name.size()).starts_with('=')) return option.substr(name.size() + 1);
  return std::nullopt;
}

bool is_within(std::string_view path, std::string_view folder) {
  if (folder == "/") return path.starts_with('/');
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace foxing::storage
