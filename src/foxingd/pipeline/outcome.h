// SPDX-License-Identifier: GPL-2.0-or-later
// Outcome: what became of one name.  disposition.h decides what is done about a bad one.
#pragma once

#include "base/error.h"

namespace foxing::pipeline {

enum class Trouble : unsigned char {
  none,
  too_soon,    // it was copied a moment ago, and that took long: World::due() says when it may be copied again
  changing,    // the source changed each time it was read
  no_room,     // the target is full, or somebody's quota is
  in_the_way,  // something in the target that is not ours to remove
  incomplete,  // it is there, and an attribute was refused
  emptied,     // it was the last name of the source: roots.h says why that is not followed
  unreadable,  // the source cannot be read
  failed,      // any other call
};

struct Outcome {
  Trouble trouble = Trouble::none;
  Error error = {};
  bool good() const { return trouble == Trouble::none; }
  bool is_there() const { return trouble == Trouble::none || trouble == Trouble::incomplete; }
};

}  // namespace foxing::pipeline
