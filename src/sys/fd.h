// SPDX-License-Identifier: GPL-2.0-or-later
// File descriptors: who owns one (UniqueFd), who may use one (FdView).
#pragma once

#include <unistd.h>

#include <string>

#include "sys/owned.h"

namespace foxing::sys {

struct FdTraits {
  using Value = int;
  static constexpr int none = -1;
  static void dispose(int fd) { ::close(fd); }  // nothing was written through it, or close_written() has been called
};
using UniqueFd = Owned<FdTraits>;

/// A borrowed descriptor: valid for as long as its owner.
class FdView {
 public:
  constexpr explicit FdView(int fd) : fd_(fd) {}
  FdView(const UniqueFd& owner) : fd_(owner.get()) {}
  /// False where there is nothing open.
  constexpr explicit operator bool() const { return fd_ >= 0; }
  constexpr int number() const { return fd_; }

 private:
  int fd_;
};

/// A name that ends in NUL, as system calls want it; borrowed.
class CString {
 public:
  constexpr CString(const char* text) : text_(text) {}
  CString(const std::string& text) : text_(text.c_str()) {}
  constexpr const char* text() const { return text_; }

 private:
  const char* text_;
};

}  // namespace foxing::sys
