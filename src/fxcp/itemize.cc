// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/itemize.h"

#include "base/text.h"

namespace foxing::fxcp {
namespace {

char type_letter(sys::FileType type) {
  switch (type) {
    case sys::FileType::regular: return 'f';
    case sys::FileType::directory: return 'd';
    case sys::FileType::symlink: return 'L';
    case sys::FileType::character_device:
    case sys::FileType::block_device: return 'D';
    default: return 'S';
  }
}

char action_letter(const copy::FileEvent& event) {
  using Action = copy::FileEvent::Action;
  switch (event.action) {
    case Action::copied: return '>';
    case Action::linked: return 'h';
    case Action::renamed:
    case Action::symlink:
    case Action::special: return 'c';
    case Action::directory: return event.changes.created ? 'c' : '.';
    default: return '.';
  }
}

}  // namespace

std::string change_letters(const copy::FileEvent& event) {
  if (event.action == copy::FileEvent::Action::removed) return "*removing  ";
  if (event.action == copy::FileEvent::Action::deleted) return "*deleting  ";
  std::string text{action_letter(event), type_letter(event.type)};
  const copy::Changes& changes = event.changes;
  if (changes.created) return text + "+++++++++";
  if (!changes.any()) return text + "         ";
  const auto put = [&](bool differs, char letter) { text += differs ? letter : '.'; };
  put(changes.content, 'c');
  put(changes.size, 's');
  put(changes.modified, 't');
  put(changes.mode, 'p');
  put(changes.owner, 'o');
  put(changes.group, 'g');
  put(changes.accessed, 'u');
  put(changes.acls, 'a');
  put(changes.xattrs, 'x');
  return text;
}

std::string short_name(const copy::FileEvent& event) {
  std::string name = event.below.empty() ? "." : printable(event.below);
  if (event.type == sys::FileType::directory) name += '/';
  return name;
}

}  // namespace foxing::fxcp
