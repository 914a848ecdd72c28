// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/governor/pressure.h"

#include <fmt/format.h>

#include <charconv>
#include <span>
#include <string>

#include "sys/file.h"

namespace foxing::governor {
namespace {

/// The number behind `key` in `line`.
template <class Number>
bool number_behind(std::string_view line, std::string_view key, Number& number) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return false;
  line.remove_prefix(at + key.size());
  return std::from_chars(line.data(), line.data() + line.size(), number).ec == std::errc{};
}

}  // namespace

const char* name_of(Resource resource) {
  switch (resource) {
    case Resource::io: return "io";
    case Resource::cpu: return "cpu";
    case Resource::memory: return "memory";
  }
  return "";
}

Result<Pressure> parse_pressure(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  double percent = 0;
  std::uint64_t total = 0;
  if (!line.starts_with("some ") || !number_behind(line, " avg10=", percent) || !number_behind(line, " total=", total))
    return fail(0, "pressure", {}, "has no line 'some avg10=... total=...'");
  return Pressure{.average_10s = percent / 100, .total = std::chrono::microseconds(total)};
}

Result<PressureFiles> PressureFiles::open(const char* directory) {
  PressureFiles files;
  for (std::size_t i = 0; i < kResources; ++i) {
    const std::string path = fmt::format("{}/{}", directory, name_of(static_cast<Resource>(i)));
    auto file = sys::open_at(sys::working_directory(), path);
    if (!file)
      return fail(file.error().code, "--throttle", path, "this kernel tells no pressure (CONFIG_PSI, boot parameter psi=1)");
    files.files_[i] = std::move(*file);
  }
  FOX_TRY(files.read());  // some kernels open what they then do not read
  return files;
}

Result<Pressures> PressureFiles::read() const {
  Pressures pressures;
  for (std::size_t i = 0; i < kResources; ++i) {
    char text[512];
    const std::size_t got = FOX_TRY(sys::read_some_at(files_[i], std::as_writable_bytes(std::span(text)), FileOffset(0)));
    pressures[i] = FOX_TRY(parse_pressure({text, got}));
  }
  return pressures;
}

}  // namespace foxing::governor
