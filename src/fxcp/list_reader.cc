// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/list_reader.h"

#include <span>

#include "sys/file.h"
#include "sys/process.h"
#include "sys/stream.h"

namespace foxing::fxcp {

Result<> ListReader::read(FileList& list, std::vector<Error>& refused) {
  while (list.lines() + refused.size() < window_.lines && list.bytes() < window_.bytes) {
    std::string_view line;
    const auto more = next(line);
    if (!more || !*more) at_end_ = true;
    if (!more) return tl::make_unexpected(more.error());
    if (!*more) return {};
    if (means_nothing(line)) continue;
    if (auto added = list.add(line); !added) refused.push_back(std::move(added).error());
  }
  return {};
}

bool ListReader::means_nothing(std::string_view line) const {
  return line.empty() || (end_ == '\n' && (line.front() == '#' || line.front() == ';'));
}

Result<bool> ListReader::next(std::string_view& line) {
  std::size_t searched = from_;
  std::size_t at = buffer_.find(end_, searched);
  while (at == std::string::npos && !no_more_) {
    searched = buffer_.size() - from_;  // of what stays
    if (searched > kLongestLine) return fail(ENAMETOOLONG, "", {}, "has a line of more than 64 KiB, which is no path");
    FOX_TRY(fill());
    at = buffer_.find(end_, searched);
  }
  if (from_ == buffer_.size()) return false;
  const bool whole = at != std::string::npos;
  line = std::string_view(buffer_).substr(from_, whole ? at - from_ : std::string::npos);
  from_ = whole ? at + 1 : buffer_.size();
  if (end_ == '\n' && line.ends_with('\r')) line.remove_suffix(1);
  return true;
}

Result<> ListReader::fill() {
  buffer_.erase(0, from_);
  from_ = 0;
  // A writer may take its time; nobody waits for it after a signal.
  while (!sys::stop_requested() && !FOX_TRY(sys::wait_readable(file_, std::chrono::milliseconds(500)))) continue;
  if (sys::stop_requested()) {
    no_more_ = true;
    buffer_.clear();
    return {};
  }
  const std::size_t kept = buffer_.size();
  buffer_.resize(kept + kLongestLine);
  const auto got = sys::read_some(file_, std::as_writable_bytes(std::span(buffer_).subspan(kept)));
  buffer_.resize(kept + (got ? *got : 0));
  if (!got) return tl::make_unexpected(got.error());
  no_more_ = *got == 0;
  return {};
}

}  // namespace foxing::fxcp
