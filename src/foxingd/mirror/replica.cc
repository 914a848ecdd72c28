// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/mirror/replica.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>

#include "foxingd/log/log.h"
#include "foxingd/pipeline/disposition.h"
#include "sys/file.h"

namespace foxing::mirror {

using pipeline::Clock;
using pipeline::Disposition;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kBatch = 512;  // names between two looks at what was heard
constexpr std::size_t kHeardAtOnce = 4096;
constexpr milliseconds kSettlePause{2};  // so long a directory waits for more names in it, before it gets its attributes
constexpr milliseconds kLongestUnsettled{200};  // where something is heard all the time
constexpr milliseconds kPutOffPause{1};  // an event that was on its way is there by then
constexpr milliseconds kFirstStall{500};
constexpr milliseconds kLongestStall{10'000};
constexpr std::chrono::seconds kFirstRescan{60};  // after failures, twice as long each time, at most as long as sweeps are apart
constexpr std::size_t kMostTimes = 4096;  // of remember_when()

}  // namespace

const char* name_of(State state) {
  static constexpr std::array<const char*, 6> kNames = {"starting", "scanning", "live", "stalled", "paused", "stopped"};
  return kNames[static_cast<std::size_t>(state)];
}

Result<std::unique_ptr<Replica>> Replica::prepare(ReplicaOptions options) {
  std::unique_ptr<Replica> replica(new Replica(std::move(options)));
  const ReplicaOptions& how = replica->options_;
  replica->selection_ = FOX_TRY(Selection::make(how.rules));
  replica->roots_ =
      FOX_TRY(Roots::open(how.source, how.target, {.delete_anyway = how.delete_anyway, .must_be_mounted = how.must_be_mounted}));
  replica->bell_ = FOX_TRY(sys::Bell::create());
  replica->scanned_ = FOX_TRY(sys::Bell::create());
  replica->mount_watch_ = FOX_TRY(sys::MountWatch::create());
  replica->mounts_ = replica->roots_->mounts();
  FOX_TRY(replica->connect());
  if (how.listens) FOX_TRY(replica->listen_from_now_on());
  replica->now_.source = how.source;
  replica->now_.target = how.target;
  replica->publish();
  return replica;
}

Replica::~Replica() {
  stop();
  if (thread_.joinable()) thread_.join();
}

Result<> Replica::listen_from_now_on() {
  using Queue = sys::FanotifyGroup::Queue;
  auto chosen = capture::choose(options_.capture, roots_->source(),
                                {.queue = options_.limited_queue ? Queue::limited : Queue::unlimited,
                                 .poll_interval = options_.poll_interval,
                                 .recording = options_.recording});
  if (!chosen) return tl::make_unexpected(std::move(chosen).error().about(options_.source));
  events_ = std::move(chosen->source);
  const std::lock_guard lock(mutex_);
  coverage_ = events_->coverage();
  now_.heard_by = events_->name();
  for (const auto& [name, why] : chosen->declined)
    logging::info("{}: not heard of by {}: {}", options_.source, name, logging::told(why));
  logging::info("{}: heard of by {}", options_.source, events_->name());
  return {};
}

/// What depends on the open roots.
Result<> Replica::connect() {
  auto root = sys::handle_of(roots_->source());
  if (!root) {
    Error error = std::move(root).error();
    if (error.code == EOPNOTSUPP) error.detail = "this filesystem has no file handles, by which directories are told apart";
    return tl::make_unexpected(std::move(error).about(options_.source));
  }
  table_.emplace(std::move(*root));
  links_.clear();
  trees_ = std::make_unique<TreePair>(roots_->for_trees(), selection_.get(), &doubts_);
  FOX_TRY(trees_->connect());
  reconciler_.emplace(*table_, links_, pending_, *trees_);
  return {};
}

void Replica::start() {
  thread_ = std::thread([this] { run(); });
}

void Replica::stop() {
  stopping_.store(true);
  if (bell_) bell_->ring();
}

Result<ScanReport> Replica::scan_once() {
  auto report = FOX_TRY(scan(roots_->for_trees(), selection_.get(), options_.workers, *table_, links_));
  if (report.failures == 0) roots_->remember_origin();
  return report;
}

// ---- The thread

void Replica::run() {
  while (!stopping_.load()) {
    wait();
    bell_->silence();
    look_for_those_who_ask();
    look_at_mounts();
    const auto before = std::chrono::system_clock::now();
    if (listen()) {
      heard_all_at_ = before;
      note_those_who_ask();
    }
    bool paused = false;
    {
      const std::lock_guard lock(mutex_);
      paused = paused_;
    }
    if (stalled_until_ && !paused && Clock::now() >= *stalled_until_) try_again();
    if (!stalled_until_ && (paused || heard_.empty() || Clock::now() - settled_ > kLongestUnsettled)) settle();
    if (!stalled_until_ && !paused) work();
    now_.state = stalled_until_ ? State::stalled : paused ? State::paused : State::live;
    answer_flushes();
    publish();
  }
  if (!stalled_until_) settle();
  {
    const std::lock_guard lock(mutex_);
    for (Flush& flush : asked_) flushes_.push_back(std::move(flush));
    asked_.clear();
  }
  for (Flush& flush : flushes_) flush.then(fail(ECANCELED, "flush", {}, "foxingd stops"));
  now_.state = State::stopped;
  publish();
}

std::optional<milliseconds> Replica::patience() const {
  const auto now = Clock::now();
  std::optional<Clock::time_point> until;
  const auto no_later_than = [&](Clock::time_point time) { until = until ? std::min(*until, time) : time; };
  if (stalled_until_) {
    no_later_than(*stalled_until_);
  } else {
    if (has_work()) return put_off_ > 0 && put_off_ == pending_.size() && !scan_wanted_ ? kPutOffPause : milliseconds(0);
    if (trees_ != nullptr && trees_->is_unsettled()) return kSettlePause;
    if (const auto next = retries_.next()) no_later_than(*next);
    if (next_sweep_ != Clock::time_point::max()) no_later_than(next_sweep_);
  }
  if (!until) return std::nullopt;
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(*until - now));
}

