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

/// The directory that `path` lies in: "a" of "a/b", "a/." of "a/./b", else the root, which has no name.
std::string_view above(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}
bool is_root(std::string_view path) { return path.empty() || path.ends_with("/."); }

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
  std::ranges::sort(records, {}, &Record::key);
  std::size_t kept = 0;
  for (const Record& record : records) {
    if (kept > 0 && records[kept - 1].key == record.key) {
      records[kept - 1].listed |= record.listed;
      records[kept - 1].leads_on |= record.leads_on;
      records[kept - 1].contents |= record.contents;
    } else {
      records[kept++] = record;
    }
  }
  records.resize(kept);
  records.shrink_to_fit();
  list->met_ = std::make_unique<std::atomic<bool>[]>(records.size());
  list->links_ = std::make_unique<std::atomic<bool>[]>(records.size());
  return list;
}

Result<> FileList::add(std::string_view line) {
  const auto outside = [&] { return fail(0, "", {}, fmt::format("--files-from: '{}' leads outside of the source", line)); };
  std::string base, path;
  // What stands before the first "/./" is left behind, where that is more than the root.
  for (std::size_t mark = line.find("/./"); mark != std::string_view::npos; mark = line.find("/./", mark + 1)) {
    if (!normalise(line.substr(0, mark), base)) return outside();
    if (base.empty()) continue;
    line.remove_prefix(mark + 3);
    break;
  }
  if (!normalise(line, path)) return outside();
  const bool contents = path.empty() || line.ends_with('/') || line.ends_with("/.");
  if (!base.empty()) {
    if (std::ranges::find(bases_, base) == bases_.end()) bases_.push_back(base);
    path = base + (path.empty() ? "/." : "/./" + path);
  }
  const std::size_t begin = text_.size();
  text_ += path;
  records_.push_back({key_of(path), begin, static_cast<std::uint32_t>(path.size()), true, false, contents});
  for (std::string_view way = path; !is_root(way) && !is_root(above(way));) {
    way = above(way);
    records_.push_back({key_of(way), begin, static_cast<std::uint32_t>(way.size()), false, true, false});
  }
  return {};
}

const FileList::Record* FileList::find(std::string_view path) const {
  const Key key = key_of(path);
  const auto at = std::ranges::lower_bound(records_, key, {}, &Record::key);
  return at != records_.end() && at->key == key ? &*at : nullptr;
}

void FileList::meet(const Record* record) {
  met_[static_cast<std::size_t>(record - records_.data())].store(true, std::memory_order_relaxed);
}

void FileList::meet_root(std::string_view base) {
  if (const Record* record = find(base.empty() ? std::string() : std::string(base) + "/.")) meet(record);
}

bool FileList::leads_on(std::string_view path) {
  const Record* record = find(path);
  if (record == nullptr || (!record->leads_on && !record->contents)) return false;
  if (!record->contents) links_[static_cast<std::size_t>(record - records_.data())].store(true, std::memory_order_relaxed);
  return true;
}

bool FileList::is_way(std::string_view path) const {
  const Record* record = find(path);
  return record != nullptr && record->leads_on;
}

bool FileList::wants(std::string_view path, bool is_directory) {
  const Record* record = find(path);
  if (record != nullptr && (record->listed || is_directory)) {
    meet(record);
    return true;
  }
  if (is_root(path)) return false;
  std::string_view at = above(path);
  record = find(at);
  if (record != nullptr && record->contents) return true;
  for (; recursive_; at = above(at)) {
    record = find(at);
    if (record != nullptr && record->listed && !links_[static_cast<std::size_t>(record - records_.data())].load()) return true;
    if (is_root(at)) break;
  }
  return false;
}

std::vector<std::string> FileList::missing() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < records_.size(); ++i)
    if (records_[i].listed && !met_[i].load(std::memory_order_relaxed))
      names.push_back(text_.substr(records_[i].begin, records_[i].size));
  std::ranges::sort(names);
  return names;
}

}  // namespace foxing::fxcp
