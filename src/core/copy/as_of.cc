// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/as_of.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <string_view>

#include "sys/attributes.h"
#include "sys/process.h"

namespace foxing::copy {
namespace {

/// What a note says, whoever it is about.
struct Note {
  FileKey source;
  InodeNo target;
  timespec when;
  std::string options;
};

std::string short_form(const digest::Digest& options) { return options.hex().substr(0, 16); }

std::optional<Note> parse(std::string_view text) {
  bool well = true;
  const auto number = [&]<class Number>(Number& value, char end) {
    const auto [at, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    well = well && problem == std::errc{} && at != text.data() + text.size() && *at == end;
    text.remove_prefix(well ? static_cast<std::size_t>(at - text.data()) + 1 : text.size());
  };
  unsigned version = 0;
  Note note;
  number(version, ' ');
  number(note.source.device.value, ' ');
  number(note.source.inode.value, ' ');
  number(note.target.value, ' ');
  number(note.when.tv_sec, '.');
  number(note.when.tv_nsec, ' ');
  note.options = text;
  if (!well || version != 1 || note.when.tv_nsec < 0 || note.when.tv_nsec >= 1'000'000'000) return std::nullopt;
  return note;
}

/// A note of the future, after the clock was set back, would cover what is changed until then.
bool is_past(const timespec& when) {
  const timespec now = sys::wall_clock();
  return when.tv_sec < now.tv_sec || (when.tv_sec == now.tv_sec && when.tv_nsec <= now.tv_nsec);
}

}  // namespace

bool can_be_noted(const Pair& pair) { return storage::is_native(pair.source_kind) && storage::is_native(pair.target_kind); }

Told read_as_of(sys::FdView target, const AsOf& what) {
  std::string text;
  if (!sys::get_attribute({target}, kAsOfAttribute, text)) return {};
  const std::optional<Note> note = parse(text);
  if (!note || note->target != what.target) return {};
  if (note->source.inode != what.source.inode) return {.equal = {}, .of_another_source = true, .anything = true};
  const bool holds = note->source == what.source && note->options == short_form(what.options) && is_past(note->when);
  return {.equal = holds ? std::optional(note->when) : std::nullopt, .of_another_source = false, .anything = true};
}

void write_as_of(sys::FdView target, const AsOf& what, const timespec& when) {
  (void)sys::set_attribute({target}, kAsOfAttribute,
                           fmt::format("1 {} {} {} {} {}", what.source.device.value, what.source.inode.value, what.target.value,
                                       sys::to_text(when), short_form(what.options)));
}

}  // namespace foxing::copy
