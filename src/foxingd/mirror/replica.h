// SPDX-License-Identifier: GPL-2.0-or-later
// Replica: one source and one of its targets, kept equal by one thread.  The door of this folder.
//
//   from  capture::EventSource        to  the target; status() for whoever asks
//
// How.   The source of events is started; then the whole tree is scanned; from then on what is heard is looked at, name by name.  Each replica has its own source
//        of events, its own table and its own thread: a slow or dead target holds up nobody.
//        Lost events and a target that comes back are answered by a scan.  A target that is full, gone or read-only stalls: nothing is written and nothing
//        deleted until it is well again, and what is heard meanwhile is kept, a name once.
// Holds. Before each batch the roots are looked at: a source or a target that is not the one that was started with (unmounted, replaced) stalls.
//        One replica at a time writes into a target: it holds a lock on it.
// Not here: what is done about a name (pipeline), configuration, words for people.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "foxingd/capture/choose.h"
#include "foxingd/mirror/roots.h"
#include "foxingd/mirror/scan.h"
#include "foxingd/mirror/selection.h"
#include "foxingd/mirror/tree_pair.h"
#include "foxingd/pipeline/pending.h"
#include "foxingd/pipeline/reconciler.h"
#include "foxingd/pipeline/retries.h"
#include "sys/waiting.h"

namespace foxing::mirror {

struct ReplicaOptions {
  std::string source;
  std::string target;
  std::vector<FilterRule> rules;
  unsigned workers = 2;  // of a scan
  std::size_t most_pending = 1'000'000;
  std::optional<std::chrono::seconds> sweep_interval = std::chrono::hours(1);
  std::string capture = std::string(capture::kAuto);  // the source of events: a word of capture/choose.h
  bool limited_queue = false;  // the kernel's default of 16384 events
  std::chrono::milliseconds poll_interval = std::chrono::seconds(10);  // of capture by poll
  std::string recording = {};  // is told once more, in place of what happens
  bool delete_anyway = false;  // an empty source, or another filesystem than last time
  bool must_be_mounted = false;  // the target, or the directory it lies in
  bool listens = true;  // else: one scan, and no events
  friend bool operator==(const ReplicaOptions&, const ReplicaOptions&) = default;
};

enum class State : unsigned char { starting, scanning, live, stalled, paused, stopped };
const char* name_of(State state);

struct ReplicaStatus {
  std::string source;
  std::string target;
  State state = State::starting;
  std::string why;  // where it is stalled
  std::uint64_t pending = 0;
  std::uint64_t retrying = 0;
  std::chrono::nanoseconds lag{0};  // how long the oldest pending name has waited
  std::uint64_t directories = 0;
  std::uint64_t linked_names = 0;
  std::uint64_t scans = 0;
  std::uint64_t failures = 0;  // names given up until the next scan: they are not equal
  std::uint64_t doubts_given_up = 0;
  std::string heard_by = {};  // the source of events
  std::optional<std::chrono::system_clock::time_point> equal_as_of = {};
  capture::EventSource::Counters heard = {};
  pipeline::Pending::Counters merged = {};
  pipeline::Reconciler::Counters done = {};
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t batches = 0;
  std::chrono::nanoseconds busy{0};
};

class Replica {
 public:
  /// Opens both trees, takes the lock, and starts to listen unless it is for one scan.  Errors: a sentence with the path, the reason and the way out.
  static Result<std::unique_ptr<Replica>> prepare(ReplicaOptions options);
  ~Replica();

  /// Begins to work, on a thread of its own.
  void start();
  /// Asks it to end after the batch that it is at; the destructor waits for that.
  void stop();
  /// Without events: the scan alone, on this thread.
  Result<ScanReport> scan_once();

  // From any thread.
  const ReplicaOptions& options() const { return options_; }
  ReplicaStatus status() const;
  /// `then` is called on the replica's thread when all that has happened in the source until now is on the target's disk; with an error where names were given
  /// up, which are not; or when it stops, with ECANCELED.
  void flush(std::function<void(Result<>)> then);
  void pause(bool paused);
  capture::Coverage coverage() const;

