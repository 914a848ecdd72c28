// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/as_of.h"

#include <fmt/format.h>

#include <charconv>
#include <string>

#include "sys/attributes.h"
#include "sys/process.h"

namespace foxing::copy {
namespace {

/// All but the time: what a note must say of these two.
std::string beginning(const AsOf& what) {
  return fmt::format("1 {} {} {} ", what.source.device.value, what.source.inode.value, what.target.value);
}
std::string end(const AsOf& what) { return ' ' + what.options.hex(); }

}  // namespace

bool can_be_noted(const Pair& pair) { return storage::is_native(pair.source_kind) && storage::is_native(pair.target_kind); }

std::optional<timespec> read_as_of(sys::FdView target, const AsOf& what) {
  std::string note;
  if (!sys::get_attribute({target}, kAsOfAttribute, note)) return std::nullopt;
  const std::string before = beginning(what), after = end(what);
  if (note.size() <= before.size() + after.size() || !note.starts_with(before) || !note.ends_with(after)) return std::nullopt;
  const char* at = note.data() + before.size();
  const char* const last = note.data() + note.size() - after.size();
  timespec when{};
  const auto seconds = std::from_chars(at, last, when.tv_sec);
  if (seconds.ec != std::errc{} || seconds.ptr == last || *seconds.ptr != '.') return std::nullopt;
  const auto rest = std::from_chars(seconds.ptr + 1, last, when.tv_nsec);
  const bool whole = rest.ec == std::errc{} && rest.ptr == last && when.tv_nsec >= 0 && when.tv_nsec < 1'000'000'000;
  // A note of the future, after the clock was set back, would cover what is changed until then.
  const timespec today = sys::wall_clock();
  const bool past = when.tv_sec < today.tv_sec || (when.tv_sec == today.tv_sec && when.tv_nsec <= today.tv_nsec);
  return whole && past ? std::optional(when) : std::nullopt;
}

void write_as_of(sys::FdView target, const AsOf& what, const timespec& when) {
  const std::string note = fmt::format("{}{}.{:09}{}", beginning(what), when.tv_sec, when.tv_nsec, end(what));
  (void)sys::set_attribute({target}, kAsOfAttribute, note);
}

}  // namespace foxing::copy
