// SPDX-License-Identifier: GPL-2.0-or-later
// What a comparison found: five classes of entries, the differences of one entry, counters, and who is told.
//   from  the verifier, on several workers at once        to  an Observer: the program's report
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/strong.h"
#include "sys/status.h"

namespace foxing::verify {

/// Every entry that was met is in exactly one class.  Only `same` is good news.
enum class Class : std::uint8_t {
  same,
  differs,
  only_in_a,   // with all below it, which is not listed
  only_in_b,   // likewise
  unreadable,  // could not be compared: a call failed on one side, or it changed each time it was tried
};
inline constexpr std::size_t kClasses = 5;
/// "only_in_a": the name in --json.
const char* name_of(Class of);

/// One way in which the two sides of an entry differ.
struct Difference {
  enum class What : std::uint8_t {
    type,
    size,
    content,
    holes,
    symlink,
    device,
    mode,
    owner,
    group,
    modified,
    attribute,
    hard_link,
    names
  };
  What what;
  std::string a;                 // the value there, for people; empty where there is none to show
  std::string b;
  std::string name = {};         // of the attribute; of the other name for a hard link
  FileOffset at = {};            // content, holes: the first byte that differs
};
/// "content": the name in --json.
const char* name_of(Difference::What what);

struct Event {
  Class result = Class::same;
  std::string path;  // in A; in B where it is only there, or where B's side could not be read
  sys::FileType type = sys::FileType::unknown;
  std::vector<Difference> differences;  // for `differs`
  std::optional<Error> error;           // for `unreadable`
};

/// What a run did; one set a worker, added up when asked for.
struct Counters {
  std::atomic<std::uint64_t> by_class[kClasses] = {};
  std::atomic<std::uint64_t> bytes_read{0};  // of both sides
  std::atomic<std::uint64_t> retries{0};     // compared again because one side changed
  std::atomic<std::uint64_t> left_out{0};    // Foxing's own names, and types that were not asked for
  std::atomic<std::uint64_t> notes{0};       // names that vanished from A

  std::uint64_t of(Class which) const { return by_class[static_cast<std::size_t>(which)].load(); }
  /// Entries of all classes but `same`.
  std::uint64_t not_same() const;
  void add(const Counters& other);
};

/// Who is told.  All calls may come from several workers at once.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void found(const Event& event) = 0;
  /// Whether entries of the class `same` are told too.
  virtual bool wants_same() const { return false; }
  /// A name of A that was gone when its turn came.
  virtual void vanished(const std::string& path) = 0;
  /// A regular file is open on both sides and has been looked at; now it is compared, the how manieth time.
  virtual void comparing(std::string_view /*name*/, int /*reading*/) {}
};

}  // namespace foxing::verify
