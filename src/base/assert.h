// SPDX-License-Identifier: GPL-2.0-or-later
// FOX_ASSERT: what cannot be.  Stays in release builds: a copy tool that has lost its way stops rather than writes.
#pragma once

namespace foxing {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}

#define FOX_ASSERT(condition) \
  (__builtin_expect(!!(condition), 1) ? void(0) : ::foxing::assertion_failed(#condition, __FILE__, __LINE__))
