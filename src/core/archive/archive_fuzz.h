// SPDX-License-Identifier: GPL-2.0-or-later
// What archive_fuzz.cc does with bytes: for it, and for the test that runs its seeds.
#pragma once

#include <string_view>

namespace foxing::archive {

/// Never fails: it must only come back.
void read_anything(std::string_view input);

}  // namespace foxing::archive
