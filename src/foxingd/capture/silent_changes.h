// SPDX-License-Identifier: GPL-2.0-or-later
// Silent changes: which of the files that changed have to be looked at although no name told of it, and when.
//
//   from  ctime_program (a file changed), the source of names (somebody told of a file)        to  bpf_ctime, Due
//
// Why.   Most changes are told twice: the ctime moves, and then a name is told, which is enough.  What no name tells of (stores through mmap, libaio) is looked
//        at for the ctime's sake, and by its bytes: the ctime moves before the bytes are there, and once for several stores, so a copy may have the
//        times of a change without the change.
// How.   A change waits until it has settled.  If a name was told after it, it is forgotten.  Else it is silent, and the file is due:
//          mapped      its pages are protected, and then it is looked at: the next store moves the ctime again
//          not mapped  it is looked at, and once more a second later, when even a slow disk has written what was on its way
//        A file that has changed silently is a suspect: the next name that is told of it (its last close) has it looked at by its bytes as well.
// Holds. No thread, no clock: time is an argument.   A change that is told of later than it settles is looked at twice, never not at all.
// Cost.  About 150 bytes a file that is waiting, and a suspect; kMostSuspects of those: the oldest is believed by its status again.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sys/handle.h"

namespace foxing::capture {

class SilentChanges {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;
  using File = sys::FileHandle;
  static constexpr std::size_t kMostSuspects = 4096;
  /// Names are told when a write has ended, the ctime moves when it begins.
  static constexpr std::chrono::milliseconds kNameIsLate{20};
  static constexpr std::chrono::milliseconds kBetweenLooks{20};
  static constexpr std::chrono::seconds kOnceMore{1};

  /// `tick`: of the clock that files get their times from.  Changes within one may have moved the ctime once.
  explicit SilentChanges(Duration tick) : settled_after_(tick + std::chrono::milliseconds(1)) {}

  void changed(const File& file, Time last, bool mapped);
  /// A name of it was heard; all that was told until `heard` has been.  True: its status is not to be believed.
  bool told(const File& file, Time heard);

  struct Due {
    File file;
    bool mapped = false;
  };
  /// Those that have to be looked at now.
  std::vector<Due> due(Time now);
  /// Somebody waits: what has changed is due at once.
  void hurry();
  std::optional<Time> next() const;

  /// It is gone, or nobody's who asks.
  void forget(const File& file);
  /// Looking at it took so long; the next look waits for several times as long.
  void looked(const File& file, Time begin, Time end);

  std::size_t size() const { return files_.size(); }

 private:
  struct State {
    Time last{};  // change
    std::optional<Time> due = {};
    Time rests_until = Time::min();
    bool mapped = false;
    bool silent = false;
    bool once_more = false;  // it is due although it has not changed since the last look
    bool listed = false;  // in suspects_
  };
  using Files = std::unordered_map<File, State>;
  void set_due(const File& file, State& state, std::optional<Time> due);
  void erase(Files::iterator at);
  void suspect(const File& file, State& state);

  const Duration settled_after_;
  Files files_;
  std::set<std::pair<Time, File>> by_time_;
  std::deque<File> suspects_;
};

}  // namespace foxing::capture