void Replica::wait() {
  std::optional<milliseconds> longest = patience();
  {
    const std::lock_guard lock(mutex_);
    if (paused_) longest.reset();
  }
  if (longest != milliseconds(0)) {
    const std::array files{events_->descriptor(), bell_->fd()};
    if (const auto waited = sys::wait_any(files, longest, &*mount_watch_); !waited)
      logging::error("{}: {}", options_.source, logging::told(waited.error()));
  }
}

void Replica::look_at_mounts() {
  if (!mount_watch_->take_changed()) return;
  std::vector<std::string> now = roots_->mounts();
  if (now == mounts_) return;
  mounts_ = std::move(now);
  scan_wanted_ = true;
  logging::info("{}: something was mounted or unmounted in it; everything is looked at", options_.source);
}

bool Replica::listen() {
  heard_.clear();
  const auto all = events_->poll(heard_, kHeardAtOnce);
  if (!all) {
    logging::error("{}: {}: everything is looked at again", options_.source, logging::told(all.error()));
    pending_.push({.kind = capture::Event::Kind::lost});
    return true;
  }
  for (const capture::Event& event : heard_) hear(event);
  remember_when();
  return *all;
}

void Replica::hear(const capture::Event& event) {
  if (event.doubted) doubts_.add(event.object);
  // What fails rests until its pause is over; it is looked at then as it is then.
  if (event.kind == capture::Event::Kind::name && retries_.rests({event.directory, event.name})) {
    pending_.merged(event);
    return;
  }
  // What was given up has another chance, and nobody is told that it is equal before it was taken.
  if (!given_up_.empty()) {
    given_up_.erase({event.directory, event.name});
    if (event.kind == capture::Event::Kind::inside)
      std::erase_if(given_up_, [&](const pipeline::Name& name) { return name.directory == event.directory; });
    if (event.kind == capture::Event::Kind::renamed) given_up_.erase({event.to_directory, event.to_name});
  }
  pending_.push(event);
}

