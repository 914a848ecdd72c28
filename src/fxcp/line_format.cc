// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/line_format.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "fxcp/itemize.h"
#include "fxcp/options.h"
#include "fxcp/rsync_forms.h"

namespace foxing::fxcp {
namespace {

using Action = copy::FileEvent::Action;

constexpr unsigned kWidest = 1000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

tl::unexpected<Error> refuse(std::string_view option, std::string_view escape, std::string_view why) {
  return fail(0, "", {}, fmt::format("{}: {} {}", option, escape, why));
}

std::string_view why_not(char letter) {
  switch (letter) {
    case 'C':
    case 'c': return "is not there: bytes are compared, and no checksums are made";
    case 'a':
    case 'h':
    case 'm':
    case 'P':
    case 'u': return "is not there: it speaks of a daemon and its clients";
    default: return "is unknown; there are %i %n %f %L %l %b %o %B %M %U %G %t %p and %%";
  }
}

/// "equal": neither copied nor changed.
bool is_unchanged(const copy::FileEvent& event) {
  return event.action == Action::unchanged || (event.action == Action::directory && !event.changes.any());
}

std::string link_of(const copy::FileEvent& event) {
  if (event.link.empty()) return {};
  return (event.type == sys::FileType::symlink && event.action != Action::linked ? " -> " : " => ") + printable(event.link);
}

std::string number(std::uint64_t value, bool zeros, unsigned width) {
  std::string text = std::to_string(value);
  if (zeros && text.size() < width) text.insert(0, width - text.size(), '0');
  return text;
}

}  // namespace

Result<LineFormat> LineFormat::parse(std::string_view option, std::string_view text) {
  LineFormat format;
  std::string before;
  while (!text.empty()) {
    if (text.front() != '%') {
      before += text.front();
      text.remove_prefix(1);
      continue;
    }
    Piece piece = FOX_TRY(escape(option, text));
    piece.text = std::exchange(before, {});
    format.pieces_.push_back(std::move(piece));
  }
  if (!before.empty()) format.pieces_.push_back({.text = std::move(before)});
  return format;
}

/// Reads an escape from the front of `text`, which begins with its %.
Result<LineFormat::Piece> LineFormat::escape(std::string_view option, std::string_view& text) {
  constexpr std::string_view kKnown = "infLlboBMUGtp%";
  Piece piece;
  std::size_t at = 1;
  for (; at < text.size() && text[at] == '\''; ++at) ++piece.level;
  if (at < text.size() && text[at] == '-') {
    piece.left = true;
    ++at;
  }
  piece.zeros = !piece.left && at < text.size() && text[at] == '0';
  for (; at < text.size() && is_digit(text[at]); ++at)
    piece.width = std::min(piece.width * 10 + static_cast<unsigned>(text[at] - '0'), kWidest + 1);
  if (at == text.size()) return refuse(option, text, "ends before its letter; a % itself is %%");
  const std::string_view whole = text.substr(0, at + 1);
  piece.letter = text[at];
  if (kKnown.find(piece.letter) == std::string_view::npos) return refuse(option, whole, why_not(piece.letter));
  if (piece.width > kWidest) return refuse(option, whole, fmt::format("is wider than {}", kWidest));
  if (piece.level > kMostHumanReadable) return refuse(option, whole, "has more than three apostrophes");
  if (piece.level > 0 && piece.letter != 'l' && piece.letter != 'b')
    return refuse(option, whole, "has an apostrophe, which only %l and %b have a meaning for");
  text.remove_prefix(whole.size());
  return piece;
}

bool LineFormat::has(char letter) const { return std::ranges::find(pieces_, letter, &Piece::letter) != pieces_.end(); }

bool LineFormat::mentions(const copy::FileEvent& event, bool unchanged) const {
  if (is_unchanged(event)) return unchanged && itemizes();
  return event.action != Action::attributes || itemizes();
}

std::string LineFormat::value(const Piece& piece, const copy::FileEvent& event) {
  const bool known = event.action != Action::deleted && event.action != Action::removed;
  switch (piece.letter) {
    case '%': return "%";
    case 'i': return change_letters(event);
    case 'n': return short_name(event);
    case 'f': return printable(event.path);
    case 'L': return link_of(event);
    case 'o': return known ? "send" : "del.";
    case 't': return local_time(std::time(nullptr), kDateTime);
    case 'p': return number(static_cast<std::uint64_t>(::getpid()), piece.zeros, piece.width);
    default: break;
  }
  if (!known) return "-";
  switch (piece.letter) {
    case 'l': return rsync_number(event.status.size().value, piece.level);
    case 'b': return rsync_number(event.moved.value, piece.level);
    case 'B': return mode_letters(event.status.raw.st_mode).substr(1);
    case 'M': return local_time(event.status.modified().tv_sec, "%Y/%m/%d-%H:%M:%S");
    case 'U': return number(event.status.owner(), piece.zeros, piece.width);
    case 'G': return number(event.status.group(), piece.zeros, piece.width);
    default: return {};
  }
}

std::string LineFormat::line(const copy::FileEvent& event) const {
  if (event.action == Action::deleted && !has('i') && !has('o')) return "deleting " + short_name(event);
  std::string line;
  for (const Piece& piece : pieces_) {
    line += piece.text;
    if (piece.letter == 0) continue;
    std::string text = value(piece, event);
    const std::size_t padding = piece.width > text.size() ? piece.width - text.size() : 0;
    if (!piece.left) line.append(padding, ' ');
    line += text;
    if (piece.left) line.append(padding, ' ');
  }
  return line;
}

}  // namespace foxing::fxcp
