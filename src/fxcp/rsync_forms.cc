// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/rsync_forms.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <string_view>

#include "base/text.h"

namespace foxing::fxcp {
namespace {

char type_letter(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR: return 'd';
    case S_IFLNK: return 'l';
    case S_IFBLK: return 'b';
    case S_IFCHR: return 'c';
    case S_IFSOCK: return 's';
    case S_IFIFO: return 'p';
    default: return '-';
  }
}

}  // namespace

std::string mode_letters(mode_t mode) {
  std::string text(1, type_letter(mode));
  constexpr std::string_view kLetters = "rwxrwxrwx";
  for (std::size_t i = 0; i < kLetters.size(); ++i) text += (mode & (0400u >> i)) != 0 ? kLetters[i] : '-';
  const auto special = [&](mode_t bit, std::size_t at, char with_x, char without) {
    if ((mode & bit) != 0) text[at] = text[at] == 'x' ? with_x : without;
  };
  special(S_ISUID, 3, 's', 'S');
  special(S_ISGID, 6, 's', 'S');
  special(S_ISVTX, 9, 't', 'T');
  return text;
}

std::string local_time(std::time_t seconds, const char* format) {
  std::tm parts{};
  char text[64];
  if (::localtime_r(&seconds, &parts) == nullptr || std::strftime(text, sizeof text, format, &parts) == 0)
    return std::to_string(seconds);
  return text;
}

std::string rsync_number(std::uint64_t number, unsigned level) {
  if (level == 0) return std::to_string(number);
  const double unit = level == 2 ? 1000 : 1024;
  double value = static_cast<double>(number);
  if (level == 1 || value < unit) return level == 1 ? grouped(number) : std::to_string(number);
  constexpr std::string_view kUnits = "KMGTP";
  std::size_t at = 0;
  value /= unit;
  while (value >= unit && at + 1 < kUnits.size()) {
    value /= unit;
    ++at;
  }
  return fmt::format("{:.2f}{}", value, kUnits[at]);
}

}  // namespace foxing::fxcp
