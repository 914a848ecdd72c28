// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <toml++/toml.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>
#include <set>

#include "foxingd/capture/choose.h"
#include "sys/file.h"
#include "sys/stream.h"

namespace foxing::foxingd {
namespace {

constexpr std::size_t kLongestFile = 1 << 20;

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  ReadConfig read(const toml::table& root) {
    Config& config = result_.config;
    config.file = file_;
    know(root, "", {"worker_count", "queue_max", "sweep_minutes", "capture", "control_socket", "metrics", "sources"});
    config.worker_count = static_cast<unsigned>(number(root, "worker_count", 0, 0, 256));
    config.queue_max = static_cast<std::size_t>(number(root, "queue_max", 1'000'000, 1'000, 100'000'000));
    const auto sweep = number(root, "sweep_minutes", 60, 0, 60 * 24 * 365);
    config.sweep.reset();
    if (sweep > 0) config.sweep = std::chrono::minutes(sweep);
    config.capture = text(root, "capture", config.capture);
    if (!capture::is_word(config.capture))
      wrong(*root.get("capture"),
            fmt::format("there is no capture = '{}'; there are: {}", config.capture, fmt::join(capture::words(), ", ")));
    config.control_socket = text(root, "control_socket", config.control_socket);
    config.metrics = text(root, "metrics", config.metrics);
    for (const toml::table* table : tables(root, "sources")) config.sources.push_back(source(*table));
    if (config.sources.empty() && result_.mistakes.empty()) wrong(root, "there is no [[sources]]: nothing would be mirrored");
    check_paths();
    return std::move(result_);
  }

  ReadConfig failed(unsigned line, std::string what) {
    result_.mistakes.push_back({file_, line, std::move(what)});
    return std::move(result_);
  }

 private:
  SourceConfig source(const toml::table& table) {
    know(table, "[[sources]]", {"path", "exclude", "include", "delete_anyway", "targets"});
    SourceConfig source{.path = path(table, "[[sources]]"), .rules = {}, .targets = {}};
    // As `fxcp --include ... --exclude ...`: the first rule that matches counts, so what is included stands before what is excluded.
    for (std::string& pattern : texts(table, "include")) source.rules.push_back({true, std::move(pattern)});
    for (std::string& pattern : texts(table, "exclude")) source.rules.push_back({false, std::move(pattern)});
    source.delete_anyway = flag(table, "delete_anyway", false);
    for (const toml::table* target : tables(table, "targets")) {
      know(*target, "[[sources.targets]]", {"path"});
      source.targets.push_back({path(*target, "[[sources.targets]]")});
    }
    if (source.targets.empty()) wrong(table, "this source has no [[sources.targets]]");
    return source;
  }

  void check_paths() {
    std::set<std::string> targets, sources;
    for (const SourceConfig& source : result_.config.sources) {
      if (!source.path.empty() && !sources.insert(source.path).second)
        result_.mistakes.push_back(
            {file_, 0, fmt::format("source '{}' is there twice: give it several [[sources.targets]]", source.path)});
      for (const TargetConfig& target : source.targets)
        if (!target.path.empty() && !targets.insert(target.path).second)
          result_.mistakes.push_back(
              {file_, 0, fmt::format("target '{}' is there twice: two mirrors would undo each other", target.path)});
    }
  }

  void know(const toml::table& table, std::string_view where, std::initializer_list<std::string_view> keys) {
    for (const auto& [key, node] : table) {
      if (std::ranges::find(keys, key.str()) != keys.end()) continue;
      wrong(node, fmt::format("unknown key '{}'{}{}; there are: {}", key.str(), where.empty() ? "" : " in ", where,
                              fmt::join(keys, ", ")));
    }
  }

  std::int64_t number(const toml::table& table, std::string_view key, std::int64_t otherwise, std::int64_t least,
                      std::int64_t most) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return otherwise;
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < least || *value > most) {
      wrong(*node, fmt::format("{} must be a whole number from {} to {}", key, least, most));
      return otherwise;
    }
    return *value;
  }

