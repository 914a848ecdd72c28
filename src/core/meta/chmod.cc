// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/meta/chmod.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/text.h"

namespace foxing::meta {
namespace {

using Item = ModeChanges::Item;
using For = ModeChanges::For;
using Operation = ModeChanges::Operation;

constexpr mode_t kUser = 0100;
constexpr mode_t kGroup = 0010;
constexpr mode_t kOther = 0001;
constexpr mode_t kEveryone = kUser | kGroup | kOther;
constexpr mode_t kExecute = 0111;
constexpr mode_t kSetuid = 04000;
constexpr mode_t kSetgid = 02000;
constexpr mode_t kSticky = 01000;

mode_t class_of(char letter) {
  switch (letter) {
    case 'u': return kUser;
    case 'g': return kGroup;
    case 'o': return kOther;
    case 'a': return kEveryone;
    default: return 0;
  }
}

/// The special bit that goes with each class.
mode_t special_bits(mode_t classes) {
  return ((classes & kUser) != 0 ? kSetuid : 0) | ((classes & kGroup) != 0 ? kSetgid : 0) |
         ((classes & kOther) != 0 ? kSticky : 0);
}

/// One item on its way from text to Item.
class Parsing {
 public:
  Parsing(std::string_view text, mode_t umask) : whole_(text), rest_(text), umask_(umask) {}

  Result<Item> item() {
    FOX_TRY(before_operation());
    if (rest_.empty()) return refuse("has no permissions: it needs an octal number, or one of + - =");
    if (is_octal(rest_[0])) return octal();
    FOX_TRY(operation());
    return class_of(first()) != 0 && first() != 'a' ? copy() : permissions();
  }

 private:
  tl::unexpected<Error> refuse(std::string_view why) const {
    return fail(0, "--chmod", {}, fmt::format("'{}' {}", printable(whole_), why));
  }
  static bool is_octal(char c) { return c >= '0' && c <= '7'; }
  char first() const { return rest_.empty() ? '\0' : rest_[0]; }

  Result<> before_operation() {
    for (; !rest_.empty(); rest_.remove_prefix(1)) {
      const char letter = rest_[0];
      if (letter == 'D' || letter == 'F') {
        const For objects = letter == 'D' ? For::directories : For::files;
        if (item_.objects != For::all && item_.objects != objects)
          return refuse("is for directories (D) and for files (F) at once");
        item_.objects = objects;
      } else if (const mode_t classes = class_of(letter)) {
        named_ |= classes;
        special_ |= special_bits(classes) & ~kSticky;
      } else {
        break;
      }
    }
    return {};
  }

  Result<Item> octal() {
    if (named_ != 0) return refuse("has a number behind u, g, o or a");
    mode_t number = 0;
    for (const char digit : rest_) {
      if (!is_octal(digit)) return refuse("is not an octal number");
      number = number * 8 + static_cast<mode_t>(digit - '0');
      if (number > 07777) return refuse("is more than 7777");
    }
    item_.octal = true;
    item_.bits = number;
    item_.cleared_first = 07777;
    return item_;
  }

  Result<> operation() {
    switch (rest_[0]) {
      case '+': item_.operation = Operation::add; break;
      case '-': item_.operation = Operation::remove; break;
      case '=': item_.operation = Operation::set; break;
      default: return refuse(fmt::format("has '{}' where one of D F u g o a + - = is expected", printable(rest_.substr(0, 1))));
    }
    rest_.remove_prefix(1);
    item_.classes = named_ != 0 ? named_ : kEveryone;
    item_.allowed = named_ != 0 ? 07777 : 07777 & ~umask_;
    return {};
  }

  Result<Item> copy() {
    item_.copies_from = class_of(first());
    if (rest_.size() > 1) return refuse("copies from more than one class, or names permissions as well: write two items");
    if (item_.operation == Operation::set) item_.cleared_first = item_.classes * 7 | special_bits(item_.classes);
    return item_;
  }

  Result<Item> permissions() {
    mode_t what = 0;
    mode_t special = 0;
    for (const char letter : rest_) {
      switch (letter) {
        case 'r': what |= 4; break;
        case 'w': what |= 2; break;
        case 'X': item_.only_with_execute = true; [[fallthrough]];
        case 'x': what |= 1; break;
        // Without u or g this is setuid alone, also where t stood before it: rsync's own way.
        case 's': special = special_ != 0 ? special | special_ : kSetuid; break;
        case 't': special |= kSticky; break;
        default:
          return refuse(fmt::format("has '{}' where one of r w x X s t is expected", printable(std::string_view(&letter, 1))));
      }
    }
    item_.bits = ((item_.classes * what) & item_.allowed) | special;
    if (item_.operation == Operation::set) item_.cleared_first = item_.classes * 7 | (special != 0 ? special_ : 0);
    return item_;
  }

  std::string_view whole_;
  std::string_view rest_;
  mode_t umask_;
  mode_t named_ = 0;
  mode_t special_ = 0;  // setuid and setgid of the classes that are named
  Item item_;
};

}  // namespace

Result<ModeChanges> ModeChanges::parse(std::string_view text, mode_t umask) {
  ModeChanges changes;
  FOX_TRY(changes.add(text, umask));
  return changes;
}

Result<> ModeChanges::add(std::string_view text, mode_t umask) {
  std::vector<Item> items;
  while (true) {
    const std::size_t end = text.find(',');
    items.push_back(FOX_TRY(Parsing(text.substr(0, end), umask).item()));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  items_.insert(items_.end(), items.begin(), items.end());
  return {};
}

mode_t ModeChanges::apply(mode_t mode, bool is_directory) const {
  const bool had_execute = (mode & kExecute) != 0;
  for (const Item& item : items_) {
    if (item.objects == For::directories && !is_directory) continue;
    if (item.objects == For::files && is_directory) continue;
    mode = changed(mode, item, item.only_with_execute && !had_execute && !is_directory);
  }
  return mode;
}

mode_t ModeChanges::changed(mode_t mode, const Item& item, bool leave_out_execute) {
  mode_t bits = item.bits;
  if (item.copies_from != 0) {
    const mode_t copied = mode / item.copies_from & 7;
    bits = (item.classes * copied) & item.allowed;
  }
  if (item.operation == Operation::remove) return mode & ~bits;
  if (leave_out_execute) bits &= ~kExecute;
  return (mode & ~item.cleared_first) | bits;
}

}  // namespace foxing::meta
