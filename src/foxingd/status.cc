// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/status.h"

#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace foxing::foxingd {
namespace {

using Json = nlohmann::ordered_json;
using mirror::ReplicaStatus;

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

double as_of(const ReplicaStatus& status) {
  return status.equal_as_of ? std::chrono::duration<double>(status.equal_as_of->time_since_epoch()).count() : 0;
}

/// Numbers of a replica: the one list, for JSON and for Prometheus.
struct Row {
  const char* key;     // in JSON
  const char* metric;  // foxing_...
  const char* type;
  const char* help;
  double (*value)(const ReplicaStatus&);
};

template <class Number>
double number(Number value) {
  return static_cast<double>(value);
}

constexpr Row kRows[] = {
    {"pending", "foxing_pending_names", "gauge", "Names that have to be looked at.",
     [](const ReplicaStatus& s) { return number(s.pending); }},
    {"retrying", "foxing_retrying_names", "gauge", "Names that failed and are tried again later.",
     [](const ReplicaStatus& s) { return number(s.retrying); }},
    {"lag_seconds", "foxing_replication_lag_seconds", "gauge", "How long the oldest pending name has waited.",
     [](const ReplicaStatus& s) { return seconds(s.lag); }},
    {"equal_as_of", "foxing_equal_as_of_timestamp_seconds", "gauge", "When nothing was pending the last time.", as_of},
    {"directories", "foxing_directories", "gauge", "Directories in the table.",
     [](const ReplicaStatus& s) { return number(s.directories); }},
    {"linked_names", "foxing_linked_names", "gauge", "Names of files with more than one link.",
     [](const ReplicaStatus& s) { return number(s.linked_names); }},
    {"given_up", "foxing_given_up_names", "gauge", "Names given up until the next scan.",
     [](const ReplicaStatus& s) { return number(s.failures); }},
    {"given_up_doubts", "foxing_given_up_doubts_total", "counter",
     "Files that changed silently, and are compared only when their status changes.",
     [](const ReplicaStatus& s) { return number(s.doubts_given_up); }},
    {"scans", "foxing_scans_total", "counter", "Looks at everything: at the start, after lost events, sweeps.",
     [](const ReplicaStatus& s) { return number(s.scans); }},
    {"events", "foxing_events_total", "counter", "Events heard.", [](const ReplicaStatus& s) { return number(s.heard.heard); }},
    {"own_events", "foxing_own_events_total", "counter", "Events of foxingd itself, left out.",
     [](const ReplicaStatus& s) { return number(s.heard.own); }},
    {"left_out", "foxing_left_out_events_total", "counter", "Events of a recording whose directory the source has no more.",
     [](const ReplicaStatus& s) { return number(s.heard.left_out); }},
    {"lost", "foxing_event_overflows_total", "counter", "Times that the kernel lost events.",
     [](const ReplicaStatus& s) { return number(s.heard.lost); }},
    {"overflows", "foxing_pending_overflows_total", "counter", "Times that queue_max was reached or events were lost.",
     [](const ReplicaStatus& s) { return number(s.merged.overflows); }},
    {"merged", "foxing_merged_names_total", "counter", "Names heard of while they were pending already.",
     [](const ReplicaStatus& s) { return number(s.merged.merged); }},
    {"outside", "foxing_outside_names_total", "counter", "Names outside of the source.",
     [](const ReplicaStatus& s) { return number(s.done.outside); }},
    {"looked_at", "foxing_looked_at_names_total", "counter", "Names looked at.",
     [](const ReplicaStatus& s) { return number(s.done.looked_at); }},
    {"synchronised", "foxing_synchronised_names_total", "counter", "Names compared and made equal.",
     [](const ReplicaStatus& s) { return number(s.done.synchronised); }},
    {"removed", "foxing_removed_names_total", "counter", "Names that the source has no more.",
     [](const ReplicaStatus& s) { return number(s.done.removed); }},
    {"made_directories", "foxing_made_directories_total", "counter", "Directories made.",
     [](const ReplicaStatus& s) { return number(s.done.directories); }},
    {"renames", "foxing_renames_total", "counter", "Renames done as renames.",
     [](const ReplicaStatus& s) { return number(s.done.renames); }},
    {"exchanges", "foxing_exchanges_total", "counter", "Renames done as exchanges.",
     [](const ReplicaStatus& s) { return number(s.done.exchanges); }},
    {"put_off", "foxing_put_off_names_total", "counter", "Times that a name waited for another event.",
     [](const ReplicaStatus& s) { return number(s.done.put_off); }},
    {"searches", "foxing_link_searches_total", "counter", "Searches of the source for the names of a file.",
     [](const ReplicaStatus& s) { return number(s.done.searches); }},
    {"repaired", "foxing_repaired_directories_total", "counter", "Directories that the target had lost.",
     [](const ReplicaStatus& s) { return number(s.done.repaired); }},
    {"files", "foxing_files_copied_total", "counter", "Regular files whose content was copied.",
     [](const ReplicaStatus& s) { return number(s.files); }},
    {"bytes", "foxing_bytes_copied_total", "counter", "Bytes read and written.",
     [](const ReplicaStatus& s) { return number(s.bytes); }},
    {"batches", "foxing_batches_total", "counter", "Batches of names.", [](const ReplicaStatus& s) { return number(s.batches); }},
    {"busy_seconds", "foxing_busy_seconds_total", "counter", "Time spent on batches.",
     [](const ReplicaStatus& s) { return seconds(s.busy); }},
};

std::string label(std::string_view text) {
  std::string escaped;
  for (const char byte : printable(text)) {
    if (byte == '"' || byte == '\\') escaped += '\\';
    escaped += byte;
  }
  return escaped;
}

std::string formatted(double value) {
  return value == static_cast<double>(static_cast<std::int64_t>(value)) ? fmt::format("{}", static_cast<std::int64_t>(value))
                                                                        : fmt::format("{:.6f}", value);
}

}  // namespace

