// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/quick_check.h"

namespace foxing::copy {
namespace {

bool is_later(const timespec& a, const timespec& b) {
  return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

}  // namespace

Data quick_check(const sys::FileStatus& source, const sys::FileStatus& target, std::optional<timespec> born,
                 const Comparison& comparison) {
  if (comparison.by == Comparison::By::nothing || source.size() != target.size()) return Data::differs;
  if (source.size() == Bytes(0) || comparison.by == Comparison::By::size) return Data::same;
  if (comparison.by == Comparison::By::content) return Data::look;
  if (!meta::same_within(source.modified(), target.modified(), comparison.window)) return Data::look;
  if (comparison.trust_times) return Data::same;
  return born && !may_change_unseen(source.changed(), *born) ? Data::same : Data::look;
}

Existing policy_for(const sys::FileStatus& source, const sys::FileStatus& target, const Comparison& comparison) {
  if (comparison.only_new) return Existing::leave;
  const bool files = source.type() == sys::FileType::regular && target.type() == sys::FileType::regular;
  const bool apart = !meta::same_within(source.modified(), target.modified(), comparison.window);
  if (comparison.newer_stays && files && apart && is_later(target.modified(), source.modified())) return Existing::leave;
  return Existing::compare;
}

bool may_change_unseen(const timespec& changed, const timespec& looked) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::int64_t kFar = 9'000'000'000;  // seconds that still fit
  if (changed.tv_sec > kFar || changed.tv_sec < -kFar) return true;
  return changed.tv_sec * kSecond + changed.tv_nsec >= looked.tv_sec * kSecond + looked.tv_nsec - kSurelyEarlierNs;
}

}  // namespace foxing::copy
