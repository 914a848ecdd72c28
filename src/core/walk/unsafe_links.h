// SPDX-License-Identifier: GPL-2.0-or-later
// Symbolic links that lead out of the tree they lie in, by what is written in them: rsync's unsafe links.
//
// A link is unsafe that is absolute or empty, that climbs above the top of the tree, or that climbs anywhere but at its beginning ("a/../b", "./..",
// "../.."): of such ones the text alone does not tell where they lead.  Where the link lies counts from the root of the transfer: with a SRC that keeps
// its name, from the directory that holds it.
// Not here: where a link really leads.  A safe one may lead through another link, which is judged for itself.
#pragma once

#include <string_view>

#include "core/walk/walk.h"

namespace foxing::walk {

/// `levels`: directories of the tree above the link, the root not counted.
bool is_unsafe_link(std::string_view text, unsigned levels);
/// Of a link in `directory`.
bool is_unsafe_link(std::string_view text, const Directory& directory);
/// Of the link `name` in `directory`; false where it cannot be read.
bool leads_out(const Directory& directory, const char* name);

}  // namespace foxing::walk
