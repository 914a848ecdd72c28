// SPDX-License-Identifier: GPL-2.0-or-later
// Doubts: files whose status may say that they are equal to their copies when they are not.  They are compared by bytes, once each.
//   from  capture::Event::doubted        to  TreePair::synchronise
//
// Why.   A store through a mapping moves a file's times once, and then, until its page has been written, no more; a direct write moves them before it is there.
// Holds. A doubt stays until the file has been compared: through failures, scans, and a target that was away.
//        There are at most kMost.  Beyond it the oldest is given up, and counted: as with a source of events that does not hear of such changes, the file is compared when
//        its status changes.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "sys/handle.h"

namespace foxing::mirror {

class Doubts {
 public:
  static constexpr std::size_t kMost = 65'536;

  void add(const sys::FileHandle& file) {
    if (!numbers_.try_emplace(file, next_).second) return;
    files_.emplace(next_++, file);
    if (files_.size() <= kMost) return;
    ++given_up_;
    settled(sys::FileHandle(files_.begin()->second));
  }
  void settled(const sys::FileHandle& file) {
    const auto at = numbers_.find(file);
    if (at == numbers_.end()) return;
    files_.erase(at->second);
    numbers_.erase(at);
  }
  bool has(const sys::FileHandle& file) const { return numbers_.contains(file); }
  bool empty() const { return files_.empty(); }
  std::vector<sys::FileHandle> all() const {
    std::vector<sys::FileHandle> all;
    for (const auto& [number, file] : files_) all.push_back(file);
    return all;
  }
  std::uint64_t given_up() const { return given_up_; }

 private:
  std::map<std::uint64_t, sys::FileHandle> files_;  // the oldest first
  std::unordered_map<sys::FileHandle, std::uint64_t> numbers_;
  std::uint64_t next_ = 0;
  std::uint64_t given_up_ = 0;
};

}  // namespace foxing::mirror