  std::string text(const toml::table& table, std::string_view key, std::string otherwise) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return otherwise;
    const auto value = node->value_exact<std::string>();
    if (!value || value->find('\0') != std::string::npos) {
      wrong(*node, fmt::format("{} must be a text", key));
      return otherwise;
    }
    return *value;
  }

  bool flag(const toml::table& table, std::string_view key, bool otherwise) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return otherwise;
    const auto value = node->value_exact<bool>();
    if (!value) wrong(*node, fmt::format("{} must be true or false", key));
    return value.value_or(otherwise);
  }

  std::vector<std::string> texts(const toml::table& table, std::string_view key) {
    std::vector<std::string> values;
    const toml::node* node = table.get(key);
    if (node == nullptr) return values;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      wrong(*node, fmt::format("{} must be a list of texts", key));
      return values;
    }
    for (const toml::node& element : *array) {
      auto value = element.value_exact<std::string>();
      if (value && !value->empty()) {
        values.push_back(std::move(*value));
      } else {
        wrong(element, fmt::format("{} must be a list of texts", key));
      }
    }
    return values;
  }

  std::vector<const toml::table*> tables(const toml::table& table, std::string_view key) {
    std::vector<const toml::table*> found;
    const toml::node* node = table.get(key);
    if (node == nullptr) return found;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      wrong(*node, fmt::format("{} is a list of tables: write [[{}]]", key, key == "targets" ? "sources.targets" : key));
      return found;
    }
    for (const toml::node& element : *array) {
      if (const toml::table* one = element.as_table()) {
        found.push_back(one);
      } else {
        wrong(element, fmt::format("{} is a list of tables", key));
      }
    }
    return found;
  }

  std::string path(const toml::table& table, std::string_view where) {
    std::string value = text(table, "path", "");
    if (!table.contains("path")) {
      wrong(table, fmt::format("{} needs a path", where));
    } else if (!value.empty() && value.front() != '/') {
      wrong(*table.get("path"), fmt::format("'{}' is a relative path: write it from the root, beginning with /", value));
    } else if (value.empty()) {
      wrong(*table.get("path"), "path must be a text that is not empty");
    }
    while (value.size() > 1 && value.back() == '/') value.pop_back();
    return value;
  }

  void wrong(const toml::node& node, std::string what) {
    result_.mistakes.push_back({file_, static_cast<unsigned>(node.source().begin.line), std::move(what)});
  }

  const std::string file_;
  ReadConfig result_;
};

}  // namespace

std::string Mistake::text() const {
  return line == 0 ? fmt::format("{}: {}", file, what) : fmt::format("{}:{}: {}", file, line, what);
}

ReadConfig parse_config(std::string_view text, const std::string& file) {
  Reader reader(file);
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed)
    return reader.failed(static_cast<unsigned>(parsed.error().source().begin.line), std::string(parsed.error().description()));
  ReadConfig result = reader.read(parsed.table());
  std::ranges::stable_sort(result.mistakes, {}, &Mistake::line);
  return result;
}

ReadConfig read_config(const std::string& path) {
  Reader reader(path);
  const auto file = sys::open_at(sys::working_directory(), path, {.links = sys::Links::follow});
  if (!file) return reader.failed(0, file.error().message());
  std::string text(kLongestFile + 1, '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const auto got = sys::read_some(*file, std::as_writable_bytes(std::span(text).subspan(length)));
    if (!got) return reader.failed(0, got.error().message());
    if (*got == 0) break;
    length += *got;
  }
  if (length > kLongestFile) return reader.failed(0, "is longer than a configuration can be (1 MiB)");
  text.resize(length);
  return parse_config(text, path);
}

std::string default_config_path() {
  for (const char* path : {"/etc/foxing/config.toml", "/etc/foxing.toml"})
    if (sys::status_at(sys::working_directory(), path, sys::Links::follow)) return path;
  return {};
}

}  // namespace foxing::foxingd
