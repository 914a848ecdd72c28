// SPDX-License-Identifier: GPL-2.0-or-later
#include "fxcp/json_lines.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "sys/status.h"

namespace foxing::fxcp::json {
namespace {

using Object = nlohmann::ordered_json;

/// Names are bytes, JSON is Unicode: where a name is not UTF-8 `key` shows it with replacement characters and `key`_hex has its bytes.
void put_name(Object& object, const std::string& key, const std::string& name) {
  object[key] = name;
  if (is_utf8(name)) return;
  std::string hex;
  for (const char byte : name) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  object[key + "_hex"] = hex;
}

std::string line(const Object& object) { return object.dump(-1, ' ', false, Object::error_handler_t::replace); }

std::string now() {
  const auto time = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

void put_error(Object& object, const Error& error) {
  if (!error.subject.empty()) put_name(object, "path", error.subject);
  object["message"] = error.message();
  if (error.operation[0] != '\0') object["operation"] = error.operation;
  if (error.code != 0) object["errno"] = errno_name(error.code);
}

const char* name_of(copy::FileEvent::Action action) {
  switch (action) {
    case copy::FileEvent::Action::copied: return "copied";
    case copy::FileEvent::Action::linked: return "linked";
    case copy::FileEvent::Action::renamed: return "renamed";
    case copy::FileEvent::Action::symlink: return "symlink";
    case copy::FileEvent::Action::special: return "special";
    case copy::FileEvent::Action::directory: return "directory";
    case copy::FileEvent::Action::attributes: return "attributes";
    case copy::FileEvent::Action::unchanged: return "unchanged";
    case copy::FileEvent::Action::deleted: return "deleted";
    case copy::FileEvent::Action::removed: return "removed";
  }
  return "?";
}

Object changes(const copy::Changes& found) {
  Object names = Object::array();
  const std::pair<bool, const char*> all[] = {{found.created, "created"}, {found.content, "content"}, {found.size, "size"},
                                              {found.modified, "mtime"},  {found.accessed, "atime"},  {found.mode, "mode"},
                                              {found.owner, "owner"},     {found.group, "group"},     {found.acls, "acl"},
                                              {found.xattrs, "xattr"}};
  for (const auto& [is, name] : all)
    if (is) names.push_back(name);
  return names;
}

Object sources_of(const Options& options) {
  Object sources = Object::array();
  for (const std::string& source : options.sources) {
    Object one;
    put_name(one, "path", source);
    sources.push_back(std::move(one));
  }
  return sources;
}

}  // namespace

std::string start(const Options& options, unsigned workers) {
  Object object{
      {"type", "start"}, {"schema", "fxcp/1"}, {"version", FOXING_VERSION}, {"time", now()}, {"dry_run", options.dry_run}};
  object["sources"] = sources_of(options);
  put_name(object, "destination", options.target_directory ? *options.target_directory : options.destination);
  object["workers"] = workers;
  return line(object);
}

std::string refusal(const Error& error) {
  Object object{{"type", "refused"}};
  put_error(object, error);
  object["exit_code"] = static_cast<int>(ExitCode::nothing_done);
  return line(object);
}

std::string problem(const copy::Problem& problem) {
  Object object{{"type", problem.failure ? "failure" : "warning"}, {"kind", copy::name_of(problem.kind)}};
  put_error(object, problem.error);
  return line(object);
}

std::string file(const copy::FileEvent& event, bool dry_run) {
  Object object{{"type", "file"}, {"action", name_of(event.action)}};
  put_name(object, "path", event.path);
  object["file_type"] = sys::name_of(event.type);
  if (event.changes.any()) object["changes"] = changes(event.changes);
  if (event.action == copy::FileEvent::Action::renamed) put_name(object, "from", event.from);
  if (event.action != copy::FileEvent::Action::copied) return line(object);
  object["bytes"] = event.size.value;
  if (dry_run) return line(object);
  object["tier"] = copy::name_of(event.tier);
  object["why"] = event.why;
  Object attempts = Object::array();
  for (const copy::Attempt& attempt : event.attempts) {
    Object one{{"tier", copy::name_of(attempt.tier)}};
    if (attempt.code != 0) one["errno"] = errno_name(attempt.code);
    attempts.push_back(std::move(one));
  }
  object["attempts"] = std::move(attempts);
  return line(object);
}

std::string progress(const ProgressState& state) {
  Object object{{"type", "progress"}, {"elapsed_s", state.elapsed.count()}, {"files", state.files}, {"bytes", state.bytes.value}};
  if (state.total_files > 0) {
    object["total_files"] = state.total_files;
    object["total_bytes"] = state.total_bytes.value;
    object["totals_are_final"] = state.totals_are_final;
  }
  if (const double left = seconds_left(state); left >= 0) object["eta_s"] = left;
  return line(object);
}

std::string summary(const copy::Counters& counters, const RunEnd& run, std::uint64_t failures, std::uint64_t notes,
                    bool dry_run) {
  Object object{{"type", "summary"},
                {"exit_code", static_cast<int>(run.exit_code)},
                {"dry_run", dry_run},
                {"interrupted", run.interrupted},
                {"elapsed_s", run.elapsed.count()},
                {"entries", counters.entries.load()},
                {"files", counters.files.load()},
                {"directories", counters.directories.load()},
                {"symlinks", counters.symlinks.load()},
                {"specials", counters.specials.load()},
                {"hard_links", counters.hard_links.load()},
                {"unchanged", counters.unchanged.load()},
                {"updated", counters.updated.load()},
                {"pruned", counters.pruned.load()},
                {"renamed", counters.renamed.load()},
                {"signatures_written", counters.signed_files.load()},
                {"hashes_written", counters.hashed_directories.load()},
                {"signatures_ignored", counters.signatures_ignored.load()},
                {"skipped", counters.skipped.load()},
                {"deleted", counters.deleted.load()},
                {"delta_files", counters.delta_files.load()},
                {"delta_spared_bytes", counters.delta_spared.load()},
                {"codec_files", counters.packed_files.load()},
                {"codec_bytes_read", counters.packed_read.load()},
                {"codec_bytes_made", counters.packed_made.load()},
                {"bytes", counters.bytes.load()},
                {"bytes_moved", counters.bytes_moved.load()},
                {"retries", counters.retries.load()},
                {"litter_removed", counters.litter.load()},
                {"sources_removed", counters.sources_removed.load()},
                {"failures", failures},
                {"warnings", notes}};
  Object tiers;
  for (std::size_t tier = 0; tier < copy::kTiers; ++tier)
    tiers[copy::name_of(static_cast<copy::Tier>(tier))] = counters.by_tier[tier].load();
  object["files_by_tier"] = std::move(tiers);
  if (run.no_space) {
    object["no_space"] = true;
    if (run.missing_space > Bytes(0)) object["missing_bytes"] = run.missing_space.value;
  }
  return line(object);
}

std::string cleanup_summary(std::uint64_t removed, std::uint64_t kept, bool dry_run) {
  return line({{"type", "summary"}, {"dry_run", dry_run}, {"litter_removed", removed}, {"litter_kept", kept}});
}

std::string list_start(const Options& options) {
  Object object{{"type", "start"}, {"schema", "fxcp.list/1"}, {"version", FOXING_VERSION}, {"time", now()}};
  object["sources"] = sources_of(options);
  return line(object);
}

std::string list_entry(const Listed& entry) {
  const sys::FileStatus& status = entry.status;
  Object object{{"type", "entry"}};
  put_name(object, "path", entry.path);
  object["file_type"] = sys::name_of(status.type());
  object["mode"] = fmt::format("{:04o}", status.permissions());
  object["owner"] = status.owner();
  object["group"] = status.group();
  object["bytes"] = status.size().value;
  object["modified"] = sys::to_text(status.modified());
  if (entry.link) put_name(object, "link", *entry.link);
  return line(object);
}

std::string list_summary(const ListSum& sum, ExitCode exit_code) {
  return line({{"type", "summary"},
               {"exit_code", static_cast<int>(exit_code)},
               {"interrupted", sum.interrupted},
               {"elapsed_s", sum.elapsed.count()},
               {"entries", sum.entries},
               {"bytes", sum.bytes},
               {"failures", sum.failures},
               {"warnings", sum.warnings}});
}

}  // namespace foxing::fxcp::json
