// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/config_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "foxingd/capture/choose.h"

namespace foxing::foxingd {
namespace {

using Table = ConfigKey::Table;
using Kind = ConfigKey::Kind;

std::int64_t number(ConfigValue& value) { return std::get<std::int64_t>(value); }
std::string text(ConfigValue& value) { return std::move(std::get<std::string>(value)); }

void add_rules(const ConfigPlace& place, ConfigValue& patterns, bool include) {
  for (std::string& pattern : std::get<std::vector<std::string>>(patterns)) place.source->rules.push_back({include, pattern});
}

// `include` stands before `exclude`: as in `fxcp --include ... --exclude ...` the first rule that matches counts.
constexpr std::array kKeys{
    ConfigKey{
        Table::root, "worker_count", Kind::number, 0, 256, "0", "Workers of a scan.  0: one a processor, at most 16.",
        [](const ConfigPlace& place, ConfigValue&& value) { place.config.worker_count = static_cast<unsigned>(number(value)); }},
    ConfigKey{
        Table::root, "queue_max", Kind::number, 1'000, 100'000'000, "1000000",
        "Names that may wait.  Beyond it they are forgotten, and everything is looked at.",
        [](const ConfigPlace& place, ConfigValue&& value) { place.config.queue_max = static_cast<std::size_t>(number(value)); }},
    ConfigKey{Table::root, "sweep_minutes", Kind::number, 0, 60 * 24 * 365, "60",
              "How often everything is looked at for what no event tells.  0: never.",
              [](const ConfigPlace& place, ConfigValue&& value) {
                place.config.sweep.reset();
                if (number(value) > 0) place.config.sweep = std::chrono::minutes(number(value));
              }},
    ConfigKey{Table::root, "capture", Kind::word, 0, 0, "\"auto\"", "What tells of changes.  auto: the first of the others that works here.",
              [](const ConfigPlace& place, ConfigValue&& value) { place.config.capture = text(value); }, nullptr, capture::words},
    ConfigKey{Table::root, "poll_seconds", Kind::number, 1, 86'400, "10",
              "Of capture by poll: how long it rests between two looks.  `foxingd flush` has it look at once.",
              [](const ConfigPlace& place, ConfigValue&& value) { place.config.poll = std::chrono::seconds(number(value)); }},
    ConfigKey{Table::root, "self_test", Kind::flag, 0, 0, "false",
              "true: at the start every operation is done in a hidden directory of each source, and what is believed to be heard "
              "of must be.",
              [](const ConfigPlace& place, ConfigValue&& value) { place.config.self_test = std::get<bool>(value); }},
    ConfigKey{Table::root, "control_socket", Kind::text, 0, 0, "\"/run/foxingd/control.sock\"",
              "Where `foxingd status`, flush, pause and resume reach the daemon.  \"\": nowhere.",
              [](const ConfigPlace& place, ConfigValue&& value) { place.config.control_socket = text(value); },
              [](const Config& one, const Config& other) { return one.control_socket == other.control_socket; }},
    ConfigKey{Table::root, "metrics", Kind::text, 0, 0, "\"127.0.0.1:9100\"",
              "Where Prometheus reads /metrics, and who watches reads /healthz.  \"\": nowhere.",
              [](const ConfigPlace& place, ConfigValue&& value) { place.config.metrics = text(value); },
              [](const Config& one, const Config& other) { return one.metrics == other.metrics; }},

    ConfigKey{Table::source, "path", Kind::path, 0, 0, "/srv/data", "What is mirrored.  A path begins with /.",
              [](const ConfigPlace& place, ConfigValue&& value) { place.source->path = text(value); }},
    ConfigKey{Table::source, "include", Kind::texts, 0, 0, "[]",
              "rsync's patterns.  These stand before those of `exclude`, and the first that matches counts.",
              [](const ConfigPlace& place, ConfigValue&& value) { add_rules(place, value, true); }},
    ConfigKey{Table::source, "exclude", Kind::texts, 0, 0, "[]",
              "What is neither mirrored nor deleted from the targets: [\"*.iso\", \"/cache/\"].",
              [](const ConfigPlace& place, ConfigValue&& value) { add_rules(place, value, false); }},
    ConfigKey{Table::source, "delete_anyway", Kind::flag, 0, 0, "false",
              "true: also from an empty source, and from another filesystem than last time.",
              [](const ConfigPlace& place, ConfigValue&& value) { place.source->delete_anyway = std::get<bool>(value); }},

    ConfigKey{Table::target, "path", Kind::path, 0, 0, "/mnt/mirror/data",
              "Where to.  It is made where its directory is there.  A source may have several targets: write this table again.",
              [](const ConfigPlace& place, ConfigValue&& value) { place.target->path = text(value); }},
    ConfigKey{Table::target, "must_be_mounted", Kind::flag, 0, 0, "false",
              "true: something must be mounted at the target, or at the directory it lies in.",
              [](const ConfigPlace& place, ConfigValue&& value) { place.target->must_be_mounted = std::get<bool>(value); }},
};

/// A basic string of TOML.
std::string quoted(std::string_view bytes) {
  std::string text = "\"";
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    if (byte == '"' || byte == '\\') text += '\\';
    if (code < 0x20 || code == 0x7F) {
      text += fmt::format("\\u{:04X}", code);
    } else {
      text += byte;
    }
  }
  return text + '"';
}

std::string explained(const ConfigKey& key, std::string_view path) {
  std::string text = fmt::format("# {}", key.help);
  if (key.kind == Kind::number) text += fmt::format("  From {} to {}.", key.least, key.most);
  if (key.words != nullptr) text += fmt::format("  One of {}.", fmt::join(key.words(), ", "));
  if (key.same != nullptr) text += "  Only a restart changes it.";
  const std::string value = key.kind != Kind::path ? std::string(key.otherwise) : quoted(path.empty() ? key.otherwise : path);
  return fmt::format("{}\n{} = {}\n", text, key.name, value);
}

}  // namespace

std::span<const ConfigKey> config_keys() { return kKeys; }

std::string_view title_of(Table table) {
  switch (table) {
    case Table::root: return "";
    case Table::source: return "[[sources]]";
    case Table::target: return "[[sources.targets]]";
  }
  return "";
}

std::string explain_text(std::string_view source, std::string_view target) {
  std::string text =
      "# The configuration of foxingd: /etc/foxing/config.toml, /etc/foxing.toml, or what --config names.\n"
      "# Every key is here with what it is where it is left out.  `foxingd check` finds mistakes; SIGHUP makes the daemon read "
      "it again.\n";
  auto table = Table::root;
  for (const ConfigKey& key : config_keys()) {
    if (key.table != table) text += fmt::format("\n{}\n", title_of(table = key.table));
    text += (text.ends_with("]]\n") ? "" : "\n") + explained(key, table == Table::target ? target : source);
  }
  return text;
}

std::vector<std::string_view> waiting_for_restart(const Config& running, const Config& wanted) {
  std::vector<std::string_view> names;
  for (const ConfigKey& key : config_keys())
    if (key.same != nullptr && !key.same(running, wanted)) names.push_back(key.name);
  return names;
}

}  // namespace foxing::foxingd
