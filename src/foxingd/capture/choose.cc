// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/capture/choose.h"

#include <algorithm>
#include <array>

#include "foxingd/capture/bpf_ctime.h"
#include "foxingd/capture/fanotify.h"

namespace foxing::capture {
namespace {

struct Row {
  const char* word;
  bool automatic;  // "auto" tries it
  Result<std::unique_ptr<EventSource>> (*start)(sys::FdView root, const Wishes& wishes);
};

// In the order in which "auto" tries them.
constexpr auto kSources = std::to_array<Row>({
    {"bpf-ctime", true, [](sys::FdView root, const Wishes& wishes) { return BpfCtime::start(root, wishes.queue); }},
    {"fanotify", true, [](sys::FdView root, const Wishes& wishes) { return Fanotify::start(root, wishes.queue); }},
});

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
  for (const Row& row : kSources) {
    if (word != kAuto ? word != row.word : !row.automatic) continue;
    auto started = row.start(root, wishes);
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
