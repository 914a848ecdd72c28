// SPDX-License-Identifier: GPL-2.0-or-later
// The one ownership template.  Traits: `Value`, `static constexpr Value none`, `static void dispose(Value)`.
// Copying is impossible, moving closes the old one first, and owned_test.cc says so.
#pragma once

#include <utility>

namespace foxing::sys {

template <class Traits>
class Owned {
 public:
  using Value = typename Traits::Value;
  Owned() = default;
  explicit Owned(Value value) : value_(value) {}
  Owned(Owned&& other) noexcept : value_(other.release()) {}
  Owned& operator=(Owned&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { reset(); }

  explicit operator bool() const { return value_ != Traits::none; }
  Value get() const { return value_; }
  [[nodiscard]] Value release() { return std::exchange(value_, Traits::none); }
  void reset(Value value = Traits::none) {
    const Value old = std::exchange(value_, value);
    if (old != Traits::none) Traits::dispose(old);
  }

 private:
  Value value_ = Traits::none;
};

}  // namespace foxing::sys
