// SPDX-License-Identifier: GPL-2.0-or-later
// The keys of the configuration, in one table: what config.cc accepts is what `foxingd explain` explains.
//
//   from  config.cc (values that it has checked by this table), main.cc (explain)        to  Config, text
//
// Holds. Every key has a row here, and nothing else is accepted.  `otherwise` is what Config has by itself: foxingd_test.cc reads explain's text back.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "foxingd/config.h"

namespace foxing::foxingd {

/// Where a value goes; `source` and `target` are there in their tables only.
struct ConfigPlace {
  Config& config;
  SourceConfig* source = nullptr;
  TargetConfig* target = nullptr;
};
using ConfigValue = std::variant<std::int64_t, bool, std::string, std::vector<std::string>>;

struct ConfigKey {
  enum class Table : unsigned char { root, source, target };
  enum class Kind : unsigned char {
    number,
    flag,
    text,
    word,  // one of `words`
    texts,
    path  // must be there, and begins with /
  };
  Table table;
  std::string_view name;
  Kind kind;
  std::int64_t least;  // of a number
  std::int64_t most;
  std::string_view otherwise;  // in TOML, where the key is not there; of a path: an example
  std::string_view help;  // lines for explain
  void (*set)(const ConfigPlace&, ConfigValue&&);
  /// Of a key that only a restart changes: whether both say the same.
  bool (*same)(const Config&, const Config&) = nullptr;
  std::vector<std::string_view> (*words)() = nullptr;
};

std::span<const ConfigKey> config_keys();
/// "[[sources]]"; empty for the file itself.
std::string_view title_of(ConfigKey::Table table);

/// A configuration with every key, what it means and its default.  With paths for one mirror, else with examples of them.
std::string explain_text(std::string_view source = {}, std::string_view target = {});

/// The names of the keys that only a restart changes, and that differ.
std::vector<std::string_view> waiting_for_restart(const Config& running, const Config& wanted);

}  // namespace foxing::foxingd
