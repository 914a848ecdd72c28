// SPDX-License-Identifier: GPL-2.0-or-later
// Another process for a moment: what it does is not done by this one.  For processes of one thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>

#include "base/result.h"
#include "sys/owned.h"

namespace foxing::sys {

struct ChildTraits {
  using Value = pid_t;
  static constexpr pid_t none = 0;
  /// Killed, if it lives, and waited for.
  static void dispose(pid_t child);
};

class Child {
 public:
  /// Calls `work` there; what it answers, 0 to 255, is the exit code.  Source: fork(2).
  static Result<Child> start(const std::function<int()>& work);
  /// The exit code; nothing while it lives.  A child that was killed answers 255.  Asked no more after it has answered.
  std::optional<int> ended();
  /// Waits for that.
  int wait();

 private:
  explicit Child(pid_t child) : child_(child) {}
  std::optional<int> ask(int flags);
  Owned<ChildTraits> child_;
};

}  // namespace foxing::sys
