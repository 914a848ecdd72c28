// SPDX-License-Identifier: GPL-2.0-or-later
// Result<T>: a value or an Error.  FOX_TRY takes the value or returns the error to the caller:
//     const UniqueFd source = FOX_TRY(sys::open_at(tree, name, {.access = Access::read}));
// Not std::expected, which g++ 12 has only in C++23; not a plain alias of tl::expected, which can be ignored silently.
#pragma once

#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

#include "base/error.h"

namespace foxing {

template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using Base = tl::expected<T, Error>;
  using Base::Base;
  Result(Base base) : Base(std::move(base)) {}
  Result(Error error) : Base(tl::unexpect, std::move(error)) {}
};

/// The error itself, for `return fail(...)` in any function that answers a Result.
inline tl::unexpected<Error> fail(int code, const char* operation, std::string subject = {}, std::string detail = {}) {
  return tl::make_unexpected(
      Error{.code = code, .operation = operation, .subject = std::move(subject), .detail = std::move(detail)});
}

namespace detail {
template <class T>
T take(tl::expected<T, Error>&& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
}  // namespace detail
}  // namespace foxing

// __COUNTER__ keeps nested uses from hiding each other's variable.
#define FOX_TRY(...) FOX_TRY_AS(FOX_CONCATENATED(fox_result_, __COUNTER__), __VA_ARGS__)
#define FOX_CONCATENATED(a, b) FOX_CONCATENATED_AGAIN(a, b)
#define FOX_CONCATENATED_AGAIN(a, b) a##b
#define FOX_TRY_AS(result, ...)                              \
  __extension__({                                            \
    auto result = (__VA_ARGS__);                             \
    if (!result) [[unlikely]]                                \
      return tl::make_unexpected(std::move(result).error()); \
    ::foxing::detail::take(std::move(result));               \
  })
