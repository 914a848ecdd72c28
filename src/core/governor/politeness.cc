// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/governor/politeness.h"

#include <fmt/format.h>

#include <charconv>

#include "base/text.h"

namespace foxing::governor {

Result<int> parse_nice(std::string_view text) {
  int value = 0;
  const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || rest != text.data() + text.size() || value < -20 || value > 19)
    return fail(0, "--nice", {}, fmt::format("'{}' is not a number from -20 (first) to 19 (last)", printable(text)));
  return value;
}

Result<IoPriority> parse_io_priority(std::string_view text) {
  if (text == "idle") return IoPriority{.io_class = sys::IoClass::idle, .level = 0};
  if (text == "best-effort") return IoPriority{};
  constexpr std::string_view kWithLevel = "best-effort:";
  if (text.starts_with(kWithLevel) && text.size() == kWithLevel.size() + 1 && text.back() >= '0' && text.back() <= '7')
    return IoPriority{.io_class = sys::IoClass::best_effort, .level = text.back() - '0'};
  return fail(0, "--ionice", {},
              fmt::format("'{}' is not idle, best-effort, or best-effort:0 (first) to best-effort:7 (last)", printable(text)));
}

Result<> apply(const Politeness& politeness) {
  if (politeness.nice) FOX_TRY(sys::set_nice(*politeness.nice));
  if (politeness.io) FOX_TRY(sys::set_io_priority(politeness.io->io_class, politeness.io->level));
  return {};
}

}  // namespace foxing::governor
