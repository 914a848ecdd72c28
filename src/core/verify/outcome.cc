// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/verify/outcome.h"

namespace foxing::verify {

const char* name_of(Class of) {
  switch (of) {
    case Class::same: return "same";
    case Class::differs: return "differs";
    case Class::only_in_a: return "only_in_a";
    case Class::only_in_b: return "only_in_b";
    case Class::unreadable: return "unreadable";
  }
  return "?";
}

const char* name_of(Difference::What what) {
  switch (what) {
    case Difference::What::type: return "type";
    case Difference::What::size: return "size";
    case Difference::What::content: return "content";
    case Difference::What::holes: return "holes";
    case Difference::What::symlink: return "symlink";
    case Difference::What::device: return "device";
    case Difference::What::mode: return "mode";
    case Difference::What::owner: return "owner";
    case Difference::What::group: return "group";
    case Difference::What::modified: return "modified";
    case Difference::What::attribute: return "attribute";
    case Difference::What::hard_link: return "hard_link";
    case Difference::What::names: return "names";
  }
  return "?";
}

std::uint64_t Counters::not_same() const {
  return of(Class::differs) + of(Class::only_in_a) + of(Class::only_in_b) + of(Class::unreadable);
}

void Counters::add(const Counters& other) {
  for (std::size_t i = 0; i < kClasses; ++i) by_class[i] += other.by_class[i].load();
  bytes_read += other.bytes_read.load();
  retries += other.retries.load();
  left_out += other.left_out.load();
  notes += other.notes.load();
}

}  // namespace foxing::verify