std::string status_json(const std::vector<Reported>& replicas) {
  Json list = Json::array();
  for (const auto& [status, coverage] : replicas) {
    Json one{{"source", status.source},
             {"target", status.target},
             {"state", mirror::name_of(status.state)},
             {"why", status.why},
             {"capture", status.heard_by}};
    for (const Row& row : kRows) {
      const double value = row.value(status);
      const auto whole = static_cast<std::int64_t>(value);
      if (static_cast<double>(whole) == value) {
        one[row.key] = whole;
      } else {
        one[row.key] = value;
      }
    }
    Json unseen = Json::array();
    for (std::size_t i = 0; i < capture::kOperations; ++i)
      if (!coverage.sees(static_cast<capture::Operation>(i)))
        unseen.push_back(capture::name_of(static_cast<capture::Operation>(i)));
    one["not_heard_of"] = unseen;
    list.push_back(std::move(one));
  }
  const Json all{{"ok", true}, {"schema", "foxingd/1"}, {"replicas", std::move(list)}};
  return all.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string status_text(const std::string& json) {
  const Json all = Json::parse(json, nullptr, false);
  std::string text;
  if (!all.is_object() || !all.contains("replicas")) return text;
  for (const Json& one : all["replicas"]) {
    text += fmt::format("{} -> {}\n  {}{}; {} pending, {} retrying, {} given up, lag {:.3f} s\n",
                        printable(one.value("source", "")), printable(one.value("target", "")), one.value("state", ""),
                        one.value("why", "").empty() ? "" : ": " + printable(one.value("why", "")), one.value("pending", 0),
                        one.value("retrying", 0), one.value("given_up", 0), one.value("lag_seconds", 0.0));
    text += fmt::format("  {} names synchronised, {} renames, {} removed, {} scans, {} times events were lost\n",
                        one.value("synchronised", 0), one.value("renames", 0), one.value("removed", 0), one.value("scans", 0),
                        one.value("lost", 0));
  }
  return text;
}

std::string metrics_text(const std::vector<Reported>& replicas) {
  std::string text;
  const auto labels = [](const ReplicaStatus& status) {
    return fmt::format("source=\"{}\",target=\"{}\"", label(status.source), label(status.target));
  };
  for (const Row& row : kRows) {
    text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", row.metric, row.help, row.metric, row.type);
    for (const auto& [status, coverage] : replicas)
      text += fmt::format("{}{{{}}} {}\n", row.metric, labels(status), formatted(row.value(status)));
  }
  text += "# HELP foxing_state 1 for the state that a replica is in.\n# TYPE foxing_state gauge\n";
  for (const auto& [status, coverage] : replicas)
    text += fmt::format("foxing_state{{{},state=\"{}\"}} 1\n", labels(status), mirror::name_of(status.state));
  text +=
      "# HELP foxing_capture_coverage 1 where the source of events hears of the operation.\n# TYPE foxing_capture_coverage "
      "gauge\n";
  for (const auto& [status, coverage] : replicas) {
    for (std::size_t i = 0; i < capture::kOperations; ++i) {
      const auto operation = static_cast<capture::Operation>(i);
      text += fmt::format("foxing_capture_coverage{{{},op=\"{}\"}} {}\n", labels(status), capture::name_of(operation),
                          coverage.sees(operation) ? 1 : 0);
    }
  }
  return text;
}

}  // namespace foxing::foxingd
