// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace foxing {

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "foxing: internal error: %s does not hold (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace foxing
