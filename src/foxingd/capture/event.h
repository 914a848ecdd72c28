// SPDX-License-Identifier: GPL-2.0-or-later
// Event: where to look.  Never what to do: the kernel merges what happened to one name, and its order is lost.
//   from  an EventSource        to  pipeline/pending.h
#pragma once

#include <string>

#include "sys/handle.h"

namespace foxing::capture {

struct Event {
  enum class Kind : unsigned char {
    name,     // something is new, changed or gone under this name
    itself,   // the directory's own attributes
    inside,   // names in this directory came, went, or changed: look at all that it has, and had
    object,   // a file that got another name, or lost one: whatever it is called
    renamed,  // `object` had the first name and has the second
    lost,     // events are missing, nobody knows which: look at everything
  };
  Kind kind = Kind::name;
  sys::FileHandle directory;
  std::string name = {};
  sys::FileHandle object = {};
  sys::FileHandle to_directory = {};
  std::string to_name = {};
  bool doubted = false;  // its status may say that nothing has changed, and not be right: `object` is to be compared by its bytes
};

}  // namespace foxing::capture
