// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/choose.h"

#include <algorithm>
#include <array>

#include "core/storage/storage.h"
#include "foxingd/capture/bpf_ctime.h"
#include "foxingd/capture/fanotify.h"
#include "foxingd/capture/poll.h"
#include "foxingd/capture/replay.h"

namespace foxing::capture {
namespace {

struct Row {
  const char* word;
  bool automatic;  // "auto" tries it
  bool by_kernel;  // which tells of what this machine does, and of nothing else
  Result<std::unique_ptr<EventSource>> (*start)(sys::FdView root, const Wishes& wishes);
};

// In the order in which "auto" tries them.
constexpr auto kSources = std::to_array<Row>({
    {"bpf-ctime", true, true, [](sys::FdView root, const Wishes& wishes) { return BpfCtime::start(root, wishes.queue); }},
    {"fanotify", true, true, [](sys::FdView root, const Wishes& wishes) { return Fanotify::start(root, wishes.queue); }},
    {"poll", true, false, [](sys::FdView root, const Wishes& wishes) { return Poll::start(root, wishes.poll_interval); }},
});

Result<std::unique_ptr<EventSource>> not_remote() {
  return fail(0, "", {}, "the kernel does not tell of what others change on a network filesystem: capture = \"poll\" looks for it");
}

/// Not for the last resort: whoever starts foxingd should know that a privilege is missing.
bool is_forbidden(const Error& error) { return error.code == EPERM || error.code == EACCES; }

}  // namespace

std::vector<std::string_view> words() {
  std::vector<std::string_view> words{kAuto};
  for (const Row& row : kSources) words.emplace_back(row.word);
  return words;
}

bool is_word(std::string_view word) {
  return word == kAuto || std::ranges::any_of(kSources, [&](const Row& row) { return word == row.word; });
}

Result<Chosen> choose(std::string_view word, sys::FdView root, const Wishes& wishes) {
  Chosen chosen;
  if (!wishes.recording.empty()) {
    auto recording = FOX_TRY(read_recording(wishes.recording));
    chosen.source = FOX_TRY(Replay::start(root, std::move(recording)));
    return chosen;
  }
  const bool is_remote = FOX_TRY(storage::quick_traits(root)).nature == storage::Nature::network;
  for (const Row& row : kSources) {
    if (word != kAuto ? word != row.word : !row.automatic) continue;
    if (word == kAuto && !row.by_kernel && !chosen.declined.empty() && is_forbidden(chosen.declined.back().why)) break;
    auto started = is_remote && row.by_kernel ? not_remote() : row.start(root, wishes);
    if (started) {
      chosen.source = std::move(*started);
      return chosen;
    }
    chosen.declined.push_back({row.word, std::move(started).error()});
  }
  if (chosen.declined.empty()) return fail(EINVAL, "capture", std::string(word), "there is no such source of events");
  return tl::make_unexpected(std::move(chosen.declined.back().why));
}

}  // namespace foxing::capture
