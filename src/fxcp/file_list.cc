// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/file_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "core/digest/digest.h"
#include "sys/file.h"

namespace foxing::fxcp {
namespace {

/// "./a//b/" is "a/b".  False where it leads outside.
bool normalise(std::string_view line, std::string& path) {
  path.clear();
  while (!line.empty()) {
    const std::size_t slash = std::min(line.find('/'), line.size());
    const std::string_view name = line.substr(0, slash);
    line.remove_prefix(std::min(slash + 1, line.size()));
    if (name.empty() || name == ".") continue;
    if (name == "..") return false;
    if (!path.empty()) path += '/';
    path += name;
  }
  return true;
}

}  // namespace

FileList::Key FileList::key_of(std::string_view path) {
  const auto digest = digest::hash(std::as_bytes(std::span(path)));
  Key key;
  std::memcpy(key.data(), digest.bytes.data(), sizeof key);
  return key;
}

Result<std::unique_ptr<FileList>> FileList::read(const std::string& path, bool nul, bool recursive) {
  const sys::UniqueFd file = path == "-" ? FOX_TRY(sys::duplicate(sys::FdView(0)))
                                         : FOX_TRY(sys::open_at(sys::working_directory(), path, {.links = sys::Links::follow}));
  sys::make_blocking(file);
  std::string text;
  std::size_t used = 0;
  while (true) {
    text.resize(std::max<std::size_t>(used * 2, 64 * 1024));
    const std::size_t got = FOX_TRY(sys::read_some(file, std::as_writable_bytes(std::span(text).subspan(used))));
    used += got;
    if (got == 0) break;
  }
  text.resize(used);
  return parse(std::move(text), nul, recursive);
}

Result<std::unique_ptr<FileList>> FileList::parse(std::string text, bool nul, bool recursive) {
  auto list = std::make_unique<FileList>();
  list->recursive_ = recursive;
  const char end = nul ? '\0' : '\n';
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t size = std::min(rest.find(end), rest.size());
    std::string_view line = rest.substr(0, size);
    rest.remove_prefix(std::min(size + 1, rest.size()));
    if (!nul && line.ends_with('\r')) line.remove_suffix(1);
    // As rsync: an empty line is nothing, and in lines # and ; begin a comment.
    if (line.empty() || (!nul && (line.front() == '#' || line.front() == ';'))) continue;
    FOX_TRY(list->add(line));
  }
  auto& records = list->records_;
  // Of equal ones the listed one comes first, and stays.
  std::ranges::sort(records, [](const Record& a, const Record& b) { return a.key != b.key ? a.key < b.key : a.size > b.size; });
  records.erase(std::ranges::unique(records, {}, &Record::key).begin(), records.end());
  records.shrink_to_fit();
  list->met_ = std::make_unique<std::atomic<bool>[]>(records.size());
  return list;
}

Result<> FileList::add(std::string_view line) {
  std::string path;
  if (!normalise(line, path)) return fail(0, "", {}, fmt::format("--files-from: '{}' leads outside of the source", line));
  if (path.empty()) {
    everything_ = everything_ || recursive_;
    return {};
  }
  const std::size_t begin = text_.size();
  text_ += path;
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
    records_.push_back({key_of(std::string_view(path).substr(0, slash)), begin, 0});
  records_.push_back({key_of(path), begin, static_cast<std::uint32_t>(path.size())});
  return {};
}

FileList::Record* FileList::find(std::string_view path) {
  const auto at = std::ranges::lower_bound(records_, key_of(path), {}, &Record::key);
  return at != records_.end() && at->key == key_of(path) ? &*at : nullptr;
}

bool FileList::wants(std::string_view path) {
  if (Record* record = find(path)) {
    met_[static_cast<std::size_t>(record - records_.data())].store(true, std::memory_order_relaxed);
    return true;
  }
  if (everything_) return true;
  if (!recursive_) return false;
  for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos && slash > 0; slash = path.rfind('/', slash - 1)) {
    const Record* above = find(path.substr(0, slash));
    if (above != nullptr && above->size > 0) return true;
  }
  return false;
}

std::vector<std::string> FileList::missing() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < records_.size(); ++i)
    if (records_[i].size > 0 && !met_[i].load(std::memory_order_relaxed))
      names.push_back(text_.substr(records_[i].begin, records_[i].size));
  std::ranges::sort(names);
  return names;
}

}  // namespace foxing::fxcp
