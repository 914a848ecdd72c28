// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/mirrors.h"

#include <algorithm>
#include <array>

#include "foxingd/log/log.h"

namespace foxing::foxingd {

namespace {

constexpr std::chrono::seconds kBetweenTries{5};

/// Of a disk or a server, and not of the configuration.
bool may_pass(const Error& error) {
  constexpr std::array kCodes = {EIO, EROFS, ENOSPC, ENODEV, ENXIO, ESTALE, ENOTCONN, EHOSTDOWN, ETIMEDOUT};
  return std::ranges::find(kCodes, error.code) != kCodes.end();
}

}  // namespace

Result<Mirrors::Change> Mirrors::change_to(const std::vector<mirror::ReplicaOptions>& wanted) {
  const auto runs = [&](const mirror::ReplicaOptions& one) {
    return std::ranges::any_of(replicas_, [&](const auto& replica) { return replica->options() == one; });
  };
  Change change;
  Replicas prepared;
  std::vector<mirror::ReplicaOptions> waiting;
  std::vector<Absent> absent;
  for (const mirror::ReplicaOptions& one : wanted) {
    if (runs(one)) {
      ++change.go_on;
    } else if (const auto known = std::ranges::find(absent_, one, &Absent::options); known != absent_.end()) {
      absent.push_back(*known);
    } else if (has_target(one.target)) {
      waiting.push_back(one);
    } else if (auto replica = mirror::Replica::prepare(one)) {
      prepared.push_back(std::move(*replica));
    } else if (!started_ && wanted.size() > 1 && may_pass(replica.error())) {
      logging::error("{} (not mirrored yet; tried again)", logging::told(replica.error()));
      absent.push_back({one, logging::told(replica.error())});
    } else {
      return tl::make_unexpected(std::move(replica).error());
    }
  }
  change.begin = prepared.size() + waiting.size();
  waiting_ = std::move(waiting);

  const std::lock_guard lock(mutex_);
  absent_ = std::move(absent);
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

std::optional<std::chrono::milliseconds> Mirrors::patience() const {
  if (absent_.empty()) return std::nullopt;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_try_ - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

std::optional<std::string> Mirrors::absence_of(const std::string& target) const {
  for (const Absent& one : absent_)
    if (target.empty() || one.options.target == target) return one.why;
  return std::nullopt;
}

void Mirrors::try_absent() {
  if (absent_.empty() || std::chrono::steady_clock::now() < next_try_) return;
  std::vector<Absent> still;
  for (Absent& one : absent_) {
    auto replica = mirror::Replica::prepare(one.options);
    if (!replica) {
      still.push_back({one.options, logging::told(replica.error())});
      continue;
    }
    logging::info("{}: begins", one.options.target);
    const std::lock_guard lock(mutex_);
    add(std::move(*replica));
  }
  const std::lock_guard lock(mutex_);
  absent_ = std::move(still);
  next_try_ = std::chrono::steady_clock::now() + kBetweenTries;
}

void Mirrors::tend() {
  try_absent();
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
  for (const Absent& one : absent_) {
    mirror::ReplicaStatus status;
    status.source = one.options.source;
    status.target = one.options.target;
    status.state = mirror::State::stalled;
    status.why = one.why;
    reports.push_back({std::move(status), {}});
  }
  return reports;
}

bool Mirrors::are_healthy() const {
  const std::lock_guard lock(mutex_);
  return absent_.empty() &&
         std::ranges::none_of(replicas_, [](const auto& replica) { return replica->status().state == mirror::State::stalled; });
}

}  // namespace foxing::foxingd
