// SPDX-License-Identifier: GPL-2.0-or-later
// What a symbolic link says in the target: the same as in the source, or munged.
//
// Munging.  "/rsyncd-munged/" in front of the text, as rsync does it: such a link leads nowhere, and what it said can be had back.  A text that has the
//           prefix already gets it once more, so that a source that came with munged links does not come out with links that work.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace foxing::copy {

inline constexpr std::string_view kMunged = "/rsyncd-munged/";

enum class LinkText : std::uint8_t { as_it_is, munged, unmunged };

std::string text_for_target(std::string text, LinkText how);

}  // namespace foxing::copy
