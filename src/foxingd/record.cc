// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/record.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "base/little_endian.h"
#include "base/text.h"
#include "foxingd/capture/choose.h"
#include "foxingd/capture/recorder.h"
#include "foxingd/log/log.h"
#include "sys/file.h"
#include "sys/names.h"
#include "sys/waiting.h"

namespace foxing::foxingd {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kAtOnce = 4096;

struct Recording {
  sys::UniqueFd signals;
  sys::UniqueFd root;
  std::unique_ptr<capture::EventSource> events;
  sys::UniqueFd file;
  std::uint64_t written = 0;
};

Result<Recording> begin(const Options& options) {
  Recording recording;
  recording.signals = FOX_TRY(sys::receive_signals({SIGINT, SIGTERM, SIGHUP}));
  const auto named = [&](Error error) { return tl::make_unexpected(std::move(error).about(options.paths.front())); };
  auto root = sys::open_at(sys::working_directory(), options.paths.front(), {.links = sys::Links::follow, .directory = true});
  if (!root) return named(std::move(root).error());
  recording.root = std::move(*root);
  auto chosen = capture::choose(capture::kAuto, recording.root, {});
  if (!chosen) return named(std::move(chosen).error());
  recording.events = std::move(chosen->source);
  auto file = sys::create_at(sys::working_directory(), options.output, 0600);
  if (!file) return tl::make_unexpected(std::move(file).error().about(options.output));
  recording.file = std::move(*file);
  return recording;
}

/// What has been heard until now, into the recorder.
Result<> take_all(Recording& recording, capture::Recorder& recorder, Clock::time_point begin) {
  std::vector<capture::Event> heard;
  for (bool all = false; !all;) {
    heard.clear();
    all = FOX_TRY(recording.events->poll(heard, kAtOnce));
    const auto at = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
    for (const capture::Event& event : heard) recorder.take(event, at);
  }
  return {};
}

Result<> write_out(Recording& recording, capture::Recorder& recorder) {
  const std::string bytes = recorder.take_bytes();
  recording.written += bytes.size();
  if (recording.written > capture::kLongestRecording) return fail(0, "", {}, "is as long as a recording can be (64 MiB)");
  return sys::write_all(recording.file, as_bytes(bytes));
}

Result<> record(Recording& recording, capture::Recorder& recorder, const Options& options) {
  const auto begin = Clock::now();
  for (bool goes_on = true; goes_on;) {
    std::optional<std::chrono::milliseconds> patience;
    if (options.duration)
      patience = std::max(std::chrono::milliseconds(0),
                          std::chrono::ceil<std::chrono::milliseconds>(begin + *options.duration - Clock::now()));
    const std::array files{recording.events->descriptor(), sys::FdView(recording.signals)};
    FOX_TRY(sys::wait_any(files, patience));
    const auto signal = FOX_TRY(sys::next_signal(recording.signals));
    goes_on = !signal && (!options.duration || Clock::now() < begin + *options.duration);
    if (!goes_on) recording.events->look_now();
    FOX_TRY(take_all(recording, recorder, begin));
    FOX_TRY(write_out(recording, recorder));
  }
  recorder.finish();
  FOX_TRY(write_out(recording, recorder));
  FOX_TRY(sys::sync_file(recording.file));
  return sys::close_written(std::move(recording.file));
}

ExitCode refused(const Error& error) {
  std::fprintf(stderr, "foxingd: %s\n", printable(logging::told(error)).c_str());
  return ExitCode::nothing_done;
}

}  // namespace

ExitCode run_record(const Options& options) {
  auto recording = begin(options);
  if (!recording) return refused(recording.error());
  auto recorder = capture::Recorder::create(recording->root);
  auto recorded = recorder ? record(*recording, *recorder, options) : Result<>(tl::make_unexpected(recorder.error()));
  if (!recorded) {
    (void)sys::unlink_at(sys::working_directory(), options.output);  // without its end it is of no use
    return refused(std::move(recorded).error().about(options.output));
  }
  std::printf("%s events, %s left out\n", grouped(recorder->counters().events).c_str(),
              grouped(recorder->counters().left_out).c_str());
  return ExitCode::all_done;
}

}  // namespace foxing::foxingd
