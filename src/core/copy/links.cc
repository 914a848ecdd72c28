// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/links.h"

#include "core/copy/copier.h"
#include "core/walk/unsafe_links.h"
#include "sys/names.h"

namespace foxing::copy {

std::string text_for_target(std::string text, LinkText how) {
  switch (how) {
    case LinkText::as_it_is: break;
    case LinkText::munged: text.insert(0, kMunged); break;
    case LinkText::unmunged:
      if (text.starts_with(kMunged)) text.erase(0, kMunged.size());
      break;
  }
  return text;
}

bool Copier::left_out_as_unsafe(const walk::Hold& directory, const walk::Entry& entry, walk::WorkerIndex worker) {
  if (entry.type != sys::FileType::symlink || !options_.symlinks) return false;
  auto text = sys::read_link_at(directory->fd(), entry.name);
  if (!text) return false;  // copying it will say why
  // Judged by what it will say once it works: a munged link leads nowhere.
  if (options_.link_text == LinkText::unmunged) text = text_for_target(std::move(*text), options_.link_text);
  if (!walk::is_unsafe_link(*text, *directory)) return false;
  at(worker).counters.skipped.fetch_add(1, std::memory_order_relaxed);
  report(*directory, entry.name, ProblemKind::left_out,
         {.code = 0,
          .operation = "",
          .subject = {},
          .detail = "is a symbolic link that leads out of the tree: left out by --safe-links"},
         false);
  return true;
}

}  // namespace foxing::copy
