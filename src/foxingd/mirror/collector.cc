// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/mirror/collector.h"

namespace foxing::mirror {

using copy::ProblemKind;
using pipeline::Trouble;

Trouble trouble_of(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::changed_while_read: return Trouble::changing;
    case ProblemKind::no_space: return Trouble::no_room;
    case ProblemKind::in_the_way:
    case ProblemKind::not_deleted: return Trouble::in_the_way;
    case ProblemKind::unreadable: return Trouble::unreadable;
    case ProblemKind::device:
    case ProblemKind::symlink:
    case ProblemKind::special: return Trouble::failed;
    case ProblemKind::vanished:
    case ProblemKind::left_out: return Trouble::none;
    default: return copy::is_loss(kind) ? Trouble::incomplete : Trouble::failed;
  }
}

void Collector::problem(copy::Problem problem) {
  if (!problem.failure) return;
  const Trouble trouble = trouble_of(problem.kind);
  if (trouble == Trouble::none) return;
  // An attribute that was refused is the least of them.
  if (worst_.trouble != Trouble::none && worst_.trouble != Trouble::incomplete) return;
  worst_ = {trouble, std::move(problem.error)};
}

}  // namespace foxing::mirror
