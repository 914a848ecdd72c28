// SPDX-License-Identifier: GPL-2.0-or-later
// A comparison inside one process, for tests: what fxcp/verify.cc connects, on a TempTree, with an observer that remembers and can interfere.
//     TestComparison compared(world);
//     compared.run();                               // world's "a" with its "b"
//     EXPECT_THAT(compared.told(), ElementsAre("differs f: content@3"));
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/verify/verifier.h"
#include "sys/fault.h"
#include "sys/file.h"
#include "testing/temp_tree.h"

#define FOXING_NEEDS_FAULTS() \
  if (!::foxing::sys::kFaultsCanBePlanned) GTEST_SKIP() << "this build cannot plan faults (-DFOXING_FAULT_INJECTION=ON)"

namespace foxing::verify {

inline Options everything() {
  Options options;
  options.keep = all_attributes();
  return options;
}

/// Makes `b` an exact copy of `a`, by a program that is not ours.
inline void mirror(const testing::TempTree& world) {
  world.remove("b");
  const std::string command = "cp -a --sparse=always '" + world.at("a") + "' '" + world.at("b") + "'";
  if (std::system(command.c_str()) != 0) ADD_FAILURE() << command;
}

class TestComparison final : public Observer {
 public:
  explicit TestComparison(const testing::TempTree& world, Options options = everything(), unsigned workers = 1)
      : world_(world), options_(std::move(options)), workers_(workers) {}

  std::function<void(std::string_view name, int reading)> while_comparing;
  std::string faults;
  std::uint64_t descriptor_limit = 1024;

  void run(const std::string& a = "a", const std::string& b = "b") {
    a_ = world_.at(a);
    b_ = world_.at(b);
    std::vector<Pair> pairs;
    pairs.push_back({.a = open(a_), .a_shown = a_, .b = open(b_), .b_shown = b_});
    run(std::move(pairs));
  }
  void run(std::vector<Pair> pairs) {
    std::optional<sys::FaultPlan> planned;
    if (!faults.empty()) planned.emplace(faults);
    const auto done =
        verify(std::move(pairs), options_, {.workers = workers_, .descriptor_limit = descriptor_limit}, *this, counters);
    refused = !done;
  }

  static sys::UniqueFd open(const std::string& path) {
    auto fd = sys::open_at(sys::working_directory(), path, {.directory = true});
    EXPECT_TRUE(fd) << path;
    return fd ? std::move(*fd) : sys::UniqueFd();
  }

  Counters counters;
  bool refused = false;
  bool same() const { return !refused && counters.not_same() == 0; }

  /// "class path: what@where, what(name)" of everything that is not the same, sorted; paths are below the roots.
  std::vector<std::string> told() const {
    std::vector<std::string> lines;
    for (const Event& event : events_)
      if (event.result != Class::same) lines.push_back(line(event));
    std::ranges::sort(lines);
    return lines;
  }
  const std::vector<Event>& events() const { return events_; }
  const std::vector<std::string>& notes() const { return notes_; }
  std::string below(const std::string& path) const {
    for (const std::string& root : {a_, b_}) {
      if (path == root) return ".";
      if (path.starts_with(root + '/')) return path.substr(root.size() + 1);
    }
    return path;
  }

  // Observer
  void found(const Event& event) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
  }
  bool wants_same() const override { return true; }
  void vanished(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    notes_.push_back(below(path));
  }
  void comparing(std::string_view name, int reading) override {
    if (while_comparing) while_comparing(name, reading);
  }

 private:
  std::string line(const Event& event) const {
    std::string text = std::string(name_of(event.result)) + ' ' + below(event.path);
    const char* separator = ": ";
    for (const Difference& difference : event.differences) {
      text += separator + std::string(name_of(difference.what));
      if (difference.what == Difference::What::content || difference.what == Difference::What::holes)
        text += '@' + std::to_string(difference.at.value);
      if (difference.what == Difference::What::attribute) text += '(' + difference.name + ')';
      separator = ", ";
    }
    return text;
  }

  const testing::TempTree& world_;
  const Options options_;
  const unsigned workers_;
  std::string a_, b_;
  std::mutex mutex_;
  std::vector<Event> events_;
  std::vector<std::string> notes_;
};

}  // namespace foxing::verify
