// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/pipeline/disposition.h"

namespace foxing::pipeline {

const char* name_of(Disposition disposition) {
  switch (disposition) {
    case Disposition::done: return "done";
    case Disposition::later: return "later";
    case Disposition::retry: return "retry";
    case Disposition::stall: return "stall";
    case Disposition::report: return "report";
  }
  return "";
}

namespace {

/// Nobody writes to this target, whatever the name.
bool is_of_the_target(int code) {
  switch (code) {
    case EROFS:     // remounted after an error of the disk, mostly
    case ENOTCONN:  // a FUSE server died
    case EHOSTDOWN:
    case ENODEV:
    case ENXIO: return true;
    default: return false;
  }
}

}  // namespace

Disposition dispose(const Outcome& outcome, unsigned attempts) {
  const Disposition again = attempts < kMostAttempts ? Disposition::retry : Disposition::report;
  switch (outcome.trouble) {
    case Trouble::none: return Disposition::done;
    case Trouble::too_soon: return Disposition::later;
    case Trouble::changing: return Disposition::retry;  // it will stand still one day
    case Trouble::no_room: return outcome.error.code == EDQUOT ? Disposition::retry : Disposition::stall;
    case Trouble::emptied: return Disposition::stall;
    case Trouble::incomplete:
      if (is_of_the_target(outcome.error.code)) return Disposition::stall;
      // No room for an attribute may be that of one inode, too.
      return outcome.error.code == EIO || outcome.error.code == ENOSPC || outcome.error.code == EDQUOT ? again
                                                                                                       : Disposition::report;
    case Trouble::in_the_way: return again;
    case Trouble::unreadable:
    case Trouble::failed: break;
  }
  if (is_of_the_target(outcome.error.code)) return Disposition::stall;
  switch (outcome.error.code) {
    case ENOSPC: return Disposition::stall;  // a delete needs room, too, where everything is written anew
    case EPERM:
    case EACCES:
    case ENAMETOOLONG:
    case EINVAL:
    case EOPNOTSUPP:
    case EFBIG:
    case EILSEQ: return attempts < 2 ? Disposition::retry : Disposition::report;
    default: return again;  // EIO, ENOMEM, EMFILE, ESTALE, ENOENT of a target's directory, ...
  }
}

}  // namespace foxing::pipeline
