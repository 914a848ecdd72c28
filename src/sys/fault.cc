// SPDX-License-Identifier: GPL-2.0-or-later
#include "sys/fault.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/assert.h"

namespace foxing::sys {

#ifdef FOXING_FAULT_INJECTION
namespace {

constexpr std::size_t kCalls = static_cast<std::size_t>(Call::count);
constexpr const char* kNames[kCalls] = {
#define FOXING_CALL(name) #name,
    FOXING_CALLS(FOXING_CALL)
#undef FOXING_CALL
};

enum class When : std::uint8_t { once, from, every };
struct Plan {
  When when;
  std::uint64_t nth;
  int effect;
};

std::atomic<bool> armed{false};
std::array<std::atomic<std::uint64_t>, kCalls> counts{};
std::array<std::vector<Plan>, kCalls> plans;  // written only while no other thread runs
int log_fd = -1;

bool hits(const Plan& plan, std::uint64_t number) {
  switch (plan.when) {
    case When::once: return number == plan.nth;
    case When::from: return number >= plan.nth;
    case When::every: return number % plan.nth == 0;
  }
  return false;
}

int errno_by_name(std::string_view name) {
  for (int code = 1; code < 134; ++code) {
    const char* known = ::strerrorname_np(code);
    if (known != nullptr && name == known) return code;
  }
  return 0;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

Result<> add_plan(std::string_view text) {
  const auto refuse = [&](const char* why) { return fail(EINVAL, "FOXING_FAULT", std::string(text), why); };
  const auto parts = split(text, ':');
  if (parts.size() != 3) return refuse("is not CALL:WHEN:EFFECT");
  std::size_t call = 0;
  while (call < kCalls && parts[0] != kNames[call]) ++call;
  if (call == kCalls) return refuse("names no call of sys/fault.h");

  Plan plan{.when = When::once, .nth = 0, .effect = 0};
  std::string_view when = parts[1];
  if (when.starts_with('*')) {
    plan.when = When::every;
    when.remove_prefix(1);
  } else if (when.ends_with('+')) {
    plan.when = When::from;
    when.remove_suffix(1);
  }
  const auto [rest, problem] = std::from_chars(when.data(), when.data() + when.size(), plan.nth);
  if (problem != std::errc{} || rest != when.data() + when.size() || plan.nth == 0) return refuse("has no number to count to");
  plan.effect = parts[2] == "short" ? kShort : errno_by_name(parts[2]);
  if (plan.effect == 0) return refuse("names no errno");
  plans[call].push_back(plan);
  return {};
}

Result<> add_plans(std::string_view text) {
  for (const std::string_view part : split(text, ',')) FOX_TRY(add_plan(part));
  armed.store(true);
  return {};
}

}  // namespace

int planned_fault(Call call) {
  if (!armed.load(std::memory_order_relaxed)) return 0;
  const auto index = static_cast<std::size_t>(call);
  if (plans[index].empty()) return 0;
  const std::uint64_t number = counts[index].fetch_add(1) + 1;
  for (const Plan& plan : plans[index]) {
    if (!hits(plan, number)) continue;
    if (log_fd >= 0) {
      const std::string line = std::string(kNames[index]) + ":" + std::to_string(number) + "\n";
      [[maybe_unused]] const ssize_t ignored = ::write(log_fd, line.data(), line.size());
    }
    return plan.effect;
  }
  return 0;
}

Result<> plan_faults_from_environment() {
  const char* text = std::getenv("FOXING_FAULT");
  if (text == nullptr) return {};
  if (const char* log = std::getenv("FOXING_FAULT_LOG")) {
    log_fd = ::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  }
  return add_plans(text);
}

FaultPlan::FaultPlan(const std::string& text) {
  for (auto& count : counts) count.store(0);
  FOX_ASSERT(add_plans(text).has_value());
}

FaultPlan::~FaultPlan() {
  armed.store(false);
  for (auto& list : plans) list.clear();
}

#else

Result<> plan_faults_from_environment() {
  if (std::getenv("FOXING_FAULT") == nullptr) return {};
  return fail(0, "FOXING_FAULT", {}, "this build cannot plan faults (it needs -DFOXING_FAULT_INJECTION=ON)");
}

FaultPlan::FaultPlan(const std::string&) { FOX_ASSERT(kFaultsCanBePlanned); }
FaultPlan::~FaultPlan() = default;

#endif

}  // namespace foxing::sys
