// SPDX-License-Identifier: GPL-2.0-or-later
// What went wrong: errno, the operation, the subject.
// The lowest layer fills in errno and operation; the layer that knows the path adds it once (`about`); only the program prints.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

namespace foxing {

struct [[nodiscard]] Error {
  int code = 0;                 // errno; 0 where no system call is to blame
  const char* operation = "";   // a literal: the man page's name of the call, or of the step
  std::string subject;          // the path; empty until someone knows it
  std::string detail;           // what else a reader needs: the reason, the way out

  /// The same error, saying which path it is about; a subject that is already there stays.
  Error about(std::string_view path) && {
    if (subject.empty()) subject = path;
    return std::move(*this);
  }
  /// "openat: Permission denied", with the detail when there is one.  Without the subject: the printer puts that in front.
  std::string message() const;
};

/// The symbolic name of an errno ("ENOSPC"), or its number.
std::string errno_name(int code);

}  // namespace foxing
