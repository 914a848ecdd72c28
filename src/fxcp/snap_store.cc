// SPDX-License-Identifier: GPL-2.0-or-later
// fxcp snap list, stats, tag, prune, rebuild-index, verify: the store of a target.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "core/snapshot/measure.h"
#include "core/snapshot/retention.h"
#include "core/snapshot/store.h"
#include "fxcp/snap.h"
#include "fxcp/snap_place.h"
#include "sys/file.h"
#include "sys/process.h"

namespace foxing::fxcp {
namespace {

using Json = nlohmann::ordered_json;
using snapshot::Entry;
using snapshot::Size;
using snapshot::Store;

/// What share of `apparent` did not have to be stored, in percent; never below 0.
double saved(const Size& size) {
  if (size.apparent == Bytes(0) || size.on_disk > size.apparent) return 0;
  return 100.0 * (1.0 - static_cast<double>(size.on_disk.value) / static_cast<double>(size.apparent.value));
}

struct Measured {
  Size tree;  // the target as it is
  std::vector<Size> snapshots;  // in the order of the entries
};

/// The tree first, then from the newest to the oldest: what each has alone.
Result<Measured> measure(const Place& place, const Store& store, const std::vector<Entry>& entries) {
  snapshot::Measure measure(sys::raise_open_file_limit());
  Measured measured{.tree = {}, .snapshots = std::vector<Size>(entries.size())};
  measured.tree = measure.add(FOX_TRY(sys::open_at(place.fd, ".", {.directory = true, .keep_atime = true})), place.target);
  for (std::size_t i = entries.size(); i-- > 0;)
    if (entries[i].damage.empty()) measured.snapshots[i] = measure.add(FOX_TRY(store.tree(entries[i].name)), entries[i].name);
  return measured;
}

Size sum_of(const std::vector<Size>& sizes) {
  Size sum;
  for (const Size& size : sizes) {
    sum.files += size.files;
    sum.apparent += size.apparent;
    sum.on_disk += size.on_disk;
    sum.shared += size.shared;
    sum.unreadable += size.unreadable;
  }
  return sum;
}

Json json_of(const Size& size) {
  return {{"files", size.files},
          {"size_bytes", size.apparent.value},
          {"disk_usage_bytes", size.on_disk.value},
          {"shared_bytes", size.shared.value},
          {"savings_pct", static_cast<double>(static_cast<std::int64_t>(saved(size) * 10)) / 10}};
}

Json json_of(const Entry& entry, const Size& size) {
  Json object{{"snapshot", entry.name}};
  if (!entry.damage.empty()) {
    object["damage"] = entry.damage;
    return object;
  }
  object["tag"] = entry.summary.tag;
  object["source"] = entry.summary.source;
  object.update(json_of(size));
  return object;
}

std::string text_of(const Json& object) { return object.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// What all verbs begin with.
struct Opened {
  Place place;
  Store store;
  std::vector<Entry> entries;
};
Result<Opened> open_store(const std::string& path, Store::Use use) {
  Place place = FOX_TRY(target_at(path));
  auto store = Store::open(place.fd, use);
  if (!store) {
    Error error = std::move(store).error();
    error.subject = path + "/" + kVersionsName;
    return error;
  }
  std::vector<Entry> entries = FOX_TRY(store->list());
  return Opened{std::move(place), std::move(*store), std::move(entries)};
}

ExitCode end(SnapOutput& output) { return output.flush() && output.failures() == 0 ? ExitCode::all_done : ExitCode::some_failed; }

/// Names what cannot be used; true where there is something.
void name_damages(SnapOutput& output, const std::vector<Entry>& entries) {
  for (const Entry& entry : entries)
    if (!entry.damage.empty()) output.problem(entry.name, {0, "", {}, entry.damage}, true);
}

void name_unmeasured(SnapOutput& output, const std::string& name, const Size& size) {
  if (size.unreadable > 0)
    output.problem(name, {0, "", {}, fmt::format("{} entries could not be measured", grouped(size.unreadable))}, true);
}

}  // namespace

ExitCode run_snap_list(const Options& options) {
  SnapOutput output(options, stdout);
  const auto opened = open_store(options.paths[0], Store::Use::look);
  if (!opened) return output.refuse(opened.error());
  const auto measured = measure(opened->place, opened->store, opened->entries);
  if (!measured) return output.refuse(measured.error());
  if (!options.json && !opened->entries.empty())
    output.say(fmt::format("{:<20} {:>9} {:>10} {:>10} {:>10} {:>6}  {}", "snapshot", "files", "size", "on disk", "shared",
                           "saved", "tag"));
  for (std::size_t i = 0; i < opened->entries.size(); ++i) {
    const Entry& entry = opened->entries[i];
    const Size& size = measured->snapshots[i];
    if (options.json) {
      output.say(text_of(json_of(entry, size)));
    } else if (entry.damage.empty()) {
      output.say(fmt::format("{:<20} {:>9} {:>10} {:>10} {:>10} {:>5.1f}%  {}", entry.name, grouped(size.files),
                             human(size.apparent), human(size.on_disk), human(size.shared), saved(size), entry.summary.tag));
    }
    name_unmeasured(output, entry.name, size);
  }
  name_damages(output, opened->entries);
  if (opened->entries.empty() && !options.json && !options.quiet) output.say("no snapshots");
  return end(output);
}

ExitCode run_snap_stats(const Options& options) {
  SnapOutput output(options, stdout);
  const auto opened = open_store(options.paths[0], Store::Use::look);
  if (!opened) return output.refuse(opened.error());
  const auto measured = measure(opened->place, opened->store, opened->entries);
  if (!measured) return output.refuse(measured.error());
  const Size sum = sum_of(measured->snapshots);
  const auto tagged = std::ranges::count_if(opened->entries, [](const Entry& entry) { return !entry.summary.tag.empty(); });
  if (options.json) {
    Json object{{"snapshots", opened->entries.size()}, {"tagged", tagged}};
    object["tree"] = json_of(measured->tree);
    object["store"] = json_of(sum);
    output.say(text_of(object));
  } else {
    output.say(fmt::format("snapshots: {} ({} with a tag){}", opened->entries.size(), tagged,
                           opened->entries.empty()
                               ? std::string()
                               : fmt::format(", from {} to {}", opened->entries.front().name, opened->entries.back().name)));
    output.say(fmt::format("the tree as it is: {} files, {}", grouped(measured->tree.files), human(measured->tree.apparent)));
    output.say(fmt::format("all snapshots: {} files, {}", grouped(sum.files), human(sum.apparent)));
    output.say(fmt::format("on disk beside the tree: {}; {:.1f}% saved", human(sum.on_disk), saved(sum)));
  }
  name_unmeasured(output, options.paths[0], measured->tree);
  name_unmeasured(output, kVersionsName, sum);
  name_damages(output, opened->entries);
  return end(output);
}

ExitCode run_snap_tag(const Options& options) {
  SnapOutput output(options, stdout);
  const std::string tag = options.remove ? "" : options.paths[2];
  if (!options.remove && !snapshot::is_tag(tag))
    return output.refuse({0, "", tag, "is no tag: use up to 64 letters, digits and . _ - + @, a letter first"});
  auto opened = open_store(options.paths[0], Store::Use::change);
  if (!opened) return output.refuse(opened.error());
  auto entry = opened->store.choose(options.paths[1]);
  if (!entry) return output.refuse(std::move(entry).error().about(options.paths[0]));
  if (options.remove && entry->summary.tag.empty()) return output.refuse({0, "", entry->name, "has no tag"});
  if (auto set = opened->store.set_tag(*entry, tag); !set) return output.refuse(std::move(set).error().about(options.paths[0]));
  if (!options.quiet)
    output.say(options.remove ? fmt::format("{} has no tag any more ({})", entry->name, entry->summary.tag)
                              : fmt::format("{} has the tag {}", entry->name, tag));
  return end(output);
}

namespace {

snapshot::Rules rules_of(const Options& options) {
  const auto count = [](const std::optional<std::int64_t>& number) {
    return number ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
  };
  snapshot::Rules rules;
  if (options.older_than) rules.older_than_s = snapshot::parse_age(*options.older_than);
  rules.last = count(options.keep_last);
  rules.hourly = count(options.keep_hourly);
  rules.daily = count(options.keep_daily);
  rules.weekly = count(options.keep_weekly);
  rules.monthly = count(options.keep_monthly);
  rules.yearly = count(options.keep_yearly);
  rules.max_size = options.max_size;
  rules.tags = options.keep_tag;
  return rules;
}

}  // namespace

ExitCode run_snap_prune(const Options& options) {
  SnapOutput output(options, stdout);
  if (options.older_than && !snapshot::parse_age(*options.older_than))
    return output.refuse(
        {0, "", {}, fmt::format("--older-than={}: use a number and s, m, h, d or w, as 30d", *options.older_than)});
  const snapshot::Rules rules = rules_of(options);
  if (!rules.any())
    return output.refuse(
        {0, "", {}, "snap prune needs a rule: --older-than, --keep-last, --keep-daily and its like, or --max-size"});
  sys::catch_stop_signals();
  auto opened = open_store(options.paths[0], options.dry_run ? Store::Use::look : Store::Use::change);
  if (!opened) return output.refuse(opened.error());
  std::vector<Entry> entries;
  for (Entry& entry : opened->entries)  // what is damaged is named, and neither counted nor removed
    if (entry.damage.empty()) entries.push_back(entry);
  name_damages(output, opened->entries);
  std::vector<Size> sizes(entries.size());
  if (rules.max_size) {
    auto measured = measure(opened->place, opened->store, entries);
    if (!measured) return output.refuse(measured.error());
    sizes = std::move(measured->snapshots);
  }
  std::vector<snapshot::Candidate> candidates;
  for (std::size_t i = 0; i < entries.size(); ++i)
    candidates.push_back({.epoch = entries[i].epoch, .tag = entries[i].summary.tag, .size = sizes[i].on_disk});
  const std::vector<snapshot::Verdict> verdicts = snapshot::judge(candidates, rules, sys::wall_clock().tv_sec);

  std::uint64_t removed = 0;
  bool touched = false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (options.dry_run || options.verbose > 0)
      output.say(fmt::format("{:<6} {}  {}", verdicts[i].keep ? "keep" : "remove", entries[i].name, verdicts[i].reason));
    if (verdicts[i].keep || (sys::stop_requested() && !options.dry_run)) continue;
    ++removed;
    if (options.dry_run) continue;
    touched = true;
    if (auto gone = opened->store.remove(entries[i].name); !gone) {
      --removed;
      output.problem(entries[i].name, std::move(gone).error(), true);
    }
  }
  if (touched)
    if (auto written = opened->store.write_index(); !written)
      output.problem(snapshot::kIndexName, std::move(written).error(), true);
  if (!options.quiet)
    output.say(fmt::format("{} {}, {} kept", grouped(removed), options.dry_run ? "would be removed" : "removed",
                           grouped(entries.size() - removed)));
  if (sys::stop_requested()) return output.refuse({0, "", {}, "stopped: what was not reached stays"}, ExitCode::some_failed);
  return end(output);
}

ExitCode run_snap_rebuild_index(const Options& options) {
  SnapOutput output(options, stdout);
  auto opened = open_store(options.paths[0], Store::Use::change);
  if (!opened) return output.refuse(opened.error());
  if (auto written = opened->store.write_index(); !written)
    return output.refuse(std::move(written).error().about(snapshot::kIndexName));
  name_damages(output, opened->entries);
  if (!options.quiet)
    output.say(fmt::format("{} has {} snapshots", snapshot::kIndexName,
                           std::ranges::count_if(opened->entries, [](const Entry& entry) { return entry.damage.empty(); })));
  return end(output);
}

ExitCode run_snap_verify(const Options& options) {
  SnapOutput output(options, stdout);
  auto opened = open_store(options.paths[0], Store::Use::look);
  if (!opened) return output.refuse(opened.error());
  const std::uint64_t descriptors = sys::raise_open_file_limit();
  const auto wrong = [&](const std::string& name, std::string what) { output.problem(name, {0, "", {}, std::move(what)}, true); };
  name_damages(output, opened->entries);
  std::vector<snapshot::Summary> summaries;
  for (const Entry& entry : opened->entries) {
    if (!entry.damage.empty()) continue;
    summaries.push_back(entry.summary);
    auto tree = opened->store.tree(entry.name);
    if (!tree) {
      wrong(entry.name, tree.error().message());
      continue;
    }
    const Size size = snapshot::Measure(descriptors).add(std::move(*tree), entry.name);
    name_unmeasured(output, entry.name, size);
    if (size.files != entry.summary.files)
      wrong(entry.name,
            fmt::format("has {} files, and had {} when it was made", grouped(size.files), grouped(entry.summary.files)));
    else if (size.apparent != entry.summary.size)
      wrong(entry.name,
            fmt::format("has {} in its files, and had {} when it was made", human(size.apparent), human(entry.summary.size)));
  }
  auto strangers = opened->store.strangers();
  if (!strangers) return output.refuse(std::move(strangers).error().about(options.paths[0]));
  for (const std::string& name : *strangers) wrong(name, "is nothing that a store has; nobody reads it, and it may be removed");
  const auto index = opened->store.read_index();
  if (!index || *index != snapshot::index_json(summaries))
    wrong(snapshot::kIndexName, "does not say what is there; fxcp snap rebuild-index makes it anew");
  if (!options.quiet) output.say(fmt::format("{} snapshots, {} problems", opened->entries.size(), output.failures()));
  return end(output);
}

}  // namespace foxing::fxcp
