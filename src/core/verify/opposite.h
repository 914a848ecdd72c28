// SPDX-License-Identifier: GPL-2.0-or-later
// The directory of B that stands opposite to one of A, for as long as that is walked.  For the verifier's own .cc files.
#pragma once

#include "core/storage/storage.h"
#include "core/verify/verifier.h"

namespace foxing::verify {

class Verifier::Opposite final : public walk::Attachment {
 public:
  Opposite(sys::UniqueFd opened, const sys::FileStatus& looked_at) : fd(std::move(opened)), status(looked_at) {}

  /// A name of A that B has too.  What is added up does not depend on the order.
  void met(std::string_view name) {
    names_met.fetch_add(1, std::memory_order_relaxed);
    hashes_met.fetch_add(std::hash<std::string_view>{}(name), std::memory_order_relaxed);
  }
  /// How the entry `name` of A is called here.
  std::string name_for(std::string_view name) const { return entry_name.empty() ? std::string(name) : entry_name; }

  sys::UniqueFd fd;
  const sys::FileStatus status;
  std::string shown;                              // of a root: how messages call it
  std::string entry_name;                         // of a place: the one name in it
  sys::Links entry_links = sys::Links::keep;      // of a place
  storage::QuickTraits a_traits;
  storage::QuickTraits b_traits;
  std::optional<Found> own;                       // what came out for the directories themselves, told when they are left
  std::atomic<bool> told{false};                  // as unreadable
  std::atomic<std::uint64_t> names_met{0};
  std::atomic<std::uint64_t> hashes_met{0};
};

inline Verifier::Opposite& Verifier::opposite_of(const walk::Directory& directory) {
  return static_cast<Opposite&>(*directory.attachment());
}

}  // namespace foxing::verify
