// SPDX-License-Identifier: GPL-2.0-or-later
// From a file: all of a snapshot, or a part.
#include "core/archive/importing.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "core/archive/flow.h"
#include "core/archive/manifest.h"

namespace foxing::archive {
namespace {

constexpr std::size_t kMostPassed = 256;
constexpr std::size_t kMostPassedWeight = 64 * 1024;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

bool is_below(std::string_view path, std::string_view directory) {
  return directory.empty() || (path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/');
}

/// A damaged block costs what is in it, which is told; the next one is gone on with.  Else the error, after all that came before it is in place.
Result<> pass_damage(EntryCursor& cursor, FileFlow& flow, Error error, bool in_order) {
  if (error.code != EBADMSG) return tl::make_unexpected(std::move(error));
  const auto gap = FOX_TRY(cursor.pass_damage());
  if (!gap) return tl::make_unexpected(std::move(error));
  error.detail += "; " + gap->words() + " is not restored";
  return flow.gap(std::move(error), in_order ? gap->next : std::string());
}

/// What has come is put in place and its directories get what they are to have, whatever has ended the rest.
template <class T>
Result<T> ended(Result<T> result, FileFlow& flow, Restorer& restorer) {
  // Of damage nothing that came before it is worse.
  if (!result && result.error().code == EBADMSG) (void)flow.drain();
  auto finished = restorer.finish();
  if (!result) return result;
  FOX_TRY(std::move(finished));
  return result;
}

/// What restore_some does.
class Some {
 public:
  Some(Archive& archive, const Snapshot& snapshot, const Selection& selection, const ImportOptions& options, Restorer& restorer)
      : archive_(archive),
        snapshot_(snapshot),
        selection_(selection),
        restorer_(restorer),
        flow_(archive, options.workers, restorer) {}

  Result<std::uint64_t> run() {
    EntryCursor cursor = FOX_TRY(EntryCursor::from(archive_, snapshot_, selection_.place()));
    std::uint64_t found = 0;
    while (true) {
      auto next = cursor.next_entry();
      if (!next) {
        FOX_TRY(pass_damage(cursor, flow_, std::move(next).error(), false));
        continue;
      }
      auto item = std::move(*next);
      if (!item) break;
      const std::string path = item->entry.path;
      if (selection_.is_behind(path)) break;
      if (!chosen(item->entry)) {
        pass(std::move(*item));
        continue;
      }
      ++found;
      FOX_TRY(make_way(path));
      if (is_directory(item->entry)) made_.push_back(path);
      FOX_TRY(resolve_link(*item));
      FOX_TRY(flow_.item(std::move(*item)));
    }
    FOX_TRY(flow_.drain());
    return found;
  }

  FileFlow& flow() { return flow_; }

 private:
  static bool is_directory(const Entry& entry) { return !entry.hard_link && entry.type == sys::FileType::directory; }

  bool chosen(const Entry& entry) {
    if (inside_ && is_below(entry.path, *inside_)) return true;
    inside_.reset();
    if (entry.path.empty() || !selection_.selects(entry.path)) return false;
    if (is_directory(entry)) inside_ = entry.path;
    return true;
  }

  /// A directory may lead to what is selected.
  void pass(Item item) {
    while (!passed_.empty() && !is_below(item.entry.path, passed_.back().entry.path)) passed_.pop_back();
    if (!is_directory(item.entry) || item.entry.path.empty()) return;
    // Those that are not kept are looked up where they are needed.
    if (passed_.size() < kMostPassed && item.entry.weight() < kMostPassedWeight) passed_.push_back(std::move(item));
  }

  /// Makes the directories that lead to `path` and have not been made.
  Result<> make_way(const std::string& path) {
    while (!made_.empty() && !is_below(path, made_.back())) made_.pop_back();
    std::vector<std::string> missing;
    for (std::string at = parent_of(path); !at.empty() && (made_.empty() || at != made_.back()); at = parent_of(at))
      missing.push_back(at);
    for (; !missing.empty(); missing.pop_back()) {
      const std::string& at = missing.back();
      const auto known = std::ranges::find_if(passed_, [&](const Item& item) { return item.entry.path == at; });
      // Those before the place where reading began are looked up.
      auto looked_up = known != passed_.end() ? Result<std::optional<Item>>(*known) : find_entry(archive_, snapshot_, at);
      if (!looked_up && looked_up.error().code != EBADMSG) return tl::make_unexpected(std::move(looked_up).error());
      if (!looked_up) {  // it is in a block that is damaged
        FOX_TRY(flow_.gap(std::nullopt, at + "/"));
        made_.push_back(at);
        continue;
      }
      auto directory = std::move(*looked_up);
      if (!directory || !is_directory(directory->entry))
        return fail(EBADMSG, "", {}, fmt::format("damaged: the directory '{}' is not in the archive", printable(at)));
      FOX_TRY(flow_.item(std::move(*directory)));
      made_.push_back(at);
    }
    return {};
  }

  Result<> resolve_link(Item& item) {
    const std::string path = item.entry.path;
    if (item.entry.leads_links) links_[path] = path;
    if (!item.entry.hard_link) return {};
    const std::string first = item.entry.text;
    if (const auto known = links_.find(first); known != links_.end()) {
      item.entry.text = known->second;
      return {};
    }
    auto file = FOX_TRY(find_entry(archive_, snapshot_, first));
    if (!file || file->entry.hard_link || is_directory(file->entry))
      return fail(
          EBADMSG, "", {},
          fmt::format("damaged: '{}', of which '{}' is another name, is not in the archive", printable(first), printable(path)));
    item = std::move(*file);
    item.entry.path = path;
    links_[first] = path;
    return {};
  }

  Archive& archive_;
  const Snapshot& snapshot_;
  const Selection& selection_;
  Restorer& restorer_;
  FileFlow flow_;
  std::optional<std::string> inside_;  // a selected directory
  std::vector<Item> passed_;  // directories under way that were not selected
  std::vector<std::string> made_;  // directories under way that were made
  std::unordered_map<std::string, std::string> links_;  // first names, and where they were restored
};

}  // namespace

Result<std::uint64_t> data_of(Archive& archive, const Snapshot& snapshot, const Selection* selection) {
  EntryCursor cursor =
      selection != nullptr ? FOX_TRY(EntryCursor::from(archive, snapshot, selection->place())) : EntryCursor(archive, snapshot);
  std::uint64_t bytes = 0;
  std::optional<std::string> inside;  // a selected directory
  while (const auto item = FOX_TRY(cursor.next_entry())) {
    const std::string& path = item->entry.path;
    if (selection != nullptr && selection->is_behind(path)) break;
    if (inside && !is_below(path, *inside)) inside.reset();
    const bool chosen = selection == nullptr || inside || selection->selects(path);
    if (chosen && !inside && !item->entry.hard_link && item->entry.type == sys::FileType::directory) inside = path;
    if (!chosen) continue;
    std::uint64_t data = 0;
    for (const Run& run : item->content)
      for (std::uint64_t number = run.first; !run.is_hole() && number < run.first + run.count && data <= item->entry.size;
           ++number)
        data += FOX_TRY(archive.place(number)).raw_size;
    bytes += std::min(data, item->entry.size);  // more is refused when it is restored
  }
  return bytes;
}

Result<> import_snapshot(Archive& archive, const Snapshot& snapshot, const ImportOptions& options, Restorer& restorer) {
  if (!snapshot.damage.empty()) return fail(EBADMSG, "", {}, snapshot.damage);
  FileFlow flow(archive, options.workers, restorer);
  EntryCursor cursor(archive, snapshot);
  auto done = [&]() -> Result<> {
    while (true) {
      auto item = cursor.next_item();
      if (!item) {
        FOX_TRY(pass_damage(cursor, flow, std::move(item).error(), true));
        continue;
      }
      if (!*item) return flow.drain();
      FOX_TRY(flow.item(std::move(**item)));
    }
  }();
  return ended(std::move(done), flow, restorer);
}

Result<std::uint64_t> restore_some(Archive& archive, const Snapshot& snapshot, const Selection& selection,
                                   const ImportOptions& options, Restorer& restorer) {
  if (!snapshot.damage.empty()) return fail(EBADMSG, "", {}, snapshot.damage);
  Some some(archive, snapshot, selection, options, restorer);
  return ended(some.run(), some.flow(), restorer);
}

}  // namespace foxing::archive