 private:
  explicit Replica(ReplicaOptions options) : options_(std::move(options)), pending_(options_.most_pending) {}
  Result<> listen_from_now_on();
  Result<> connect();
  void run();
  void wait();
  /// Takes what was heard.  True: there is no more of it now.
  bool listen();
  /// Something was mounted in the source, or unmounted: no event tells what is there now.
  void look_at_mounts();
  void hear(const capture::Event& event);
  void work();
  void scan_all();
  Result<ScanReport> walk_all();
  void scanned(const ScanReport& report, pipeline::Clock::time_point begin);
  /// Directories get their attributes.
  void settle();
  void judge(std::vector<pipeline::Reconciler::Failure> failures);
  void give_up(const pipeline::Reconciler::Failure& failure);
  void scan_soon();
  void stall(std::string why);
  void try_again();
  /// Those who ask for a flush wait for what has happened until then.
  void look_for_those_who_ask();
  void note_those_who_ask();
  void answer_flushes();
  /// Of what is pending or waits to be tried again.
  std::optional<std::uint64_t> oldest() const;
  void remember_when();
  void publish();
  bool has_work() const { return scan_wanted_ || has_names(); }
  bool has_names() const { return !pending_.empty() || (reconciler_ && reconciler_->oldest_to_search()); }
  std::optional<std::chrono::milliseconds> patience() const;

  struct Flush {
    std::function<void(Result<>)> then;
    std::optional<std::uint64_t> until;  // the last number that it waits for; nothing while not all that was there has been heard
  };

  const ReplicaOptions options_;
  std::unique_ptr<Selection> selection_;
  std::unique_ptr<Roots> roots_;
  std::unique_ptr<capture::EventSource> events_;
  capture::Coverage coverage_;
  std::optional<sys::Bell> bell_;
  std::optional<sys::Bell> scanned_;  // a scan has ended
  std::optional<sys::MountWatch> mount_watch_;

  // Of the replica's thread.
  pipeline::Pending pending_;
  pipeline::Retries retries_;
  pipeline::LinkGroups links_;
  std::optional<pipeline::DirectoryTable> table_;
  std::unique_ptr<TreePair> trees_;
  std::optional<pipeline::Reconciler> reconciler_;
  std::vector<capture::Event> heard_;
  std::vector<std::string> mounts_;  // below the source
  Doubts doubts_;
  bool scan_wanted_ = true;
  std::size_t put_off_ = 0;
  pipeline::Clock::time_point settled_{};
  std::unordered_set<pipeline::Name> retried_;  // in the present batch
  std::unordered_set<pipeline::Name> undressed_;  // directories that did not get their attributes the last time
  std::unordered_set<pipeline::Name> given_up_;
  std::uint64_t missed_ = 0;  // failures of the last scan
  std::chrono::seconds rescan_pause_{0};  // after failures
  pipeline::Clock::time_point next_sweep_ = pipeline::Clock::time_point::max();
  std::optional<pipeline::Clock::time_point> stalled_until_;
  std::chrono::milliseconds stall_pause_{0};
  bool roots_were_missing_ = false;
  std::deque<std::pair<std::uint64_t, pipeline::Clock::time_point>> heard_when_;  // numbers of Pending, and when they were given
  std::vector<Flush> flushes_;
  std::chrono::system_clock::time_point heard_all_at_{};  // what happened before has been heard
  ReplicaStatus now_;  // copied to shared_

  mutable std::mutex mutex_;
  ReplicaStatus shared_;
  std::vector<Flush> asked_;
  std::size_t looked_for_ = 0;  // so many of asked_ were there when the source of events was told to look
  bool paused_ = false;

  std::thread thread_;
  std::atomic<bool> stopping_{false};
};

}  // namespace foxing::mirror
