// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration: what is in config.toml, as plain data; and every mistake in it with file and line.
// config_keys.h is the table of what can stand there; docs/configuration.md is for people.   Not here: whether the paths can be used (`foxingd check` tries).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "foxingd/mirror/selection.h"

namespace foxing::foxingd {

struct TargetConfig {
  std::string path;
  bool must_be_mounted = false;
  friend bool operator==(const TargetConfig&, const TargetConfig&) = default;
};

struct SourceConfig {
  std::string path;
  std::vector<mirror::FilterRule> rules;
  std::vector<TargetConfig> targets;
  bool delete_anyway = false;
  friend bool operator==(const SourceConfig&, const SourceConfig&) = default;
};

struct Config {
  std::string file;
  unsigned worker_count = 0;  // 0: one a processor, at most 16
  std::size_t queue_max = 1'000'000;
  std::optional<std::chrono::seconds> sweep = std::chrono::hours(1);
  std::string capture = "auto";  // which source of events: a word of capture/choose.h
  std::chrono::seconds poll = std::chrono::seconds(10);
  bool self_test = false;
  std::string control_socket = "/run/foxingd/control.sock";
  std::string metrics = "127.0.0.1:9100";  // empty: none
  std::vector<SourceConfig> sources;
  friend bool operator==(const Config&, const Config&) = default;
};

/// "config.toml:12: worker_count must be a number"
struct Mistake {
  std::string file;
  unsigned line = 0;  // 0: of the file as a whole
  std::string what;
  std::string text() const;
};

struct ReadConfig {
  Config config;
  std::vector<Mistake> mistakes;  // all that were found; with one the configuration is not used
};
ReadConfig read_config(const std::string& path);
ReadConfig parse_config(std::string_view text, const std::string& file);

/// The first that exists; empty where none does.
std::string default_config_path();

}  // namespace foxing::foxingd
