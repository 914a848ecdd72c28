// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/outcome.h"

#include "base/assert.h"

namespace foxing::copy {

const char* name_of(Tier tier) {
  switch (tier) {
    case Tier::clone: return "reflink";
    case Tier::copy_range: return "copy_file_range";
    case Tier::send: return "sendfile";
    case Tier::ring: return "io_uring";
    case Tier::plain: return "read_write";
    case Tier::delta: return "delta";
    case Tier::codec: return "codec";
  }
  return "?";
}

const char* name_of(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::failed: return "failed";
    case ProblemKind::unreadable: return "unreadable";
    case ProblemKind::changed_while_read: return "changed_while_read";
    case ProblemKind::in_the_way: return "in_the_way";
    case ProblemKind::no_space: return "no_space";
    case ProblemKind::device: return "device";
    case ProblemKind::symlink: return "symlink";
    case ProblemKind::special: return "special";
    case ProblemKind::hard_link: return "hard_link";
    case ProblemKind::owner: return "owner";
    case ProblemKind::mode: return "mode";
    case ProblemKind::xattr: return "xattr";
    case ProblemKind::acl: return "acl";
    case ProblemKind::capability: return "capability";
    case ProblemKind::time: return "time";
    case ProblemKind::differs: return "differs";
    case ProblemKind::not_deleted: return "not_deleted";
    case ProblemKind::left_out: return "left_out";
    case ProblemKind::vanished: return "vanished";
    case ProblemKind::count: break;
  }
  return "?";
}

ProblemKind kind_of(meta::Loss loss) {
  switch (loss) {
    case meta::Loss::owner: return ProblemKind::owner;
    case meta::Loss::mode: return ProblemKind::mode;
    case meta::Loss::xattr: return ProblemKind::xattr;
    case meta::Loss::acl: return ProblemKind::acl;
    case meta::Loss::capability: return ProblemKind::capability;
    case meta::Loss::time: return ProblemKind::time;
    case meta::Loss::count: break;
  }
  FOX_ASSERT(false);
  return ProblemKind::failed;
}

bool is_loss(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::device:
    case ProblemKind::symlink:
    case ProblemKind::special:
    case ProblemKind::hard_link:
    case ProblemKind::owner:
    case ProblemKind::mode:
    case ProblemKind::xattr:
    case ProblemKind::acl:
    case ProblemKind::capability:
    case ProblemKind::time:
    case ProblemKind::differs:
    case ProblemKind::not_deleted:
    case ProblemKind::left_out:
    case ProblemKind::vanished: return true;
    default: return false;
  }
}

}  // namespace foxing::copy