void Replica::remember_when() {
  const auto first = oldest();
  while (!heard_when_.empty() && (!first || heard_when_.front().first < *first)) heard_when_.pop_front();
  if (!first || (!heard_when_.empty() && heard_when_.back().first == pending_.last_number())) return;
  heard_when_.emplace_back(pending_.last_number(), Clock::now());
  if (heard_when_.size() <= kMostTimes) return;
  // Half as exact: a target may be paused for a week.
  std::size_t number = 0;
  std::erase_if(heard_when_, [&](const auto&) { return number++ % 2 == 1; });
}

void Replica::work() {
  if (std::string missing = roots_->missing(); !missing.empty()) {
    roots_were_missing_ = true;
    return stall(std::move(missing));
  }
  if (pending_.take_lost()) {
    logging::warning("{}: events were lost; everything is looked at", options_.source);
    scan_wanted_ = true;
  }
  const auto now = Clock::now();
  if (now >= next_sweep_) scan_wanted_ = true;
  if (scan_wanted_) scan_all();
  if (stalled_until_ || stopping_.load()) return;
  retried_.clear();
  for (pipeline::Item& item : retries_.due(now)) {
    retried_.insert(item.name);
    pending_.put_back({item.name, item.since, 0, item.owed});
  }
  if (!has_names()) return;
  auto failures = reconciler_->run(kBatch);
  put_off_ = reconciler_->put_off();
  ++now_.batches;
  now_.busy += Clock::now() - now;
  judge(std::move(failures));
}

void Replica::settle() {
  settled_ = Clock::now();
  if (trees_ == nullptr) return;
  trees_->settle();
  std::vector<pipeline::Reconciler::Failure> failures;
  std::unordered_set<pipeline::Name> undressed;
  for (TreePair::Unsettled& one : trees_->take_unsettled()) {
    pipeline::Name name{std::move(one.directory), {}};
    if (!undressed.insert(name).second) continue;
    // Older than everything: nobody who waits is told that all is equal.
    failures.push_back({pending_.derived(name, 1), std::move(one.outcome)});
  }
  for (const pipeline::Name& name : undressed_) {
    if (undressed.contains(name)) continue;
    if (retries_.rests(name)) {
      undressed.insert(name);
    } else {
      retries_.succeeded(name);
    }
  }
  undressed_ = std::move(undressed);
  if (!failures.empty() && (heard_when_.empty() || heard_when_.front().first > 0)) heard_when_.emplace_front(0, settled_);
  judge(std::move(failures));
}

void Replica::judge(std::vector<pipeline::Reconciler::Failure> failures) {
  for (const auto& failure : failures) retried_.erase(failure.item.name);
  for (const pipeline::Name& name : retried_)
    if (!name.name.empty()) retries_.succeeded(name);  // of a directory itself settle() knows
  retried_.clear();
  for (const auto& failure : failures) {
    const bool too_soon = failure.outcome.trouble == pipeline::Trouble::too_soon;
    const unsigned attempts = too_soon ? 0 : retries_.failed(failure.item);
    switch (pipeline::dispose(failure.outcome, attempts)) {
      case Disposition::done: break;
      case Disposition::later: retries_.wait_until(failure.item, trees_->due(failure.item.name)); break;
      case Disposition::retry:
        if (attempts == pipeline::kMostAttempts)
          logging::warning("not mirrored yet after {} attempts: {}", attempts, logging::told(failure.outcome.error));
        retries_.wait(failure.item, Clock::now());
        break;
      case Disposition::stall:
        retries_.succeeded(failure.item.name);  // that is no failure of its own
        pending_.put_back({failure.item.name, failure.item.since, 0, failure.item.owed});
        stall(logging::told(failure.outcome.error));
        break;
      case Disposition::report: give_up(failure); break;
    }
  }
}

void Replica::give_up(const pipeline::Reconciler::Failure& failure) {
  given_up_.insert(failure.item.name);
  retries_.succeeded(failure.item.name);
  logging::error("given up until the next scan: {}", logging::told(failure.outcome.error));
  scan_soon();
}

