// SPDX-License-Identifier: GPL-2.0-or-later
// Wildcards: `*`, `?`, `[...]`, `**` and backslashes, as rsync and as git read them.
//
// How.   Both agree on `*`, `?` and classes, none of which matches a slash.  They differ in `**`:
//          rsync  two or more stars anywhere match anything, slashes too
//          git    only between slashes or at an end: `**/` is any number of directories, none included; elsewhere it is a plain star
//        One pass with two places to go back to, the last `*` and the last `**`: an earlier one never has to be tried again.
// Holds. A class that is not closed, or names a class that does not exist, matches nothing.
// Cost.  No allocation; at worst length of the text squared times length of the pattern, so that no hostile pattern hangs a run.
#pragma once

#include <string_view>

namespace foxing::filter {

enum class Dialect { rsync, git };

bool wildcard_match(std::string_view pattern, std::string_view text, Dialect dialect);

}  // namespace foxing::filter
