// SPDX-License-Identifier: GPL-2.0-or-later
#include "foxingd/options.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "foxingd/capture/choose.h"

namespace foxing::foxingd {
namespace {

struct CommandRow {
  std::string_view name;
  Command command;
  std::size_t least_paths;
  std::size_t most_paths;
  std::string_view options;  // letters of the options below that it knows
  std::string_view takes;
};

constexpr std::array<CommandRow, 13> kCommands{{
    {"daemon", Command::daemon, 0, 0, "c", "no path"},
    {"sync", Command::sync, 2, 2, "awdQCjeisS", "a SRC and a DST"},
    {"check", Command::check, 0, 0, "cp", "no path"},
    {"explain", Command::explain, 0, 2, "", "no path, or a SRC and a DST"},
    {"record", Command::record, 1, 1, "oT", "a SRC, and --output FILE"},
    {"replay", Command::replay, 3, 3, "djs", "a FILE, a SRC and a DST"},
    {"status", Command::status, 0, 0, "csJ", "no path"},
    {"flush", Command::flush, 0, 1, "cst", "the path of one target, or none"},
    {"pause", Command::pause, 1, 1, "cs", "the path of a target"},
    {"resume", Command::resume, 1, 1, "cs", "the path of a target"},
    {"metrics", Command::metrics, 0, 0, "cs", "no path"},
    {"help", Command::help, 0, 0, "", "no path"},
    {"version", Command::version, 0, 0, "", "no path"},
}};

tl::unexpected<Error> usage(std::string what) { return fail(0, "", {}, std::move(what) + "; foxingd --help tells more"); }

struct OptionRow {
  char letter;
  std::string_view short_name;
  std::string_view long_name;
  bool has_value;
  std::function<bool(Options&, std::string_view)> apply;  // false: this is no value for it
};

template <class Number>
bool read_number(std::string_view text, Number least, Number most, Number& into) {
  Number value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || value < least || value > most) return false;
  into = value;
  return true;
}

std::span<const OptionRow> option_table() {
  static const std::array<OptionRow, 15> kOptions{{
      {'c', "-c", "--config", true, [](Options& o, std::string_view value) { return o.config = value, !value.empty(); }},
      {'s', "", "--socket", true, [](Options& o, std::string_view value) { return o.socket = value, !value.empty(); }},
      {'a', "-a", "--archive", false, [](Options&, std::string_view) { return true; }},
      {'w', "", "--watch", false, [](Options& o, std::string_view) { return o.watch = true; }},
      {'d', "", "--delete-anyway", false, [](Options& o, std::string_view) { return o.delete_anyway = true; }},
      {'Q', "", "--limited-queue", false, [](Options& o, std::string_view) { return o.limited_queue = true; }},
      {'C', "", "--capture", true, [](Options& o, std::string_view value) { return o.capture = value, capture::is_word(value); }},
      {'p', "", "--self-test", false, [](Options& o, std::string_view) { return o.self_test = true; }},
      {'J', "", "--json", false, [](Options& o, std::string_view) { return o.json = true; }},
      {'j', "-j", "--jobs", true, [](Options& o, std::string_view value) { return read_number(value, 1u, 256u, o.jobs); }},
      {'e', "-e", "--exclude", true,
       [](Options& o, std::string_view value) { return o.exclude.emplace_back(value), !value.empty(); }},
      {'i', "", "--include", true,
       [](Options& o, std::string_view value) { return o.include.emplace_back(value), !value.empty(); }},
      {'o', "-o", "--output", true, [](Options& o, std::string_view value) { return o.output = value, !value.empty(); }},
      {'T', "", "--seconds", true,
       [](Options& o, std::string_view value) {
         unsigned seconds = 0;
         if (!read_number(value, 1u, 31'536'000u, seconds)) return false;
         o.duration = std::chrono::seconds(seconds);
         return true;
       }},
      {'t', "", "--timeout", true,
       [](Options& o, std::string_view value) {
         unsigned seconds = 0;
         if (!read_number(value, 1u, 86'400u, seconds)) return false;
         o.timeout = std::chrono::seconds(seconds);
         return true;
       }},
  }};
  return kOptions;
}

const CommandRow* command_named(std::string_view name) {
  if (name == "--help" || name == "-h") name = "help";
  if (name == "--version" || name == "-V") name = "version";
  for (const CommandRow& row : kCommands)
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
  Options options;
  if (argc < 2) return options;
  const CommandRow* command = command_named(argv[1]);
  if (command == nullptr) return usage(fmt::format("there is no command '{}'", argv[1]));
  options.command = command->command;
  bool only_paths = false;
  for (int at = 2; at < argc; ++at) {
    const std::string_view word = argv[at];
    if (only_paths || word.size() < 2 || word.front() != '-') {
      options.paths.emplace_back(word);
      continue;
    }
    if (word == "--") {
      only_paths = true;
      continue;
    }
    if (word == "--help" || word == "-h") {
      options.command = Command::help;
      return options;
    }
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
    const std::string_view name = word.substr(0, equals);
    const OptionRow* found = nullptr;
    for (const OptionRow& row : option_table())
      if (name == row.long_name || (!row.short_name.empty() && name == row.short_name)) found = &row;
    if (found == nullptr || command->options.find(found->letter) == std::string_view::npos)
      return usage(fmt::format("'{}' has no option '{}'", command->name, name));
    std::string_view value;
    if (equals != std::string_view::npos) {
      if (!found->has_value) return usage(fmt::format("{} has no value", name));
      value = word.substr(equals + 1);
    } else if (found->has_value) {
      if (++at == argc) return usage(fmt::format("{} needs a value", name));
      value = argv[at];
    }
    if (!found->apply(options, value)) return usage(fmt::format("'{}' is no value for {}", value, name));
  }
  const std::size_t paths = options.paths.size();
  const bool is_half =
      (command->command == Command::explain && paths == 1) || (command->command == Command::record && options.output.empty());
  if (paths < command->least_paths || paths > command->most_paths || is_half)
    return usage(fmt::format("{} takes {}", command->name, command->takes));
  return options;
}

std::string help_text() {
  return R"(foxingd keeps mirrors equal to their sources, as the sources change.

foxingd daemon [-c FILE]           mirrors what FILE says, until it is stopped
foxingd sync [-a] SRC DST          makes DST equal to SRC, once
foxingd sync [-a] --watch SRC DST  the same, and then follows SRC until it is stopped
foxingd check [-c FILE]            what is wrong with FILE, what would be mirrored, and which changes would be seen
        --self-test                and does each of them in a hidden directory of the source, to prove it
foxingd explain [SRC DST]          a configuration with every key, its meaning and its default
foxingd status [--json]            how far the running daemon is
foxingd flush [--timeout SECONDS] [TARGET]   waits until all that has happened until now is on the targets' disks
foxingd pause TARGET, resume TARGET
foxingd record -o FILE [--seconds N] SRC     what is heard of SRC, into a new FILE
foxingd replay FILE SRC DST        as sync, and then FILE is heard; with --socket PATH whenever foxingd flush asks for it
foxingd metrics                    what is told to Prometheus
foxingd help, version

sync:     -a, --archive         everything is kept: the only way there is
          --watch               follow
          -e, --exclude PATTERN, --include PATTERN   as rsync's; neither copied nor deleted
          -j, --jobs N          workers of a scan (one a processor)
          --delete-anyway       also from an empty source, or one on another filesystem than last time
          --capture SOURCE      what tells of changes: bpf-ctime, fanotify, poll; auto takes the first of them that works here
          --limited-queue       the kernel keeps 16384 events; what is beyond is found by a scan
others:   -c, --config FILE     /etc/foxing/config.toml, /etc/foxing.toml
          --socket PATH         of the running daemon

Exit codes: 0 all done, 1 some failed, 2 nothing done.  docs/configuration.md has the configuration.
)";
}

std::string version_text() { return fmt::format("foxingd {}\n", FOXING_VERSION); }

}  // namespace foxing::foxingd