/// What failed is looked at again by a scan: soon at first, and if that does not help ever more rarely, but for ever.
void Replica::scan_soon() {
  const std::chrono::seconds longest = options_.sweep_interval.value_or(std::chrono::hours(1));
  if (rescan_pause_.count() == 0) rescan_pause_ = std::min(kFirstRescan, longest);
  next_sweep_ = std::min(next_sweep_, Clock::now() + rescan_pause_);
}

// ---- Everything

void Replica::scan_all() {
  const auto begin = Clock::now();
  now_.state = State::scanning;
  publish();
  if (const auto guarded = roots_->guard_emptying(); !guarded) return stall(logging::told(guarded.error()));
  settle();
  if (stalled_until_) return;
  const auto report = walk_all();
  ++now_.scans;
  if (stopping_.load()) return;
  if (!report) return stall(logging::told(report.error()));  // it is still wanted
  scanned(*report, begin);
}

/// What is heard meanwhile is kept, a name once; the kernel's queue stays short.
Result<ScanReport> Replica::walk_all() {
  scanned_->silence();
  Result<ScanReport> report = fail(ECANCELED, "scan");
  std::thread walker([&] {
    report = scan(roots_->for_trees(), selection_.get(), options_.workers, *table_, links_);
    scanned_->ring();
  });
  for (bool ended = false; !ended;) {
    const std::array files{events_->descriptor(), scanned_->fd()};
    (void)sys::wait_any(files, std::nullopt);
    const std::array only{scanned_->fd()};
    const auto rung = sys::wait_any(only, milliseconds(0));
    ended = rung && *rung;
    if (!ended) listen();
  }
  walker.join();
  // A scan believes what status tells.
  for (const pipeline::FileHandle& object : doubts_.all())
    pending_.push({.kind = capture::Event::Kind::object, .object = object, .doubted = true});
  return report;
}

void Replica::scanned(const ScanReport& report, Clock::time_point begin) {
  scan_wanted_ = report.full;
  if (report.full) stall("the target is full");
  // Everything was looked at: what had failed before is right now, or among the failures of this scan.
  retries_.clear();
  given_up_.clear();
  undressed_.clear();
  missed_ = report.failures - report.changing;
  for (const Error& error : report.first_failures) logging::error("{}", logging::told(error));
  if (report.failures == 0) roots_->remember_origin();
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
  logging::info("Hydration: {} files require synchronization", report.changed);
  logging::info("{} -> {}: looked at {} entries in {} ms, {} changed, {} deleted, {} failed", options_.source, options_.target,
                report.entries, took.count(), report.changed, report.deleted, report.failures);
  next_sweep_ =
      options_.sweep_interval && coverage_.needs_sweep() ? Clock::now() + *options_.sweep_interval : Clock::time_point::max();
  if (report.failures == 0) {
    rescan_pause_ = std::chrono::seconds(0);
  } else {
    rescan_pause_ = std::min(rescan_pause_ * 2, options_.sweep_interval.value_or(std::chrono::hours(1)));
    scan_soon();
  }
}

// ---- Stalling

void Replica::stall(std::string why) {
  if (!stalled_until_ && now_.why != why) logging::warning("{}: waits: {}", options_.target, why);
  now_.why = std::move(why);
  stall_pause_ = stall_pause_.count() == 0 ? kFirstStall : std::min(stall_pause_ * 2, kLongestStall);
  stalled_until_ = Clock::now() + stall_pause_;
  if (roots_were_missing_) {
    reconciler_.reset();
    trees_.reset();  // unsettled: nothing is written there any more
    roots_->let_go_of_target();
  }
}

void Replica::try_again() {
  if (roots_were_missing_) {
    const auto opened = roots_->open_target_again();
    auto ready = opened ? connect() : Result<>(tl::make_unexpected(opened.error()));
    if (ready) ready = listen_from_now_on();
    if (!ready) return stall(logging::told(ready.error()));
    roots_were_missing_ = false;
    pending_.clear();
    scan_wanted_ = true;
  }
  stalled_until_.reset();
  work();
  if (stalled_until_) return;
  logging::info("{}: goes on", options_.target);
  stall_pause_ = milliseconds(0);
  now_.why.clear();
}

// ---- What others ask

