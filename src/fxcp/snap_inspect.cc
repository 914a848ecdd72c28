// SPDX-License-Identifier: GPL-2.0-or-later
// `fxcp snap inspect`: what an archive has, for people or as lines of JSON (docs/json.md, "fxcp.archive/1").
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "core/archive/manifest.h"
#include "fxcp/snap.h"

namespace foxing::fxcp {
namespace {

using archive::Archive;
using archive::Entry;
using archive::Item;
using archive::Snapshot;
using Json = nlohmann::ordered_json;

const char* type_of(const Entry& entry) { return entry.hard_link ? "hard link" : sys::name_of(entry.type); }

char letter_of(const Entry& entry) {
  if (entry.hard_link) return 'h';
  switch (entry.type) {
    case sys::FileType::directory: return 'd';
    case sys::FileType::symlink: return 'l';
    case sys::FileType::fifo: return 'p';
    case sys::FileType::socket: return 's';
    case sys::FileType::character_device: return 'c';
    case sys::FileType::block_device: return 'b';
    default: return '-';
  }
}

std::string time_text(const timespec& time) {
  std::tm parts{};
  ::gmtime_r(&time.tv_sec, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec, time.tv_nsec);
}

/// "" is the root.
std::string shown(const std::string& path) { return path.empty() ? "." : printable(path); }

std::string long_line(const Entry& entry) {
  std::string line = fmt::format("{}{:04o} {:>6} {:>6} {:>12} {} {}", letter_of(entry), static_cast<unsigned>(entry.mode),
                                 entry.owner, entry.group, entry.size, time_text(entry.modified), shown(entry.path));
  if (!entry.text.empty()) line += (entry.hard_link ? " = " : " -> ") + printable(entry.text);
  return line;
}

// ---- JSON

void put_bytes(Json& object, const std::string& key, const std::string& bytes) {
  object[key] = bytes;
  if (is_utf8(bytes)) return;
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  object[key + "_hex"] = hex;
}

std::string line_of(const Json& object) { return object.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json snapshot_json(const Snapshot& snapshot) {
  if (!snapshot.damage.empty()) return {{"id", snapshot.id}, {"damage", snapshot.damage}};
  return {{"id", snapshot.id},
          {"entries", snapshot.entries},
          {"files", snapshot.files},
          {"bytes", snapshot.content},
          {"new_bytes", snapshot.new_content},
          {"stored_bytes", snapshot.stored},
          {"chunks", snapshot.end_chunk - snapshot.first_chunk}};
}

Json archive_json(const Archive& archive) {
  Json object{{"type", "archive"},
              {"schema", "fxcp.archive/1"},
              {"format", fmt::format("{}.{}", archive::kMajor, archive.header().minor)}};
  object["size"] = archive.size();
  object["chunks"] = archive.footer().chunks;
  object["chunk_sizes"] = {{"least", archive.header().chunks.least},
                           {"average", archive.header().chunks.average},
                           {"most", archive.header().chunks.most}};
  object["end_is_whole"] = !archive.recovered();
  object["snapshots"] = Json::array();
  for (const Snapshot& snapshot : archive.snapshots()) object["snapshots"].push_back(snapshot_json(snapshot));
  return object;
}

Json entry_json(const Snapshot& snapshot, const Item& item) {
  const Entry& entry = item.entry;
  Json object{{"type", "entry"}, {"snapshot", snapshot.id}};
  put_bytes(object, "path", entry.path);
  object["file_type"] = type_of(entry);
  if (entry.hard_link) {
    put_bytes(object, "first_name", entry.text);
    return object;
  }
  object["mode"] = fmt::format("{:04o}", static_cast<unsigned>(entry.mode));
  object["owner"] = entry.owner;
  object["group"] = entry.group;
  object["modified"] = time_text(entry.modified);
  if (entry.type == sys::FileType::regular) object["size"] = entry.size;
  if (entry.type == sys::FileType::symlink) put_bytes(object, "target", entry.text);
  if (sys::is_device(entry.type)) object["device"] = {entry.major, entry.minor};
  if (!entry.attributes.empty()) {
    object["attributes"] = Json::array();
    for (const auto& [name, value] : entry.attributes) {
      Json attribute;
      put_bytes(attribute, "name", name);
      attribute["size"] = value.size();
      object["attributes"].push_back(std::move(attribute));
    }
  }
  return object;
}

// ---- One entry

Result<> describe(SnapOutput& output, Archive& archive, const Snapshot& snapshot, const Item& item, bool json) {
  Json object = entry_json(snapshot, item);
  if (!json) {
    output.say(long_line(item.entry));
    for (const auto& [name, value] : item.entry.attributes)
      output.say(fmt::format("  attribute {}: {} bytes", printable(name), value.size()));
  }
  object["content"] = Json::array();
  std::uint64_t at = 0;
  for (const archive::Run& run : item.content) {
    if (run.is_hole()) {
      if (json) object["content"].push_back({{"at", at}, {"hole", run.count}});
      if (!json) output.say(fmt::format("  {:>12} hole of {}", at, grouped(run.count)));
      at += run.count;
      continue;
    }
    for (std::uint64_t number = run.first; number < run.first + run.count; ++number) {
      const archive::Placed placed = FOX_TRY(archive.place(number));
      if (json) {
        object["content"].push_back({{"at", at},
                                     {"size", placed.raw_size},
                                     {"chunk", number},
                                     {"blake3", placed.id.hex()},
                                     {"offset", placed.offset},
                                     {"stored", placed.stored_size}});
      } else {
        output.say(fmt::format("  {:>12} {:>8} bytes, chunk {}, {} stored at {}, BLAKE3 {}", at, placed.raw_size, number,
                               placed.stored_size, placed.offset, placed.id.hex()));
      }
      at += placed.raw_size;
    }
  }
  if (json) output.say(line_of(object));
  return {};
}

void say_archive(SnapOutput& output, const Archive& archive) {
  const auto& sizes = archive.header().chunks;
  output.say(fmt::format("FXAR {}.{}, {}, {} chunks of {} to {}, on average {}", archive::kMajor, archive.header().minor,
                         human(Bytes(archive.size())), grouped(archive.footer().chunks), human(Bytes(sizes.least)),
                         human(Bytes(sizes.most)), human(Bytes(sizes.average))));
  for (const Snapshot& snapshot : archive.snapshots()) {
    if (!snapshot.damage.empty()) {
      output.say(fmt::format("{}  {}", snapshot.id.empty() ? "(its name is lost)" : snapshot.id, snapshot.damage));
      continue;
    }
    output.say(fmt::format("{}  {:>9} entries  {:>9} files  {:>10}  {:>10} new  {:>10} stored", snapshot.id,
                           grouped(snapshot.entries), grouped(snapshot.files), human(Bytes(snapshot.content)),
                           human(Bytes(snapshot.new_content)), human(Bytes(snapshot.stored))));
  }
}

Result<> inspect(const Options& options, SnapOutput& output) {
  const std::string& path = options.paths[0];
  Archive archive = FOX_TRY(open_archive(path));
  if (archive.recovered())
    output.problem(path, {0, "", {}, "its end is missing or damaged; what is said was found out from its records"}, false);
  if (options.json && !options.file) output.say(line_of(archive_json(archive)));
  if (!options.file && !options.list && !options.date) {
    if (!options.json) say_archive(output, archive);
    return {};
  }
  const Snapshot& snapshot = *FOX_TRY(choose_snapshot(archive, options, path));
  if (options.file) {
    std::string wanted = *options.file;
    while (wanted.starts_with('/')) wanted.erase(0, 1);
    const auto item = FOX_TRY(archive::find_entry(archive, snapshot, wanted == "." ? "" : wanted));
    if (!item) return fail(0, "", path, fmt::format("has no '{}' in snapshot {}", printable(*options.file), snapshot.id));
    return describe(output, archive, snapshot, *item, options.json);
  }
  if (!options.list) {
    if (!options.json) say_archive(output, archive);
    return {};
  }
  archive::EntryCursor cursor(archive, snapshot);
  while (const auto item = FOX_TRY(cursor.next_entry())) {
    if (options.json) {
      output.say(line_of(entry_json(snapshot, *item)));
    } else {
      output.say(options.verbose > 0 ? long_line(item->entry) : shown(item->entry.path));
    }
  }
  return {};
}

}  // namespace

ExitCode run_inspect(const Options& options) {
  SnapOutput output(options, stdout);
  if (auto done = inspect(options, output); !done) return output.refuse(std::move(done).error().about(options.paths[0]));
  return output.flush() ? ExitCode::all_done : ExitCode::some_failed;
}

}  // namespace foxing::fxcp
