// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/file_list.h"

#include <fmt/format.h>

#include <algorithm>

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

/// `path` is `directory`, or below it.
bool is_within(std::string_view path, std::string_view directory) {
  return directory.empty() || (path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/'));
}

/// By components: what is below a directory comes right after it.
bool comes_before(std::string_view a, std::string_view b) {
  const auto [at_a, at_b] = std::ranges::mismatch(a, b);
  if (at_a == a.end() || at_b == b.end()) return at_a == a.end() && at_b != b.end();
  const auto rank = [](char c) { return c == '/' ? -1 : static_cast<int>(static_cast<unsigned char>(c)); };
  return rank(*at_a) < rank(*at_b);
}

}  // namespace

Result<> FileList::add(std::string_view line) {
  const std::string_view whole = line;
  const auto outside = [&] { return fail(0, "", {}, fmt::format("--files-from: '{}' leads outside of the source", whole)); };
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
    const bool known = (!bases_.empty() && bases_.back() == base) || std::ranges::find(bases_, base) != bases_.end();
    if (!known) bases_.push_back(base);
    path = base + (path.empty() ? "/." : "/./" + path);
  }
  const std::size_t begin = text_.size();
  text_ += path;
  records_.push_back({begin, static_cast<std::uint32_t>(path.size()), true, false, contents});
  for (std::string_view way = path; !is_root(way) && !is_root(above(way));) {
    way = above(way);
    if (is_way_of_last(way)) break;  // then what is above is recorded, too
    records_.push_back({begin, static_cast<std::uint32_t>(way.size()), false, true, false});
  }
  last_ = std::move(path);
  ++lines_;
  return {};
}

bool FileList::is_way_of_last(std::string_view path) const {
  if (last_.size() <= path.size() || !is_within(last_, path)) return false;
  const std::string_view rest = std::string_view(last_).substr(path.size());
  return !is_root(rest) && rest.find("/./") == std::string_view::npos;  // else it lies in what is left behind
}

void FileList::close() {
  const auto in_order = [&](const Record& a, const Record& b) { return comes_before(path_of(a), path_of(b)); };
  if (!std::ranges::is_sorted(records_, in_order)) std::ranges::sort(records_, in_order);
  std::size_t kept = 0;
  for (const Record& record : records_) {
    if (kept > 0 && path_of(records_[kept - 1]) == path_of(record)) {
      records_[kept - 1].listed |= record.listed;
      records_[kept - 1].leads_on |= record.leads_on;
      records_[kept - 1].contents |= record.contents;
    } else {
      records_[kept++] = record;
    }
  }
  records_.resize(kept);
  met_ = std::make_unique<std::atomic<bool>[]>(records_.size());
  links_ = std::make_unique<std::atomic<bool>[]>(records_.size());
}

const FileList::Record* FileList::find(std::string_view path) const {
  const auto at = std::ranges::lower_bound(records_, path, comes_before, [&](const Record& record) { return path_of(record); });
  return at != records_.end() && path_of(*at) == path ? &*at : nullptr;
}

void FileList::meet_root(std::string_view base) {
  if (const Record* record = find(base.empty() ? std::string() : std::string(base) + "/.")) meet(record);
}

bool FileList::leads_on(std::string_view path) {
  const Record* record = find(path);
  if (record == nullptr || (!record->leads_on && !record->contents)) return false;
  if (!record->contents) links_[index_of(record)].store(true, std::memory_order_relaxed);
  return true;
}

bool FileList::is_way(std::string_view path) const {
  const Record* record = find(path);
  return record != nullptr && record->leads_on;
}

bool FileList::goes_on_in(std::string_view path) const { return is_within(last_, path); }

bool FileList::wants(std::string_view path, bool is_directory) {
  const Record* record = find(path);
  if (record != nullptr && (record->listed || is_directory)) {
    meet(record);
    return true;
  }
  if (is_root(path)) return false;
  record = find(above(path));
  if (record != nullptr && record->contents) return true;
  return is_wanted_whole(above(path));
}

bool FileList::is_wanted_whole(std::string_view path) const {
  if (!recursive_) return false;
  for (std::string_view at = path;; at = above(at)) {
    const Record* record = find(at);
    if (record != nullptr && record->listed && !links_[index_of(record)].load(std::memory_order_relaxed)) return true;
    if (is_root(at)) return false;
  }
}

std::optional<std::vector<std::string_view>> FileList::names_in(std::string_view path) const {
  const auto path_at = [&](const Record& record) { return path_of(record); };
  auto at = std::ranges::lower_bound(records_, path, comes_before, path_at);
  if (at != records_.end() && path_of(*at) == path && at->contents) return std::nullopt;
  if (is_wanted_whole(path)) return std::nullopt;
  std::vector<std::string_view> names;
  if (at != records_.end() && path_of(*at) == path) ++at;
  while (at != records_.end() && is_within(path_of(*at), path)) {
    const std::string_view rest = path_of(*at).substr(path.empty() ? 0 : path.size() + 1);
    const std::string_view name = rest.substr(0, rest.find('/'));
    // No directory has a name with a NUL byte; "." is the mark of a base, whose root is another one's.
    if (name.size() == rest.size() && name != "." && name.find('\0') == std::string_view::npos) names.push_back(name);
    const std::string_view inside(path_of(*at).data(), path_of(*at).size() - rest.size() + name.size());
    at = std::find_if_not(at + 1, records_.end(), [&](const Record& record) { return is_within(path_of(record), inside); });
  }
  return names;
}

std::vector<std::string> FileList::missing() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < records_.size(); ++i)
    if (records_[i].listed && !met_[i].load(std::memory_order_relaxed)) names.emplace_back(path_of(records_[i]));
  std::ranges::sort(names);
  return names;
}

}  // namespace foxing::fxcp
