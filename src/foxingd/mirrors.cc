// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/mirrors.h"

#include <algorithm>

#include "foxingd/log/log.h"

namespace foxing::foxingd {

Result<Mirrors::Change> Mirrors::change_to(const std::vector<mirror::ReplicaOptions>& wanted) {
  const auto runs = [&](const mirror::ReplicaOptions& one) {
    return std::ranges::any_of(replicas_, [&](const auto& replica) { return replica->options() == one; });
  };
  Change change;
  Replicas prepared;
  std::vector<mirror::ReplicaOptions> waiting;
  for (const mirror::ReplicaOptions& one : wanted) {
    if (runs(one)) {
      ++change.go_on;
    } else if (has_target(one.target)) {
      waiting.push_back(one);
    } else {
      auto replica = FOX_TRY(mirror::Replica::prepare(one));
      prepared.push_back(std::move(replica));
    }
  }
  change.begin = prepared.size() + waiting.size();
  waiting_ = std::move(waiting);

  const std::lock_guard lock(mutex_);
  Replicas going_on;
  for (auto& replica : replicas_) {
    const bool stays = std::ranges::find(wanted, replica->options()) != wanted.end();
    (stays ? going_on : ending_).push_back(std::move(replica));
  }
  change.end = replicas_.size() - going_on.size();
  replicas_ = std::move(going_on);
  for (auto& replica : ending_) replica->stop();
  for (auto& replica : prepared) add(std::move(replica));
  return change;
}

/// mutex_ is held.
void Mirrors::add(std::unique_ptr<mirror::Replica> replica) {
  if (started_) replica->start();
  replicas_.push_back(std::move(replica));
}

bool Mirrors::has_target(const std::string& target) const {
  const auto has = [&](const auto& replica) { return replica->options().target == target; };
  return std::ranges::any_of(replicas_, has) || std::ranges::any_of(ending_, has);
}

void Mirrors::start() {
  started_ = true;
  for (auto& replica : replicas_) replica->start();
}

void Mirrors::tend() {
  std::erase_if(ending_, [](const auto& replica) { return replica->status().state == mirror::State::stopped; });
  std::vector<mirror::ReplicaOptions> still;
  for (mirror::ReplicaOptions& one : waiting_) {
    if (has_target(one.target)) {
      still.push_back(std::move(one));
      continue;
    }
    auto replica = mirror::Replica::prepare(one);
    if (replica) {
      const std::lock_guard lock(mutex_);
      add(std::move(*replica));
    } else {
      logging::error("{} (not mirrored until the configuration is read again)", logging::told(replica.error()));
    }
  }
  waiting_ = std::move(still);
}

void Mirrors::stop() {
  waiting_.clear();
  for (auto& replica : replicas_) replica->stop();
  ending_.clear();
  const std::lock_guard lock(mutex_);
  replicas_.clear();
}

std::vector<Reported> Mirrors::reports() const {
  const std::lock_guard lock(mutex_);
  std::vector<Reported> reports;
  for (const auto& replica : replicas_) reports.push_back({replica->status(), replica->coverage()});
  return reports;
}

bool Mirrors::are_healthy() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::none_of(replicas_, [](const auto& replica) { return replica->status().state == mirror::State::stalled; });
}

}  // namespace foxing::foxingd
