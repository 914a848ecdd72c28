// SPDX-License-Identifier: GPL-2.0-or-later
// --relative: every SRC keeps the directories it was written with, below DST.
//
//   from  arrangement.cc   Options        to  Arrangement: items for what looks at each SRC, ways for walks
//
// "a/b/c" is DST/a/b/c.  What stands before "/./" is not kept ("a/./b/c": DST/b/c), nor is the root of an absolute path.  ".." in what is kept is refused: it
// would name another place in the target than in the source.
// Holds. A directory on the way is made as a directory, also where the source reaches it through a symbolic link: the path was written by the user.  It is
//        walked once, however many SRC share it.
#pragma once

#include "fxcp/arrangement.h"

namespace foxing::fxcp {

/// Errors as of `arrange`.
Result<> arrange_relative(Arrangement& plan, const Options& options, const std::string& directory);

}  // namespace foxing::fxcp
