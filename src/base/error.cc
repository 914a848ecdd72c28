// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.h"

#include <cstring>

namespace foxing {

std::string Error::message() const {
  std::string text = operation;
  if (code != 0) {
    char buffer[128];
    if (!text.empty()) text += ": ";
    text += ::strerror_r(code, buffer, sizeof buffer);
  }
  if (!detail.empty()) {
    if (!text.empty()) text += ": ";
    text += detail;
  }
  return text;
}

std::string errno_name(int code) {
  if (const char* name = ::strerrorname_np(code)) return name;
  return std::to_string(code);
}

}  // namespace foxing