void Replica::flush(std::function<void(Result<>)> then) {
  {
    const std::lock_guard lock(mutex_);
    asked_.push_back({std::move(then), std::nullopt});
  }
  bell_->ring();
}

void Replica::pause(bool paused) {
  {
    const std::lock_guard lock(mutex_);
    paused_ = paused;
  }
  bell_->ring();
}

void Replica::look_for_those_who_ask() {
  const std::lock_guard lock(mutex_);
  if (looked_for_ > 0 || asked_.empty()) return;
  looked_for_ = asked_.size();
  events_->look_now();
}

/// All that had happened when they were looked for has been heard.
void Replica::note_those_who_ask() {
  const std::lock_guard lock(mutex_);
  if (looked_for_ == 0) return;
  if (trees_ != nullptr) trees_->hurry();
  retries_.all_are_due(Clock::now());
  const auto end = asked_.begin() + static_cast<std::ptrdiff_t>(looked_for_);
  for (auto flush = asked_.begin(); flush != end; ++flush) flushes_.push_back({std::move(flush->then), pending_.last_number()});
  asked_.erase(asked_.begin(), end);
  looked_for_ = 0;
  if (!asked_.empty()) bell_->ring();  // those who came meanwhile: once more
}

std::optional<std::uint64_t> Replica::oldest() const {
  std::optional<std::uint64_t> oldest;
  for (const auto& one : {pending_.oldest(), retries_.oldest(), reconciler_ ? reconciler_->oldest_to_search() : std::nullopt})
    if (one) oldest = std::min(oldest.value_or(*one), *one);
  return oldest;
}

void Replica::answer_flushes() {
  const auto is_done = [&](const Flush& flush) {
    return !scan_wanted_ && !pending_.lost() && !stalled_until_ &&
           *flush.until < oldest().value_or(std::numeric_limits<std::uint64_t>::max());
  };
  if (std::ranges::none_of(flushes_, is_done)) return;
  settle();  // which may fail: then nothing is done yet
  if (std::ranges::none_of(flushes_, is_done)) return;
  Result<> outcome = sys::sync_filesystem(roots_->target());
  if (const std::uint64_t failures = missed_ + given_up_.size(); outcome && failures > 0)
    outcome = fail(0, "", options_.target,
                   failures == 1 ? "1 name is not equal: it was given up until the next scan, and the log says why"
                                 : std::to_string(failures) +
                                       " names are not equal: they were given up until the next scan, and the log says why");
  std::vector<Flush> rest;
  for (Flush& flush : flushes_) {
    if (is_done(flush)) {
      flush.then(outcome);
    } else {
      rest.push_back(std::move(flush));
    }
  }
  flushes_ = std::move(rest);
}

void Replica::publish() {
  now_.pending = pending_.size();
  now_.retrying = retries_.waiting();
  now_.directories = table_->size();
  now_.linked_names = links_.names();
  now_.doubts_given_up = doubts_.given_up();
  if (events_) now_.heard = events_->counters();
  now_.merged = pending_.counters();
  if (reconciler_) now_.done = reconciler_->counters();
  if (trees_) {
    copy::Counters copied;
    trees_->add_counters_to(copied);
    now_.files = copied.files;
    now_.bytes = copied.bytes_moved;
  }
  now_.failures = missed_ + given_up_.size();
  const auto first = oldest();
  while (!heard_when_.empty() && (!first || heard_when_.front().first < *first)) heard_when_.pop_front();
  now_.lag = heard_when_.empty() ? std::chrono::nanoseconds(0) : Clock::now() - heard_when_.front().second;
  const bool settled = trees_ != nullptr && !trees_->is_unsettled();
  if (!first && !scan_wanted_ && settled && now_.failures == 0 && now_.state == State::live) now_.equal_as_of = heard_all_at_;
  const std::lock_guard lock(mutex_);
  shared_ = now_;
}

capture::Coverage Replica::coverage() const {
  const std::lock_guard lock(mutex_);
  return coverage_;
}

ReplicaStatus Replica::status() const {
  const std::lock_guard lock(mutex_);
  return shared_;
}

}  // namespace foxing::mirror
