// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/made.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <string_view>

namespace foxing::copy {
namespace {

using Way = Transformation::Way;

std::string_view name_of(Way way) { return way == Way::compress ? "compress" : way == Way::decompress ? "decompress" : "none"; }

/// One word after the other.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  std::string_view next() {
    const std::size_t end = rest_.find(' ');
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return word;
  }
  template <class Number>
  Number number(std::string_view word) {
    Number value{};
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
    well_ = well_ && problem == std::errc{} && end == word.data() + word.size();
    return value;
  }
  timespec time() {
    const std::string_view word = next();
    const std::size_t dot = word.find('.');
    well_ = well_ && dot != std::string_view::npos;
    timespec value{};
    if (!well_) return value;
    value.tv_sec = number<time_t>(word.substr(0, dot));
    value.tv_nsec = number<long>(word.substr(dot + 1));
    return value;
  }
  std::uint64_t size() { return number<std::uint64_t>(next()); }
  bool well() const { return well_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool well_ = true;
};

}  // namespace

Made made_of(const sys::FileStatus& source, const Transformation& how, Bytes size, timespec modified) {
  return {.way = how.way,
          .format = how.way == Way::compress ? how.codec.format : codec::Format::none,
          .source = {source.inode(), source.size(), source.modified(), source.changed()},
          .size = size,
          .modified = modified};
}

std::optional<Made> read_made(sys::Object copy) {
  std::string text;
  if (!sys::get_attribute(copy, kMadeAttribute, text)) return std::nullopt;
  Words words(text);
  if (words.next() != "1") return std::nullopt;
  Made note;
  const std::string_view way = words.next();
  note.way = way == name_of(Way::compress) ? Way::compress : way == name_of(Way::decompress) ? Way::decompress : Way::none;
  if (note.way == Way::none) return std::nullopt;
  const std::string_view format = words.next();
  if (note.way == Way::compress) {
    const auto codec = codec::parse_codec(format);
    if (!codec || codec::name_of(codec->format) != format) return std::nullopt;
    note.format = codec->format;
  }
  note.source.inode = InodeNo(words.size());
  note.source.size = Bytes(words.size());
  note.source.modified = words.time();
  note.source.changed = words.time();
  note.size = Bytes(words.size());
  note.modified = words.time();
  if (!words.well()) return std::nullopt;
  return note;
}

void leave_made(sys::Object copy, const Made& note) {
  const auto text =
      fmt::format("1 {} {} {} {} {} {} {} {}", name_of(note.way), note.way == Way::compress ? codec::name_of(note.format) : "-",
                  note.source.inode.value, note.source.size.value, sys::to_text(note.source.modified),
                  sys::to_text(note.source.changed), note.size.value, sys::to_text(note.modified));
  (void)sys::set_attribute(copy, kMadeAttribute, text);
}

Data made_check(const std::optional<Made>& note, const Transformation& how, const sys::FileStatus& source,
                const sys::FileStatus& copy, const Comparison& comparison) {
  if (comparison.by == Comparison::By::nothing) return Data::differs;
  if (comparison.by == Comparison::By::content) return Data::look;
  const bool is_ours = note && note->way == how.way && (how.way != Way::compress || note->format == how.codec.format);
  if (!is_ours) {
    // Somebody else's, or the filesystem keeps no notes: the time is all there is.
    return meta::same_within(source.modified(), copy.modified(), comparison.window) ? Data::look : Data::differs;
  }
  if (note->source.size != source.size()) return Data::differs;
  if (note->size != copy.size() || !meta::same_within(note->modified, copy.modified(), comparison.window)) return Data::differs;
  if (!meta::same_within(note->source.modified, source.modified(), comparison.window)) return Data::look;
  if (comparison.trust_times) return Data::same;
  return note->source.inode == source.inode() && sys::same_time(note->source.changed, source.changed()) ? Data::same : Data::look;
}

}  // namespace foxing::copy
