// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/copy/durable.h"

#include <utility>

#include "base/assert.h"
#include "sys/file.h"

namespace foxing::copy {

void DurableCommits::add(Waiting waiting, walk::WorkerIndex worker) {
  std::vector<Waiting> full;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(waiting));
    if (waiting_.size() < most_) return;
    full.swap(waiting_);
  }
  commit(std::move(full), worker);
}

void DurableCommits::flush(walk::WorkerIndex worker) {
  // Until none waits: a commit may lead to another one (a link that is refused becomes a copy).
  while (true) {
    std::vector<Waiting> all;
    {
      const std::lock_guard lock(mutex_);
      all.swap(waiting_);
    }
    if (all.empty()) return;
    commit(std::move(all), worker);
  }
}

void DurableCommits::commit(std::vector<Waiting> batch, walk::WorkerIndex worker) {
  std::map<DeviceId, Result<>> synced;
  for (const Waiting& waiting : batch) {
    if (!synced.contains(waiting.device)) synced.emplace(waiting.device, sys::sync_filesystem(waiting.staged.fd()));
  }
  for (Waiting& waiting : batch) {
    const Result<>& durable = synced.at(waiting.device);
    waiting.then(durable ? waiting.staged.commit() : durable, worker);
  }
}

void DurableCommits::touched(DeviceId device, sys::FdView directory) {
  const std::lock_guard lock(mutex_);
  if (devices_.contains(device)) return;
  auto fd = sys::open_at(directory, ".", {.directory = true});
  if (fd) {
    devices_.emplace(device, std::move(*fd));
  } else if (outcome_) {
    outcome_ = tl::make_unexpected(std::move(fd).error());
  }
}

Result<> DurableCommits::finish() {
  const std::lock_guard lock(mutex_);
  FOX_ASSERT(waiting_.empty());
  for (const auto& [device, fd] : devices_) {
    auto synced = sys::sync_filesystem(fd);
    if (outcome_ && !synced) outcome_ = std::move(synced);
  }
  return outcome_;
}

}  // namespace foxing::copy
