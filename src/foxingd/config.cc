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
#include <set>

#include "foxingd/config_keys.h"
#include "sys/file.h"

namespace foxing::foxingd {
namespace {

constexpr std::size_t kLongestFile = 1 << 20;

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  ReadConfig read(const toml::table& root) {
    Config& config = result_.config;
    config.file = file_;
    take(root, ConfigKey::Table::root, "sources", {config});
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
    SourceConfig source;
    take(table, ConfigKey::Table::source, "targets", {result_.config, &source});
    for (const toml::table* one : tables(table, "targets")) {
      TargetConfig target;
      take(*one, ConfigKey::Table::target, {}, {result_.config, &source, &target});
      source.targets.push_back(std::move(target));
    }
    if (source.targets.empty()) wrong(table, "this source has no [[sources.targets]]");
    return source;
  }

  /// The values of one table, by config_keys(); `inner` is the key of the tables in it.
  void take(const toml::table& table, ConfigKey::Table which, std::string_view inner, const ConfigPlace& place) {
    know(table, which, inner);
    for (const ConfigKey& key : config_keys()) {
      if (key.table != which) continue;
      const toml::node* const node = table.get(key.name);
      if (node == nullptr) {
        if (key.kind == ConfigKey::Kind::path) wrong(table, fmt::format("{} needs a {}", title_of(which), key.name));
        continue;
      }
      if (auto value = value_of(*node, key)) key.set(place, std::move(*value));
    }
  }

  std::optional<ConfigValue> value_of(const toml::node& node, const ConfigKey& key) {
    switch (key.kind) {
      case ConfigKey::Kind::number: return number(node, key);
      case ConfigKey::Kind::flag: return flag(node, key);
      case ConfigKey::Kind::text: return text(node, key);
      case ConfigKey::Kind::word: return word(node, key);
      case ConfigKey::Kind::texts: return texts(node, key);
      case ConfigKey::Kind::path: return path(node, key);
    }
    return std::nullopt;
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

  void know(const toml::table& table, ConfigKey::Table which, std::string_view inner) {
    std::vector<std::string_view> names;
    for (const ConfigKey& key : config_keys())
      if (key.table == which) names.push_back(key.name);
    if (!inner.empty()) names.push_back(inner);
    const std::string_view title = title_of(which);
    for (const auto& [key, node] : table) {
      if (std::ranges::find(names, key.str()) != names.end()) continue;
      wrong(node, fmt::format("unknown key '{}'{}{}; there are: {}", key.str(), title.empty() ? "" : " in ", title,
                              fmt::join(names, ", ")));
    }
  }

  std::optional<ConfigValue> number(const toml::node& node, const ConfigKey& key) {
    const auto value = node.value_exact<std::int64_t>();
    if (value && *value >= key.least && *value <= key.most) return *value;
    wrong(node, fmt::format("{} must be a whole number from {} to {}", key.name, key.least, key.most));
    return std::nullopt;
  }

  std::optional<ConfigValue> text(const toml::node& node, const ConfigKey& key) {
    auto value = node.value_exact<std::string>();
    if (value && value->find('\0') == std::string::npos) return std::move(*value);
    wrong(node, fmt::format("{} must be a text", key.name));
    return std::nullopt;
  }

  std::optional<ConfigValue> word(const toml::node& node, const ConfigKey& key) {
    const auto value = node.value_exact<std::string>();
    const auto words = key.words();
    if (value && std::ranges::find(words, *value) != words.end()) return *value;
    wrong(node, fmt::format("{} must be one of {}", key.name, fmt::join(words, ", ")));
    return std::nullopt;
  }

  std::optional<ConfigValue> flag(const toml::node& node, const ConfigKey& key) {
    if (const auto value = node.value_exact<bool>()) return *value;
    wrong(node, fmt::format("{} must be true or false", key.name));
    return std::nullopt;
  }

  std::optional<ConfigValue> texts(const toml::node& node, const ConfigKey& key) {
    std::vector<std::string> values;
    const std::size_t mistakes = result_.mistakes.size();
    const auto must_be = [&](const toml::node& at) { wrong(at, fmt::format("{} must be a list of texts", key.name)); };
    const toml::array* const array = node.as_array();
    if (array == nullptr) {
      must_be(node);
      return std::nullopt;
    }
    for (const toml::node& element : *array) {
      auto value = element.value_exact<std::string>();
      if (value && !value->empty()) {
        values.push_back(std::move(*value));
      } else {
        must_be(element);
      }
    }
    if (result_.mistakes.size() > mistakes) return std::nullopt;
    return values;
  }

  std::optional<ConfigValue> path(const toml::node& node, const ConfigKey& key) {
    auto value = node.value_exact<std::string>();
    if (!value || value->empty() || value->find('\0') != std::string::npos) {
      wrong(node, fmt::format("{} must be a text that is not empty", key.name));
      return std::nullopt;
    }
    if (value->front() != '/') {
      wrong(node, fmt::format("'{}' is a relative path: write it from the root, beginning with /", *value));
      return std::nullopt;
    }
    while (value->size() > 1 && value->back() == '/') value->pop_back();
    return std::move(*value);
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
