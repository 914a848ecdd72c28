// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/snapshot/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "core/snapshot/remove.h"
#include "sys/file.h"
#include "sys/names.h"

namespace foxing::snapshot {
namespace {

constexpr std::string_view kMaking = ".making-";
constexpr std::string_view kRemoving = ".removing-";

/// Up to `most` bytes and one.
Result<std::string> read_small_file(sys::FdView directory, const char* name, std::size_t most) {
  const sys::UniqueFd file = FOX_TRY(sys::open_at(directory, name));
  if (FOX_TRY(sys::status_of(file)).type() != sys::FileType::regular) return fail(0, "", {}, fmt::format("{} is no file", name));
  std::string text(most + 1, '\0');
  text.resize(FOX_TRY(sys::read_all_at(file, std::as_writable_bytes(std::span(text)), FileOffset(0))));
  return text;
}

std::string words_of(const Error& error) { return error.detail.empty() ? error.message() : error.detail; }

}  // namespace

Result<Store> Store::open(sys::FdView target, Use use) {
  const auto open = [&] { return sys::open_at(target, kVersionsName, {.directory = true}); };
  auto fd = open();
  if (!fd && fd.error().code == ENOENT && use == Use::make) {
    // Its owner's alone: what was once readable must not be so for ever, whatever has become of it in the tree.
    if (auto made = sys::make_directory_at(target, kVersionsName, 0700); !made && made.error().code != EEXIST)
      return tl::make_unexpected(std::move(made).error().about(kVersionsName));
    fd = open();
  }
  if (!fd && (fd.error().code == ELOOP || fd.error().code == ENOTDIR))
    return fail(fd.error().code, "", kVersionsName, "is not a directory, so it is no store of snapshots");
  if (!fd) return tl::make_unexpected(std::move(fd).error().about(kVersionsName));
  Store store(std::move(*fd));
  if (use == Use::look) return store;
  if (!FOX_TRY(sys::try_lock_directory(store.fd_)))
    return fail(EBUSY, "", kVersionsName, "is being changed by another run; try again when that has ended");
  (void)FOX_TRY(store.remove_dead());
  return store;
}

Result<Store::Names> Store::names() const {
  const sys::UniqueFd again = FOX_TRY(sys::open_at(fd_, ".", {.directory = true}));
  sys::DirectoryReader reader(32 * 1024);
  Names names;
  while (FOX_TRY(reader.fill(again)))
    while (const auto entry = reader.next()) {
      const std::string_view name(entry->name, entry->length);
      if (name == "." || name == ".." || name == kIndexName) continue;
      const bool dead = name.starts_with(kMaking) || name.starts_with(kRemoving);
      (parse_epoch(name) ? names.snapshots : dead ? names.dead : names.strangers).emplace_back(name);
    }
  std::ranges::sort(names.snapshots, {}, [](const std::string& name) { return *parse_epoch(name); });
  std::ranges::sort(names.strangers);
  return names;
}

Entry Store::look_at(const std::string& name, const Epoch& epoch) const {
  Entry entry{.name = name, .epoch = epoch, .summary = {}, .damage = {}};
  const auto damaged = [&](std::string why) {
    entry.damage = std::move(why);
    return entry;
  };
  const auto directory = sys::open_at(fd_, name, {.directory = true});
  if (!directory)
    return damaged(directory.error().code == ELOOP || directory.error().code == ENOTDIR ? "is not a directory"
                                                                                        : words_of(directory.error()));
  if (const auto tree = sys::open_at(*directory, kTreeName, {.access = sys::Access::path, .directory = true}); !tree)
    return damaged(fmt::format("{}: {}", kTreeName, words_of(tree.error())));
  const auto text = read_small_file(*directory, kSummaryName, kLargestSummary);
  if (!text) return damaged(fmt::format("{}: {}", kSummaryName, words_of(text.error())));
  auto summary = parse_summary(*text);
  if (!summary) return damaged(words_of(summary.error()));
  if (summary->name != name) return damaged(fmt::format("{} is of another snapshot", kSummaryName));
  entry.summary = std::move(*summary);
  return entry;
}

Result<std::vector<Entry>> Store::list() const {
  std::vector<Entry> entries;
  for (const std::string& name : FOX_TRY(names()).snapshots) entries.push_back(look_at(name, *parse_epoch(name)));
  return entries;
}

Result<std::vector<std::string>> Store::strangers() const { return FOX_TRY(names()).strangers; }

Result<Entry> Store::choose(std::string_view word) const {
  const std::vector<Entry> entries = FOX_TRY(list());
  if (entries.empty()) return fail(0, "", {}, "has no snapshots");
  const Entry* found = nullptr;
  std::size_t alike = 0;
  for (const Entry& entry : entries) {
    if (entry.name == word || (!entry.summary.tag.empty() && entry.summary.tag == word)) {
      found = &entry;
      alike = 1;
      break;
    }
    if (entry.name.starts_with(word)) {
      found = &entry;
      ++alike;
    }
  }
  if (word == "latest") {
    for (const Entry& entry : entries)
      if (entry.damage.empty()) found = &entry;
    alike = found == nullptr ? 0 : 1;
  }
  if (word.empty() || alike == 0)
    return fail(0, "", {},
                fmt::format("has no snapshot {}; the first is {}, the last {}", word, entries.front().name, entries.back().name));
  if (alike > 1)
    return fail(0, "", {}, fmt::format("has {} snapshots whose names begin with {}; say more of the one you mean", alike, word));
  if (!found->damage.empty()) return fail(0, "", {}, fmt::format("snapshot {} cannot be used: {}", found->name, found->damage));
  return *found;
}

Result<sys::UniqueFd> Store::tree(const std::string& name) const {
  const sys::UniqueFd directory = FOX_TRY(sys::open_at(fd_, name, {.access = sys::Access::path, .directory = true}));
  return sys::open_at(directory, kTreeName, {.directory = true, .keep_atime = true});
}

Result<sys::UniqueFd> Store::begin(const std::string& name) {
  FOX_TRY(sys::make_directory_at(fd_, building_name(name), 0700));
  return sys::open_at(fd_, building_name(name), {.directory = true});
}

Result<> Store::commit(const std::string& name, sys::FdView building) {
  FOX_TRY(sys::sync_filesystem(building));
  FOX_TRY(sys::rename_at(fd_, building_name(name), fd_, name, sys::Replace::nothing));
  FOX_TRY(sys::sync_file(fd_));
  return write_index();
}

Result<> Store::abandon(const std::string& name) { return remove_tree(fd_, building_name(name)); }

Result<> Store::remove(const std::string& name) {
  const std::string going = std::string(kRemoving) + name;
  FOX_TRY(sys::rename_at(fd_, name, fd_, going, sys::Replace::nothing));
  return remove_tree(fd_, going);
}

Result<> Store::set_tag(const Entry& entry, const std::string& tag) {
  for (const Entry& other : FOX_TRY(list()))
    if (!tag.empty() && other.summary.tag == tag && other.name != entry.name)
      return fail(EEXIST, "", {}, fmt::format("has the tag {} already, on snapshot {}", tag, other.name));
  Summary summary = entry.summary;
  summary.tag = tag;
  const sys::UniqueFd directory = FOX_TRY(sys::open_at(fd_, entry.name, {.directory = true}));
  FOX_TRY(write_file(directory, kSummaryName, to_json(summary)));
  return write_index();
}

Result<std::string> Store::read_index() const {
  const auto status = FOX_TRY(sys::status_at(fd_, kIndexName));
  constexpr std::uint64_t kLargestIndex = 256 * 1024 * 1024;
  return read_small_file(fd_, kIndexName, std::min(status.size().value, kLargestIndex));
}

Result<> Store::write_index() {
  std::vector<Summary> summaries;
  for (Entry& entry : FOX_TRY(list()))
    if (entry.damage.empty()) summaries.push_back(std::move(entry.summary));
  return write_file(fd_, kIndexName, index_json(summaries));
}

Result<> Store::write_file(sys::FdView directory, const std::string& name, const std::string& text) {
  const std::string half = std::string(kMaking) + name;
  FOX_TRY(remove_tree(directory, half));  // of a run that is dead
  const auto write = [&]() -> Result<> {
    sys::UniqueFd file = FOX_TRY(sys::create_at(directory, half, 0600));
    FOX_TRY(sys::write_all(file, std::as_bytes(std::span(text))));
    FOX_TRY(sys::sync_file(file));
    FOX_TRY(sys::close_written(std::move(file)));
    FOX_TRY(sys::rename_at(directory, half, directory, name));
    return sys::sync_file(directory);
  };
  auto written = write();
  if (!written) (void)sys::unlink_at(directory, half);
  return written;
}

Result<std::uint64_t> Store::remove_dead(bool dry_run) {
  const Names found = FOX_TRY(names());
  for (const std::string& name : found.dead)
    if (!dry_run) FOX_TRY(remove_tree(fd_, name));
  return found.dead.size();
}

}  // namespace foxing::snapshot
